// SPDX-License-Identifier: GPL-2.0

//! From device to device: what one captures is queued to the other, as the same memory.

use crate::dmabuf;
use crate::stream::Frame;
use crate::sys::Mapping;
use crate::v4l2;
use crate::v4l2::Device;
use crate::verify::Checker;

use std::os::fd::AsFd;

const COUNT: u32 = 4;

/// Captures `count` frames on `source` and shows them on `sink`. Each is checked before, and must
/// be unchanged when the sink is done with it.
pub fn frames(source: &Device, sink: &Device, count: u32) -> Result<Checker, String> {
    let fail = |what: &'static str| move |error| format!("{what}: {error}");
    let size = source.format().map_err(fail("G_FMT"))?.sizeimage as usize;
    let buffers = source.request(v4l2::MMAP, COUNT).map_err(fail("REQBUFS"))?;
    let shown = sink
        .request(v4l2::DMABUF, buffers)
        .map_err(fail("REQBUFS of the output"))?;
    if shown != buffers {
        return Err(format!("the output wants {shown} buffers, not {buffers}"));
    }
    let mut memory = Vec::new();
    for index in 0..buffers {
        let fd = source.export(index, libc::O_RDWR).map_err(fail("EXPBUF"))?;
        let map = Mapping::read_only(&fd, 0, size).map_err(fail("mmap"))?;
        memory.push((fd, map));
        source.queue_mmap(index).map_err(fail("QBUF"))?;
    }
    source.stream_on().map_err(fail("STREAMON"))?;

    let mut checker = Checker::new(source).map_err(fail("G_FMT"))?;
    let mut on = false;
    let mut pending = Vec::new();
    for _ in 0..count {
        let frame = Frame::from(source.dequeue(v4l2::MMAP).map_err(fail("DQBUF"))?);
        let (fd, map) = &memory[frame.index as usize];
        let data = dmabuf::bytes(fd.as_fd(), map, size).map_err(fail("sync"))?;
        checker.check(&frame, &data)?;
        let mut buffer = sink.buffer(v4l2::DMABUF, frame.index);
        buffer.m.fd = std::os::fd::AsRawFd::as_raw_fd(fd);
        buffer.bytesused = size as u32;
        sink.queue(buffer).map_err(fail("QBUF to the output"))?;
        pending.push((frame.index, data));
        if !on {
            sink.stream_on().map_err(fail("STREAMON of the output"))?;
            on = true;
        }
        // Always one frame on show, as a display would have it.
        if pending.len() > 1 {
            let index = sink
                .dequeue(v4l2::DMABUF)
                .map_err(fail("DQBUF of the output"))?
                .index;
            let at = pending.iter().position(|(i, _)| *i == index);
            let (_, before) = pending.remove(at.ok_or("the output returned what it did not have")?);
            let (fd, map) = &memory[index as usize];
            if dmabuf::bytes(fd.as_fd(), map, size).map_err(fail("sync"))? != before {
                return Err("a frame changed while it was shown".into());
            }
            source.queue_mmap(index).map_err(fail("QBUF"))?;
        }
    }
    sink.stream_off().map_err(fail("STREAMOFF of the output"))?;
    sink.request(v4l2::DMABUF, 0)
        .map_err(fail("REQBUFS of the output"))?;
    source.stream_off().map_err(fail("STREAMOFF"))?;
    drop(memory);
    source.request(v4l2::MMAP, 0).map_err(fail("REQBUFS"))?;
    Ok(checker)
}
