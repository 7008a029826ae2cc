// SPDX-License-Identifier: GPL-2.0

//! Exporters that want their memory back: a camera that revokes what another one has imported.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::counters::Counters;
use crate::dmabuf;
use crate::stream;
use crate::stream::Backing;
use crate::stream::Frame;
use crate::stream::Stream;
use crate::v4l2::MMAP;
use crate::verify::Checker;

use std::fs;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::Duration;

/// Takes what the second camera has exported back, or lets others have it again.
fn revoke(bench: &Bench, is_revoked: bool) -> Outcome {
    let path = format!("/sys/kernel/debug/{}/revoke", bench.bus_name(1)?);
    fs::write(path, if is_revoked { "1" } else { "0" }).at("revoke")
}

/// Lets the second camera's memory be mapped again, also when a test fails.
struct Guard<'a>(&'a Bench);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // On the way out of another error there is nobody to tell.
        let _ = revoke(self.0, false);
    }
}

fn is_revocable(backing: &Backing, from: &[usize]) -> bool {
    matches!(backing, Backing::DmaBuf(_, map) if from.contains(&map.address()))
}

/// Queued buffers come back with the error flag, their memory is not written any more, the others
/// go on; and once it is allowed, all do.
pub fn queued(bench: &Bench) -> Outcome {
    let (device, exporter) = (bench.open(0)?, bench.open(1)?);
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let name = bench.bus_name(0)?;
    let before = Counters::read(&name).at("counters")?;
    let theirs = stream::export_buffers(&exporter, 2, size)
        .at("EXPBUF")?
        .into_iter()
        .map(|fd| Backing::dmabuf(fd, size))
        .collect::<io::Result<Vec<_>>>()
        .at("mmap")?;
    let addresses = theirs
        .iter()
        .filter_map(|backing| match backing {
            Backing::DmaBuf(_, map) => Some(map.address()),
            _ => None,
        })
        .collect::<Vec<_>>();
    let mut backing = theirs;
    for _ in 0..2 {
        let fd = dmabuf::udmabuf(size).at("udmabuf")?;
        backing.push(Backing::dmabuf(fd, size).at("mmap")?);
    }
    let stream = Stream::start(&device, backing).at("start")?;
    let mut checker = Checker::new(&device).at("format")?;
    for _ in 0..8 {
        let (frame, data) = stream.next().at("DQBUF")?;
        checker.check(&frame, &data)?;
        stream.queue(frame.index).at("QBUF")?;
    }

    let _guard = Guard(bench);
    revoke(bench, true)?;
    for backing in stream.backing() {
        if let Backing::DmaBuf(_, map) = backing {
            if is_revocable(backing, &addresses) {
                map.fill(0, size, 0xa5);
            }
        }
    }
    let (mut lost, mut good) = (Vec::new(), 0);
    while lost.len() < 2 || good < 8 {
        let (frame, data) = stream.next().at("DQBUF")?;
        if is_revocable(&stream.backing()[frame.index as usize], &addresses) {
            // With the error flag, unless it was complete by then; in either case it is lost.
            lost.push(frame.index);
            let result = stream.queue(frame.index);
            refused("what is revoked", libc::ENODEV, result)?;
        } else {
            checker.check(&frame, &data)?;
            good += 1;
            stream.queue(frame.index).at("QBUF")?;
        }
    }
    let now = Counters::read(&name).at("counters")?;
    equal("invalidations", now.since(&before, "invalidations"), 2)?;
    // At most one frame was complete already.
    holds(
        "buffers came back with an error",
        now.since(&before, "errors") >= 1,
    )?;
    thread::sleep(Duration::from_millis(100));
    for backing in stream.backing() {
        if let Backing::DmaBuf(_, map) = backing {
            if is_revocable(backing, &addresses) {
                let untouched = map.bytes(0, size).iter().all(|byte| *byte == 0xa5);
                holds("nothing was written after the revocation", untouched)?;
            }
        }
    }

    revoke(bench, false)?;
    for index in lost {
        stream.queue(index).at("QBUF once it is allowed")?;
    }
    for _ in 0..8 {
        let (frame, data) = stream.next().at("DQBUF")?;
        checker.check(&frame, &data)?;
        stream.queue(frame.index).at("QBUF")?;
    }
    Ok(())
}

/// What is revoked cannot be imported; what was is told, however often.
pub fn attach(bench: &Bench) -> Outcome {
    let (device, exporter) = (bench.open(0)?, bench.open(1)?);
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let fds = stream::export_buffers(&exporter, 2, size).at("EXPBUF")?;
    let _guard = Guard(bench);

    device.request(crate::v4l2::DMABUF, 2).at("REQBUFS")?;
    device.queue_dmabuf(0, &fds[0]).at("QBUF")?;
    for _ in 0..3 {
        revoke(bench, true)?;
        let result = device.queue_dmabuf(1, &fds[1]);
        refused("what is revoked", libc::ENODEV, result)?;
        revoke(bench, false)?;
    }
    device.queue_dmabuf(1, &fds[1]).at("QBUF")?;
    // The first was queued all the time: it has lost its memory meanwhile, and gets it again.
    device.stream_on().at("STREAMON")?;
    let first = Frame::from(device.dequeue(crate::v4l2::DMABUF).at("DQBUF")?);
    equal("the first", (first.index, first.failed), (0, false))?;
    device.queue_dmabuf(0, &fds[0]).at("QBUF")?;
    for index in [1, 0] {
        let frame = Frame::from(device.dequeue(crate::v4l2::DMABUF).at("DQBUF")?);
        equal("then", (frame.index, frame.failed), (index, false))?;
    }
    let bad = fs::write(
        format!("/sys/kernel/debug/{}/revoke", bench.bus_name(1)?),
        "2",
    );
    refused("a number that means nothing", libc::EINVAL, bad)
}

/// dma-bufs that are closed, and whose dentries `O_PATH` keeps: they are there, and their files are
/// not.
pub fn o_path(bench: &Bench) -> Outcome {
    // As many as fill pages with nothing but their files, which are freed with them.
    const COUNT: usize = 450;
    let exporter = bench.open(1)?;
    let name = bench.bus_name(1)?;
    let exports = || Ok::<_, String>(Counters::read(&name).at("counters")?.get("exports"));
    exporter.request(MMAP, 1).at("REQBUFS")?;
    let mut fds = Vec::new();
    let mut paths = Vec::new();
    for _ in 0..COUNT {
        let fd = exporter.export(0, libc::O_RDWR).at("EXPBUF")?;
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let path = File::options()
            .read(true)
            .custom_flags(libc::O_PATH)
            .open(path)
            .at("open with O_PATH")?;
        paths.push(path);
        fds.push(fd);
    }
    drop(fds);
    // RCU frees files.
    thread::sleep(Duration::from_millis(300));
    equal("dma-bufs that are there", exports()?, COUNT as u64)?;

    let _guard = Guard(bench);
    for _ in 0..2 {
        revoke(bench, true)?;
        revoke(bench, false)?;
    }
    drop(paths);
    thread::sleep(Duration::from_millis(100));
    equal("dma-bufs afterwards", exports()?, 0)
}
