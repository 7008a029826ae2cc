// SPDX-License-Identifier: GPL-2.0

//! Many and large buffers, in few pieces.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::bench::FOURCC;
use crate::counters::Counters;
use crate::stream;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::v4l2::MMAP;
use crate::verify;

use std::io;

/// As many buffers as there may be, of the largest size of which they find room.
pub fn many(bench: &Bench) -> Outcome {
    const COUNT: u32 = 64;
    let name = bench.bus_name(0)?;
    let free = sys::available_memory().at("meminfo")?;
    let sizes = [(2560, 1440), (1920, 1080), (1280, 720)];
    let size = sizes
        .into_iter()
        .find(|(w, h)| 2 * w * h * u64::from(COUNT) * 5 / 4 < free)
        .ok_or("not even 64 buffers of 720p find room")?;
    println!("# {COUNT} buffers of {}x{}", size.0, size.1);

    let device = bench.open(0)?;
    let pix = device
        .set_format(FOURCC, size.0 as u32, size.1 as u32)
        .at("S_FMT")?;
    device.set_interval(1, 10).at("S_PARM")?;
    let count = device.request(MMAP, COUNT).at("REQBUFS")?;
    equal("buffers", count, COUNT)?;
    equal(
        "and no more",
        device.request(MMAP, 1000).at("REQBUFS")?,
        COUNT,
    )?;
    let counters = Counters::read(&name).at("counters")?;
    let pages = u64::from(pix.sizeimage).div_ceil(sys::page() as u64) * u64::from(COUNT);
    equal("pages", counters.get("pages_allocated"), pages)?;
    let segments = counters.get("segments");
    println!("# {segments} segments of {pages} pages");
    holds("they are in few pieces", segments * 8 < pages)?;

    let maps = (0..count)
        .map(|index| device.map(index).map(Backing::Mmap))
        .collect::<io::Result<_>>()
        .at("mmap")?;
    let stream = Stream::start(&device, maps).at("start")?;
    verify::frames(&stream, 4).map(|_| ())
}

/// More than a queue may have, and than the machine has: ENOMEM, at once, and nobody is killed for
/// it.
pub fn too_much(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let name = bench.bus_name(0)?;
    let most = u64::from(u32::MAX) - 4095;
    if sys::total_memory().at("meminfo")? > most {
        println!("# this machine has more memory than a buffer can have bytes");
        return Ok(());
    }
    let before = sys::available_memory().at("meminfo")?;
    for _ in 0..3 {
        let result = stream::create_buffers(&device, 1, most as usize);
        refused("a buffer larger than the memory", libc::ENOMEM, result)?;
    }
    let after = sys::available_memory().at("meminfo")?;
    holds("nothing was given up for it", after + before / 4 > before)?;
    let counters = Counters::read(&name).at("counters")?;
    equal("pages", counters.get("pages_allocated"), 0)?;
    equal("segments", counters.get("segments"), 0)
}
