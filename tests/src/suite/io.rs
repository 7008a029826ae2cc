// SPDX-License-Identifier: GPL-2.0

//! read(), poll(), events, controls, and frames that are lost.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::reader::picture::Pattern;
use crate::reader::picture::PictureParams;
use crate::reader::Reader;
use crate::stream::Frame;
use crate::stream::Stream;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::v4l2::MMAP;
use crate::verify;
use crate::verify::Checker;

use std::thread;
use std::time::Duration;
use std::time::Instant;

/// read(), in whole frames and in parts.
pub fn read(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let pix = device.format().at("G_FMT")?;
    let size = pix.sizeimage as usize;
    let new = || Reader::for_format(pix.pixelformat, pix.width, pix.height).ok_or("format");
    let mut reader = new()?;
    let mut data = vec![0; size];
    let check = |reader: &mut Reader, data: &[u8]| {
        if bench.stamped() {
            reader.check(data).into_result().map(|_| ())
        } else {
            Ok(())
        }
    };
    for _ in 0..8 {
        equal("bytes read", device.read(&mut data).at("read")?, size)?;
        check(&mut reader, &data)?;
    }
    // A frame is read to its end before the next.
    for part in data.chunks_mut(100_000) {
        let length = part.len();
        equal("bytes of a part", device.read(part).at("read")?, length)?;
    }
    check(&mut reader, &data)?;

    refused("REQBUFS", libc::EBUSY, device.request(MMAP, 4).map(|_| ()))?;
    refused("STREAMON", libc::EBUSY, device.stream_on())?;
    refused("QBUF", libc::EBUSY, device.queue_mmap(0))?;
    refused("DQBUF", libc::EBUSY, device.dequeue_now(MMAP).map(|_| ()))?;
    let other = bench.again(0)?;
    refused("read of another file", libc::EBUSY, other.read(&mut data))?;
    drop(device);

    // A reader leaves the device as it was.
    let stream = Stream::mmap(&other).at("start")?;
    verify::frames(&stream, 2)?;
    refused("read while streaming", libc::EBUSY, other.read(&mut data))?;
    drop(stream);
    drop(other);

    let mut reader = new()?;
    let device = Device::open_nonblocking(&bench.camera(0)?.path).at("open")?;
    refused("nothing yet", libc::EAGAIN, device.read(&mut data))?;
    for _ in 0..4 {
        holds(
            "a frame in time",
            device.wait(libc::POLLIN, v4l2::PATIENCE).at("poll")? != 0,
        )?;
        equal("bytes read", device.read(&mut data).at("read")?, size)?;
        check(&mut reader, &data)?;
    }
    Ok(())
}

/// poll() tells of frames, and of their impossibility.
pub fn poll(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    device.request(MMAP, 2).at("REQBUFS")?;
    let events = device
        .wait(libc::POLLIN, Duration::from_secs(1))
        .at("poll")?;
    holds("an error before STREAMON", events & libc::POLLERR != 0)?;
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    let stream = Stream::mmap(&device).at("start")?;
    for _ in 0..6 {
        let events = device.wait(libc::POLLIN, v4l2::PATIENCE).at("poll")?;
        holds(
            "a frame, and no error",
            events & (libc::POLLIN | libc::POLLERR) == libc::POLLIN,
        )?;
        // There is one for the taking.
        let start = Instant::now();
        let buffer = device.dequeue_now(MMAP).at("DQBUF")?;
        holds("at once", start.elapsed() < Duration::from_secs(1))?;
        stream.queue(buffer.index).at("QBUF")?;
    }
    device.stream_off().at("STREAMOFF")?;
    let events = device.wait(libc::POLLIN, Duration::ZERO).at("poll")?;
    holds("an error after STREAMOFF", events & libc::POLLERR != 0)
}

/// Events of controls, and of the beginning of frames.
pub fn events(bench: &Bench) -> Outcome {
    let (device, other) = (bench.open(0)?, bench.again(0)?);
    let id = uapi::V4L2_CID_BRIGHTNESS;
    let value = device.control(id).at("G_CTRL")?;
    device
        .subscribe(uapi::V4L2_EVENT_CTRL, id)
        .at("SUBSCRIBE_EVENT")?;
    let events = device.wait(libc::POLLPRI, Duration::ZERO).at("poll")?;
    holds("nothing has happened", events & libc::POLLPRI == 0)?;
    other.set_control(id, value + 1).at("S_CTRL")?;
    let event = device.event().at("DQEVENT")?;
    equal(
        "event",
        (event.type_, event.id),
        (uapi::V4L2_EVENT_CTRL, id),
    )?;
    let (changes, now) = event.control();
    holds(
        "the value has changed",
        changes & uapi::V4L2_EVENT_CTRL_CH_VALUE != 0,
    )?;
    equal("the value", now, value + 1)?;
    other.set_control(id, value).at("S_CTRL")?;
    equal(
        "the value",
        device.event().at("DQEVENT")?.control().1,
        value,
    )?;

    device
        .subscribe(uapi::V4L2_EVENT_FRAME_SYNC, 0)
        .at("SUBSCRIBE_EVENT")?;
    let stream = Stream::mmap(&device).at("start")?;
    let mut last = None;
    for _ in 0..8 {
        let event = device.event().at("DQEVENT")?;
        equal("event", event.type_, uapi::V4L2_EVENT_FRAME_SYNC)?;
        let sequence = event.frame_sequence();
        holds("one after another", last.is_none_or(|last| sequence > last))?;
        last = Some(sequence);
        let frame = Frame::from(device.dequeue(MMAP).at("DQBUF")?);
        holds("of the frame that comes", sequence <= frame.sequence)?;
        stream.queue(frame.index).at("QBUF")?;
    }
    // Frames that nobody takes begin all the same.
    let mut all = uapi::v4l2_event_subscription {
        type_: uapi::V4L2_EVENT_ALL,
        ..Default::default()
    };
    device
        .ioctl(uapi::VIDIOC_UNSUBSCRIBE_EVENT, &mut all)
        .at("UNSUBSCRIBE_EVENT")?;
    thread::sleep(Duration::from_millis(200));
    let events = device.wait(libc::POLLPRI, Duration::ZERO).at("poll")?;
    holds("no more events", events & libc::POLLPRI == 0)
}

/// What the frames say of the controls while they are changed.
fn look(stream: &Stream<'_>, wanted: &PictureParams) -> Outcome {
    // Frames that were under way may have been made before.
    for _ in 0..2 * crate::stream::COUNT + 2 {
        let checker = verify::frames(stream, 1)?;
        if checker.stamp().is_some_and(|stamp| stamp.look == *wanted) {
            return Ok(());
        }
    }
    Err(format!("the frames do not become {wanted:?}"))
}

/// Controls change the picture, and the stamp says how.
pub fn controls(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::mmap(&device).at("start")?;
    let default = PictureParams::default();
    look(&stream, &default)?;
    let changes: [(u32, i32, PictureParams); 11] = [
        (
            uapi::V4L2_CID_BRIGHTNESS,
            255,
            PictureParams {
                brightness: 255,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_BRIGHTNESS,
            0,
            PictureParams {
                brightness: 0,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_CONTRAST,
            255,
            PictureParams {
                contrast: 255,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_CONTRAST,
            0,
            PictureParams {
                contrast: 0,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_SATURATION,
            0,
            PictureParams {
                saturation: 0,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_SATURATION,
            255,
            PictureParams {
                saturation: 255,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_HUE,
            -128,
            PictureParams {
                hue: -128,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_HUE,
            127,
            PictureParams {
                hue: 127,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_HFLIP,
            1,
            PictureParams {
                hflip: true,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_VFLIP,
            1,
            PictureParams {
                vflip: true,
                ..default
            },
        ),
        (
            uapi::V4L2_CID_TEST_PATTERN,
            3,
            PictureParams {
                pattern: Pattern::Checkerboard,
                ..default
            },
        ),
    ];
    for (id, value, wanted) in changes {
        let range = device.query_control(id).at("QUERYCTRL")?;
        device.set_control(id, value).at("S_CTRL")?;
        equal("G_CTRL", device.control(id).at("G_CTRL")?, value)?;
        look(&stream, &wanted)?;
        // Beyond the ends: the nearest value, or a refusal that changes nothing.
        for beyond in [range.minimum - 1, range.maximum + 1, i32::MIN, i32::MAX] {
            let before = device.control(id).at("G_CTRL")?;
            match device.set_control(id, beyond) {
                Ok(()) => {
                    let now = device.control(id).at("G_CTRL")?;
                    let nearest = match range.type_ {
                        uapi::V4L2_CTRL_TYPE_BOOLEAN => i32::from(beyond != 0),
                        _ => beyond.clamp(range.minimum, range.maximum),
                    };
                    equal("the nearest value", now, nearest)?;
                }
                result => {
                    refused("a value out of range", libc::ERANGE, result)?;
                    equal("the value", device.control(id).at("G_CTRL")?, before)?;
                }
            }
        }
        device.set_control(id, range.default_value).at("S_CTRL")?;
    }
    look(&stream, &default)?;

    // All patterns have a name, and there are no more.
    let names = Pattern::ALL.len() as u32;
    for index in 0..=names {
        let mut menu = uapi::v4l2_querymenu {
            id: uapi::V4L2_CID_TEST_PATTERN,
            index,
            ..Default::default()
        };
        let result = device.ioctl(uapi::VIDIOC_QUERYMENU, &mut menu);
        if index < names {
            result.at("QUERYMENU")?;
        } else {
            refused("a pattern beyond the last", libc::EINVAL, result)?;
        }
    }
    Ok(())
}

/// Controls that are changed all the time: each frame is of one piece.
pub fn controls_busy(bench: &Bench) -> Outcome {
    let (device, other) = (bench.open(0)?, bench.again(0)?);
    let stream = Stream::mmap(&device).at("start")?;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let turner = thread::spawn(move || {
        let mut n = 0;
        while let Err(std::sync::mpsc::TryRecvError::Empty) = stopped.try_recv() {
            n = (n + 37) % 256;
            other.set_control(uapi::V4L2_CID_BRIGHTNESS, n)?;
            other.set_control(uapi::V4L2_CID_HUE, n - 128)?;
            other.set_control(uapi::V4L2_CID_HFLIP, n % 2)?;
            other.set_control(uapi::V4L2_CID_TEST_PATTERN, n % 5)?;
            thread::sleep(Duration::from_millis(3));
        }
        Ok::<_, std::io::Error>(())
    });
    let result = verify::frames(&stream, 60);
    drop(stop);
    turner.join().map_err(|_| "a panic")?.at("S_CTRL")?;
    result.map(|_| ())
}

/// Frames for which there was no buffer are lost, and their numbers with them.
pub fn lost(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::mmap(&device).at("start")?;
    let mut checker = Checker::new(&device).at("format")?;
    let mut held = Vec::new();
    for _ in 0..stream.backing().len() {
        let (frame, data) = stream.next().at("DQBUF")?;
        checker.check(&frame, &data)?;
        held.push(frame.index);
    }
    let before = checker.lost;
    thread::sleep(Duration::from_millis(500));
    for index in held {
        stream.queue(index).at("QBUF")?;
    }
    let (frame, data) = stream.next().at("DQBUF")?;
    checker.check(&frame, &data)?;
    // 15 at 30 a second; an emulated machine may be late, but not early.
    let lost = checker.lost - before;
    holds(
        &format!("about 15 frames were lost, not {lost}"),
        (10..=60).contains(&lost),
    )?;
    // A new stream begins anew.
    device.stream_off().at("STREAMOFF")?;
    for index in 0..stream.backing().len() {
        stream.queue(index as u32).at("QBUF")?;
    }
    device.stream_on().at("STREAMON")?;
    let (frame, _) = stream.next().at("DQBUF")?;
    equal("the first number", frame.sequence, 0)
}

/// LOG_STATUS, at rest and at work.
pub fn log_status(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let result = crate::sys::ioctl_none(&device, uapi::VIDIOC_LOG_STATUS);
    result.at("LOG_STATUS")?;
    let stream = Stream::mmap(&device).at("start")?;
    crate::sys::ioctl_none(&device, uapi::VIDIOC_LOG_STATUS).at("LOG_STATUS")?;
    verify::frames(&stream, 2).map(|_| ())
}

/// The histogram of how late the sensor was adds up.
pub fn latency(bench: &Bench) -> Outcome {
    let path = format!("/sys/kernel/debug/{}/latency", bench.bus_name(0)?);
    let device = bench.open(0)?;
    for _ in 0..2 {
        let stream = Stream::mmap(&device).at("start")?;
        verify::frames(&stream, 20)?;
        drop(stream);
        let text = std::fs::read_to_string(&path).at("latency")?;
        let (mut values, mut sum, mut last) = (Vec::new(), 0, 0.0);
        for line in text.lines() {
            let words = line.split(' ').collect::<Vec<_>>();
            let number = |n: usize| words.get(n).and_then(|word| word.parse::<f64>().ok());
            match words[0] {
                "below" => {
                    let (end, count) = number(1).zip(number(2)).ok_or(line)?;
                    holds("in order", end > last && count > 0.0)?;
                    last = end;
                    sum += count as u64;
                }
                _ => values.push(number(1).ok_or(line)?),
            }
        }
        let [wakeups, p50, p90, p99, max] = values[..] else {
            return Err(format!("five values, not {values:?}"));
        };
        equal("the sum", sum, wakeups as u64)?;
        // Each stream begins anew: a frame more than was seen, or some that were dropped.
        holds("a wake-up for each frame", (20..200).contains(&sum))?;
        holds(
            "in order",
            p50 <= p90 && p90 <= p99 && p99 <= max && max <= last,
        )?;
    }
    Ok(())
}
