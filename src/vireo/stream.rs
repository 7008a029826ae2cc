// SPDX-License-Identifier: GPL-2.0

//! The sensor at work: a frame whenever one is due.

use super::{
    device::{
        Camera,
        Settings, //
    },
    format,
    pacing::Pacer,
    pattern::{
        self,
        Look,
        Pattern, //
    },
    stamp::Frame,
    template::{
        self,
        Sink,
        Template, //
    },
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Mutex, //
    },
};
use media::{
    kthread,
    stats::Counter,
    v4l2::{
        self,
        uapi, //
    },
    vb2, //
};

/// How many frames a thread that was held up delivers late.
const BACKLOG: u64 = 8;

/// What runs between VIDIOC_STREAMON and VIDIOC_STREAMOFF.
#[pin_data]
pub(crate) struct Stream {
    #[pin]
    thread: Mutex<Option<kthread::Thread<Sensor>>>,
}

impl Stream {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            thread <- new_mutex!(None, "Stream::thread"),
        })
    }

    /// Starts the sensor: its first frame is due in an interval.
    pub(crate) fn start(&self, dev: &v4l2::Device<Camera>) -> Result {
        let sensor = Sensor::new(dev)?;

        *self.thread.lock() = Some(kthread::Thread::spawn(c"vireo", sensor)?);
        Ok(())
    }

    /// Stops the sensor; returns when it has let go of its last buffer.
    pub(crate) fn stop(&self) {
        // Not dropped under the lock: this waits.
        let thread = self.thread.lock().take();

        drop(thread);
    }
}

/// The sensor of one stream.
pub(crate) struct Sensor {
    dev: ARef<v4l2::Device<Camera>>,
    settings: Settings,
    /// The picture, ready to be copied; taken out only while it is made anew.
    template: Option<Template<KVVec<u8>>>,
}

impl Sensor {
    fn new(dev: &v4l2::Device<Camera>) -> Result<Self> {
        let settings = *dev.settings.lock();

        // The format stays while there are buffers, so that this is all that is ever needed.
        let need = Pattern::ALL
            .into_iter()
            .map(|pattern| {
                let look = Look {
                    pattern,
                    ..settings.look
                };
                template::len(&settings.layout, &look)
            })
            .max()
            .unwrap_or(0);
        let bytes = KVVec::from_elem(0, need, GFP_KERNEL)?;

        Ok(Self {
            dev: dev.into(),
            settings,
            template: Some(
                Template::render(settings.layout, settings.look, bytes).map_err(|_| ENOMEM)?,
            ),
        })
    }

    /// Takes over what user space has changed since the last frame.
    fn update(&mut self, pacer: &mut Pacer, sequence: u64) {
        let settings = *self.dev.settings.lock();

        if settings.interval != self.settings.interval {
            *pacer = pacer.change(sequence, settings.interval.0, settings.interval.1);
        }
        if settings.look != self.settings.look {
            if let Some(template) = self.template.take() {
                self.template =
                    Template::render(settings.layout, settings.look, template.into_bytes()).ok();
            }
        }
        self.settings = settings;
    }

    /// Fills a buffer with frame `sequence`, and gives it back.
    fn capture(&self, mut buffer: vb2::Buffer<'_, Camera>, sequence: u32, timestamp: u64) {
        let meta = vb2::Meta {
            sequence,
            timestamp,
            field: uapi::FIELD_NONE,
        };
        let frame = Frame {
            device: self.dev.id,
            sequence,
            timestamp,
            phase: pattern::phase(&self.settings.layout, sequence),
        };

        match self.fill(&mut buffer, &frame) {
            Ok(()) => buffer.done(&meta, &self.bytesused()),
            Err(_) => buffer.error(&meta),
        }
    }

    /// The bytes of a frame in each part.
    fn bytesused(&self) -> [u32; format::MAX_PARTS] {
        let mut sizes = [0; format::MAX_PARTS];

        for (size, part) in sizes.iter_mut().zip(self.settings.layout.parts()) {
            *size = part.sizeimage;
        }
        sizes
    }

    /// The frame that comes after `sequence`.
    ///
    /// Those that became due meanwhile are owed to whoever has queued buffers for them, but for a
    /// machine that cannot keep up: it would fall behind for ever.
    fn next(pacer: &Pacer, sequence: u64, taken: bool, now: u64) -> u64 {
        let latest = pacer.due(now).saturating_sub(1);
        let owed = latest.saturating_sub(sequence);

        if taken && owed <= BACKLOG {
            sequence + 1
        } else {
            latest.max(sequence + 1)
        }
    }

    fn fill(&self, buffer: &mut vb2::Buffer<'_, Camera>, frame: &Frame) -> Result {
        let template = self.template.as_ref().ok_or(ENOMEM)?;

        for (i, part) in self.settings.layout.parts().enumerate() {
            let mut plane = Plane(buffer.plane(i)?);

            template.compose_part(frame, &part, &mut plane)?;
            plane.0.end()?;
        }
        Ok(())
    }
}

#[vtable]
impl kthread::Function for Sensor {
    fn run(&mut self, context: &kthread::Context) {
        let (num, den) = self.settings.interval;
        // A sensor exposes before there is anything to read: the first frame takes its time, too.
        let start = Pacer::new(context.now(), num, den).deadline(1);
        let mut pacer = Pacer::new(start, num, den);
        let mut sequence = 0;

        while context.sleep_until(pacer.deadline(sequence)) {
            self.update(&mut pacer, sequence);
            // The API's counter is of 32 bits, and wraps.
            self.dev.frame_sync(sequence as u32);

            let taken = self.dev.queue().next().map(|buffer| {
                self.capture(buffer, sequence as u32, pacer.deadline(sequence));
            });
            let next = Self::next(&pacer, sequence, taken.is_some(), context.now());

            let drops = next - sequence - u64::from(taken.is_some());

            self.dev.queue().stats().add(Counter::Drops, drops as usize);
            sequence = next;
        }
    }
}

/// The memory that a frame goes to.
struct Plane<'a>(vb2::PlaneAccess<'a>);

impl Sink for Plane<'_> {
    type Error = Error;

    fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        self.0.write(offset, data)
    }
}
