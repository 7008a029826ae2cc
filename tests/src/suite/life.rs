// SPDX-License-Identifier: GPL-2.0

//! Who goes first: exporters, importers, processes and the module, in every order.

use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::dmabuf;
use crate::stream;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::v4l2::DMABUF;
use crate::v4l2::MMAP;
use crate::verify;

use std::ffi::CString;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// The exporter's file is closed while its buffers are being filled.
pub fn exporter_first(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stranger = bench.stranger()?;
    let stream = Stream::import(&device, &stranger).at("vivid's buffers")?;
    verify::frames(&stream, 4)?;
    stranger.request(MMAP, 0).at("REQBUFS(0) of vivid")?;
    verify::frames(&stream, 4)?;
    drop(stranger);
    verify::frames(&stream, 8)?;
    drop(stream);

    let second = bench.open(1)?;
    let stream = Stream::import(&device, &second).at("buffers of another camera")?;
    verify::frames(&stream, 4)?;
    drop(second);
    verify::frames(&stream, 8)?;
    drop(stream);

    // Not even the descriptors are left: the queue holds what it was given.
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    device.request(DMABUF, 2).at("REQBUFS")?;
    device
        .queue_dmabuf(0, dmabuf::udmabuf(size).at("udmabuf")?)
        .at("QBUF")?;
    device
        .queue_dmabuf(1, dmabuf::other(size).at("heap")?)
        .at("QBUF")?;
    device.stream_on().at("STREAMON")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    device.dequeue(DMABUF).at("DQBUF")?;
    Ok(())
}

/// The importer goes, and the memory is still there for everybody else.
pub fn importer_first(bench: &Bench) -> Outcome {
    let stranger = bench.stranger()?;
    let size = stranger.format().at("G_FMT")?.sizeimage as usize;
    let fds = stream::export_buffers(&stranger, 4, size).at("EXPBUF of vivid")?;
    let copies = fds
        .iter()
        .map(|fd| fd.try_clone())
        .collect::<io::Result<Vec<_>>>()
        .at("dup")?;
    let mut fds = fds.into_iter();
    let device = bench.open(0)?;
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let stream = Stream::dmabuf(&device, |_| fds.next().ok_or_else(missing)).at("start")?;
    verify::frames(&stream, 8)?;
    drop(stream);
    drop(device);
    for (index, fd) in copies.iter().enumerate() {
        let map = Mapping::shared(fd, 0, size).at("mmap")?;
        map.fill(0, size, 0x11);
        stranger.queue_mmap(index as u32).at("QBUF of vivid")?;
    }
    stranger.stream_on().at("STREAMON of vivid")?;
    for _ in 0..4 {
        stranger.dequeue(MMAP).at("DQBUF of vivid")?;
    }
    drop(stranger);

    // The other way round: vivid stops using what vireo has given it.
    let device = bench.open(0)?;
    let display = bench.display()?;
    crate::relay::frames(&device, &display, 6)?;
    drop(display);
    let stream = Stream::mmap(&device).at("start")?;
    verify::frames(&stream, 4).map(|_| ())
}

/// A process that streams, as if started by hand.
pub struct Streaming(pub Child);

impl Streaming {
    pub fn start(bench: &Bench, source: &[&str]) -> Outcome<Self> {
        let path = bench.camera(0)?.path;
        let own = std::env::current_exe().at("own path")?;
        let child = Command::new(own)
            .args(["stream", "--frames", "0", "--verbose", "--device"])
            .arg(path)
            .args(source)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .at("spawn")?;
        let mut this = Self(child);
        // The first line comes with the first frame.
        let stdout = this.0.stdout.take().ok_or("no stdout")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            let _ = sender.send(matches!(lines.next(), Some(Ok(_))));
            // Whatever else it says, it must not be held up.
            lines.for_each(drop);
        });
        match receiver.recv_timeout(v4l2::PATIENCE) {
            Ok(true) => Ok(this),
            _ => Err("the process does not stream".into()),
        }
    }

    fn kill(mut self) -> Outcome {
        self.0.kill().at("kill")?;
        let status = self.0.wait().at("wait")?;
        holds("it was killed while it streamed", status.code().is_none())
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// With each type of memory, and of each exporter that the kernel has.
pub fn sources() -> impl Iterator<Item = &'static [&'static str]> {
    let sources: [&[&str]; 5] = [
        &["--memory", "mmap"],
        &["--memory", "userptr"],
        &["--memory", "dmabuf", "--from", "udmabuf"],
        &["--memory", "dmabuf", "--from", "heap"],
        &["--memory", "dmabuf", "--from", "vivid"],
    ];

    sources
        .into_iter()
        .filter(|source| dmabuf::has_heap() || !source.contains(&"heap"))
}

/// Processes are killed in the middle of a stream, with each type of memory.
pub fn killed(bench: &Bench) -> Outcome {
    for source in sources() {
        Streaming::start(bench, source)?.kill()?;
        // All that was the process's is free at once.
        let device = bench
            .open(0)
            .map_err(|e| format!("after {source:?}: {e}"))?;
        let stream = Stream::mmap(&device).at("start")?;
        verify::frames(&stream, 2).map_err(|e| format!("after {source:?}: {e}"))?;
    }
    Ok(())
}

/// The module stays as long as anybody has something of it.
pub fn rmmod(bench: &Bench) -> Outcome {
    let name = CString::new(bench.driver.as_str()).map_err(|e| e.to_string())?;
    let device = bench.open(0)?;
    refused(
        "with a file open",
        libc::EWOULDBLOCK,
        sys::delete_module(&name),
    )?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let mut fds = stream::export_buffers(&device, 2, size).at("EXPBUF")?;
    let map = device.map(0).at("mmap")?;
    drop(device);
    refused(
        "with a buffer mapped",
        libc::EWOULDBLOCK,
        sys::delete_module(&name),
    )?;
    drop(map);
    refused(
        "with buffers exported",
        libc::EWOULDBLOCK,
        sys::delete_module(&name),
    )?;
    fds.pop();
    refused(
        "with a buffer exported",
        libc::EWOULDBLOCK,
        sys::delete_module(&name),
    )?;
    let map = Mapping::shared(&fds[0], 0, size).at("mmap")?;
    fds.pop();
    refused(
        "with a dma-buf mapped",
        libc::EWOULDBLOCK,
        sys::delete_module(&name),
    )?;
    map.fill(0, size, 0x55);
    Ok(())
}

/// Opening and closing what others stream on changes nothing for them.
pub fn other_openers(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::mmap(&device).at("start")?;
    let path = bench.camera(0)?.path;
    for _ in 0..20 {
        let other = Device::open_nonblocking(&path).at("open")?;
        other.format().at("G_FMT")?;
        drop(other);
        verify::frames(&stream, 1)?;
    }
    Ok(())
}

/// One thread allocates buffers and frees them, and another maps what there is of them: mmap() is
/// not serialized with ioctls, and comes while memory is allocated.
pub fn mapped_meanwhile(bench: &Bench) -> Outcome {
    const COUNT: u32 = 4;

    let device = bench.open(0)?;
    let other = Device::open(&bench.camera(0)?.path).at("open")?;
    device
        .set_format(uapi::V4L2_PIX_FMT_YUYV, 1920, 1080)
        .at("S_FMT")?;
    device.request(MMAP, COUNT).at("REQBUFS")?;
    let offsets = (0..COUNT)
        .map(|index| Ok(device.query(MMAP, index)?.offset().into()))
        .collect::<io::Result<Vec<u64>>>()
        .at("QUERYBUF")?;
    let is_over = AtomicBool::new(false);
    let (mapped, missing) = thread::scope(|scope| {
        let mapper = scope.spawn(|| {
            let (mut mapped, mut missing) = (0, 0);
            while !is_over.load(Ordering::Relaxed) {
                for &offset in &offsets {
                    match Mapping::shared(&other, offset, sys::page()) {
                        Ok(_) => mapped += 1,
                        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => missing += 1,
                        Err(e) => return Err(e),
                    }
                }
            }
            Ok((mapped, missing))
        });
        let start = Instant::now();
        let mut result = Ok(0);
        while result.is_ok() && start.elapsed() < Duration::from_secs(2) {
            result = device
                .request(MMAP, 0)
                .and_then(|_| device.request(MMAP, COUNT));
        }
        is_over.store(true, Ordering::Relaxed);
        let counts = mapper.join().expect("the thread does not panic");
        result.at("REQBUFS")?;
        counts.at("mmap")
    })?;
    holds("some were there", mapped > 0)?;
    holds("some were not", missing > 0)
}
