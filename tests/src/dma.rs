// SPDX-License-Identifier: GPL-2.0

//! What only a device that writes memory by itself shows: what the CPU sees of it when, what a pool
//! of buffers costs, and whether it is held back.

use crate::dmabuf;
use crate::stream::Backing;
use crate::stream::Frame;
use crate::stream::Stream;
use crate::suite::bench::Context;
use crate::suite::bench::Outcome;
use crate::sys;
use crate::sys::Mapping;
use crate::v4l2::Device;
use crate::v4l2::DMABUF;
use crate::v4l2::PATIENCE;
use crate::v4l2::USERPTR;
use crate::verify::Checker;
use crate::vgem::Vgem;

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// What memory that nobody has written is filled with.
const UNTOUCHED: u8 = 0xcc;

/// A dma-buf, and its mapping.
fn heap(size: usize) -> Outcome<(OwnedFd, Mapping)> {
    let fd = dmabuf::heap(size, libc::O_RDWR).at("dma-heap")?;
    let map = Mapping::shared(&fd, 0, size).at("mmap")?;
    Ok((fd, map))
}

/// Frames that are read between the brackets of an access are right; and where memory is not
/// coherent, as with bounce buffers, they are not there before: `is_coherent` says which.
pub fn sync(device: &Device, frames: u32, is_coherent: bool) -> Outcome<String> {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let (fd, map) = heap(size)?;
    let mut early = 0;

    device.request(DMABUF, 1).at("REQBUFS")?;
    for n in 0..frames {
        let access = dmabuf::Access::write(fd.as_fd()).at("DMA_BUF_IOCTL_SYNC")?;
        map.fill(0, size, UNTOUCHED);
        access.end().at("DMA_BUF_IOCTL_SYNC")?;

        device.queue_dmabuf(0, &fd).at("QBUF")?;
        device.stream_on().at("STREAMON")?;
        let frame = Frame::from(device.dequeue(DMABUF).at("DQBUF")?);
        let before = map.bytes(0, size);
        let after = dmabuf::bytes(fd.as_fd(), &map, size).at("reading")?;
        device.stream_off().at("STREAMOFF")?;

        // Numbers begin anew.
        Checker::new(device)
            .at("format")?
            .check(&frame, &after)
            .map_err(|e| format!("frame {n}: {e}"))?;
        early += u32::from(before == after);
    }
    let expected = if is_coherent { frames } else { 0 };
    if early != expected {
        return Err(format!(
            "{early} frames of {frames} were there before the access began"
        ));
    }
    Ok(format!(
        "{frames} frames, {early} there before the access began"
    ))
}

/// What an ioctl takes: the median of the second half, when all is mapped. A busy machine makes
/// some of them last long.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn of<T>(&mut self, call: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
        let start = Instant::now();
        let result = call();
        self.0.push(start.elapsed());
        result
    }

    fn median(&self) -> f64 {
        let mut warm = self.0[self.0.len() / 2..].to_vec();
        warm.sort_unstable();
        warm[warm.len() / 2].as_secs_f64() * 1e6
    }
}

/// Frames, of which wrong ones are an error, or are only counted.
struct Frames {
    checker: Checker,
    strict: bool,
    wrong: u32,
}

impl Frames {
    fn new(device: &Device, strict: bool) -> Outcome<Self> {
        Ok(Self {
            checker: Checker::new(device).at("format")?,
            strict,
            wrong: 0,
        })
    }

    fn check(&mut self, frame: &Frame, data: &[u8]) -> Outcome<()> {
        match self.checker.check(frame, data) {
            Err(e) if self.strict => Err(format!("frame {}: {e}", frame.sequence)),
            Err(_) => {
                self.wrong += 1;
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

fn heaps(device: &Device, count: usize) -> Outcome<VecDeque<Backing>> {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let backing = |_| Backing::dmabuf(dmabuf::heap(size, libc::O_RDWR)?, size);
    (0..count)
        .map(backing)
        .collect::<std::io::Result<_>>()
        .at("dma-heap")
}

/// More buffers than indices, of which each is queued on the index that was dequeued: what QBUF
/// and DQBUF take.
pub fn rotate(
    device: &Device,
    frames: u32,
    pool: usize,
    indices: usize,
    strict: bool,
) -> Outcome<String> {
    let mut pool = heaps(device, pool)?;
    let mut rest = pool.split_off(indices);
    let mut stream = Stream::start(device, pool.into()).at("start")?;
    let mut seen = Frames::new(device, strict)?;
    let (mut queue, mut dequeue) = (Times::default(), Times::default());

    for _ in 0..frames {
        device.wait(libc::POLLIN, PATIENCE).at("poll")?;
        let frame = dequeue.of(|| device.dequeue_now(DMABUF)).at("DQBUF")?;
        let frame = Frame::from(frame);
        seen.check(&frame, &stream.data(frame.index).at("reading")?)?;
        if let Some(next) = rest.pop_front() {
            rest.push_back(stream.replace(frame.index, next));
        }
        queue.of(|| stream.queue(frame.index)).at("QBUF")?;
    }
    Ok(format!(
        "{frames} frames, {} wrong, QBUF {:.2} us, DQBUF {:.2} us",
        seen.wrong,
        queue.median(),
        dequeue.median()
    ))
}

/// All that is queued is dequeued, and then other buffers are queued on the same indices, in each
/// of `rounds`: those of before may be anybody's by then.
pub fn swap(device: &Device, rounds: u32, indices: usize, strict: bool) -> Outcome<String> {
    let mut rest = heaps(device, indices)?;
    let mut stream = Stream::start(device, heaps(device, indices)?.into()).at("start")?;
    let mut seen = Frames::new(device, strict)?;

    for _ in 0..rounds {
        let mut empty = Vec::new();
        for _ in 0..indices {
            let (frame, data) = stream.next().at("DQBUF")?;
            seen.check(&frame, &data)?;
            empty.push(frame.index);
        }
        for index in empty {
            let next = rest.pop_front().expect("as many as there are indices");
            rest.push_back(stream.replace(index, next));
            stream.queue(index).at("QBUF")?;
        }
    }
    Ok(format!("{rounds} rounds, {} frames wrong", seen.wrong))
}

/// A buffer that a GPU still reads is not written before it has: nothing is held up by it.
pub fn fence(device: &Device) -> Outcome<String> {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let vgem = Vgem::open().at("vgem")?;
    let buffer = vgem.buffer(size).at("vgem buffer")?;
    let map = Mapping::shared(&buffer.dmabuf, 0, size).at("mmap")?;
    let (other, other_map) = heap(size)?;
    let mut checker = Checker::new(device).at("format")?;

    map.fill(0, size, UNTOUCHED);
    device.request(DMABUF, 2).at("REQBUFS")?;
    let fence = vgem.attach_read_fence(&buffer).at("fence")?;
    device.queue_dmabuf(0, &buffer.dmabuf).at("QBUF")?;
    device.queue_dmabuf(1, &other).at("QBUF")?;
    device.stream_on().at("STREAMON")?;

    // The other one is filled, though it was queued after it.
    for n in 0..3 {
        let frame = Frame::from(device.dequeue(DMABUF).at("DQBUF")?);
        if frame.index != 1 {
            return Err(format!("frame {n}: the buffer with the fence was filled"));
        }
        let data = dmabuf::bytes(other.as_fd(), &other_map, size).at("reading")?;
        checker.check(&frame, &data)?;
        device.queue_dmabuf(1, &other).at("QBUF")?;
    }
    thread::sleep(Duration::from_millis(100));
    if map.bytes(0, size).iter().any(|byte| *byte != UNTOUCHED) {
        return Err("it was written while it was read".into());
    }

    vgem.signal(fence).at("signal")?;
    for _ in 0..3 {
        let frame = Frame::from(device.dequeue(DMABUF).at("DQBUF")?);
        if frame.index == 0 {
            let data = map.bytes(0, size);
            checker.check(&frame, &data)?;
            device.stream_off().at("STREAMOFF")?;
            device.request(DMABUF, 0).at("REQBUFS")?;
            return Ok("waited for, and then filled".into());
        }
    }
    Err("it was not filled when the fence was signalled".into())
}

/// Memory that a file maps and that is a device's is no memory of a process.
pub fn foreign(device: &Device, path: &Path) -> Outcome<String> {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let file = File::options().read(true).write(true).open(path);
    let file = file.map_err(|e| format!("{}: {e}", path.display()))?;
    let map = Mapping::shared(&file, 0, sys::page_align(size)).at("mmap")?;

    map.fill(0, size, UNTOUCHED);
    device.request(USERPTR, 1).at("REQBUFS")?;
    match device.queue_userptr(0, map.address(), map.len()) {
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => Ok(format!("QBUF: {e}")),
        Err(e) => Err(format!("QBUF: {e}")),
        Ok(()) => Err("QBUF has taken it".into()),
    }
}

/// Buffers that were dequeued are left alone, though the device streams on.
pub fn idle(device: &Device) -> Outcome<String> {
    let stream = Stream::mmap(device).at("start")?;
    let mut seen = Vec::new();

    for _ in 0..stream.backing().len() {
        seen.push(stream.next().at("DQBUF")?);
    }
    thread::sleep(Duration::from_millis(500));
    for (frame, data) in seen {
        if stream.data(frame.index).at("reading")? != data {
            return Ok(format!("buffer {} written", frame.index));
        }
    }
    Ok("untouched".into())
}
