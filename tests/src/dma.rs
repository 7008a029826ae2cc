// SPDX-License-Identifier: GPL-2.0

//! What only a device that writes memory by itself shows: what the CPU sees of it when, what a pool
//! of buffers costs, and whether it is held back.

use crate::dmabuf;
use crate::stream::Backing;
use crate::stream::Frame;
use crate::stream::Stream;
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

type Result<T = ()> = std::result::Result<T, String>;

fn at<E: std::fmt::Display>(what: &str) -> impl Fn(E) -> String + '_ {
    move |error| format!("{what}: {error}")
}

/// A dma-buf that the CPU has filled, and its mapping.
fn filled(size: usize) -> Result<(OwnedFd, Mapping)> {
    let fd = dmabuf::heap(size, libc::O_RDWR).map_err(at("dma-heap"))?;
    let map = Mapping::shared(&fd, 0, size).map_err(at("mmap"))?;
    let access = dmabuf::Access::write(fd.as_fd()).map_err(at("DMA_BUF_IOCTL_SYNC"))?;
    map.fill(0, size, UNTOUCHED);
    access.end().map_err(at("DMA_BUF_IOCTL_SYNC"))?;
    Ok((fd, map))
}

/// Frames that are read between the brackets of an access are right; and where memory is not
/// coherent, as with bounce buffers, they are not there before: `is_coherent` says which.
pub fn sync(device: &Device, frames: u32, is_coherent: bool) -> Result<String> {
    let size = device.format().map_err(at("G_FMT"))?.sizeimage as usize;
    let (fd, map) = filled(size)?;
    let mut early = 0;

    device.request(DMABUF, 1).map_err(at("REQBUFS"))?;
    for n in 0..frames {
        let access = dmabuf::Access::write(fd.as_fd()).map_err(at("DMA_BUF_IOCTL_SYNC"))?;
        map.fill(0, size, UNTOUCHED);
        access.end().map_err(at("DMA_BUF_IOCTL_SYNC"))?;

        device.queue_dmabuf(0, &fd).map_err(at("QBUF"))?;
        device.stream_on().map_err(at("STREAMON"))?;
        let frame = Frame::from(device.dequeue(DMABUF).map_err(at("DQBUF"))?);
        let before = map.bytes(0, size);
        let after = dmabuf::bytes(fd.as_fd(), &map, size).map_err(at("reading"))?;
        device.stream_off().map_err(at("STREAMOFF"))?;

        // Numbers begin anew.
        Checker::new(device)
            .map_err(at("format"))?
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
pub fn rotate(device: &Device, frames: u32, pool: usize, indices: u32) -> Result<String> {
    let size = device.format().map_err(at("G_FMT"))?.sizeimage as usize;
    let backing = |_| Backing::dmabuf(dmabuf::heap(size, libc::O_RDWR)?, size);
    let pool: std::io::Result<Vec<_>> = (0..pool).map(backing).collect();
    let mut pool = pool.map_err(at("dma-heap"))?;
    let rest = pool.split_off(indices as usize);
    let mut rest = std::collections::VecDeque::from(rest);
    let mut stream = Stream::start(device, pool).map_err(at("start"))?;
    let mut checker = Checker::new(device).map_err(at("format"))?;
    let mut times = Vec::new();

    for n in 0..frames {
        let (frame, data) = stream.next().map_err(at("DQBUF"))?;
        checker
            .check(&frame, &data)
            .map_err(|e| format!("frame {n}: {e}"))?;
        if let Some(next) = rest.pop_front() {
            rest.push_back(stream.replace(frame.index, next));
        }
        let start = Instant::now();
        stream.queue(frame.index).map_err(at("QBUF"))?;
        times.push(start.elapsed());
    }
    let warm = &times[times.len() / 2..];
    let mean = warm.iter().sum::<Duration>() / warm.len() as u32;
    Ok(format!("{frames} frames, QBUF {} us", mean.as_micros()))
}

/// A buffer that a GPU still reads is not written before it has: nothing is held up by it.
pub fn fence(device: &Device) -> Result<String> {
    let size = device.format().map_err(at("G_FMT"))?.sizeimage as usize;
    let vgem = Vgem::open().map_err(at("vgem"))?;
    let buffer = vgem.buffer(size).map_err(at("vgem buffer"))?;
    let map = Mapping::shared(&buffer.dmabuf, 0, size).map_err(at("mmap"))?;
    let (other, other_map) = filled(size)?;
    let mut checker = Checker::new(device).map_err(at("format"))?;

    map.fill(0, size, UNTOUCHED);
    device.request(DMABUF, 2).map_err(at("REQBUFS"))?;
    let fence = vgem.attach_read_fence(&buffer).map_err(at("fence"))?;
    device.queue_dmabuf(0, &buffer.dmabuf).map_err(at("QBUF"))?;
    device.queue_dmabuf(1, &other).map_err(at("QBUF"))?;
    device.stream_on().map_err(at("STREAMON"))?;

    // The other one is filled, though it was queued after it.
    for n in 0..3 {
        let frame = Frame::from(device.dequeue(DMABUF).map_err(at("DQBUF"))?);
        if frame.index != 1 {
            return Err(format!("frame {n}: the buffer with the fence was filled"));
        }
        let data = dmabuf::bytes(other.as_fd(), &other_map, size).map_err(at("reading"))?;
        checker.check(&frame, &data)?;
        device.queue_dmabuf(1, &other).map_err(at("QBUF"))?;
    }
    thread::sleep(Duration::from_millis(100));
    if map.bytes(0, size).iter().any(|byte| *byte != UNTOUCHED) {
        return Err("it was written while it was read".into());
    }

    vgem.signal(fence).map_err(at("signal"))?;
    for _ in 0..3 {
        let frame = Frame::from(device.dequeue(DMABUF).map_err(at("DQBUF"))?);
        if frame.index == 0 {
            let data = map.bytes(0, size);
            checker.check(&frame, &data)?;
            device.stream_off().map_err(at("STREAMOFF"))?;
            device.request(DMABUF, 0).map_err(at("REQBUFS"))?;
            return Ok("waited for, and then filled".into());
        }
    }
    Err("it was not filled when the fence was signalled".into())
}

/// Memory that a file maps and that is a device's is no memory of a process.
pub fn foreign(device: &Device, path: &Path) -> Result<String> {
    let size = device.format().map_err(at("G_FMT"))?.sizeimage as usize;
    let file = File::options().read(true).write(true).open(path);
    let file = file.map_err(|e| format!("{}: {e}", path.display()))?;
    let map = Mapping::shared(&file, 0, sys::page_align(size)).map_err(at("mmap"))?;

    map.fill(0, size, UNTOUCHED);
    device.request(USERPTR, 1).map_err(at("REQBUFS"))?;
    match device.queue_userptr(0, map.address(), map.len()) {
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => Ok(format!("QBUF: {e}")),
        Err(e) => Err(format!("QBUF: {e}")),
        Ok(()) => Err("QBUF has taken it".into()),
    }
}

/// Buffers that were dequeued are left alone, though the device streams on.
pub fn idle(device: &Device) -> Result<String> {
    let stream = Stream::mmap(device).map_err(at("start"))?;
    let mut seen = Vec::new();

    for _ in 0..stream.backing().len() {
        seen.push(stream.next().map_err(at("DQBUF"))?);
    }
    thread::sleep(Duration::from_millis(500));
    for (frame, data) in seen {
        if stream.data(frame.index).map_err(at("reading"))? != data {
            return Ok(format!("buffer {} written", frame.index));
        }
    }
    Ok("untouched".into())
}
