// SPDX-License-Identifier: GPL-2.0

//! Exported buffers, and everybody who may have them.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::counters::Counters;
use crate::dmabuf;
use crate::dmabuf::Access;
use crate::stream;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2::Device;
use crate::v4l2::DMABUF;
use crate::v4l2::MMAP;
use crate::verify;
use crate::vgem::Vgem;

use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;
use std::time::Instant;

fn counters(bench: &Bench, instance: usize) -> Outcome<Counters> {
    Counters::read(&bench.bus_name(instance)?).at("counters")
}

/// Waits until a counter has a value: files go a little after their last user.
fn until(bench: &Bench, instance: usize, name: &str, wanted: u64) -> Outcome {
    let start = Instant::now();
    loop {
        let value = counters(bench, instance)?.get(name);
        if value == wanted {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(3) {
            return equal(name, value, wanted);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn size(device: &Device) -> Outcome<usize> {
    Ok(device.format().at("G_FMT")?.sizeimage as usize)
}

/// One buffer exported again and again: one memory, and as many dma-bufs as there are.
pub fn twice(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = size(&device)?;
    device.request(MMAP, 1).at("REQBUFS")?;
    let writer = device.export(0, libc::O_RDWR).at("EXPBUF")?;
    let reader = device.export(0, libc::O_RDONLY).at("EXPBUF again")?;
    let again = device.export(0, libc::O_RDWR).at("EXPBUF a third time")?;
    until(bench, 0, "exports", 3)?;

    let map = Mapping::shared(&writer, 0, size).at("mmap")?;
    let own = device.map(0).at("mmap of the buffer")?;
    for (byte, fd) in [(0x11, &reader), (0x22, &again)] {
        let other = Mapping::read_only(fd, 0, size).at("mmap of another")?;
        map.fill(0, size, byte);
        holds(
            "they are one memory",
            other.bytes(0, size).iter().all(|b| *b == byte),
        )?;
        holds(
            "and the buffer's",
            own.bytes(0, size).iter().all(|b| *b == byte),
        )?;
    }
    drop((writer, reader));
    drop(map);
    until(bench, 0, "exports", 1)?;
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    drop(own);
    let before = counters(bench, 0)?.get("pages_allocated");
    holds("the last one keeps the memory", before > 0)?;
    drop(again);
    until(bench, 0, "pages_allocated", 0)
}

/// The sensor waits for who reads a buffer that was exported, and so does each importer, whichever of
/// its dma-bufs they have.
pub fn fence(bench: &Bench) -> Outcome {
    const PENDING: Duration = Duration::from_millis(700);
    let vgem = Vgem::open().at("vgem")?;
    let (exporter, importer) = (bench.open(0)?, bench.open(1)?);
    exporter.request(MMAP, 1).at("REQBUFS")?;
    let map = exporter.map(0).at("mmap")?;
    let export = || exporter.export(0, libc::O_RDWR).at("EXPBUF");
    let (theirs, other) = (export()?, export()?);
    let reader = vgem.import(theirs).at("import")?;
    let fence = vgem.attach_read_fence(&reader).at("a fence")?;
    map.fill(0, map.len(), 0xa5);

    exporter.queue_mmap(0).at("QBUF")?;
    exporter.stream_on().at("STREAMON")?;
    importer.request(DMABUF, 1).at("REQBUFS of the importer")?;
    importer
        .queue_dmabuf(0, &other)
        .at("QBUF of the importer")?;
    importer.stream_on().at("STREAMON of the importer")?;
    for (who, device) in [("the sensor", &exporter), ("an importer", &importer)] {
        let early = device.wait(libc::POLLIN, PENDING).at("poll")?;
        equal(who, early, 0)?;
    }
    holds(
        "nothing is written while it is read",
        map.bytes(0, map.len()).iter().all(|byte| *byte == 0xa5),
    )?;
    vgem.signal(fence).at("signal")?;
    exporter.dequeue(MMAP).at("DQBUF")?;
    importer.dequeue(DMABUF).at("DQBUF of the importer")?;
    Ok(())
}

/// One dma-buf, imported four times by one camera and used by vivid, all at once: a mapping for
/// each, and the CPU's accesses of all of them.
pub fn importers(bench: &Bench) -> Outcome {
    let (exporter, device, stranger) = (bench.open(0)?, bench.open(1)?, bench.stranger()?);
    let size = size(&exporter)?;
    let fds = stream::export_buffers(&exporter, 1, size).at("EXPBUF")?;
    let copies = |count| -> Outcome<Vec<Backing>> {
        (0..count)
            .map(|_| Backing::dmabuf(fds[0].try_clone()?, size))
            .collect::<io::Result<_>>()
            .at("dup")
    };
    let before = counters(bench, 1)?;
    let stream = Stream::start(&device, copies(4)?).at("start")?;
    let other = Stream::start(&stranger, copies(4)?).at("start of vivid")?;
    let now = counters(bench, 1)?;
    equal("mappings", now.since(&before, "vmaps"), 4)?;

    for _ in 0..10 {
        let (frame, _) = stream.next().at("DQBUF")?;
        holds("it has no error", !frame.failed)?;
        stream.queue(frame.index).at("QBUF")?;
        let (frame, _) = other.next().at("DQBUF of vivid")?;
        other.queue(frame.index).at("QBUF of vivid")?;
        // User space as well, in the middle of it.
        let map = Mapping::shared(&fds[0], 0, size).at("mmap")?;
        let access = Access::write(fds[0].as_fd()).at("DMA_BUF_IOCTL_SYNC")?;
        map.fill(0, size, 0x5a);
        access.end().at("DMA_BUF_IOCTL_SYNC")?;
    }
    drop(other);
    // With the camera alone, frames are whole again; each of its indices is the same memory, so
    // only the one that was written last can be looked at.
    device.stream_off().at("STREAMOFF")?;
    stream.queue(0).at("QBUF")?;
    device.stream_on().at("STREAMON")?;
    let (frame, data) = stream.next().at("DQBUF")?;
    verify::Checker::new(&device)
        .at("format")?
        .check(&frame, &data)
}

/// DMA_BUF_IOCTL_SYNC with what it does not know.
pub fn sync(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    device.request(MMAP, 1).at("REQBUFS")?;
    let fd = device.export(0, libc::O_RDWR).at("EXPBUF")?;
    for flags in [0, 1 << 3, u64::MAX] {
        let mut sync = uapi::dma_buf_sync { flags };
        let result = sys::ioctl(fd.as_fd(), uapi::DMA_BUF_IOCTL_SYNC, &mut sync);
        refused("flags that mean nothing", libc::EINVAL, result)?;
    }
    Access::read(fd.as_fd()).at("to read")?.end().at("end")?;
    Access::write(fd.as_fd()).at("to write")?.end().at("end")?;
    Ok(())
}

/// A copy of a descriptor is the same dma-buf: it is not attached again.
pub fn dup(bench: &Bench) -> Outcome {
    let (device, exporter) = (bench.open(0)?, bench.open(1)?);
    let size = size(&device)?;
    let fd = stream::export_buffers(&exporter, 1, size)
        .at("EXPBUF")?
        .remove(0);
    device.request(DMABUF, 1).at("REQBUFS")?;
    device.stream_on().at("STREAMON")?;
    let before = counters(bench, 0)?;
    for _ in 0..5 {
        let copy = fd.try_clone().at("dup")?;
        device.queue_dmabuf(0, &copy).at("QBUF")?;
        device.dequeue(DMABUF).at("DQBUF")?;
    }
    equal(
        "attaches",
        counters(bench, 0)?.since(&before, "attaches"),
        1,
    )?;
    equal("exports", counters(bench, 1)?.get("exports"), 1)
}

/// A child has the memory when the parent, the buffer and the stream are gone.
pub fn fork(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = size(&device)?;
    let fds = stream::export_buffers(&device, 2, size).at("EXPBUF")?;
    let (mut go, mut wait) = UnixStream::pair().at("socketpair")?;
    let name = bench.bus_name(0)?;
    use std::io::Read;
    use std::io::Write;

    // The child of a child, so that nobody waits for it before it is told to begin.
    let is_started = sys::in_child(|| {
        // SAFETY: This process has one thread.
        match unsafe { libc::fork() } {
            0 => {
                let mut byte = [0];
                let is_good = wait.read_exact(&mut byte).is_ok()
                    && fds.iter().all(|fd| {
                        Mapping::shared(fd, 0, size).is_ok_and(|map| {
                            map.fill(0, size, 0x77);
                            map.bytes(0, size).iter().all(|b| *b == 0x77)
                        })
                    })
                    && Counters::read(&name).is_ok_and(|now| now.get("exports") == 2);
                let _ = wait.write_all(&[u8::from(is_good)]);
                // SAFETY: This is the end.
                unsafe { libc::_exit(0) }
            }
            child => child > 0,
        }
    })
    .at("fork")?;
    holds("the child was started", is_started)?;
    drop(wait);
    drop(fds);
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    drop(device);
    until(bench, 0, "exports", 2)?;
    go.write_all(&[1]).at("go")?;
    let mut answer = [0];
    go.read_exact(&mut answer).at("the child's answer")?;
    equal("what the child found", answer[0], 1)?;
    until(bench, 0, "exports", 0)?;
    until(bench, 0, "pages_allocated", 0)
}

/// A descriptor on its way through a socket keeps the memory, and arrives in working order.
pub fn scm_rights(bench: &Bench) -> Outcome {
    let (device, exporter) = (bench.open(0)?, bench.open(1)?);
    let size = size(&device)?;
    let (ours, theirs) = UnixStream::pair().at("socketpair")?;
    for fd in stream::export_buffers(&exporter, 4, size).at("EXPBUF")? {
        sys::send_fd(&ours, &fd).at("sendmsg")?;
    }
    exporter.request(MMAP, 0).at("REQBUFS(0)")?;
    drop(exporter);
    equal("exports", counters(bench, 1)?.get("exports"), 4)?;

    let fds: Vec<OwnedFd> = (0..4)
        .map(|_| sys::receive_fd(&theirs))
        .collect::<io::Result<_>>()
        .at("recvmsg")?;
    let backing = fds
        .into_iter()
        .map(|fd| Backing::dmabuf(fd, size))
        .collect::<io::Result<_>>()
        .at("mmap")?;
    verify::frames(&Stream::start(&device, backing).at("start")?, 12)?;

    // What nobody receives goes with the socket.
    let fd = dmabuf::udmabuf(size).at("udmabuf")?;
    device.request(DMABUF, 0).at("REQBUFS(0)")?;
    sys::send_fd(&ours, &fd).at("sendmsg")
}

/// A mapping that a child inherits counts for itself; so does what is left when it is cut.
pub fn inherited(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = size(&device)?;
    let fds = stream::export_buffers(&device, 1, size).at("EXPBUF")?;
    let buffer = device.map(0).at("mmap")?;
    let export = Mapping::shared(&fds[0], 0, size).at("mmap of the export")?;
    drop(fds);
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    drop(device);
    let pages = counters(bench, 0)?.get("pages_allocated");
    holds("the mappings keep the pages", pages > 0)?;

    buffer.fill(0, size, 0x5a);
    let seen = sys::in_child(|| {
        let data = export.bytes(0, size);
        buffer.fill(0, size, 0xa5);
        data.iter().all(|byte| *byte == 0x5a)
    });
    holds("the child sees the same memory", seen.at("fork")?)?;
    // The child's copies are gone, and have taken nothing with them.
    equal(
        "pages after the child",
        counters(bench, 0)?.get("pages_allocated"),
        pages,
    )?;
    drop(export);
    let middle = size / 2 / sys::page() * sys::page();
    let buffer = buffer.cut(middle);
    let data = buffer.bytes(0, middle);
    holds(
        "what the child wrote is there",
        data.iter().all(|byte| *byte == 0xa5),
    )?;
    drop(buffer);
    until(bench, 0, "exports", 0)?;
    until(bench, 0, "pages_allocated", 0)
}
