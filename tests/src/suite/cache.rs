// SPDX-License-Identifier: GPL-2.0

//! The cache of imports: found again, and never in the way.

use super::bench::equal;
use super::bench::holds;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::counters::Counters;
use crate::dmabuf;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::v4l2::Device;
use crate::verify::Checker;

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Indices of the queues here.
pub(super) const INDICES: usize = 4;

/// dma-bufs of the pools here.
const POOL: usize = 8;

/// A stream whose pool is larger than its queue, so that each index gets another buffer each time.
pub(super) struct Rotation<'a> {
    stream: Stream<'a>,
    /// Those that are on no index.
    idle: VecDeque<Backing>,
    checker: Checker,
}

impl<'a> Rotation<'a> {
    fn start(
        device: &'a Device,
        allocate: impl Fn(usize) -> io::Result<OwnedFd>,
        count: usize,
    ) -> Outcome<Self> {
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let pool = (0..count)
            .map(|_| Backing::dmabuf(allocate(size)?, size))
            .collect::<io::Result<_>>()
            .at("a pool")?;
        Self::of(device, pool)
    }

    /// Starts it with buffers of any kind.
    pub(super) fn of(device: &'a Device, mut idle: VecDeque<Backing>) -> Outcome<Self> {
        let first = idle.drain(..INDICES).collect();
        Ok(Self {
            stream: Stream::start(device, first).at("start")?,
            idle,
            checker: Checker::new(device).at("format")?,
        })
    }

    /// Takes `count` frames, checks each, and queues another buffer in its place.
    pub(super) fn turn(&mut self, count: usize) -> Outcome {
        for _ in 0..count {
            let (frame, data) = self.stream.next().at("DQBUF")?;
            self.checker.check(&frame, &data)?;
            if let Some(next) = self.idle.pop_front() {
                self.idle.push_back(self.stream.replace(frame.index, next));
            }
            self.stream.queue(frame.index).at("QBUF")?;
        }
        Ok(())
    }
}

fn counters(bench: &Bench) -> Outcome<Counters> {
    Counters::read(&bench.bus_name(0)?).at("counters")
}

/// Waits until `done` holds of the counters.
fn until(bench: &Bench, what: &str, done: impl Fn(&Counters) -> bool) -> Outcome {
    let start = Instant::now();
    while !done(&counters(bench)?) {
        if start.elapsed() > Duration::from_secs(3) {
            return Err(format!("never so: {what}: {:?}", counters(bench)?));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The imports that there are.
fn alive(counters: &Counters) -> u64 {
    counters.get("attaches") - counters.get("detaches")
}

/// Each dma-buf of a pool is attached and mapped once, however often it comes back.
pub fn hits(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    for allocate in [
        dmabuf::udmabuf as fn(usize) -> io::Result<OwnedFd>,
        dmabuf::other,
    ] {
        let before = counters(bench)?;
        let mut rotation = Rotation::start(&device, allocate, POOL)?;
        rotation.turn(5 * POOL)?;

        let now = counters(bench)?;
        for (name, count) in [("attaches", POOL), ("vmaps", POOL), ("maps", 0)] {
            equal(name, now.since(&before, name), count as u64)?;
        }
        equal("misses", now.since(&before, "cache_misses"), POOL as u64)?;
        equal(
            "hits",
            now.since(&before, "cache_hits"),
            (5 * POOL - (POOL - INDICES)) as u64,
        )?;
        equal("detaches", now.since(&before, "detaches"), 0)?;

        // What is on the indices stays until the buffers go.
        device.stream_off().at("STREAMOFF")?;
        let now = counters(bench)?;
        equal("imports after STREAMOFF", alive(&now), INDICES as u64)?;
        drop(rotation);
        device.request(crate::v4l2::DMABUF, 0).at("REQBUFS(0)")?;
        equal("imports afterwards", alive(&counters(bench)?), 0)?;
    }
    Ok(())
}

/// Another dma-buf under the number that a descriptor had before, and another length of the same.
pub fn reused(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let mut rotation = Rotation::start(&device, dmabuf::udmabuf, INDICES + 1)?;
    rotation.turn(2 * POOL)?;
    // The lowest number that is free is the one that was just closed.
    for _ in 0..POOL {
        drop(rotation.idle.pop_front());
        let fd = dmabuf::udmabuf(size).at("udmabuf")?;
        rotation
            .idle
            .push_back(Backing::dmabuf(fd, size).at("mmap")?);
        rotation.turn(2)?;
    }

    let (frame, _) = rotation.stream.next().at("DQBUF")?;
    let before = counters(bench)?;
    if let Backing::DmaBuf(fd, _) = &rotation.stream.backing()[frame.index as usize] {
        use std::os::fd::AsRawFd;
        let whole = crate::sys::page_align(size);
        // videobuf2 takes another length for another dma-buf; the cache does not.
        for length in [size, whole, 0, size] {
            device
                .queue_fd(frame.index, fd.as_raw_fd(), length)
                .at("QBUF")?;
            loop {
                let buffer = device.dequeue(crate::v4l2::DMABUF).at("DQBUF")?;
                if buffer.index == frame.index {
                    break;
                }
                rotation.stream.queue(buffer.index).at("QBUF")?;
            }
        }
    }
    let now = counters(bench)?;
    equal("attaches", now.since(&before, "attaches"), 0)
}

/// Memory that nobody else has is let go while streaming goes on, whoever else has kept it too.
pub fn unused(bench: &Bench) -> Outcome {
    let (device, second) = (bench.open(0)?, bench.open(1)?);
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let mut rotation = Rotation::start(&device, dmabuf::udmabuf, POOL)?;
    rotation.turn(2 * POOL)?;
    equal("imports", alive(&counters(bench)?), POOL as u64)?;

    // The other camera has seen the idle ones as well.
    let copies = rotation
        .idle
        .iter()
        .filter_map(|backing| match backing {
            Backing::DmaBuf(fd, _) => Some(fd.try_clone()),
            _ => None,
        })
        .chain((0..INDICES).map(|_| dmabuf::udmabuf(size)))
        .map(|fd| Backing::dmabuf(fd?, size))
        .collect::<io::Result<VecDeque<_>>>()
        .at("copies")?;
    let mut idle = copies;
    let first = idle.drain(..INDICES).collect();
    let mut other = Rotation {
        stream: Stream::start(&second, first).at("start")?,
        idle,
        checker: Checker::new(&second).at("format")?,
    };
    other.turn(INDICES)?;
    let both = Counters::read(&bench.bus_name(1)?).at("counters")?;
    equal("imports of the other", alive(&both), POOL as u64)?;

    // Now only the two caches have them: each of the other's idle ones is one of ours.
    rotation.idle.clear();
    other.idle.clear();
    until(bench, "the camera has let go", |now| {
        alive(now) == INDICES as u64
    })?;
    let start = Instant::now();
    while alive(&Counters::read(&bench.bus_name(1)?).at("counters")?) != INDICES as u64 {
        holds(
            "the other camera lets go",
            start.elapsed() < Duration::from_secs(3),
        )?;
        thread::sleep(Duration::from_millis(20));
    }
    rotation.turn(POOL)?;
    other.turn(POOL)
}

/// When memory is short, nothing is kept; streaming goes on.
pub fn pressure(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let mut rotation = Rotation::start(&device, dmabuf::udmabuf, POOL)?;
    rotation.turn(2 * POOL)?;
    let before = counters(bench)?;
    equal("imports", alive(&before), POOL as u64)?;

    // Asks every cache of the kernel that can shrink.
    fs::write("/proc/sys/vm/drop_caches", "2").at("drop_caches")?;
    until(bench, "the idle ones are gone", |now| {
        now.since(&before, "cache_evictions") >= (POOL - INDICES) as u64
    })?;
    rotation.turn(2 * POOL)?;
    let now = counters(bench)?;
    equal("imports", alive(&now), POOL as u64)
}

/// There is a bound to what is kept.
pub fn bounded(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let mut rotation = Rotation::start(&device, dmabuf::udmabuf, 80)?;
    rotation.turn(100)?;
    let now = counters(bench)?;
    holds(
        "no more than 64 are kept besides those on the indices",
        alive(&now) <= (64 + INDICES) as u64,
    )?;
    holds("some had to go", now.get("cache_evictions") > 0)
}
