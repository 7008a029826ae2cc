// SPDX-License-Identifier: GPL-2.0

//! Calls that are wrong, and the errno that V4L2 documents for each.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::bench::FOURCC;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::v4l2::DMABUF;
use crate::v4l2::MMAP;
use crate::v4l2::USERPTR;
use crate::verify;

use std::io;
use std::time::Duration;

/// Ioctls, inputs and controls that are not there.
pub fn unknown(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    // Nobody's number: 'V', 255, 4 bytes to be read and written.
    refused(
        "no ioctl",
        libc::ENOTTY,
        device.ioctl(0xc004_56ff, &mut 0u32),
    )?;
    let mut input = 1000u32;
    refused(
        "S_INPUT",
        libc::EINVAL,
        device.ioctl(uapi::VIDIOC_S_INPUT, &mut input),
    )?;
    let mut input = uapi::v4l2_input {
        index: 1000,
        ..Default::default()
    };
    let result = device.ioctl(uapi::VIDIOC_ENUMINPUT, &mut input);
    refused("ENUMINPUT", libc::EINVAL, result)?;
    let id = uapi::V4L2_CID_BASE + 0xff0;
    refused("G_CTRL", libc::EINVAL, device.control(id))?;
    refused("S_CTRL", libc::EINVAL, device.set_control(id, 0))?;
    refused(
        "QUERYCTRL",
        libc::EINVAL,
        device.query_control(id).map(|_| ()),
    )?;
    refused(
        "an event of no kind",
        libc::EINVAL,
        device.subscribe(0x1234, 0),
    )?;
    let result = device.subscribe(uapi::V4L2_EVENT_CTRL, id);
    refused("an event of no control", libc::EINVAL, result)
}

/// Requests for buffers that cannot be.
pub fn reqbufs(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    for memory in [0, uapi::V4L2_MEMORY_OVERLAY, 5, u32::MAX] {
        let what = format!("memory {memory}");
        refused(&what, libc::EINVAL, device.request(memory, 1).map(|_| ()))?;
    }
    for kind in [
        0,
        v4l2::OUTPUT,
        uapi::V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
        1000,
    ] {
        let device = bench.again(0)?.with_kind(kind);
        let what = format!("type {kind}");
        refused(&what, libc::EINVAL, device.request(MMAP, 1).map(|_| ()))?;
    }
    // As many as there may be, which is less.
    device.set_format(FOURCC, 16, 16).at("S_FMT")?;
    let many = device.request(MMAP, u32::MAX).at("REQBUFS")?;
    holds("a sensible number of buffers", (1..=1024).contains(&many))?;
    equal("none", device.request(MMAP, 0).at("REQBUFS(0)")?, 0)?;
    equal("none again", device.request(DMABUF, 0).at("REQBUFS(0)")?, 0)
}

/// Buffers that are not there, or are of another kind.
pub fn indices(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    refused(
        "QUERYBUF without buffers",
        libc::EINVAL,
        device.query(MMAP, 0).map(|_| ()),
    )?;
    refused("QBUF without buffers", libc::EINVAL, device.queue_mmap(0))?;
    let count = device.request(MMAP, 4).at("REQBUFS")?;
    for index in [count, count + 1, 1000, u32::MAX] {
        let what = format!("index {index}");
        refused(&what, libc::EINVAL, device.query(MMAP, index).map(|_| ()))?;
        refused(&what, libc::EINVAL, device.queue_mmap(index))?;
        let mut prepare = device.buffer(MMAP, index);
        let result = device.ioctl(uapi::VIDIOC_PREPARE_BUF, &mut prepare);
        refused(&what, libc::EINVAL, result)?;
        refused(
            &what,
            libc::EINVAL,
            device.export(index, libc::O_RDWR).map(|_| ()),
        )?;
    }

    let page = Mapping::anonymous(1 << 20).at("mmap")?;
    let result = device.queue_userptr(0, page.address(), page.len());
    refused("USERPTR in an MMAP queue", libc::EINVAL, result)?;
    refused(
        "DMABUF in an MMAP queue",
        libc::EINVAL,
        device.queue_fd(0, 0, 0),
    )?;
    refused(
        "no memory type",
        libc::EINVAL,
        device.queue(device.buffer(0, 0)),
    )?;
    let mut wrong = device.buffer(MMAP, 0);
    wrong.type_ = v4l2::OUTPUT;
    refused("QBUF of an output", libc::EINVAL, device.queue(wrong))?;
    let result = device.ioctl(uapi::VIDIOC_QUERYBUF, &mut wrong);
    refused("QUERYBUF of an output", libc::EINVAL, result)?;

    let mut request = device.buffer(MMAP, 0);
    request.flags = uapi::V4L2_BUF_FLAG_REQUEST_FD;
    request.__bindgen_anon_1.request_fd = 0;
    refused("a request", libc::EBADR, device.queue(request))?;

    device.queue_mmap(0).at("QBUF")?;
    refused("QBUF twice", libc::EINVAL, device.queue_mmap(0))?;
    let mut prepare = device.buffer(MMAP, 0);
    let result = device.ioctl(uapi::VIDIOC_PREPARE_BUF, &mut prepare);
    refused("PREPARE_BUF of a queued buffer", libc::EINVAL, result)?;
    let mut prepare = device.buffer(MMAP, 1);
    device
        .ioctl(uapi::VIDIOC_PREPARE_BUF, &mut prepare)
        .at("PREPARE_BUF")?;
    refused(
        "PREPARE_BUF twice",
        libc::EINVAL,
        device.ioctl(uapi::VIDIOC_PREPARE_BUF, &mut prepare),
    )?;
    device.queue_mmap(1).at("QBUF of a prepared buffer")?;
    // What was refused has changed nothing.
    device.stream_on().at("STREAMON")?;
    device.dequeue(MMAP).at("DQBUF")?;
    Ok(())
}

/// Dequeueing what is not there.
pub fn dqbuf(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    refused(
        "without buffers",
        libc::EINVAL,
        device.dequeue_now(MMAP).map(|_| ()),
    )?;
    let count = device.request(MMAP, 4).at("REQBUFS")?;
    refused(
        "without a stream",
        libc::EINVAL,
        device.dequeue_now(MMAP).map(|_| ()),
    )?;
    for index in 0..count {
        device.queue_mmap(index).at("QBUF")?;
    }
    refused(
        "before STREAMON",
        libc::EINVAL,
        device.dequeue_now(MMAP).map(|_| ()),
    )?;
    device.stream_on().at("STREAMON")?;
    let mut wrong = device.buffer(MMAP, 0);
    wrong.type_ = v4l2::OUTPUT;
    let result = device.ioctl(uapi::VIDIOC_DQBUF, &mut wrong);
    refused("of an output", libc::EINVAL, result)?;
    for _ in 0..count {
        device.dequeue(MMAP).at("DQBUF")?;
    }
    device.stream_off().at("STREAMOFF")?;
    refused(
        "after STREAMOFF",
        libc::EINVAL,
        device.dequeue_now(MMAP).map(|_| ()),
    )?;
    drop(device);

    let device = Device::open_nonblocking(&bench.camera(0)?.path).at("open")?;
    device.request(MMAP, 2).at("REQBUFS")?;
    device.stream_on().at("STREAMON")?;
    refused(
        "nothing yet",
        libc::EAGAIN,
        device.dequeue_now(MMAP).map(|_| ()),
    )?;
    let events = device.wait(libc::POLLIN, Duration::ZERO).at("poll")?;
    holds("no POLLIN without a frame", events & libc::POLLIN == 0)
}

/// Starting and stopping at the wrong time.
pub fn streamon(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    refused("without buffers", libc::EINVAL, device.stream_on())?;
    device.stream_off().at("STREAMOFF of nothing")?;
    let wrong = bench.again(0)?.with_kind(v4l2::OUTPUT);
    refused("of an output", libc::EINVAL, wrong.stream_on())?;
    refused("STREAMOFF of an output", libc::EINVAL, wrong.stream_off())?;

    let stream = Stream::mmap(&device).at("start")?;
    device.stream_on().at("STREAMON twice")?;
    verify::frames(&stream, 2)?;
    refused("REQBUFS", libc::EBUSY, device.request(MMAP, 4).map(|_| ()))?;
    refused(
        "REQBUFS of another memory",
        libc::EBUSY,
        device.request(DMABUF, 4).map(|_| ()),
    )?;
    verify::frames(&stream, 2)?;
    device.stream_off().at("STREAMOFF")?;
    device.stream_off().at("STREAMOFF twice")
}

/// A queue belongs to the file that asked for its buffers.
pub fn owner(bench: &Bench) -> Outcome {
    let (device, other) = (bench.open(0)?, bench.again(0)?);
    let stream = Stream::mmap(&device).at("start")?;
    refused("REQBUFS", libc::EBUSY, other.request(MMAP, 4).map(|_| ()))?;
    refused(
        "REQBUFS(0)",
        libc::EBUSY,
        other.request(MMAP, 0).map(|_| ()),
    )?;
    refused("QBUF", libc::EBUSY, other.queue_mmap(0))?;
    refused("DQBUF", libc::EBUSY, other.dequeue_now(MMAP).map(|_| ()))?;
    refused("STREAMON", libc::EBUSY, other.stream_on())?;
    refused("STREAMOFF", libc::EBUSY, other.stream_off())?;
    refused(
        "EXPBUF",
        libc::EBUSY,
        other.export(0, libc::O_RDWR).map(|_| ()),
    )?;
    refused("read", libc::EBUSY, other.read(&mut [0; 64]))?;
    verify::frames(&stream, 2)?;
    drop(other);
    // The other file going away has not stopped this one.
    verify::frames(&stream, 2)?;
    drop(stream);
    let other = bench.again(0)?;
    verify::frames(&Stream::mmap(&other).at("start of another file")?, 2)?;
    Ok(())
}

fn export(device: &Device, change: impl Fn(&mut uapi::v4l2_exportbuffer)) -> io::Result<()> {
    let mut export = uapi::v4l2_exportbuffer {
        type_: v4l2::CAPTURE,
        flags: libc::O_RDWR as u32,
        ..Default::default()
    };
    change(&mut export);
    device.ioctl(uapi::VIDIOC_EXPBUF, &mut export)?;
    drop(sys::owned(export.fd));
    Ok(())
}

/// Exporting what cannot be exported.
pub fn expbuf(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    refused("without buffers", libc::EINVAL, export(&device, |_| ()))?;
    let count = device.request(MMAP, 2).at("REQBUFS")?;
    refused(
        "an index",
        libc::EINVAL,
        export(&device, |e| e.index = count),
    )?;
    refused("a plane", libc::EINVAL, export(&device, |e| e.plane = 1))?;
    refused(
        "a type",
        libc::EINVAL,
        export(&device, |e| e.type_ = v4l2::OUTPUT),
    )?;
    let flags = libc::O_NONBLOCK as u32;
    refused("flags", libc::EINVAL, export(&device, |e| e.flags |= flags))?;
    export(&device, |_| ()).at("EXPBUF")?;
    for memory in [USERPTR, DMABUF] {
        device.request(MMAP, 0).at("REQBUFS(0)")?;
        device.request(memory, 2).at("REQBUFS")?;
        refused("memory of others", libc::EINVAL, export(&device, |_| ()))?;
        device.request(memory, 0).at("REQBUFS(0)")?;
    }
    Ok(())
}

fn create(device: &Device, memory: u32, count: u32, size: Option<u32>) -> io::Result<(u32, u32)> {
    let mut format = uapi::v4l2_format {
        type_: device.kind(),
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_G_FMT, &mut format)?;
    let mut pix = format.pix();
    pix.sizeimage = size.unwrap_or(pix.sizeimage);
    format.fmt.pix = pix;
    let mut create = uapi::v4l2_create_buffers {
        count,
        memory,
        format,
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_CREATE_BUFS, &mut create)?;
    Ok((create.index, create.count))
}

fn remove(device: &Device, index: u32, count: u32) -> io::Result<()> {
    let mut remove = uapi::v4l2_remove_buffers {
        index,
        count,
        type_: device.kind(),
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_REMOVE_BUFS, &mut remove)
}

/// Adding and removing buffers.
pub fn create_bufs(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage;
    equal(
        "how many there are",
        create(&device, MMAP, 0, None).at("CREATE_BUFS")?.0,
        0,
    )?;
    equal(
        "two more",
        create(&device, MMAP, 2, None).at("CREATE_BUFS")?,
        (0, 2),
    )?;
    let small = create(&device, MMAP, 1, Some(size - 1));
    refused("too small", libc::EINVAL, small)?;
    refused("no size", libc::EINVAL, create(&device, MMAP, 1, Some(0)))?;
    refused(
        "another memory",
        libc::EINVAL,
        create(&device, DMABUF, 1, None),
    )?;
    refused("no memory", libc::EINVAL, create(&device, 0, 1, None))?;
    let large = create(&device, MMAP, 2, Some(size * 2)).at("larger ones")?;
    equal("two larger", large, (2, 2))?;
    holds(
        "larger",
        device.query(MMAP, 2).at("QUERYBUF")?.length >= size * 2,
    )?;

    refused("one that is not there", libc::EINVAL, remove(&device, 4, 1))?;
    refused("more than there are", libc::EINVAL, remove(&device, 3, 2))?;
    refused("very many", libc::EINVAL, remove(&device, 0, u32::MAX))?;
    device.queue_mmap(1).at("QBUF")?;
    refused("one that is queued", libc::EBUSY, remove(&device, 0, 2))?;
    device.query(MMAP, 0).at("nothing removed")?;
    remove(&device, 0, 1).at("REMOVE_BUFS")?;
    refused("what was removed", libc::EINVAL, device.queue_mmap(0))?;
    equal(
        "in the gap",
        create(&device, MMAP, 1, None).at("CREATE_BUFS")?,
        (0, 1),
    )?;
    for index in [0, 2, 3] {
        device.queue_mmap(index).at("QBUF")?;
    }
    device.stream_on().at("STREAMON")?;
    for _ in 0..8 {
        let buffer = device.dequeue(MMAP).at("DQBUF")?;
        equal("bytes used", buffer.bytesused, size)?;
        device.queue_mmap(buffer.index).at("QBUF")?;
    }
    Ok(())
}

/// Mapping what is not there.
pub fn mmap(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let wrong = |offset| Mapping::shared(&device, offset, sys::page()).map(|_| ());
    refused("without buffers", libc::EINVAL, wrong(0))?;
    let count = device.request(MMAP, 2).at("REQBUFS")?;
    let buffer = device.query(MMAP, count - 1).at("QUERYBUF")?;
    let (offset, length) = (
        u64::from(buffer.offset()),
        sys::page_align(buffer.length as usize),
    );
    let before = device.query(MMAP, count - 2).at("QUERYBUF")?.offset();
    let stride = offset - u64::from(before);
    refused("no buffer's offset", libc::EINVAL, wrong(offset + stride))?;
    refused(
        "no plane's offset",
        libc::EINVAL,
        wrong(offset + sys::page() as u64),
    )?;
    let long = Mapping::shared(&device, offset, length + sys::page());
    refused("too long", libc::EINVAL, long.map(|_| ()))?;
    let private = Mapping::private(&device, offset, length);
    refused("private", libc::EINVAL, private.map(|_| ()))?;
    Mapping::shared(&device, offset, length).at("mmap")?;
    // Buffers that are still mapped are orphaned.
    let map = device.map(0).at("mmap")?;
    map.fill(0, map.len(), 0x5a);
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    holds(
        "the orphan keeps its bytes",
        map.bytes(0, map.len()).iter().all(|b| *b == 0x5a),
    )?;
    device.request(DMABUF, 2).at("REQBUFS")?;
    refused("a DMABUF queue", libc::EINVAL, wrong(0))
}

/// One type of memory after another, on one file.
pub fn mixed(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    for _ in 0..2 {
        verify::frames(&Stream::mmap(&device).at("MMAP")?, 3)?;
        verify::frames(&Stream::userptr(&device).at("USERPTR")?, 3)?;
        let stream = Stream::dmabuf(&device, crate::dmabuf::udmabuf).at("DMABUF")?;
        verify::frames(&stream, 3)?;
    }
    // From one to the other without giving the first up.
    device.request(MMAP, 2).at("REQBUFS")?;
    let user = Backing::anonymous(size).at("mmap")?;
    let stream = Stream::start(&device, vec![user, Backing::anonymous(size).at("mmap")?]);
    verify::frames(&stream.at("USERPTR instead of MMAP")?, 3)?;
    Ok(())
}
