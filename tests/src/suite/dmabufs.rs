// SPDX-License-Identifier: GPL-2.0

//! dma-bufs from everywhere, right ones and wrong ones.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::bench::FOURCC;
use super::bench::SIZE;
use crate::dmabuf;
use crate::stream;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::DMABUF;
use crate::v4l2::MMAP;
use crate::verify;
use crate::verify::Checker;
use crate::vgem::Vgem;

use std::fs::File;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Descriptors that are no dma-bufs.
pub fn wrong_fd(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    device.request(DMABUF, 2).at("REQBUFS")?;
    let null = File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .at("open")?;
    let memory = sys::memfd(sys::page_align(size)).at("memfd")?;
    for (what, fd) in [
        ("-1", -1),
        ("a descriptor that is not open", 1000),
        ("the largest", i32::MAX),
        ("/dev/null", null.as_raw_fd()),
        ("a memfd", memory.as_raw_fd()),
        ("the device itself", device.as_fd().as_raw_fd()),
    ] {
        for _ in 0..2 {
            refused(what, libc::EINVAL, device.queue_fd(0, fd, size))?;
        }
    }
    // The same index still takes a right one.
    let fd = dmabuf::udmabuf(size).at("udmabuf")?;
    device.queue_dmabuf(0, &fd).at("QBUF")?;
    device.stream_on().at("STREAMON")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    refused(
        "a wrong one in its place",
        libc::EINVAL,
        device.queue_fd(0, null.as_raw_fd(), 0),
    )?;
    device.queue_dmabuf(0, &fd).at("QBUF")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    Ok(())
}

/// dma-bufs that are too small, and lengths that are not theirs.
pub fn too_small(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let whole = sys::page_align(size);
    device.request(DMABUF, 2).at("REQBUFS")?;
    for fd in [
        dmabuf::udmabuf(sys::page()).at("udmabuf")?,
        dmabuf::udmabuf(whole - sys::page()).at("udmabuf")?,
        dmabuf::other(whole - sys::page()).at("heap")?,
    ] {
        let fd = fd.as_raw_fd();
        refused("its own size", libc::EINVAL, device.queue_fd(0, fd, 0))?;
        refused(
            "more than it has",
            libc::EINVAL,
            device.queue_fd(0, fd, whole),
        )?;
        refused(
            "far more",
            libc::EINVAL,
            device.queue_fd(0, fd, u32::MAX as usize),
        )?;
    }
    let fd = dmabuf::udmabuf(whole).at("udmabuf")?;
    refused(
        "a length too short",
        libc::EINVAL,
        device.queue_fd(0, fd.as_raw_fd(), size - 1),
    )?;
    let long = device.queue_fd(0, fd.as_raw_fd(), whole + 1);
    refused("a length beyond its end", libc::EINVAL, long)?;
    device
        .queue_fd(0, fd.as_raw_fd(), size)
        .at("the length it needs")?;
    device.stream_on().at("STREAMON")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    // A larger one will do.
    let large = dmabuf::udmabuf(whole * 2).at("udmabuf")?;
    device.queue_dmabuf(1, &large).at("a larger one")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    Ok(())
}

/// Nothing is written to a DMABUF before the fence of its last writer has signalled.
pub fn fence(bench: &Bench) -> Outcome {
    const PENDING: Duration = Duration::from_millis(700);
    let vgem = Vgem::open().at("vgem")?;
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let buffer = vgem.buffer(size).at("a buffer of vgem")?;
    let map = Mapping::shared(&buffer.dmabuf, 0, size).at("mmap")?;
    map.fill(0, size, 0xa5);
    let fence = vgem.attach_fence(&buffer).at("a fence")?;

    device.request(DMABUF, 1).at("REQBUFS")?;
    device.queue_dmabuf(0, &buffer.dmabuf).at("QBUF")?;
    device.stream_on().at("STREAMON")?;
    let early = device.wait(libc::POLLIN, PENDING).at("poll")?;
    equal("frames before the fence signals", early, 0)?;
    holds(
        "nothing is written",
        map.bytes(0, size).iter().all(|byte| *byte == 0xa5),
    )?;
    vgem.signal(fence).at("signal")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    holds(
        "a frame",
        map.bytes(0, size).iter().any(|byte| *byte != 0xa5),
    )
}

/// dma-bufs that may only be read are no place for frames.
pub fn read_only(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    device.request(DMABUF, 1).at("REQBUFS")?;
    if dmabuf::has_heap() {
        let heap = dmabuf::heap(size, libc::O_RDONLY).at("heap")?;
        refused("of a heap", libc::EINVAL, device.queue_dmabuf(0, &heap))?;
    }
    let stranger = bench.stranger()?;
    stranger.request(MMAP, 1).at("REQBUFS of vivid")?;
    let fd = stranger.export(0, libc::O_RDONLY).at("EXPBUF of vivid")?;
    refused("of vivid", libc::EINVAL, device.queue_dmabuf(0, &fd))?;
    let second = bench.open(1)?;
    second.request(MMAP, 1).at("REQBUFS of the other")?;
    let fd = second.export(0, libc::O_RDONLY).at("EXPBUF of the other")?;
    refused(
        "of another camera",
        libc::EINVAL,
        device.queue_dmabuf(0, &fd),
    )?;
    let fd = second.export(0, libc::O_RDWR).at("EXPBUF of the other")?;
    device.queue_dmabuf(0, &fd).at("the same for writing")?;
    device.stream_on().at("STREAMON")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    Ok(())
}

/// The access mode asked for is the one that the exported descriptor has.
pub fn access_mode(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    device.request(MMAP, 1).at("REQBUFS")?;
    let length = device.query(MMAP, 0).at("QUERYBUF")?.length as usize;

    let fd = device.export(0, libc::O_RDONLY).at("EXPBUF")?;
    let mode = sys::access_mode(fd.as_fd()).at("F_GETFL")?;
    equal("mode", mode, libc::O_RDONLY)?;
    refused(
        "a mapping to write to",
        libc::EACCES,
        Mapping::shared(&fd, 0, length).map(|_| ()),
    )?;
    let reader = Mapping::read_only(&fd, 0, length).at("a mapping to read")?;

    let fd = device.export(0, libc::O_RDWR).at("EXPBUF")?;
    let mode = sys::access_mode(fd.as_fd()).at("F_GETFL")?;
    equal("mode", mode, libc::O_RDWR)?;
    let writer = Mapping::shared(&fd, 0, length).at("a mapping to write to")?;
    writer.fill(0, length, 0xa5);
    holds(
        "both are one memory",
        reader.bytes(0, length).iter().all(|b| *b == 0xa5),
    )?;
    let long = Mapping::shared(&fd, 0, sys::page_align(length) + sys::page());
    refused("a mapping beyond the end", libc::EINVAL, long.map(|_| ()))?;
    let beyond = Mapping::shared(&fd, sys::page_align(length) as u64, sys::page());
    refused("a mapping behind the end", libc::EINVAL, beyond.map(|_| ()))
}

/// Frames into memory of udmabuf.
pub fn udmabuf(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::dmabuf(&device, dmabuf::udmabuf).at("start")?;
    verify::frames(&stream, 20).map(|_| ())
}

/// Frames into memory of the system heap.
pub fn heap(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::dmabuf(&device, |size| dmabuf::heap(size, libc::O_RDWR)).at("start")?;
    verify::frames(&stream, 20).map(|_| ())
}

/// Frames into memory of vivid.
pub fn vivid(bench: &Bench) -> Outcome {
    let (device, stranger) = (bench.open(0)?, bench.stranger()?);
    let stream = Stream::import(&device, &stranger).at("start")?;
    verify::frames(&stream, 20).map(|_| ())
}

/// Two cameras, each with memory of the other, at the same time.
pub fn each_other(bench: &Bench) -> Outcome {
    let (a, b) = (bench.open(0)?, bench.open(1)?);
    // A queue has one type of memory: orphans of its own MMAP time are what the other gets.
    let size = a.format().at("G_FMT")?.sizeimage as usize;
    let mut backing = Vec::new();
    for device in [&a, &b] {
        let fds = stream::export_buffers(device, 4, size).at("EXPBUF")?;
        device.request(MMAP, 0).at("REQBUFS(0)")?;
        let fds = fds.into_iter().map(|fd| Backing::dmabuf(fd, size));
        backing.push(fds.collect::<std::io::Result<Vec<_>>>().at("mmap")?);
    }
    let of_b = backing.pop().unwrap_or_default();
    let of_a = backing.pop().unwrap_or_default();
    let (into_b, into_a) = (
        Stream::start(&a, of_b).at("start")?,
        Stream::start(&b, of_a).at("start")?,
    );
    for _ in 0..5 {
        verify::frames(&into_b, 2)?;
        verify::frames(&into_a, 2)?;
    }
    Ok(())
}

/// A camera gets its own former buffers back as dma-bufs.
pub fn own(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let mut fds = stream::export_buffers(&device, 4, size)
        .at("EXPBUF")?
        .into_iter();
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let stream = Stream::dmabuf(&device, |_| fds.next().ok_or_else(missing)).at("start")?;
    verify::frames(&stream, 20).map(|_| ())
}

/// A pool of dma-bufs that is larger than the queue, so that each index gets another one each time.
pub fn rotating(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let mut pool = std::collections::VecDeque::new();
    for _ in 0..7 {
        pool.push_back(Backing::dmabuf(dmabuf::udmabuf(size).at("udmabuf")?, size).at("mmap")?);
    }
    let first = pool.drain(..3).collect();
    let mut stream = Stream::start(&device, first).at("start")?;
    let mut checker = Checker::new(&device).at("format")?;
    for _ in 0..30 {
        let (frame, data) = stream.next().at("DQBUF")?;
        checker.check(&frame, &data)?;
        if let Some(next) = pool.pop_front() {
            pool.push_back(stream.replace(frame.index, next));
        }
        stream.queue(frame.index).at("QBUF")?;
    }
    Ok(())
}

/// One dma-buf on two indices: it is written twice, and nothing breaks.
pub fn shared_index(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    device.request(DMABUF, 2).at("REQBUFS")?;
    let fd = dmabuf::udmabuf(size).at("udmabuf")?;
    device.queue_dmabuf(0, &fd).at("QBUF")?;
    device.queue_dmabuf(1, &fd).at("QBUF of the same")?;
    device.stream_on().at("STREAMON")?;
    for _ in 0..6 {
        let buffer = device.dequeue(DMABUF).at("DQBUF")?;
        device.queue_dmabuf(buffer.index, &fd).at("QBUF")?;
    }
    Ok(())
}

/// Frames out of vireo's memory into another device, without a copy.
pub fn output(bench: &Bench) -> Outcome {
    let (device, display) = (bench.open(0)?, bench.display()?);
    let pix = display
        .set_format(FOURCC, SIZE.0, SIZE.1)
        .at("format of vivid")?;
    equal(
        "size of vivid",
        (pix.width, pix.height, pix.pixelformat),
        (SIZE.0, SIZE.1, FOURCC),
    )?;
    crate::relay::frames(&device, &display, 20).map(|_| ())
}

/// A format change between two uses of a dma-buf: the sizes that count are the new ones.
pub fn format_change(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let small = device.format().at("G_FMT")?.sizeimage as usize;
    let fd = dmabuf::udmabuf(small).at("udmabuf")?;
    for (w, h, fits) in [(640, 480, true), (1280, 720, false), (320, 240, true)] {
        device
            .set_format(uapi::V4L2_PIX_FMT_YUYV, w, h)
            .at("S_FMT")?;
        device.request(DMABUF, 1).at("REQBUFS")?;
        let result = device.queue_dmabuf(0, &fd);
        if fits {
            result.at("QBUF")?;
            device.stream_on().at("STREAMON")?;
            device.dequeue(v4l2::DMABUF).at("DQBUF")?;
            device.stream_off().at("STREAMOFF")?;
        } else {
            refused("a dma-buf of the smaller format", libc::EINVAL, result)?;
        }
        device.request(DMABUF, 0).at("REQBUFS(0)")?;
    }
    Ok(())
}
