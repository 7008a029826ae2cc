// SPDX-License-Identifier: GPL-2.0

//! What people's programs do with a webcam, call by call. The programs themselves are in
//! `tests/clients`.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::configfs::Directory;
use super::formats::frame_size;
use super::formats::interval;
use super::sensor;
use crate::reader::format::fourcc;
use crate::reader::Reader;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Epoll;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::v4l2::DMABUF;
use crate::v4l2::MMAP;
use crate::verify;

use std::fs;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Lists that a program can go through: usual sizes and rates, all of which can be set.
pub fn lists(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    for name in [b"YUYV", b"NV12", b"RGB3", b"pBAA"].map(fourcc) {
        let mut sizes = Vec::new();
        while let Ok(size) = frame_size(&device, sizes.len() as u32, name) {
            equal("type", size.type_, uapi::V4L2_FRMSIZE_TYPE_DISCRETE)?;
            let size = size.discrete();
            sizes.push((size.width, size.height));
            holds("an end", sizes.len() < 32)?;
        }
        equal("first size", sizes.first(), Some(&(640, 480)))?;
        for usual in [(320, 240), (1280, 720), (1920, 1080), (3840, 2160)] {
            holds("usual sizes", sizes.contains(&usual))?;
        }
        for &(w, h) in &sizes {
            holds("no larger than 3840x2160", w <= 3840 && h <= 2160)?;
            let set = device.set_format(name, w, h).at("S_FMT")?;
            equal("size", (set.width, set.height), (w, h))?;
            let mut rates = 0;
            while let Ok(found) = interval(&device, rates, name, w, h) {
                equal("type", found.type_, uapi::V4L2_FRMIVAL_TYPE_DISCRETE)?;
                let found = found.discrete();
                let asked = (found.numerator, found.denominator);
                equal(
                    "interval",
                    device.set_interval(asked.0, asked.1).at("S_PARM")?,
                    asked,
                )?;
                // The pixel rate of 1920x1080 at the highest rate.
                let pixels = u64::from(w) * u64::from(h) * u64::from(asked.1) / u64::from(asked.0);
                holds("a rate for this size", pixels <= 1920 * 1080 * 1000)?;
                rates += 1;
                holds("an end", rates < 32)?;
            }
            holds("at least one rate", rates > 0)?;
        }
    }
    // Everything else can be set all the same.
    let set = device.set_format(fourcc(b"YUYV"), 7680, 4320).at("S_FMT")?;
    equal("largest", (set.width, set.height), (7680, 4320))?;
    let set = device.set_format(fourcc(b"YUYV"), 34, 18).at("S_FMT")?;
    equal("small", (set.width, set.height), (34, 18))?;
    // What is out of range becomes what a list has.
    let set = device
        .set_format(fourcc(b"YUYV"), 16384, 16384)
        .at("S_FMT")?;
    equal("too large", (set.width, set.height), (3840, 2160))
}

/// A program that changes what VIDIOC_G_FMT has answered asks for no padding.
pub fn stale_stride(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let get_change_set = |name, w, h| -> Outcome<uapi::v4l2_pix_format> {
        let mut format = uapi::v4l2_format {
            type_: v4l2::CAPTURE,
            ..Default::default()
        };
        device.ioctl(uapi::VIDIOC_G_FMT, &mut format).at("G_FMT")?;
        let mut pix = format.pix();
        (pix.width, pix.height, pix.pixelformat) = (w, h, fourcc(name));
        format.fmt.pix = pix;
        // Some try first.
        device
            .ioctl(uapi::VIDIOC_TRY_FMT, &mut format)
            .at("TRY_FMT")?;
        let tried = format.pix();
        device.ioctl(uapi::VIDIOC_S_FMT, &mut format).at("S_FMT")?;
        let set = format.pix();
        let key = |pix: &uapi::v4l2_pix_format| (pix.bytesperline, pix.sizeimage);
        equal("S_FMT after TRY_FMT", key(&set), key(&tried))?;
        Ok(set)
    };
    for (before, after, line) in [
        ((b"YUYV", 640, 480), (b"YU12", 640, 480), 640),
        ((b"YUYV", 1920, 1080), (b"YUYV", 640, 480), 1280),
        ((b"XR24", 7680, 4320), (b"GREY", 320, 240), 320),
        ((b"RGB3", 640, 480), (b"NV12", 640, 360), 640),
        ((b"YU12", 642, 480), (b"YU12", 638, 480), 638),
        ((b"YU12", 644, 480), (b"YU12", 644, 478), 644),
    ] {
        device
            .set_format(fourcc(before.0), before.1, before.2)
            .at("S_FMT")?;
        let set = get_change_set(after.0, after.1, after.2)?;
        equal("bytesperline", set.bytesperline, line)?;
        verify::frames(&Stream::mmap(&device).at("start")?, 2)?;
    }
    // From format to format by TRY_FMT alone, with what the one before has answered.
    let mut format = uapi::v4l2_format {
        type_: v4l2::CAPTURE,
        ..Default::default()
    };
    for (name, line) in [
        (b"XR24", 2560),
        (b"RGB3", 1920),
        (b"YUYV", 1280),
        (b"NV12", 640),
    ] {
        let mut pix = format.pix();
        (pix.width, pix.height, pix.pixelformat) = (640, 480, fourcc(name));
        format.fmt.pix = pix;
        device
            .ioctl(uapi::VIDIOC_TRY_FMT, &mut format)
            .at("TRY_FMT")?;
        equal("bytesperline", format.pix().bytesperline, line)?;
    }
    // What was asked for stays when it is asked for again.
    let set = device
        .set_padded(fourcc(b"YUYV"), 640, 480, 2048)
        .at("S_FMT")?;
    equal("bytesperline", set.bytesperline, 2048)?;
    equal(
        "bytesperline",
        get_change_set(b"YUYV", 640, 480)?.bytesperline,
        2048,
    )
}

/// read() goes on after a frame with an error.
pub fn read_goes_on(_bench: &Bench) -> Outcome {
    let camera = Directory::new(204).at("mkdir")?;
    camera.write("error_inj", "1").at("error_inj")?;
    let path = camera.enable()?.path;
    let (device, other) = (
        Device::open(&path).at("open")?,
        Device::open(&path).at("open again")?,
    );
    let pix = device.set_format(fourcc(b"YUYV"), 320, 240).at("S_FMT")?;
    let mut reader = Reader::for_format(pix.pixelformat, pix.width, pix.height).ok_or("format")?;
    let mut data = vec![0; pix.sizeimage as usize];
    let (mut last, mut lost) = (None, 0);
    for n in 0..24 {
        if n % 8 == 3 {
            other.set_control(sensor::FAIL, 1).at("Fail Frame")?;
        }
        equal("bytes read", device.read(&mut data).at("read")?, data.len())?;
        let checked = reader.check(&data).into_result()?;
        let sequence = checked.frame.sequence;
        lost += last.map_or(0, |last| sequence - last - 1);
        last = Some(sequence);
    }
    holds("frames with errors are left out", lost >= 3)
}

/// A descriptor is polled before its owner chooses how to capture.
pub fn poll_first(bench: &Bench) -> Outcome {
    let (device, other) = (bench.open(0)?, bench.again(0)?);
    let epoll = Epoll::new(&device, libc::EPOLLIN | libc::EPOLLPRI).at("epoll")?;
    let events = epoll.wait(Duration::ZERO).at("epoll_wait")?;
    holds("no error", events & libc::EPOLLERR == 0)?;
    other.wait(libc::POLLIN, Duration::ZERO).at("poll")?;

    // Nobody has the queue by that.
    other.set_format(fourcc(b"NV12"), 320, 240).at("S_FMT")?;
    other.request(MMAP, 4).at("REQBUFS of another file")?;
    other.request(MMAP, 0).at("REQBUFS(0)")?;
    let stream = Stream::mmap(&device).at("start")?;
    for _ in 0..6 {
        let events = epoll.wait(v4l2::PATIENCE).at("epoll_wait")?;
        equal(
            "a frame",
            events & (libc::EPOLLIN | libc::EPOLLERR),
            libc::EPOLLIN,
        )?;
        let start = Instant::now();
        let buffer = device.dequeue_now(MMAP).at("DQBUF")?;
        holds("at once", start.elapsed() < Duration::from_secs(1))?;
        stream.queue(buffer.index).at("QBUF")?;
    }
    drop((stream, epoll));
    drop((device, other));

    // Who polls and then reads gets frames.
    let device = Device::open_nonblocking(&bench.camera(0)?.path).at("open")?;
    let mut data = vec![0; device.format().at("G_FMT")?.sizeimage as usize];
    let (mut frames, mut early) = (0, 0);
    while frames < 4 {
        let events = device.wait(libc::POLLIN, v4l2::PATIENCE).at("poll")?;
        equal(
            "can be read",
            events & (libc::POLLIN | libc::POLLERR),
            libc::POLLIN,
        )?;
        match device.read(&mut data) {
            Ok(size) => {
                equal("bytes read", size, data.len())?;
                frames += 1;
            }
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => early += 1,
            Err(error) => return Err(format!("read: {error}")),
        }
    }
    holds("at most the first read is too early", early <= 1)
}

/// A wait for events ends when the camera is unplugged.
pub fn unplugged_events(_bench: &Bench) -> Outcome {
    for by_button in [false, true] {
        let camera = Directory::new(205).at("mkdir")?;
        camera.write("error_inj", "1").at("error_inj")?;
        let path = camera.enable()?.path;
        let device = Device::open(&path).at("open")?;
        device
            .subscribe(uapi::V4L2_EVENT_CTRL, uapi::V4L2_CID_BRIGHTNESS)
            .at("SUBSCRIBE_EVENT")?;
        thread::scope(|scope| -> Outcome {
            // More than one thread, of which an event wakes all.
            // Straight into the ioctl, without a poll before it.
            let waiters = [(); 2].map(|()| {
                scope.spawn(|| {
                    let mut event = uapi::v4l2_event::default();
                    device.ioctl(uapi::VIDIOC_DQEVENT, &mut event)
                })
            });
            thread::sleep(Duration::from_millis(300));
            let other = Device::open(&path).at("open again")?;
            other
                .set_control(uapi::V4L2_CID_BRIGHTNESS, 77)
                .at("S_CTRL")?;
            thread::sleep(Duration::from_millis(300));
            if by_button {
                other.set_control(sensor::DISCONNECT, 1).at("Disconnect")?;
            } else {
                camera.remove().at("rmdir")?;
            }
            let start = Instant::now();
            let mut woken = 0;
            for waiter in waiters {
                while !waiter.is_finished() {
                    holds("waits end", start.elapsed() < Duration::from_secs(5))
                        // A thread in there could not be joined.
                        .unwrap_or_else(|reason| fail_now(&reason));
                    thread::sleep(Duration::from_millis(10));
                }
                match waiter.join().map_err(|_| "a panic")? {
                    Ok(()) => woken += 1,
                    Err(error) => refused::<()>("DQEVENT", libc::ENODEV, Err(error))?,
                }
            }
            equal("threads that got the event", woken, 1)
        })?;
    }
    Ok(())
}

/// Ends the test from a place that cannot return.
fn fail_now(reason: &str) -> ! {
    println!("{reason}");
    std::process::exit(1)
}

/// The kernel log says what is wrong with a read-only DMABUF.
pub fn read_only(bench: &Bench) -> Outcome {
    let (exporter, device) = (bench.open(1)?, bench.open(0)?);
    exporter.request(MMAP, 1).at("REQBUFS")?;
    device.request(DMABUF, 1).at("REQBUFS")?;
    let mut log = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/kmsg")
        .at("kmsg")?;
    log.seek(io::SeekFrom::End(0)).at("end of the log")?;
    for flags in [libc::O_RDONLY, libc::O_CLOEXEC] {
        let fd = exporter.export(0, flags).at("EXPBUF")?;
        refused("QBUF", libc::EINVAL, device.queue_dmabuf(0, &fd))?;
    }
    let mut line = [0; 8192];
    let mut text = String::new();
    while let Ok(len) = log.read(&mut line) {
        text.push_str(&String::from_utf8_lossy(&line[..len]));
    }
    holds(
        "a line that names O_RDWR",
        text.contains("export it with O_RDWR"),
    )?;
    let fd = exporter.export(0, libc::O_RDWR).at("EXPBUF")?;
    device.queue_dmabuf(0, &fd).at("QBUF for writing")
}

/// Where the kernel is told to do all of a suspend but the last steps.
pub const PM_TEST: &str = "/sys/power/pm_test";

/// While all tasks are frozen there are no frames, and afterwards they go on one by one.
pub fn suspend(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::mmap(&device).at("start")?;
    verify::frames(&stream, 4)?;
    let (mut last, _) = stream.next().at("DQBUF")?;
    stream.queue(last.index).at("QBUF")?;
    fs::write(PM_TEST, "freezer").at("pm_test")?;
    let before = sys::monotonic();
    fs::write("/sys/power/state", "freeze").at("suspend")?;
    let after = sys::monotonic();
    fs::write(PM_TEST, "none").at("pm_test")?;
    // All is frozen for the last five seconds of that: file systems are synchronised before, and
    // frames go on meanwhile.
    let frozen = Duration::from_secs(5);
    let margin = Duration::from_millis(500);
    holds("five seconds asleep", after - before > frozen - margin)?;

    // All buffers were queued: those that were filled before are few (none, if all was frozen
    // within an interval), and in time.
    let interval = 1_000_000_000 / 30;
    let mut gaps = 0;
    for n in 0..16 {
        let (frame, _) = stream.next().at("DQBUF")?;
        stream.queue(frame.index).at("QBUF")?;
        let time = Duration::from_nanos(frame.timestamp);
        holds(
            "no frame while all was frozen",
            time < after - frozen + margin || time > after - margin,
        )?;
        let passed = frame.timestamp - last.timestamp;
        let count = u64::from(frame.sequence - last.sequence);
        if passed > 2_000_000_000 {
            gaps += 1;
            // That time has no numbers; the frames before it have, though nobody took them.
            let unnumbered = Duration::from_nanos(passed.saturating_sub(count * interval));
            holds("the number goes on", count > 0)?;
            if unnumbered.abs_diff(frozen) > margin {
                return Err(format!(
                    "{count} numbers in {passed} ns, of which 5 s were frozen"
                ));
            }
        } else {
            // Some may be lost to a slow machine.
            holds("no burst", passed.abs_diff(count * interval) < 1_000_000)?;
        }
        holds("frames go on", n < 8 || time > after - margin)?;
        last = frame;
    }
    equal("gaps", gaps, 1)
}

/// A number is spelled in one way.
pub fn directory_names(_bench: &Bench) -> Outcome {
    let _camera = Directory::new(7).at("mkdir")?;
    for name in ["07", "007", "+7", " 7", "7 ", "0x7", "00"] {
        let path = Path::new(super::configfs::DIRECTORY).join(name);
        refused(name, libc::EINVAL, fs::create_dir(path))?;
    }
    Ok(())
}

/// A name is what fits into 31 bytes, in any script.
pub fn names(_bench: &Bench) -> Outcome {
    let camera = Directory::new(206).at("mkdir")?;
    for name in [
        "Tür \"Süd\", 2. Stock",
        "カメラ 1",
        "1234567890123456789012345678901",
    ] {
        camera.write("name", name).at(name)?;
        equal("name", camera.read("name").at("name")?.as_str(), name)?;
        equal("card", camera.enable()?.card.as_str(), name)?;
        camera.write("enable", "0").at("disable")?;
        camera.is_gone()?;
    }
    for name in [
        "12345678901234567890123456789012",
        "Büro \"Süd\", Kamera über der Tür",
        "a\tb",
    ] {
        refused(name, libc::EINVAL, camera.write("name", name))?;
    }
    Ok(())
}
