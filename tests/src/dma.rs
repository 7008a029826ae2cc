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
use crate::v4l2::USERPTR;
use crate::verify::Checker;
use crate::vgem::Vgem;

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

/// More buffers than indices, of which each is queued on the index that was dequeued: what a QBUF
/// takes, in the mean of those after the first round.
pub fn rotate(device: &Device, frames: u32, pool: usize, indices: u32) -> Outcome<String> {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let backing = |_| Backing::dmabuf(dmabuf::heap(size, libc::O_RDWR)?, size);
    let pool: std::io::Result<Vec<_>> = (0..pool).map(backing).collect();
    let mut pool = pool.at("dma-heap")?;
    let rest = pool.split_off(indices as usize);
    let mut rest = std::collections::VecDeque::from(rest);
    let mut stream = Stream::start(device, pool).at("start")?;
    let mut checker = Checker::new(device).at("format")?;
    let mut times = Vec::new();

    for n in 0..frames {
        let (frame, data) = stream.next().at("DQBUF")?;
        checker
            .check(&frame, &data)
            .map_err(|e| format!("frame {n}: {e}"))?;
        if let Some(next) = rest.pop_front() {
            rest.push_back(stream.replace(frame.index, next));
        }
        let start = Instant::now();
        stream.queue(frame.index).at("QBUF")?;
        times.push(start.elapsed());
    }
    let warm = &times[times.len() / 2..];
    let mean = warm.iter().sum::<Duration>() / warm.len() as u32;
    Ok(format!("{frames} frames, QBUF {} us", mean.as_micros()))
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
