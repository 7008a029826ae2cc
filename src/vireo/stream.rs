// SPDX-License-Identifier: GPL-2.0

//! The sensor at work: a frame whenever one is due.

use super::{
    camera::{
        Camera,
        Settings, //
    },
    ctrls::ErrorInjection,
    device::Device,
    format,
    pacing::Pacer,
    pattern,
    stamp::Frame,
    template::{
        self,
        Sink,
        Template, //
    },
};
use kernel::{
    alloc::Flags,
    prelude::*,
    sync::aref::ARef, //
};
use media::{
    gfp::__GFP_RETRY_MAYFAIL,
    kthread,
    stats::Counter,
    v4l2,
    vb2::{
        self,
        TimestampSource, //
    },
};

/// How many frames come before numbers begin anew at 0, where that is asked for.
const BEFORE_WRAP: u32 = 64;

/// How many frames a thread that was held up delivers late.
const BACKLOG: u64 = 8;

/// Memory for a picture, whose size user space decides: that is no reason to kill a process.
fn allocate(len: usize, gfp: Flags) -> Result<KVVec<u8>> {
    Ok(KVVec::from_elem(
        0,
        len,
        gfp | __GFP_RETRY_MAYFAIL | __GFP_NOWARN,
    )?)
}

/// The sensor of one stream.
pub(crate) struct Sensor {
    dev: ARef<v4l2::Device<Device>>,
    settings: Settings,
    /// The number of the first frame.
    first: u32,
    /// The picture, ready to be copied; taken out only while it is made anew.
    template: Option<Template<KVVec<u8>>>,
}

impl Sensor {
    pub(crate) fn new(dev: &v4l2::Device<Device>) -> Result<Self> {
        let settings = *dev.camera.settings.lock();

        let (layout, look) = (settings.layout, settings.look);
        let bytes = allocate(template::len(&layout, &look), GFP_KERNEL_ACCOUNT)?;

        Ok(Self {
            dev: dev.into(),
            settings,
            first: if settings.faults.wrap {
                0u32.wrapping_sub(BEFORE_WRAP)
            } else {
                0
            },
            template: Some(Template::render(layout, look, bytes).map_err(|_| ENOMEM)?),
        })
    }

    /// Takes over what user space has changed since the last frame.
    fn update(&mut self, pacer: &mut Pacer, sequence: u64) {
        let settings = *self.dev.camera.settings.lock();

        if settings.interval != self.settings.interval {
            *pacer = pacer.change(sequence, settings.interval.0, settings.interval.1);
        }
        self.settings = settings;
        self.render();
    }

    /// Renders the picture if it is not what it should be.
    fn render(&mut self) {
        let Settings { layout, look, .. } = self.settings;
        let need = template::len(&layout, &look);
        let old = match &self.template {
            Some(template) if *template.look() == look => return,
            Some(template) if template.bytes().len() < need => None,
            _ => self.template.take().map(Template::into_bytes),
        };
        // Where there is no memory for a larger one, the picture stays what it was until there is.
        let bytes = old.or_else(|| allocate(need, GFP_KERNEL).ok());

        if let Some(bytes) = bytes {
            self.template = Template::render(layout, look, bytes).ok();
        }
    }

    /// Fills a buffer with frame `sequence`, and gives it back.
    fn capture(&mut self, mut buffer: vb2::Buffer<'_, Camera>, sequence: u32, timestamp: u64) {
        let meta = vb2::FrameInfo::new(sequence, timestamp);
        let faults = self.settings.faults;
        let look = self.template.as_ref().map(|template| *template.look());
        let frame = Frame {
            device: self.dev.camera.id,
            sequence,
            timestamp,
            phase: look.map_or(0, |look| {
                pattern::phase(&self.settings.layout, &look, sequence)
            }),
            flaw: faults.corrupt,
        };

        match self.fill(&mut buffer, &frame) {
            Ok(()) if !faults.fail => buffer.done(&meta, &self.bytesused()),
            _ => buffer.error(&meta),
        }
        self.clear_one_shot(|faults| {
            faults.corrupt = false;
            faults.fail = false;
        });
    }

    /// Forgets errors that were asked for, and are made.
    fn clear_one_shot(&mut self, forget: impl Fn(&mut ErrorInjection)) {
        if self.settings.faults.has_one_shot() {
            forget(&mut self.settings.faults);
            forget(&mut self.dev.camera.settings.lock().faults);
        }
    }

    /// Whether the sensor has no frame to give.
    fn take_stall_or_loss(&mut self) -> bool {
        let ErrorInjection { stall, lose, .. } = self.settings.faults;

        self.clear_one_shot(|faults| faults.lose = false);
        stall || lose
    }

    /// Captures frame `sequence` if there is a buffer for it; whether there was.
    fn capture_if_queued(&mut self, sequence: u64, timestamp: u64) -> bool {
        // The API's counter is of 32 bits, and wraps.
        let number = self.first.wrapping_add(sequence as u32);
        let dev = self.dev.clone();

        dev.camera.queue_frame_sync(number);
        dev.camera
            .queue()
            .next()
            .map(|buffer| self.capture(buffer, number, timestamp))
            .is_some()
    }

    /// The bytes of a frame in each part.
    fn bytesused(&self) -> [u32; format::MAX_MEM_PLANES] {
        let mut sizes = [0; format::MAX_MEM_PLANES];

        for (size, part) in sizes.iter_mut().zip(self.settings.layout.mem_planes()) {
            *size = part.sizeimage;
        }
        sizes
    }

    /// The frame that comes after `sequence`.
    ///
    /// Those that became due meanwhile are owed to whoever has queued buffers for them, but for a
    /// machine that cannot keep up: it would fall behind for ever.
    fn next_sequence(pacer: &Pacer, sequence: u64, taken: bool, now: u64) -> u64 {
        let latest = pacer.due(now).saturating_sub(1);
        let owed = latest.saturating_sub(sequence);

        if taken && owed <= BACKLOG {
            sequence + 1
        } else {
            latest.max(sequence + 1)
        }
    }

    fn fill(&mut self, buffer: &mut vb2::Buffer<'_, Camera>, frame: &Frame) -> Result {
        let template = self.template.as_mut().ok_or(ENOMEM)?;

        for (i, part) in self.settings.layout.mem_planes().enumerate() {
            let mut plane = Plane(buffer.begin_cpu_access(i)?);

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
        let mut begin = context.now();
        let mut pacer = Pacer::new(begin, num, den).resume(0, begin);
        let mut sequence = 0;

        loop {
            match context.sleep_until(pacer.deadline(sequence)) {
                kthread::WakeUp::Stop => return,
                kthread::WakeUp::Thawed => {
                    // It was switched off: nothing is owed for that time.
                    begin = context.now();
                    pacer = pacer.resume(sequence, begin);
                    continue;
                }
                kthread::WakeUp::Due => {}
            }

            let end = pacer.deadline(sequence);
            // As the frame before it ends, the exposure of this one begins.
            let exposed = match sequence {
                0 => begin,
                _ => pacer.deadline(sequence - 1),
            };

            self.dev
                .camera
                .latency
                .count(context.now().saturating_sub(end));
            self.update(&mut pacer, sequence);

            let timestamp = match self.settings.timestamps {
                TimestampSource::EndOfFrame => end,
                TimestampSource::StartOfExposure => exposed,
            };
            let taken = !self.take_stall_or_loss() && self.capture_if_queued(sequence, timestamp);
            let next = Self::next_sequence(&pacer, sequence, taken, context.now());
            let drops = next - sequence - u64::from(taken);

            self.dev
                .camera
                .queue()
                .stats()
                .add(Counter::Drops, drops as usize);
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

    fn write_lines(&mut self, offset: usize, stride: usize, count: usize, line: &[u8]) -> Result {
        self.0.write_lines(offset, stride, count, line)
    }
}
