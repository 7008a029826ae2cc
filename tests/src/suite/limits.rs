// SPDX-License-Identifier: GPL-2.0

//! What a client may take: memory of the driver, memory that is pinned, and who pays for it.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::bench::FOURCC;
use super::bench::SIZE;
use super::cache::Rotation;
use super::cache::INDICES;
use super::watched;
use crate::counters::Counters;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2::Device;
use crate::v4l2::MMAP;
use crate::v4l2::USERPTR;
use crate::verify;

use std::io;

/// Bytes that the buffers of a camera may have, if these are more than four buffers.
const MAX_BYTES: u64 = 512 << 20;

/// What an ordinary user may lock where nobody has changed it.
const MEMLOCK: u64 = 8 << 20;

fn page() -> u64 {
    sys::page() as u64
}

fn counters(bench: &Bench) -> Outcome<Counters> {
    Counters::read(&bench.bus_name(0)?).at("counters")
}

/// USERPTR at 1920x1080 by an ordinary user, who may lock less memory than that.
pub fn userptr_1080p(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let pix = device.set_format(FOURCC, 1920, 1080).at("S_FMT")?;
    holds("two frames are all", 3 * u64::from(pix.sizeimage) > MEMLOCK)?;
    sys::become_ordinary_user(MEMLOCK).at("setuid")?;
    let stream = Stream::userptr(&device).at("start")?;
    verify::frames(&stream, 4).map(|_| ())
}

/// The same with a pool of more buffers than the queue has indices, most of which are kept.
pub fn userptr_pool(bench: &Bench) -> Outcome {
    const POOL: usize = 16;
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    holds("not all may be locked", (POOL * size) as u64 > MEMLOCK)?;
    sys::become_ordinary_user(MEMLOCK).at("setuid")?;
    let pool = (0..POOL).map(|_| Backing::anonymous(size));
    let pool = pool.collect::<io::Result<_>>().at("a pool")?;
    let mut rotation = Rotation::of(&device, pool)?;
    rotation.turn(3 * POOL)
}

/// VIDIOC_CREATE_BUFS: how many buffers were made.
pub(super) fn create(device: &Device, count: u32) -> io::Result<u32> {
    let mut format = uapi::v4l2_format {
        type_: device.kind(),
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_G_FMT, &mut format)?;
    let mut create = uapi::v4l2_create_buffers {
        count,
        memory: MMAP,
        format,
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_CREATE_BUFS, &mut create)?;
    Ok(create.count)
}

/// The buffers of a queue have a bound in bytes, however they are asked for.
pub fn buffers_in_bytes(bench: &Bench) -> Outcome {
    const ASKED: u32 = 256;
    let device = bench.open(0)?;
    device.set_interval(1, 1).at("S_PARM")?;
    let allocated = || Ok::<_, String>(counters(bench)?.get("pages_allocated") * page());

    for (fourcc, size) in [
        (uapi::V4L2_PIX_FMT_YUV420, (7680, 4320)),
        (uapi::V4L2_PIX_FMT_YUYV, (7680, 4320)),
        (uapi::V4L2_PIX_FMT_YUYV, (3840, 2160)),
    ] {
        let pix = device.set_format(fourcc, size.0, size.1).at("S_FMT")?;
        let each = u64::from(pix.sizeimage).next_multiple_of(page());
        let fit = MAX_BYTES / each;
        let what = |how: &str| format!("{how} of {} bytes", pix.sizeimage);

        let count = device.request(MMAP, ASKED).at("REQBUFS")?;
        println!("# {count} buffers of {} bytes", pix.sizeimage);
        equal(&what("buffers"), u64::from(count), fit)?;
        equal(&what("bytes"), allocated()?, fit * each)?;
        refused(&what("one more"), libc::ENOMEM, create(&device, 1))?;

        device.request(MMAP, 0).at("REQBUFS(0)")?;
        equal("bytes afterwards", allocated()?, 0)?;
        equal(&what("first"), create(&device, 3).at("CREATE_BUFS")?, 3)?;
        let rest = create(&device, ASKED).at("CREATE_BUFS")?;
        equal(&what("the rest"), u64::from(rest), fit - 3)?;
        for count in [1, ASKED] {
            refused(&what("none"), libc::ENOMEM, create(&device, count))?;
        }
        equal(&what("bytes"), allocated()?, fit * each)?;
        device.request(MMAP, 0).at("REQBUFS(0)")?;
    }

    // read() makes what it needs, and the largest frames find room.
    device
        .set_format(uapi::V4L2_PIX_FMT_YUYV, 7680, 4320)
        .at("S_FMT")?;
    let mut line = [0; 4096];
    equal("bytes read", device.read(&mut line).at("read")?, line.len())?;
    holds("read() stays within it", allocated()? <= MAX_BYTES)?;
    drop(device);

    // Small ones are bounded by their number.
    let device = bench.open(0)?;
    equal("small ones", device.request(MMAP, ASKED).at("REQBUFS")?, 64)
}

/// What is pinned has the same bound, whatever length a client gives.
pub fn userptr_bytes(bench: &Bench) -> Outcome {
    const PART: usize = 128 << 20;
    let device = bench.open(0)?;
    let (name, size) = ("refused_max_bytes", SIZE.0 as usize * SIZE.1 as usize * 2);
    let pinned = || Ok::<_, String>(counters(bench)?.get("pages_pinned") * page());

    // All of them the same memory, which is pinned anew at each address.
    let memory = sys::memfd(PART).at("memfd")?;
    let maps = (0..6)
        .map(|_| Mapping::shared(&memory, 0, PART))
        .collect::<io::Result<Vec<_>>>()
        .at("mmap")?;
    let queue = |index: usize, map: &Mapping, length: usize| {
        device.queue_userptr(index as u32, map.address(), length)
    };

    device.request(USERPTR, 6).at("REQBUFS")?;
    let huge = Mapping::anonymous(MAX_BYTES as usize + sys::page()).at("mmap")?;
    let before = counters(bench)?;
    refused("all at once", libc::ENOMEM, queue(0, &huge, huge.len()))?;
    equal("pinned for it", pinned()?, 0)?;
    drop(huge);
    for (index, map) in maps.iter().take(4).enumerate() {
        queue(index, map, PART).at("QBUF")?;
    }
    equal("pinned", pinned()?, MAX_BYTES)?;
    refused("a fifth", libc::ENOMEM, queue(4, &maps[4], PART))?;
    refused("even a small one", libc::ENOMEM, queue(4, &maps[4], size))?;
    equal("pinned", pinned()?, MAX_BYTES)?;
    equal("refusals", counters(bench)?.since(&before, name), 3)?;

    // What is kept does not count: it goes when there is no room for it.
    device.stream_on().at("STREAMON")?;
    for turn in 0..12 {
        let buffer = device.dequeue(USERPTR).at("DQBUF")?;
        let map = &maps[(turn + 4) % maps.len()];
        queue(buffer.index as usize, map, PART).at("QBUF while streaming")?;
        holds("within the bound", pinned()? <= MAX_BYTES)?;
    }
    let now = counters(bench)?;
    equal("refusals", now.since(&before, name), 3)?;
    if watched::is_told()? {
        let evictions = now.since(&before, "cache_evictions");
        holds("some were let go", evictions > 0)?;
    }
    device.stream_off().at("STREAMOFF")?;
    device.request(USERPTR, 0).at("REQBUFS(0)")?;
    equal("pinned afterwards", pinned()?, 0)?;
    let stream = Stream::userptr(&device).at("start")?;
    verify::frames(&stream, 2 * INDICES as u32).map(|_| ())
}
