// SPDX-License-Identifier: GPL-2.0

//! What others do with the buffers that a camera exports.

use super::source;
use super::source::camera;
use super::Case;
use crate::dmabuf;
use crate::dmabuf::Access;
use crate::stream;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::suite::bench::Bench;
use crate::suite::bench::Context;
use crate::suite::bench::Outcome;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

/// Buffers that a camera exports, with the size of a frame of it.
fn exports(device: &Device) -> Outcome<(Vec<OwnedFd>, usize)> {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let fds = stream::export_buffers(device, source::COUNT, size).at("EXPBUF")?;

    Ok((fds, size))
}

/// The camera still writes to what it has exported.
fn written(device: &Device) -> Outcome {
    for index in 0..source::COUNT {
        device.queue_mmap(index).at("QBUF")?;
    }
    device.stream_on().at("STREAMON")?;
    device.dequeue(v4l2::MMAP).at("DQBUF")?;
    device.stream_off().at("STREAMOFF")
}

fn sync() -> Case {
    Case::new("DMA_BUF_IOCTL_SYNC, start", |bench, attempt| {
        let device = camera(bench)?;
        let (fds, size) = exports(&device)?;
        let map = Mapping::shared(&fds[0], 0, size).at("mmap")?;
        let access = attempt.call(|| Access::write(fds[0].as_fd()))?;
        map.fill(0, size, 3);
        access.end().at("DMA_BUF_SYNC_END")?;
        written(&device)
    })
}

fn sync_end() -> Case {
    Case::new("DMA_BUF_IOCTL_SYNC, end", |bench, attempt| {
        let device = camera(bench)?;
        let (fds, _) = exports(&device)?;
        let mut access = Some(Access::read(fds[0].as_fd()).at("DMA_BUF_SYNC_START")?);
        attempt.call(|| match access.take() {
            Some(access) => access.end(),
            // Ending what is not begun is no error here, so the second try is the same call.
            None => Access::read(fds[0].as_fd())?.end(),
        })?;
        written(&device)
    })
}

fn mmap() -> Case {
    Case::new("mmap of an export", |bench, attempt| {
        let device = camera(bench)?;
        let (fds, size) = exports(&device)?;
        let map = attempt.call(|| Mapping::shared(&fds[0], 0, size))?;
        written(&device)?;
        let data = dmabuf::bytes(fds[0].as_fd(), &map, size).at("DMA_BUF_IOCTL_SYNC")?;
        drop(data);
        Ok(())
    })
}

/// The last descriptor of a buffer whose camera has forgotten it.
fn release() -> Case {
    Case::new("close of an export", |bench, attempt| {
        let device = camera(bench)?;
        let (mut fds, _) = exports(&device)?;
        device.request(v4l2::MMAP, 0).at("REQBUFS(0)")?;
        let last = fds.pop();
        attempt.silent(|| drop(last))?;
        drop(device);
        source::again(bench)
    })
}

fn is_queued(stream: &Stream<'_>) -> bool {
    source::has(stream, 0, uapi::V4L2_BUF_FLAG_QUEUED)
}

/// Buffers of a camera on the queue of `importer`.
fn imported<'a>(device: &Device, importer: &'a Device) -> Outcome<Stream<'a>> {
    let size = importer.format().at("G_FMT")?.sizeimage as usize;
    let fds = stream::export_buffers(device, source::COUNT, size).at("EXPBUF")?;
    let backing = fds.into_iter().map(|fd| Backing::dmabuf(fd, size));
    let backing = backing.collect::<std::io::Result<_>>().at("mmap")?;

    Stream::prepare(importer, backing).at("REQBUFS")
}

/// What `call` does on vivid's queue with buffers of ours.
fn vivid(
    name: &str,
    streams: bool,
    call: impl Fn(&Stream<'_>) -> std::io::Result<()> + 'static,
) -> Case {
    Case::new(name, move |bench: &Bench, attempt| {
        let (device, importer) = (camera(bench)?, source::stranger(bench)?);
        let stream = imported(&device, &importer)?;
        if streams {
            source::shoot(&stream)?;
        }
        attempt.call_unless(|| call(&stream), |_| is_queued(&stream))?;
        drop(stream);
        let stream = imported(&device, &importer)?;
        source::shoot(&stream)?;
        drop(stream);
        written(&device)
    })
}

/// A camera that imports what it exports itself.
fn own() -> Case {
    Case::new(
        "QBUF DMABUF, of the other, exported twice",
        |bench, attempt| {
            let (device, importer) = (camera(bench)?, source::second(bench)?);
            let stream = imported(&device, &importer)?;
            let twin = device.export(0, libc::O_RDWR).at("EXPBUF again")?;
            attempt.call_unless(|| stream.queue(0), |_| is_queued(&stream))?;
            source::shoot(&stream)?;
            drop(twin);
            drop(stream);
            written(&device)
        },
    )
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        sync(),
        sync_end(),
        mmap(),
        release(),
        own(),
        // The second step is vivid's attaching. When that fails videobuf2 forgets to let go of the
        // dma-buf, which stays for ever, and our module with it (`__prepare_dmabuf()`).
        vivid("QBUF of vivid", false, |stream| stream.queue(0)).without(2..3),
        vivid("STREAMOFF of vivid", true, |stream| {
            stream.device().stream_off()
        }),
    ]
}
