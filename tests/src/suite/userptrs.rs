// SPDX-License-Identifier: GPL-2.0

//! Memory of the process, and what only looks like it.

use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::dmabuf;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::v4l2::Device;
use crate::v4l2::MMAP;
use crate::v4l2::USERPTR;
use crate::verify;

use std::fs;
use std::fs::File;

const MARK: u8 = 0xc3;

/// Streams into memory that `make` gives, at `offset` in it, and looks at the bytes around.
fn into(device: &Device, offset: usize, make: impl Fn(usize) -> Outcome<Mapping>) -> Outcome {
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let mut backing = Vec::new();
    for _ in 0..3 {
        let map = make(sys::page_align(offset + size) + sys::page())?;
        map.fill(0, map.len(), MARK);
        backing.push(Backing::User(map, offset));
    }
    let stream = Stream::start(device, backing).at("start")?;
    verify::frames(&stream, 9)?;
    device.stream_off().at("STREAMOFF")?;
    for backing in stream.backing() {
        let Backing::User(map, _) = backing else {
            continue;
        };
        let data = map.bytes(0, map.len());
        let around = data[..offset].iter().chain(&data[offset + size..]);
        holds(
            "bytes around the buffer are as they were",
            around.clone().all(|b| *b == MARK),
        )?;
    }
    Ok(())
}

/// Every kind of memory that a process has.
pub fn kinds(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let at = |what: &str, outcome: Outcome| outcome.map_err(|e| format!("{what}: {e}"));
    let anonymous = |size| Mapping::anonymous(size).at("mmap");
    at("anonymous", into(&device, 0, anonymous))?;
    for offset in [1, 8, 64, 4095, 5000] {
        at(
            &format!("offset {offset}"),
            into(&device, offset, anonymous),
        )?;
    }
    at(
        "a memfd",
        into(&device, 0, |size| {
            let fd = sys::memfd(size).at("memfd")?;
            Mapping::shared(&fd, 0, size).at("mmap")
        }),
    )?;
    at(
        "a file in memory",
        into(&device, 0, |size| {
            let path = format!("/dev/shm/vireo-test.{}", std::process::id());
            let file = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
                .at(&path)?;
            fs::remove_file(&path).at(&path)?;
            file.set_len(size as u64).at("ftruncate")?;
            Mapping::shared(&file, 0, size).at("mmap")
        }),
    )?;
    at(
        "a private mapping",
        into(&device, 0, |size| {
            let fd = sys::memfd(size).at("memfd")?;
            Mapping::private(&fd, 0, size).at("mmap")
        }),
    )
}

/// How many huge pages there are; User-mode Linux has none.
pub const HUGE_PAGES: &str = "/proc/sys/vm/nr_hugepages";

/// Huge pages.
pub fn huge(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let knob = HUGE_PAGES;
    let before = fs::read_to_string(knob).at(knob)?;
    fs::write(knob, "8").at(knob)?;
    let outcome = into(&device, 12, |size| Mapping::huge(size).at("huge pages"));
    fs::write(knob, before).at(knob)?;
    outcome
}

/// Memory of devices is refused, and the way in is DMABUF.
pub fn device_memory(bench: &Bench) -> Outcome {
    let (device, second, stranger) = (bench.open(0)?, bench.open(1)?, bench.stranger()?);
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let whole = sys::page_align(size);

    // Of its own MMAP time: an orphan.
    device.request(MMAP, 1).at("REQBUFS")?;
    let own = device.map(0).at("mmap")?;
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    second.request(MMAP, 1).at("REQBUFS of the other")?;
    let sibling = second.map(0).at("mmap of the other")?;
    stranger.request(MMAP, 1).at("REQBUFS of vivid")?;
    let foreign = stranger.map(0).at("mmap of vivid")?;
    let exported = stranger.export(0, libc::O_RDWR).at("EXPBUF of vivid")?;
    let exported = Mapping::shared(&exported, 0, size).at("mmap of vivid's dma-buf")?;
    let udmabuf = dmabuf::udmabuf(size).at("udmabuf")?;
    let udmabuf = Mapping::shared(&udmabuf, 0, whole).at("mmap of a udmabuf")?;
    let other = dmabuf::other(size).at("heap")?;
    let other = Mapping::shared(&other, 0, whole).at("mmap of a heap's dma-buf")?;

    device.request(USERPTR, 1).at("REQBUFS")?;
    for (what, map) in [
        ("a buffer of its own", &own),
        ("a buffer of another camera", &sibling),
        ("a buffer of vivid", &foreign),
        ("vivid's dma-buf", &exported),
        ("a udmabuf", &udmabuf),
        ("a heap's dma-buf", &other),
    ] {
        // Touched or not makes no difference.
        refused(
            what,
            libc::EINVAL,
            device.queue_userptr(0, map.address(), size),
        )?;
        map.fill(0, size, 1);
        refused(
            what,
            libc::EINVAL,
            device.queue_userptr(0, map.address(), size),
        )?;
    }
    // The index is as good as before.
    let memory = Mapping::anonymous(whole).at("mmap")?;
    device.queue_userptr(0, memory.address(), size).at("QBUF")?;
    device.stream_on().at("STREAMON")?;
    device.dequeue(USERPTR).at("DQBUF")?;
    Ok(())
}

/// Addresses and lengths where there is no memory to write to.
pub fn wrong(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let whole = sys::page_align(size);
    device.request(USERPTR, 2).at("REQBUFS")?;
    let gone = Mapping::anonymous(whole).at("mmap")?.address();
    let half = Mapping::anonymous(2 * whole).at("mmap")?.cut(sys::page());
    let constant = Mapping::constant(whole).at("mmap")?;
    let fd = sys::memfd(whole).at("memfd")?;
    let reader = Mapping::read_only(&fd, 0, whole).at("mmap")?;
    for (what, address) in [
        ("null", 0),
        ("the first page", sys::page()),
        ("what was unmapped", gone),
        ("what ends after a page", half.address()),
        ("memory that is only read", constant.address()),
        ("a file that is only read", reader.address()),
        ("the kernel's half", 0xffff_8880_0000_0000),
        ("no address at all", 0x8000_0000_0000_0000),
        ("the end of the address space", usize::MAX - sys::page() + 1),
        ("the last byte", usize::MAX),
    ] {
        refused(what, libc::EINVAL, device.queue_userptr(0, address, size))?;
        refused(what, libc::EINVAL, device.queue_userptr(0, address, whole))?;
    }
    let good = Mapping::anonymous(whole).at("mmap")?;
    for length in [0, 1, size - 1] {
        let what = format!("a length of {length}");
        refused(
            &what,
            libc::EINVAL,
            device.queue_userptr(0, good.address(), length),
        )?;
    }
    let long = device.queue_userptr(0, good.address(), u32::MAX as usize);
    refused("a length of 4 GiB", libc::EINVAL, long)?;
    device.queue_userptr(0, good.address(), size).at("QBUF")?;
    device.stream_on().at("STREAMON")?;
    device.dequeue(USERPTR).at("DQBUF")?;
    refused(
        "null in its place",
        libc::EINVAL,
        device.queue_userptr(0, 0, size),
    )?;
    device.queue_userptr(0, good.address(), size).at("QBUF")?;
    device.dequeue(USERPTR).at("DQBUF")?;
    Ok(())
}

/// Memory that goes away while it is queued: the pages stay until the device is done with them.
pub fn unmapped_meanwhile(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    device.request(USERPTR, 2).at("REQBUFS")?;
    for index in 0..2 {
        let memory = Mapping::anonymous(sys::page_align(size)).at("mmap")?;
        device
            .queue_userptr(index, memory.address(), size)
            .at("QBUF")?;
    }
    device.stream_on().at("STREAMON")?;
    for _ in 0..2 {
        let buffer = device.dequeue(USERPTR).at("DQBUF")?;
        holds(
            "no error flag",
            buffer.flags & crate::uapi::V4L2_BUF_FLAG_ERROR == 0,
        )?;
    }
    Ok(())
}
