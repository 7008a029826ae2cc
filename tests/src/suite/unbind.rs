// SPDX-License-Identifier: GPL-2.0

//! A device that goes while others have something of it, or wait for it.

use super::bench::equal;
use super::bench::holds;
use super::bench::patiently;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::life::sources;
use super::life::Streaming;
use crate::dmabuf;
use crate::stream;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::v4l2;
use crate::v4l2::DMABUF;
use crate::v4l2::MMAP;
use crate::verify;

use std::fs;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A device without its driver, which comes back at the end, whatever happens.
struct Unbound {
    folder: String,
    name: String,
}

impl Unbound {
    fn new(bench: &Bench, instance: usize) -> Outcome<Self> {
        let name = bench.bus_name(instance)?;
        let path = format!("{}/unbind", bench.driver_folder());
        fs::write(&path, &name).at(&path)?;
        Ok(Self {
            folder: bench.driver_folder(),
            name,
        })
    }

    fn bind(self) -> Outcome {
        self.put_back().at("bind")?;
        std::mem::forget(self);
        Ok(())
    }

    fn put_back(&self) -> io::Result<()> {
        fs::write(format!("{}/bind", self.folder), &self.name)
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.put_back();
    }
}

/// The exporter takes its buffers back, closes and goes, while another device writes them and a
/// process has them mapped: they live on for those two.
pub fn exporter_gone_importer_writes(bench: &Bench) -> Outcome {
    // The other device can tell that its frames arrive.
    let (device, second) = (bench.open(0)?, bench.open(1)?);
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let fds = stream::export_buffers(&device, 4, size).at("EXPBUF")?;
    let own = device.map(0).at("mmap")?;
    let mut fds = fds.into_iter();
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let stream = Stream::dmabuf(&second, |_| fds.next().ok_or_else(missing)).at("start")?;
    verify::frames(&stream, 4)?;
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    verify::frames(&stream, 4)?;
    // The exporter is at work again, with other memory.
    verify::frames(&Stream::mmap(&device).at("start")?, 4)?;
    verify::frames(&stream, 4)?;
    drop(device);
    verify::frames(&stream, 4)?;
    let gone = Unbound::new(bench, 0)?;
    verify::frames(&stream, 8)?;
    let before = own.bytes(0, size);
    let start = std::time::Instant::now();
    while own.bytes(0, size) == before {
        holds(
            "what is mapped is what is written",
            start.elapsed() < v4l2::PATIENCE,
        )?;
        verify::frames(&stream, 1)?;
    }
    gone.bind()?;
    verify::frames(&stream, 4)?;
    drop(stream);
    drop(own);

    // The same with a device that is not ours: it must only go on.
    let device = bench.open(0)?;
    let stranger = bench.stranger()?;
    let size = size.max(stranger.format().at("G_FMT")?.sizeimage as usize);
    let fds = stream::export_buffers(&device, 4, size).at("EXPBUF")?;
    let map = Mapping::shared(&fds[0], 0, size).at("mmap")?;
    stranger.request(DMABUF, 4).at("REQBUFS of vivid")?;
    for (index, fd) in fds.iter().enumerate() {
        stranger
            .queue_dmabuf(index as u32, fd)
            .at("QBUF of vivid")?;
    }
    stranger.stream_on().at("STREAMON of vivid")?;
    let turn = |count| {
        for _ in 0..count {
            let index = stranger.dequeue(DMABUF).at("DQBUF of vivid")?.index;
            stranger
                .queue_dmabuf(index, &fds[index as usize])
                .at("QBUF of vivid")?;
        }
        Ok::<_, String>(())
    };
    turn(4)?;
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    turn(4)?;
    drop(device);
    turn(8)?;
    map.fill(0, size, 0x22);
    Ok(())
}

/// The device goes while a process streams, with each type of memory.
pub fn streaming(bench: &Bench) -> Outcome {
    for source in sources() {
        let streaming = Streaming::start(bench, source)?;
        let gone = Unbound::new(bench, 0)?;
        let mut streaming = streaming;
        let status = patiently(|| {
            let status = streaming.0.try_wait()?;
            status.ok_or_else(|| io::Error::other("the process goes on without a device"))
        })?;
        equal("its exit status", status.code(), Some(1))?;
        gone.bind()?;
        let device = bench
            .open(0)
            .map_err(|e| format!("after {source:?}: {e}"))?;
        verify::frames(&Stream::mmap(&device).at("start")?, 2)?;
    }
    Ok(())
}

/// The device goes while a call waits for a frame that never comes.
pub fn while_waiting(bench: &Bench) -> Outcome {
    let device = Arc::new(bench.open(0)?);
    let stream = Stream::mmap(&device).at("start")?;
    verify::frames(&stream, 2)?;
    // All buffers are taken, none is given back: nothing can come.
    let taken = stream.backing().len();
    for _ in 0..taken {
        device.dequeue(MMAP).at("DQBUF")?;
    }
    let (sender, receiver) = mpsc::channel();
    let waiting = Arc::clone(&device);
    let waiter = sender.clone();
    thread::spawn(move || {
        let _ = waiter.send(("DQBUF", waiting.dequeue_now(MMAP).map(|_| ())));
    });
    let polling = Arc::clone(&device);
    thread::spawn(move || {
        let result = polling
            .wait(libc::POLLPRI, v4l2::PATIENCE)
            .and_then(|events| match events {
                0 => Err(io::Error::from_raw_os_error(libc::ETIMEDOUT)),
                _ => Err(io::Error::from_raw_os_error(libc::ENODEV)),
            });
        let _ = sender.send(("poll", result));
    });
    thread::sleep(Duration::from_millis(300));
    holds("both wait", receiver.try_recv().is_err())?;

    let gone = Unbound::new(bench, 0)?;
    for _ in 0..2 {
        let (what, result) = receiver
            .recv_timeout(Duration::from_secs(5))
            .map_err(|_| "a call still waits 5 seconds after unbind")?;
        match result.as_ref().map_err(io::Error::raw_os_error) {
            Err(Some(libc::ENODEV | libc::EIO)) => {}
            _ => {
                return Err(format!(
                    "{what} returned {result:?} instead of ENODEV or EIO"
                ))
            }
        }
    }
    // Everything is refused from now on, and nothing waits.
    refused("DQBUF", libc::ENODEV, device.dequeue_now(MMAP).map(|_| ()))?;
    refused("QBUF", libc::ENODEV, device.queue_mmap(0))?;
    refused("G_FMT", libc::ENODEV, device.format().map(|_| ()))?;
    refused("read", libc::ENODEV, device.read(&mut [0; 16]))?;
    refused(
        "mmap",
        libc::ENODEV,
        Mapping::shared(&*device, 0, sys::page()).map(|_| ()),
    )?;
    let events = device.wait(libc::POLLIN, Duration::ZERO).at("poll")?;
    holds(
        "poll says that it is gone",
        events & (libc::POLLERR | libc::POLLHUP) != 0,
    )?;
    // What was mapped still is.
    for index in 0..taken {
        stream.data(index as u32).at("data")?;
    }
    gone.bind()?;
    // The new device works beside the old file.
    verify::frames(&Stream::mmap(&bench.open(0)?).at("start")?, 4)?;
    drop(stream);
    Ok(())
}

/// The device goes, and its exported buffers stay.
pub fn exported(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let size = device.format().at("G_FMT")?.sizeimage as usize;
    let fds = stream::export_buffers(&device, 4, size).at("EXPBUF")?;
    let maps = (0..4)
        .map(|index| device.map(index))
        .collect::<io::Result<Vec<_>>>()
        .at("mmap")?;
    for index in 0..4 {
        device.queue_mmap(index).at("QBUF")?;
    }
    device.stream_on().at("STREAMON")?;
    device.dequeue(MMAP).at("DQBUF")?;
    let gone = Unbound::new(bench, 0)?;
    for (map, fd) in maps.iter().zip(&fds) {
        map.fill(0, map.len(), 0x33);
        let other = Mapping::shared(fd, 0, size).at("mmap of a dma-buf")?;
        let data = dmabuf::bytes(std::os::fd::AsFd::as_fd(fd), &other, size).at("sync")?;
        holds("one memory", data.iter().all(|b| *b == 0x33))?;
    }
    drop(device);
    drop(maps);
    // An importer that comes only now.
    let second = bench.camera_left(&gone.name)?;
    let mut left = fds.into_iter();
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let stream = Stream::dmabuf(&second, |_| left.next().ok_or_else(missing)).at("start")?;
    verify::frames(&stream, 8)?;
    gone.bind()?;
    verify::frames(&stream, 4).map(|_| ())
}

/// The importer's device goes with dma-bufs of others in its queue.
pub fn importer(bench: &Bench) -> Outcome {
    let (device, stranger) = (bench.open(0)?, bench.stranger()?);
    let stream = Stream::import(&device, &stranger).at("start")?;
    verify::frames(&stream, 4)?;
    let gone = Unbound::new(bench, 0)?;
    for backing in stream.backing() {
        if let Backing::DmaBuf(_, map) = backing {
            map.fill(0, map.len(), 0x44);
        }
    }
    drop(stream);
    gone.bind()
}

/// Whoever comes late, with a read() or a poll() that began before the device went, starts nothing
/// and is told.
pub fn late(bench: &Bench) -> Outcome {
    const READERS: usize = 6;
    let size = bench.open(0)?.format().at("G_FMT")?.sizeimage as usize;
    let is_gone = Arc::new(AtomicBool::new(false));
    let (sender, ended) = mpsc::channel();

    for _ in 0..READERS {
        let device = bench.again(0)?;
        let (sender, is_gone) = (sender.clone(), is_gone.clone());
        thread::spawn(move || {
            let mut data = vec![0; size];
            let outcome = loop {
                let was_gone = is_gone.load(Ordering::SeqCst);
                let _ = device.wait(libc::POLLIN, Duration::ZERO);
                match device.read(&mut data) {
                    Ok(_) if was_gone => break Err("a frame of a device that is gone".to_string()),
                    Ok(_) => (),
                    // Another one reads.
                    Err(error) if error.raw_os_error() == Some(libc::EBUSY) => (),
                    Err(error) if error.raw_os_error() == Some(libc::ENODEV) => break Ok(()),
                    Err(error) => break Err(format!("read(): {error}")),
                }
            };
            let _ = sender.send(outcome);
        });
    }
    thread::sleep(Duration::from_millis(300));
    let gone = Unbound::new(bench, 0)?;
    is_gone.store(true, Ordering::SeqCst);
    for _ in 0..READERS {
        ended
            .recv_timeout(Duration::from_secs(5))
            .map_err(|_| "read() does not end")??;
    }
    gone.bind()
}
