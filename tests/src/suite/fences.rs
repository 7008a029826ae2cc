// SPDX-License-Identifier: GPL-2.0

//! Buffers that somebody else still uses hold up nothing but themselves.

use super::bench::equal;
use super::bench::holds;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::v4l2::Device;
use crate::v4l2::DMABUF;
use crate::v4l2::MMAP;
use crate::vgem::Buffer;
use crate::vgem::Vgem;

use std::time::Duration;
use std::time::Instant;

/// Longer than a frame takes, and shorter than a fence of vgem.
const SOON: Duration = Duration::from_secs(2);

/// What is done ends at once, whatever is pending.
fn promptly(what: &str, f: impl FnOnce() -> std::io::Result<()>) -> Outcome {
    let start = Instant::now();
    f().at(what)?;
    holds(what, start.elapsed() < SOON)
}

/// Four buffers of vgem, the second of which has a fence that is pending.
fn buffers(device: &Device, vgem: &Vgem) -> Outcome<(Vec<Buffer>, u32)> {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let buffers = (0..4)
        .map(|_| vgem.buffer(size))
        .collect::<std::io::Result<Vec<_>>>()
        .at("buffers of vgem")?;
    let fence = vgem.attach_read_fence(&buffers[1]).at("a fence")?;
    device.request(DMABUF, 4).at("REQBUFS")?;
    for (index, buffer) in buffers.iter().enumerate() {
        promptly("QBUF", || device.queue_dmabuf(index as u32, &buffer.dmabuf))?;
    }
    Ok((buffers, fence))
}

/// Other buffers go on being filled, and this one is when its fence is signalled.
pub fn others(bench: &Bench) -> Outcome {
    let vgem = Vgem::open().at("vgem")?;
    let device = bench.open(0)?;
    let (buffers, fence) = buffers(&device, &vgem)?;
    promptly("STREAMON", || device.stream_on())?;
    let mut last = None;
    for n in 0..12 {
        let frame = device.dequeue(DMABUF).at("DQBUF")?;
        holds("not the one that is read", frame.index != 1)?;
        if let Some(last) = last {
            holds("no frame is lost for it", frame.sequence - last < 10)?;
        }
        last = Some(frame.sequence);
        let buffer = &buffers[frame.index as usize];
        device
            .queue_dmabuf(frame.index, &buffer.dmabuf)
            .at("QBUF")?;
        if n == 8 {
            vgem.signal(fence).at("signal")?;
            break;
        }
    }
    for _ in 0..8 {
        let frame = device.dequeue(DMABUF).at("DQBUF")?;
        if frame.index == 1 {
            return Ok(());
        }
        let buffer = &buffers[frame.index as usize];
        device
            .queue_dmabuf(frame.index, &buffer.dmabuf)
            .at("QBUF")?;
    }
    Err("the buffer does not come back".into())
}

/// Neither VIDIOC_STREAMOFF nor VIDIOC_REQBUFS nor close() waits for a fence.
pub fn stopping(bench: &Bench) -> Outcome {
    let vgem = Vgem::open().at("vgem")?;
    let device = bench.open(0)?;
    let (buffers, fence) = buffers(&device, &vgem)?;
    device.stream_on().at("STREAMON")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    promptly("STREAMOFF", || device.stream_off())?;
    // It is still pending when the buffer comes again, and when it is given up.
    for (index, buffer) in buffers.iter().enumerate() {
        promptly("QBUF", || device.queue_dmabuf(index as u32, &buffer.dmabuf))?;
    }
    device.stream_on().at("STREAMON")?;
    promptly("STREAMOFF", || device.stream_off())?;
    promptly("REQBUFS(0)", || device.request(DMABUF, 0).map(|_| ()))?;
    vgem.signal(fence).at("signal")?;

    let (_buffers, _fence) = self::buffers(&device, &vgem)?;
    device.stream_on().at("STREAMON")?;
    promptly("close", || {
        drop(device);
        Ok(())
    })
}

/// What a reader of an exported buffer has not done with is not overwritten, and others are.
pub fn readers(bench: &Bench) -> Outcome {
    let vgem = Vgem::open().at("vgem")?;
    let device = bench.open(0)?;
    device.request(MMAP, 4).at("REQBUFS")?;
    for index in 0..4 {
        device.queue_mmap(index).at("QBUF")?;
    }
    device.stream_on().at("STREAMON")?;
    let index = device.dequeue(MMAP).at("DQBUF")?.index;
    let export = device.export(index, libc::O_RDWR).at("EXPBUF")?;
    let reader = vgem.import(export).at("import")?;
    let fence = vgem.attach_read_fence(&reader).at("a fence")?;
    let map = device.map(index).at("mmap")?;
    let before = map.bytes(0, map.len());
    device.queue_mmap(index).at("QBUF")?;

    for _ in 0..12 {
        let frame = device.dequeue(MMAP).at("DQBUF")?;
        holds("not the one that is read", frame.index != index)?;
        device.queue_mmap(frame.index).at("QBUF")?;
    }
    holds("what is read stays", map.bytes(0, map.len()) == before)?;
    vgem.signal(fence).at("signal")?;
    let mut indices = Vec::new();
    for _ in 0..8 {
        let frame = device.dequeue(MMAP).at("DQBUF")?;
        device.queue_mmap(frame.index).at("QBUF")?;
        indices.push(frame.index);
    }
    equal("it is filled again", indices.contains(&index), true)
}
