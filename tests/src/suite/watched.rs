// SPDX-License-Identifier: GPL-2.0

//! Memory of a process that changes while the queue has it, or remembers it: a frame goes to what
//! is at the address when its buffer is queued, in the process that queues it.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::counters::Counters;
use crate::stream::Backing;
use crate::stream::Frame;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::v4l2::Device;
use crate::v4l2::USERPTR;
use crate::verify;
use crate::verify::Checker;

use std::collections::VecDeque;
use std::fs;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Indices of the queues here.
const INDICES: usize = 4;

fn memory(device: &Device, count: usize) -> Outcome<Vec<Backing>> {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    (0..count)
        .map(|_| Backing::anonymous(size))
        .collect::<std::io::Result<_>>()
        .at("mmap")
}

fn mapping(backing: &Backing) -> Outcome<&Mapping> {
    match backing {
        Backing::User(map, _) => Ok(map),
        _ => Err("not memory of this process".into()),
    }
}

fn map_of<'a>(stream: &'a Stream<'_>, frame: &Frame) -> Outcome<&'a Mapping> {
    mapping(&stream.backing()[frame.index as usize])
}

fn next(stream: &Stream<'_>, checker: &mut Checker) -> Outcome<Frame> {
    let (frame, data) = stream.next().at("DQBUF")?;
    checker.check(&frame, &data)?;
    Ok(frame)
}

fn pinned(bench: &Bench) -> Outcome<usize> {
    let counters = Counters::read(&bench.bus_name(0)?).at("counters")?;
    Ok(counters.get("pages_pinned") as usize)
}

/// New memory at the old address.
pub fn replaced(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::start(&device, memory(&device, 3)?).at("start")?;
    let mut checker = Checker::new(&device).at("format")?;
    for _ in 0..12 {
        let frame = next(&stream, &mut checker)?;
        map_of(&stream, &frame)?.renew().at("mmap in its place")?;
        stream.queue(frame.index).at("QBUF")?;
    }
    Ok(())
}

/// Whether the kernel tells of changes, without which nothing is kept.
pub(super) fn is_told() -> Outcome<bool> {
    let symbols = fs::read_to_string("/proc/kallsyms").at("kallsyms")?;
    Ok(symbols.contains(" mmu_interval_notifier_insert\n"))
}

/// Memory that is only kept may be sealed soon after it is unmapped: the kernel waits a moment for
/// pins to go.
pub fn sealed(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    device.request(USERPTR, 1).at("REQBUFS")?;
    device.stream_on().at("STREAMON")?;
    for turn in 0..8 {
        let file = sys::memfd(size).at("memfd")?;
        let map = Mapping::shared(&file, 0, size).at("mmap")?;
        let other = Mapping::anonymous(size).at("mmap")?;
        let queue = |map: &Mapping| device.queue_userptr(0, map.address(), map.len()).at("QBUF");
        queue(&map)?;
        device.dequeue(USERPTR).at("DQBUF")?;
        // Now the first is only kept, and is looked at sooner or later.
        queue(&other)?;
        thread::sleep(Duration::from_millis(13) * turn);
        drop(map);
        sys::seal_write(&file).at("F_SEAL_WRITE")?;
        device.dequeue(USERPTR).at("DQBUF")?;
    }
    Ok(())
}

/// A pool that rotates over the indices is pinned once, and let go where it is unmapped.
pub fn rotating(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let pages = sys::page_align(size) / sys::page();
    let mut idle = VecDeque::from(memory(&device, 2 * INDICES)?);
    let first = idle.drain(..INDICES).collect();
    let mut stream = Stream::start(&device, first).at("start")?;
    let mut checker = Checker::new(&device).at("format")?;

    let mut turn = |stream: &mut Stream<'_>, idle: &mut VecDeque<Backing>, renew: bool| {
        let frame = next(stream, &mut checker)?;
        if let Some(other) = idle.pop_front() {
            if renew {
                mapping(&other)?.renew().at("mmap in its place")?;
            }
            idle.push_back(stream.replace(frame.index, other));
        }
        stream.queue(frame.index).at("QBUF")
    };
    for _ in 0..5 * INDICES {
        turn(&mut stream, &mut idle, false)?;
    }
    let kept = if is_told()? { 2 * INDICES } else { INDICES };
    equal("pages pinned", pinned(bench)?, kept * pages)?;

    // Other memory in the place of what is kept.
    for _ in 0..3 * INDICES {
        turn(&mut stream, &mut idle, true)?;
    }
    idle.clear();
    let start = Instant::now();
    while pinned(bench)? != INDICES * pages {
        if start.elapsed() > Duration::from_secs(3) {
            return Err(format!("{} pages are still pinned", pinned(bench)?));
        }
        thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..2 * INDICES {
        turn(&mut stream, &mut idle, false)?;
    }
    device.stream_off().at("STREAMOFF")?;
    drop(stream);
    equal("pages pinned at the end", pinned(bench)?, 0)
}

/// Memory that may not be written any more, at an address that was good before.
pub fn read_only(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::start(&device, memory(&device, 3)?).at("start")?;
    let mut checker = Checker::new(&device).at("format")?;
    for _ in 0..4 {
        let frame = next(&stream, &mut checker)?;
        let map = map_of(&stream, &frame)?;
        map.protect(false).at("mprotect")?;
        refused(
            "memory that is only read by now",
            libc::EINVAL,
            stream.queue(frame.index),
        )?;
        map.protect(true).at("mprotect")?;
        stream.queue(frame.index).at("QBUF")?;
    }
    verify::frames(&stream, 6).map(|_| ())
}

/// The same address in a child, which has memory of its own there.
pub fn other_process(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::start(&device, memory(&device, 3)?).at("start")?;
    verify::frames(&stream, 4)?;

    let child = || -> Outcome {
        // What was queued by the parent goes to the parent.
        for _ in 0..3 {
            let (frame, _) = stream.next().at("DQBUF")?;
            map_of(&stream, &frame)?.fill(0, 1 << 16, 0);
            stream.queue(frame.index).at("QBUF")?;
        }
        verify::frames(&stream, 6).map(|_| ())
    };
    let good = sys::in_child(|| child().inspect_err(|e| println!("child: {e}")).is_ok());
    holds("frames of the child are right", good.at("fork")?)?;

    // And back; three are queued with memory of a process that is gone.
    for _ in 0..3 {
        let (frame, _) = stream.next().at("DQBUF")?;
        stream.queue(frame.index).at("QBUF")?;
    }
    verify::frames(&stream, 6).map(|_| ())
}

/// A child that writes to what it has inherited does not take the frames away from its parent.
pub fn fork(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::start(&device, memory(&device, 3)?).at("start")?;
    let mut checker = Checker::new(&device).at("format")?;
    for _ in 0..6 {
        let frame = next(&stream, &mut checker)?;
        let scribble = || {
            for backing in stream.backing() {
                if let Ok(map) = mapping(backing) {
                    map.fill(0, map.len(), 0x5a);
                }
            }
            true
        };
        holds("the child ends", sys::in_child(scribble).at("fork")?)?;
        stream.queue(frame.index).at("QBUF")?;
    }
    verify::frames(&stream, 6).map(|_| ())
}
