// SPDX-License-Identifier: GPL-2.0

//! The same again and again: what leaks once, leaks visibly.

use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::dmabuf;
use crate::stream::export_buffers;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::v4l2::DMABUF;
use crate::v4l2::MMAP;
use crate::v4l2::USERPTR;

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

/// Rounds in which a leaked frame would add up to well over the tolerance.
const ROUNDS: usize = 60;

/// KiB that may be missing afterwards: the kernel's caches come and go.
const TOLERANCE: i64 = 16 << 10;

/// KiB that are, or can be made, free.
fn available() -> io::Result<i64> {
    // What is only waiting to be freed is not leaked.
    fs::write("/proc/sys/vm/drop_caches", "3")?;
    let info = fs::read_to_string("/proc/meminfo")?;
    let field = |name: &str| {
        let rest = info.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().strip_suffix(" kB")?.parse::<i64>().ok()
    };
    field("MemAvailable:").ok_or_else(|| io::Error::other("no MemAvailable"))
}

/// Runs `round` many times; memory must not become less.
fn many(mut round: impl FnMut() -> Outcome) -> Outcome {
    // The first rounds fill caches that stay.
    for _ in 0..4 {
        round()?;
    }
    let before = available().at("meminfo")?;
    for _ in 0..ROUNDS {
        round()?;
    }
    let mut missing = 0;
    for _ in 0..10 {
        missing = before - available().at("meminfo")?;
        if missing < TOLERANCE {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(300));
    }
    Err(format!("{missing} KiB are missing after {ROUNDS} rounds"))
}

/// The device's own buffers: allocated, mapped, exported, orphaned.
pub fn mmap(bench: &Bench) -> Outcome {
    many(|| {
        let device = bench.open(0)?;
        let fds = export_buffers(&device, 2, 0).at("EXPBUF")?;
        let map = device.map(0).at("mmap")?;
        device.queue_mmap(0).at("QBUF")?;
        device.stream_on().at("STREAMON")?;
        device.stream_off().at("STREAMOFF")?;
        device.request(MMAP, 0).at("REQBUFS(0)")?;
        device.request(MMAP, 2).at("REQBUFS")?;
        drop((map, fds));
        Ok(())
    })
}

/// Memory of the process, and what is refused as such.
pub fn userptr(bench: &Bench) -> Outcome {
    many(|| {
        let device = bench.open(0)?;
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let good = Mapping::anonymous(sys::page_align(size)).at("mmap")?;
        let half = Mapping::anonymous(2 * sys::page_align(size)).at("mmap")?;
        let half = half.cut(sys::page_align(size / 2));
        device.request(USERPTR, 2).at("REQBUFS")?;
        let result = device.queue_userptr(1, half.address(), size);
        refused("half a buffer", libc::EINVAL, result)?;
        device.queue_userptr(0, good.address(), size).at("QBUF")?;
        device.stream_on().at("STREAMON")?;
        Ok(())
    })
}

/// dma-bufs, and what is refused as such.
pub fn dmabuf(bench: &Bench) -> Outcome {
    many(|| {
        let device = bench.open(0)?;
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        device.request(DMABUF, 4).at("REQBUFS")?;
        let good = dmabuf::udmabuf(size).at("udmabuf")?;
        let small = dmabuf::udmabuf(size / 2).at("udmabuf")?;
        let stranger = bench.stranger()?;
        stranger.request(MMAP, 1).at("REQBUFS of vivid")?;
        let constant = stranger.export(0, libc::O_RDONLY).at("EXPBUF of vivid")?;
        device.queue_dmabuf(0, &good).at("QBUF")?;
        for fd in [&small, &constant] {
            refused("a wrong one", libc::EINVAL, device.queue_dmabuf(1, fd))?;
            let result = device.queue_fd(1, fd.as_raw_fd(), size);
            refused("a wrong one with a length", libc::EINVAL, result)?;
        }
        device
            .queue_dmabuf(1, dmabuf::other(size).at("heap")?)
            .at("QBUF")?;
        device.stream_on().at("STREAMON")?;
        Ok(())
    })
}

/// Streams that are started and stopped, with what they need beside buffers.
pub fn streams(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let mut n = 0;
    many(|| {
        n += 1;
        device
            .set_format(super::bench::FOURCC, 640 + n % 7 * 64, 480)
            .at("S_FMT")?;
        device.set_interval(1, 1000).at("S_PARM")?;
        let stream = Stream::mmap(&device).at("start")?;
        crate::verify::frames(&stream, 1).map(|_| ())
    })
}
