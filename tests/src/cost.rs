// SPDX-License-Identifier: GPL-2.0

//! What queueing and dequeueing cost, for a pool of buffers that stays on its indices, or rotates
//! over them.

use crate::dmabuf;
use crate::stream;
use crate::stream::Backing;
use crate::stream::COUNT;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::v4l2::PATIENCE;

use std::collections::VecDeque;
use std::hint;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

/// Where buffers come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// The device itself.
    Mmap,
    /// Anonymous memory of this process, in pages of the usual size.
    User,
    /// The same in huge pages.
    HugeUser,
    Udmabuf,
    Heap,
    /// Another queue of the same driver.
    Sibling,
}

/// Medians over many calls, of what the time-stamp counter counts.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// The first VIDIOC_QBUF of a buffer.
    pub first: u64,
    /// VIDIOC_QBUF of one that was seen before.
    pub queue: u64,
    /// VIDIOC_DQBUF, when a buffer is ready.
    pub dequeue: u64,
}

/// The value that half of the others do not exceed.
pub fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}

/// The value that so many percent of others do not exceed, which are sorted, and not none.
fn percentile<T: Copy>(sorted: &[T], percent: usize) -> T {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

/// An argument for VIDIOC_QBUF.
fn argument(device: &Device, index: u32, backing: &Backing, size: usize) -> uapi::v4l2_buffer {
    match backing {
        Backing::Mmap(_) => device.buffer(v4l2::MMAP, index),
        Backing::User(map, offset) => {
            let mut buffer = device.buffer(v4l2::USERPTR, index);
            buffer.m.userptr = (map.address() + offset) as _;
            buffer.length = size as u32;
            buffer
        }
        Backing::DmaBuf(fd, _) => {
            let mut buffer = device.buffer(v4l2::DMABUF, index);
            buffer.m.fd = fd.as_raw_fd();
            buffer
        }
    }
}

fn queue(device: &Device, index: u32, backing: &Backing, size: usize) -> io::Result<u64> {
    let mut buffer = argument(device, index, backing, size);
    sys::ioctl_counted(device.as_fd(), uapi::VIDIOC_QBUF, &mut buffer)
}

/// Memory of this process, in pages of one size: which ones the kernel would choose depends on the
/// address.
fn user(size: usize, huge: bool) -> io::Result<Backing> {
    let unit = if huge { 2 << 20 } else { sys::page() };
    let map = Mapping::anonymous(size.next_multiple_of(unit))?;
    map.advise_huge(huge)?;
    Ok(Backing::User(map, 0))
}

/// A pool of `count` buffers, and the memory type they are queued as. `sibling` is for
/// [`Source::Sibling`].
fn pool(
    device: &Device,
    sibling: &Device,
    source: Source,
    count: usize,
    size: usize,
) -> io::Result<(u32, VecDeque<Backing>)> {
    let memory = match source {
        Source::Mmap => v4l2::MMAP,
        Source::User | Source::HugeUser => v4l2::USERPTR,
        Source::Udmabuf | Source::Heap | Source::Sibling => v4l2::DMABUF,
    };
    if device.request(memory, COUNT)? != COUNT {
        return Err(io::Error::other("another number of buffers than asked for"));
    }
    let mut exports = match source {
        Source::Sibling => stream::export_buffers(sibling, count as u32, size)?,
        _ => Vec::new(),
    }
    .into_iter();
    let pool = (0..count)
        .map(|n| match source {
            Source::Mmap => device.map(n as u32).map(Backing::Mmap),
            Source::User => user(size, false),
            Source::HugeUser => user(size, true),
            Source::Udmabuf => Backing::dmabuf(dmabuf::udmabuf(size)?, size),
            Source::Heap => Backing::dmabuf(dmabuf::heap(size, libc::O_RDWR)?, size),
            Source::Sibling => {
                let fd = exports.next().ok_or(io::ErrorKind::UnexpectedEof)?;
                Backing::dmabuf(fd, size)
            }
        })
        .collect::<io::Result<_>>()?;
    Ok((memory, pool))
}

/// Streams `calls` frames into `count` buffers, which rotate over the indices when there are more
/// of them than of those, and counts.
pub fn stream(
    device: &Device,
    sibling: &Device,
    source: Source,
    count: usize,
    calls: usize,
) -> io::Result<Costs> {
    let size = device.format()?.sizeimage as usize;
    let (memory, mut spare) = pool(device, sibling, source, count, size)?;
    let (mut first, mut queued, mut dequeued) = (Vec::new(), Vec::new(), Vec::new());
    // The buffer on each index.
    let mut held = Vec::new();
    for index in 0..COUNT {
        let backing = spare.pop_front().ok_or(io::ErrorKind::InvalidInput)?;
        first.push(queue(device, index, &backing, size)?);
        held.push(backing);
    }
    device.stream_on()?;

    let mut unseen = spare.len();
    while queued.len() < calls {
        if device.wait(libc::POLLIN, PATIENCE)? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // Whoever made the frame may not be done with it yet, and is not to be counted here.
        thread::sleep(Duration::from_millis(2));
        let mut buffer = device.buffer(memory, 0);
        let cost = sys::ioctl_counted(device.as_fd(), uapi::VIDIOC_DQBUF, &mut buffer)?;
        if buffer.flags & uapi::V4L2_BUF_FLAG_ERROR != 0 {
            return Err(io::Error::other("a frame with an error"));
        }
        let slot = &mut held[buffer.index as usize];
        if let Some(next) = spare.pop_front() {
            spare.push_back(std::mem::replace(slot, next));
        }
        let cost_of_queue = queue(device, buffer.index, slot, size)?;
        if unseen > 0 {
            unseen -= 1;
            first.push(cost_of_queue);
        } else {
            queued.push(cost_of_queue);
            dequeued.push(cost);
        }
    }

    device.stream_off()?;
    drop((held, spare));
    device.request(memory, 0)?;
    if source == Source::Sibling {
        sibling.request(v4l2::MMAP, 0)?;
    }
    match (median(first), median(queued), median(dequeued)) {
        (Some(first), Some(queue), Some(dequeue)) => Ok(Costs {
            first,
            queue,
            dequeue,
        }),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Frames as they come, into buffers of the device's own, without a look at them.
pub struct Arrivals<'a> {
    device: &'a Device,
    /// The sequence number of the frame that should be next.
    next: u32,
    /// How many did not come.
    pub lost: u32,
    /// When each came, reckoned from when it should have come after the first, in nanoseconds.
    pub offsets: Vec<i64>,
    first: Option<(u32, Duration)>,
}

impl<'a> Arrivals<'a> {
    /// Starts a stream.
    pub fn start(device: &'a Device, buffers: u32) -> io::Result<Self> {
        let buffers = device.request(v4l2::MMAP, buffers)?;
        for index in 0..buffers {
            device.queue_mmap(index)?;
        }
        device.stream_on()?;
        Ok(Self {
            device,
            next: 0,
            lost: 0,
            offsets: Vec::new(),
            first: None,
        })
    }

    /// Goes on until so many more frames have been made, whether they come or not.
    pub fn wait(&mut self, count: u32, interval: (u32, u32)) -> io::Result<()> {
        let last = self.next + count;
        while self.next < last {
            let frame = self.take()?;
            let now = sys::monotonic();
            let (sequence, time) = *self.first.get_or_insert((frame.sequence, now));
            let should = u64::from(frame.sequence.saturating_sub(sequence))
                * u64::from(interval.0)
                * 1_000_000_000
                / u64::from(interval.1);
            self.offsets
                .push((now - time).as_nanos() as i64 - should as i64);
        }
        Ok(())
    }

    /// Goes on until so many more frames have come, with as few calls as can be.
    pub fn skip(&mut self, count: u32) -> io::Result<()> {
        for _ in 0..count {
            self.take()?;
        }
        Ok(())
    }

    /// Waits for a frame, and gives its buffer back.
    fn take(&mut self) -> io::Result<stream::Frame> {
        let frame = stream::Frame::from(self.device.dequeue_now(v4l2::MMAP)?);
        if frame.failed {
            return Err(io::Error::other("a frame with an error"));
        }
        self.device.queue_mmap(frame.index)?;
        // Not every driver counts without repeating itself.
        self.lost += frame.sequence.saturating_sub(self.next);
        self.next = self.next.max(frame.sequence + 1);
        Ok(frame)
    }

    /// How late so many percent of the frames were at most, in microseconds, beside the earliest.
    pub fn latency(&self, percent: usize) -> f64 {
        let mut sorted = self.offsets.clone();
        sorted.sort_unstable();
        match sorted.first() {
            Some(least) => (percentile(&sorted, percent) - least) as f64 / 1000.0,
            None => 0.0,
        }
    }
}

impl Drop for Arrivals<'_> {
    fn drop(&mut self) {
        let _ = self.device.stream_off();
        let _ = self.device.request(v4l2::MMAP, 0);
    }
}

/// How late a thread wakes up that sleeps from one point in time to the next, in microseconds: so
/// many percent of the times at most.
pub fn sleeper(interval: Duration, count: u32, percent: usize) -> f64 {
    let start = sys::monotonic();
    let mut late = (1..=count)
        .map(|n| {
            let until = start + interval * n;
            sys::sleep_until(until);
            sys::monotonic().saturating_sub(until).as_nanos() as u64
        })
        .collect::<Vec<_>>();
    late.sort_unstable();
    percentile(&late, percent) as f64 / 1000.0
}

/// What no camera can do without: wakes up when a frame is due, and writes it, all lines alike, to
/// the next of its buffers. There is no driver, no other thread and no call in it.
pub struct Copier {
    line: Vec<u8>,
    buffers: Vec<Vec<u8>>,
}

impl Copier {
    pub fn new(bytesperline: usize, lines: usize, buffers: usize) -> Self {
        Self {
            line: vec![0x80; bytesperline],
            // Not zeroed: pages would be missing.
            buffers: vec![vec![0x10; bytesperline * lines]; buffers],
        }
    }

    pub fn run(&mut self, interval: Duration, count: u32) {
        let start = sys::monotonic();
        for n in 0..count {
            sys::sleep_until(start + interval * (n + 1));
            let turn = n as usize % self.buffers.len();
            for to in self.buffers[turn].chunks_exact_mut(self.line.len()) {
                to.copy_from_slice(&self.line);
            }
            hint::black_box(&self.buffers[turn]);
        }
    }
}

/// Kernel threads of one name.
pub struct Workers(Vec<std::path::PathBuf>);

impl Workers {
    pub fn find(name: &str) -> io::Result<Self> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc")? {
            let path = entry?.path();
            let comm = std::fs::read_to_string(path.join("comm"));
            if comm.is_ok_and(|comm| comm.trim_end() == name) {
                found.push(path.join("schedstat"));
            }
        }
        if found.is_empty() {
            return Err(io::Error::other(format!(
                "there is no thread called {name}"
            )));
        }
        Ok(Self(found))
    }

    /// How long they have run, in nanoseconds: of a guest that counts, in instructions.
    pub fn runtime(&self) -> io::Result<u64> {
        let mut sum = 0;
        for path in &self.0 {
            let text = std::fs::read_to_string(path)?;
            let first = text.split(' ').next().unwrap_or_default();
            sum += first.parse::<u64>().map_err(io::Error::other)?;
        }
        Ok(sum)
    }
}

/// Streams `count` frames from each device into buffers of its own; what one of them costs the
/// thread that fills it.
pub fn workers(devices: &[Device], thread: &str, count: u32) -> io::Result<u64> {
    let streams = devices
        .iter()
        .map(stream::Stream::mmap)
        .collect::<io::Result<Vec<_>>>()?;
    // The sequence numbers of the frame that comes next from each, added up.
    let next = || -> io::Result<u64> {
        let mut sum = 0;
        for stream in &streams {
            let frame = stream::Frame::from(stream.device().dequeue(v4l2::MMAP)?);
            stream.queue(frame.index)?;
            sum += u64::from(frame.sequence);
        }
        Ok(sum)
    };
    // Until everything has been touched once.
    for _ in 0..2 * COUNT {
        next()?;
    }
    let workers = Workers::find(thread)?;
    let (first, start) = (next()?, workers.runtime()?);
    let mut last = first;
    for _ in 0..count {
        last = next()?;
    }
    let runtime = workers.runtime()? - start;
    runtime
        .checked_div(last - first)
        .ok_or_else(|| io::Error::other("no frames"))
}
