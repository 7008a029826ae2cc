// SPDX-License-Identifier: GPL-2.0

//! What each process does: sessions with a camera, one after the other.

mod multiplanar;
mod odd;

use super::Random;
use super::Tally;
use super::VIREO;
use odd::disturb;

use crate::dmabuf;
use crate::stream;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::v4l2::Identity;
use crate::verify::Checker;

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Why a session ended early.
enum End {
    /// As it must be expected, when others do what they do.
    Expected(String),
    /// As it must never be.
    Wrong(String),
}

type Outcome<T = ()> = Result<T, End>;

/// What the kernel may answer when cameras come and go, others use them, and memory is short or
/// taken back. Anything else is a fault.
const EXPECTED: &[i32] = &[
    libc::ENODEV,
    libc::ENXIO,
    libc::ENOENT,
    libc::EBUSY,
    libc::ENOMEM,
];

trait Context<T> {
    fn at(self, what: &str) -> Outcome<T>;
    /// As [`at`](Self::at), where this errno may come as well.
    fn at_or(self, what: &str, errno: i32) -> Outcome<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn at(self, what: &str) -> Outcome<T> {
        self.at_or(what, libc::ENODEV)
    }

    fn at_or(self, what: &str, errno: i32) -> Outcome<T> {
        self.map_err(|error| match error.raw_os_error() {
            Some(e) if e == errno || EXPECTED.contains(&e) => {
                End::Expected(format!("{what}: {error}"))
            }
            _ => End::Wrong(format!("{what}: {error}")),
        })
    }
}

/// Where a frame is left that is not right.
const WRONG: &str = "build/torture.raw";

/// How far lines are to be apart: as near as can be, most of the time.
const PADDED: [u32; 4] = [0, 0, 0, 1984];

/// What frames depend on.
fn key(pix: &uapi::v4l2_pix_format) -> [u32; 4] {
    [pix.pixelformat, pix.width, pix.height, pix.bytesperline]
}

/// The inputs of a card that sessions use, what is plugged into them, and the lines of that.
const INPUTS: [(i32, u64, u32); 2] = [
    (0, uapi::V4L2_STD_NTSC as u64, 480),
    (1, uapi::V4L2_STD_PAL as u64, 576),
];

/// A process at work.
pub struct Worker {
    /// Whose nodes it works with.
    driver: String,
    random: Random,
    tally: Tally,
    /// dma-bufs that outlive the sessions that they come from.
    bag: Vec<(OwnedFd, usize)>,
    last: VecDeque<String>,
    /// The format of the session, and the input, if there are several.
    set: [u32; 4],
    input: Option<i32>,
    /// The camera whose memory the session uses; it may take it back while it is open.
    exporter: Option<Device>,
}

impl Worker {
    pub fn new(driver: &str, seed: u64) -> Self {
        Self {
            driver: driver.to_string(),
            random: Random::new(seed),
            tally: Tally::default(),
            bag: Vec::new(),
            last: VecDeque::new(),
            set: [0; 4],
            input: None,
            exporter: None,
        }
    }

    /// Works until the time is over; what was done last when something was wrong.
    pub fn run(mut self, time: Duration) -> Result<Tally, String> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let outcome = self.session();
            self.exporter = None;
            match outcome {
                Ok(()) => self.tally.count("sessions that ended well"),
                Err(End::Expected(why)) => self.tally.count(&format!("ended by {why}")),
                Err(End::Wrong(why)) => {
                    let last = self.last.into_iter().collect::<Vec<_>>();
                    return Err(format!("{why}; before: {}", last.join(", ")));
                }
            }
            if self.bag.len() > 12 {
                self.bag.clear();
            }
        }
        Ok(self.tally)
    }

    fn note(&mut self, what: String) {
        self.tally.count(what.split(' ').next().unwrap_or_default());
        if self.last.len() >= 12 {
            self.last.pop_front();
        }
        self.last.push_back(what);
    }

    /// A node that captures, of some driver.
    fn node(&mut self, driver: &str) -> Outcome<Identity> {
        let nodes = v4l2::nodes().at("nodes")?;
        let nodes = nodes
            .into_iter()
            .filter(|node| node.driver == driver)
            .collect::<Vec<_>>();
        if nodes.is_empty() {
            thread::sleep(Duration::from_millis(20));
            return Err(End::Expected("no camera there".into()));
        }
        Ok(self.random.of(&nodes).clone())
    }

    fn session(&mut self) -> Outcome {
        let driver = self.driver.clone();
        let node = self.node(&driver)?;
        if driver != VIREO {
            return self.channel(&node);
        }
        let size = *self
            .random
            .of(&[(160, 120), (320, 240), (640, 480), (32, 16), (1280, 720)]);
        if node.caps & uapi::V4L2_CAP_VIDEO_CAPTURE_MPLANE != 0 {
            return self.multiplanar(&node, size);
        }
        let format = **self.random.of(&[b"YUYV", b"NV12", b"YU12", b"RGB3"]);
        let device = Device::open(&node.path).at("open")?;
        let rate = *self.random.of(&[25, 30, 60, 100]);
        let padded = *self.random.of(&PADDED);
        self.note(format!("single {} {size:?} {padded} {rate}", node.bus));
        let pix = device
            .set_padded(u32::from_le_bytes(format), size.0, size.1, padded)
            .at("S_FMT")?;
        self.set = key(&pix);
        device.set_interval(1, rate).at("S_PARM")?;
        self.work(&node, &device)
    }

    /// A session with a channel of a card.
    fn channel(&mut self, node: &Identity) -> Outcome {
        let (mut input, mut standard, lines) = *self.random.of(&INPUTS);
        let halves = (1 + self.random.below(2), 1 + self.random.below(2));
        let (w, h) = (720 / halves.0 as u32, lines / halves.1 as u32);
        let format = **self.random.of(&[b"UYVY", b"YUYV", b"RGBP"]);
        let device = Device::open(&node.path).at("open")?;
        self.note(format!("channel {} {w}x{h}", node.path.display()));
        device
            .ioctl(uapi::VIDIOC_S_INPUT, &mut input)
            .at("S_INPUT")?;
        device
            .ioctl(uapi::VIDIOC_S_STD, &mut standard)
            .at("S_STD")?;
        let pix = device
            .set_format(u32::from_le_bytes(format), w, h)
            .at("S_FMT")?;
        self.set = key(&pix);
        self.input = Some(input);
        self.work(node, &device)
    }

    fn work(&mut self, node: &Identity, device: &Device) -> Outcome {
        match self.random.below(8) {
            0 => self.odd_calls(device),
            _ => self.stream(node, device),
        }
    }

    /// Memory for a pool of `count` buffers, and whether nobody else may write it.
    fn pool(&mut self, node: &Identity, device: &Device, count: usize) -> Outcome<Vec<Backing>> {
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let kind = self.random.below(7);
        self.note(format!("pool kind {kind}, {count} of {size}"));
        let many = |make: &dyn Fn() -> io::Result<Backing>| {
            (0..count).map(|_| make()).collect::<io::Result<Vec<_>>>()
        };
        match kind {
            0 => {
                let count = device.request(v4l2::MMAP, count as u32).at("REQBUFS")?;
                (0..count)
                    .map(|index| device.map(index).map(Backing::Mmap))
                    .collect::<io::Result<Vec<_>>>()
                    .at_or("mmap", libc::EINVAL)
            }
            1 => many(&|| Backing::anonymous(size)).at("anonymous"),
            2 => {
                let offset = self.random.below(sys::page());
                many(&|| {
                    let len = sys::page_align(size + offset);
                    let map = Mapping::shared(sys::memfd(len)?, 0, len)?;
                    Ok(Backing::User(map, offset))
                })
                .at("memfd")
            }
            3 => many(&|| Backing::dmabuf(dmabuf::udmabuf(size)?, size)).at("udmabuf"),
            4 => many(&|| Backing::dmabuf(dmabuf::heap(size, libc::O_RDWR)?, size)).at("heap"),
            5 => {
                // Another camera's, which may take them back.
                let other = self.node(VIREO)?;
                if other.path == node.path || other.caps & uapi::V4L2_CAP_VIDEO_CAPTURE == 0 {
                    return Err(End::Expected("no other camera".into()));
                }
                let other = Device::open(&other.path).at("open another")?;
                let fds = stream::export_buffers(&other, count as u32, size)
                    .at_or("another's buffers", libc::EINVAL)?;
                self.keep(&fds, size).at("dup")?;
                // Closed now and then: then nobody can take back what is left.
                self.exporter = (!self.random.once_in(4)).then_some(other);
                fds.into_iter()
                    .map(|fd| Backing::dmabuf(fd, size))
                    .collect::<io::Result<_>>()
                    .at("mmap of another's")
            }
            _ => {
                let vivid = v4l2::find("vivid", 0, uapi::V4L2_CAP_VIDEO_CAPTURE);
                let vivid = vivid
                    .at("vivid")
                    .map_err(|_| End::Expected("no vivid".into()))?;
                let vivid = Device::open(&vivid.path).at("open vivid")?;
                stream::export_buffers(&vivid, count as u32, size)
                    .at_or("vivid's buffers", libc::EINVAL)?
                    .into_iter()
                    .map(|fd| Backing::dmabuf(fd, size))
                    .collect::<io::Result<_>>()
                    .at("mmap of vivid's")
            }
        }
    }

    /// Holds some dma-bufs for longer than the session lasts.
    fn keep(&mut self, fds: &[OwnedFd], size: usize) -> io::Result<()> {
        if self.random.once_in(2) {
            for fd in fds {
                self.bag.push((fd.try_clone()?, size));
            }
        }
        Ok(())
    }

    fn stream(&mut self, node: &Identity, device: &Device) -> Outcome {
        let indices = 2 + self.random.below(4);
        let extra = self.random.below(6);
        let mut pool = VecDeque::from(self.pool(node, device, indices + extra)?);
        let is_mmap = matches!(pool[0], Backing::Mmap(_));
        // Nobody but the device changes the order of its own buffers.
        let first = if is_mmap {
            pool.drain(..).collect()
        } else {
            pool.drain(..indices).collect()
        };
        let mut stream = Stream::prepare(device, first).at_or("REQBUFS", libc::EINVAL)?;
        let started = (0..stream.backing().len())
            .try_for_each(|index| stream.queue(index as u32))
            .and_then(|()| device.stream_on());
        started.at_or("start", libc::EINVAL)?;
        // Until there were buffers, anybody could change it.
        let pix = device.format().at("G_FMT")?;
        if key(&pix) != self.set {
            return Err(End::Expected("the format of somebody else".into()));
        }
        if let Some(wanted) = self.input {
            let mut input = 0i32;
            device
                .ioctl(uapi::VIDIOC_G_INPUT, &mut input)
                .at("G_INPUT")?;
            if input != wanted {
                return Err(End::Expected("the input of somebody else".into()));
            }
        }
        let is_disturbed = self.random.once_in(4);
        if !is_disturbed {
            return self.frames(device, &mut stream, &mut pool, false);
        }

        // Another thread that does with the same file what it likes.
        let is_over = AtomicBool::new(false);
        let seed = self.random.number();
        thread::scope(|scope| {
            let disturber = scope.spawn(|| disturb(device, seed, &is_over));
            let outcome = self.frames(device, &mut stream, &mut pool, true);
            is_over.store(true, Ordering::Relaxed);
            match disturber.join() {
                Ok(n) => self.tally.add("disturbing calls", n),
                Err(_) => return Err(End::Wrong("a thread has panicked".into())),
            }
            outcome
        })
    }

    fn frames(
        &mut self,
        device: &Device,
        stream: &mut Stream<'_>,
        pool: &mut VecDeque<Backing>,
        is_disturbed: bool,
    ) -> Outcome {
        // While someone else may stop the stream, it may be found stopped.
        let stopped = if is_disturbed {
            libc::EINVAL
        } else {
            libc::ENODEV
        };
        let mut checker = Checker::new(device).at("format")?;
        let mut count = self.random.below(40);
        while count > 0 {
            count -= 1;
            let (frame, data) = match stream.next() {
                Err(e) if e.kind() == io::ErrorKind::TimedOut => {
                    return Err(if is_disturbed {
                        End::Expected("stopped by the other thread".into())
                    } else {
                        End::Wrong("no frame came".into())
                    });
                }
                other => other.at_or("DQBUF", stopped)?,
            };
            if frame.failed && self.exporter.is_some() {
                self.tally.count("frames with the error flag");
            } else if frame.failed && device.format().is_err() {
                // What was queued when the camera was unbound comes back so.
                return Err(End::Expected("unbound".into()));
            } else if frame.failed {
                let what = format!("frame {} has the error flag", frame.sequence);
                return Err(End::Wrong(what));
            } else {
                self.tally.count("frames checked");
                if let Err(e) = checker.check(&frame, &data) {
                    // A stream that the other thread has started anew begins at 0 again.
                    if !(is_disturbed && e.contains(" after ")) {
                        // To be looked at by vireo-check.
                        let _ = fs::write(WRONG, &data);
                        return Err(End::Wrong(format!(
                            "frame {} in buffer {}: {e}: it is in {WRONG}",
                            frame.sequence, frame.index
                        )));
                    }
                }
            }
            if let (false, Some(next)) = (self.random.once_in(5), pool.pop_front()) {
                pool.push_back(stream.replace(frame.index, next));
            }
            match self.random.below(40) {
                0 => {
                    self.note("streamoff".into());
                    device.stream_off().at("STREAMOFF")?;
                    for index in 0..stream.backing().len() as u32 {
                        stream.queue(index).at_or("QBUF", stopped)?;
                    }
                    device.stream_on().at_or("STREAMON", stopped)?;
                    checker = Checker::new(device).at("format")?;
                    continue;
                }
                1 if self.driver == VIREO => {
                    let rate = *self.random.of(&[20, 40, 100]);
                    device.set_interval(1, rate).at("S_PARM")?;
                }
                2 => {
                    let value = self.random.below(256) as i32;
                    device
                        .set_control(uapi::V4L2_CID_BRIGHTNESS, value)
                        .at("S_CTRL")?;
                    if self.driver == VIREO {
                        let pattern = self.random.below(5) as i32;
                        device
                            .set_control(uapi::V4L2_CID_TEST_PATTERN, pattern)
                            .at("S_CTRL")?;
                    }
                }
                3 => {
                    // Other memory under an address that is pinned.
                    if let Backing::User(map, _) = &stream.backing()[frame.index as usize] {
                        self.tally.count("renewed");
                        map.renew().at("mmap")?;
                    }
                }
                4 => {
                    self.note("leave".into());
                    return Ok(());
                }
                5 => thread::sleep(Duration::from_millis(150)),
                _ => {}
            }
            match stream.queue(frame.index) {
                // Taken back by its exporter: the next of the pool, if there is one.
                Err(e) if e.raw_os_error() == Some(libc::ENODEV) => {
                    self.tally.count("refused what was taken back");
                    return Err(End::Expected("QBUF: ENODEV".into()));
                }
                other => other.at_or("QBUF", stopped)?,
            }
        }
        Ok(())
    }
}
