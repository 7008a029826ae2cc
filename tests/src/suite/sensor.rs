// SPDX-License-Identifier: GPL-2.0

//! The sensor: what of it is captured, how much light there is, and the errors that it makes.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::configfs::stepwise;
use crate::reader::picture::Crop;
use crate::reader::picture::Pattern;
use crate::reader::picture::PictureParams;
use crate::reader::stamp::Stamp;
use crate::stream::Frame;
use crate::stream::Stream;
use crate::sys;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::verify;
use crate::verify::Checker;

use std::io;
use std::time::Duration;

/// Where the camera's own controls begin.
const BASE: u32 = uapi::V4L2_CID_USER_BASE | 0xe000;
pub const STAMP: u32 = BASE;
pub const SEED: u32 = BASE + 1;
const TIMESTAMPS: u32 = BASE + 2;
pub const WRAP: u32 = BASE + 16;
pub const STALL: u32 = BASE + 17;
const LOSE: u32 = BASE + 18;
pub const FAIL: u32 = BASE + 19;
const CORRUPT: u32 = BASE + 20;
pub const DISCONNECT: u32 = BASE + 21;

type Rect = (i32, i32, u32, u32);

fn select(device: &Device, request: u32, target: u32, flags: u32, rect: Rect) -> io::Result<Rect> {
    let mut selection = uapi::v4l2_selection {
        type_: uapi::V4L2_BUF_TYPE_VIDEO_CAPTURE,
        target,
        flags,
        r: uapi::v4l2_rect {
            left: rect.0,
            top: rect.1,
            width: rect.2,
            height: rect.3,
        },
        ..Default::default()
    };
    device.ioctl(request, &mut selection)?;
    let r = selection.r;
    Ok((r.left, r.top, r.width, r.height))
}

pub fn selected(device: &Device, target: u32) -> io::Result<Rect> {
    select(device, uapi::VIDIOC_G_SELECTION, target, 0, (0, 0, 0, 0))
}

pub fn crop(device: &Device, flags: u32, rect: Rect) -> io::Result<Rect> {
    let target = uapi::V4L2_SEL_TGT_CROP;
    select(device, uapi::VIDIOC_S_SELECTION, target, flags, rect)
}

/// Streams until a frame looks as wanted; its stamp.
fn until(stream: &Stream<'_>, wanted: &PictureParams) -> Outcome<Stamp> {
    for _ in 0..2 * crate::stream::COUNT + 2 {
        if let Some(stamp) = verify::frames(stream, 1)?.stamp() {
            if stamp.look == *wanted {
                return Ok(stamp);
            }
        }
    }
    Err(format!("the frames do not become {wanted:?}"))
}

/// Any part of the pixel array that is large enough can be captured, while streaming as well.
pub fn selection(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let whole = selected(&device, uapi::V4L2_SEL_TGT_NATIVE_SIZE).at("native size")?;
    for target in [
        uapi::V4L2_SEL_TGT_CROP,
        uapi::V4L2_SEL_TGT_CROP_DEFAULT,
        uapi::V4L2_SEL_TGT_CROP_BOUNDS,
    ] {
        let got = selected(&device, target);
        refused("no cropping where sizes are a list", libc::EINVAL, got)?;
    }
    refused("S_SELECTION", libc::EINVAL, crop(&device, 0, whole))?;

    let (device, _camera) = stepwise(207)?;
    let whole = selected(&device, uapi::V4L2_SEL_TGT_NATIVE_SIZE).at("native size")?;
    for target in [
        uapi::V4L2_SEL_TGT_CROP,
        uapi::V4L2_SEL_TGT_CROP_DEFAULT,
        uapi::V4L2_SEL_TGT_CROP_BOUNDS,
    ] {
        equal(
            "all of it",
            selected(&device, target).at("G_SELECTION")?,
            whole,
        )?;
    }
    let compose = uapi::V4L2_SEL_TGT_COMPOSE;
    refused("no composing", libc::EINVAL, selected(&device, compose))?;
    for target in [
        uapi::V4L2_SEL_TGT_CROP_BOUNDS,
        uapi::V4L2_SEL_TGT_NATIVE_SIZE,
        1000,
    ] {
        let set = select(&device, uapi::VIDIOC_S_SELECTION, target, 0, whole);
        refused("a target that is fixed", libc::EINVAL, set)?;
    }

    let (_, _, w, h) = whole;
    let (right, bottom) = (w as i32, h as i32);
    for (asked, given) in [
        ((100, 50, 640, 360), (100, 50, 640, 360)),
        ((101, 51, 333, 77), (101, 51, 333, 77)),
        ((-5, i32::MIN, 640, 360), (0, 0, 640, 360)),
        ((right, bottom, 64, 64), (right - 64, bottom - 64, 64, 64)),
        ((i32::MAX, 0, 64, 64), (right - 64, 0, 64, 64)),
        ((0, 0, 0, 0), (0, 0, 16, 16)),
        ((7, 9, u32::MAX, u32::MAX), whole),
    ] {
        equal(
            "the crop",
            crop(&device, 0, asked).at("S_SELECTION")?,
            given,
        )?;
        let now = selected(&device, uapi::V4L2_SEL_TGT_CROP).at("G_SELECTION")?;
        equal("the crop now", now, given)?;
    }
    let (ge, le) = (uapi::V4L2_SEL_FLAG_GE, uapi::V4L2_SEL_FLAG_LE);
    let small = crop(&device, le, (0, 0, 8, 8));
    refused("no larger than too small", libc::ERANGE, small)?;
    let large = crop(&device, ge, (0, 0, w + 1, h));
    refused("no smaller than too large", libc::ERANGE, large)?;
    equal("unchanged", selected(&device, 0).at("G_SELECTION")?, whole)?;
    crop(&device, ge | le, (0, 0, 64, 64)).at("just so")?;
    crop(&device, 0, whole).at("S_SELECTION")?;

    let stream = Stream::mmap(&device).at("start")?;
    let default = until(&stream, &PictureParams::default())?.look;
    equal("the array", default.native, (w as u16, h as u16))?;
    for (left, top, width, height) in [(0, 0, w / 2, h / 2), (w / 2, 3, w / 3, h - 3)] {
        crop(&device, 0, (left as i32, top, width, height)).at("S_SELECTION")?;
        let crop = Crop {
            left: left as u16,
            top: top as u16,
            width: width as u16,
            height: height as u16,
        };
        until(&stream, &PictureParams { crop, ..default })?;
    }
    Ok(())
}

/// The red of a picture that is red all over, as a part of what there may be.
fn red(stream: &Stream<'_>) -> Outcome<f64> {
    let (frame, data) = stream.next().at("DQBUF")?;
    stream.queue(frame.index).at("QBUF")?;
    // In the middle, where there is no stamp: a pixel's luma, of which red is 0.299.
    let luma = f64::from(data[640 * 2 * 240 + 640]);
    Ok((luma - 16.0) / 219.0 / 0.299)
}

/// Exposure and gain make it lighter, every pattern is what its stamp says, and stamps can be
/// left away.
pub fn light(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::mmap(&device).at("start")?;
    let solid = PictureParams {
        pattern: Pattern::SolidRed,
        ..PictureParams::default()
    };
    let pattern = uapi::V4L2_CID_TEST_PATTERN;
    device
        .set_control(pattern, solid.pattern as i32)
        .at("S_CTRL")?;
    for (exposure, gain, level) in [
        (100, 16, 0.75),
        (25, 16, 0.375),
        (25, 64, 0.75),
        (50, 16, 0.53),
        (400, 16, 1.0),
    ] {
        let ids = [
            uapi::V4L2_CID_EXPOSURE_ABSOLUTE,
            uapi::V4L2_CID_ANALOGUE_GAIN,
        ];
        for (id, value) in ids.into_iter().zip([exposure, gain]) {
            device.set_control(id, value.into()).at("S_CTRL")?;
        }
        until(
            &stream,
            &PictureParams {
                exposure,
                gain,
                ..solid
            },
        )?;
        let red = red(&stream)?;
        holds(
            &format!("{red} is about {level}"),
            (red - level).abs() < 0.02,
        )?;
    }
    device
        .set_control(uapi::V4L2_CID_EXPOSURE_ABSOLUTE, 100)
        .at("S_CTRL")?;
    device.set_control(SEED, 77).at("S_CTRL")?;
    for pattern in Pattern::ALL {
        device
            .set_control(uapi::V4L2_CID_TEST_PATTERN, pattern as i32)
            .at("S_CTRL")?;
        let look = PictureParams {
            pattern,
            seed: 77,
            ..PictureParams::default()
        };
        until(&stream, &look)?;
        verify::frames(&stream, 2)?;
    }

    // The first line of a picture that is red all over is red where the stamp was.
    device
        .set_control(pattern, solid.pattern as i32)
        .at("S_CTRL")?;
    device.set_control(STAMP, 0).at("S_CTRL")?;
    for _ in 0..2 * crate::stream::COUNT + 2 {
        let (frame, data) = stream.next().at("DQBUF")?;
        stream.queue(frame.index).at("QBUF")?;
        if data.chunks(4).all(|group| group == &data[640..644]) {
            return Ok(());
        }
    }
    Err("the stamps do not go".into())
}

/// Lines, blanking and the pixel rate make up the interval.
pub fn timing(_bench: &Bench) -> Outcome {
    let (device, _camera) = stepwise(208)?;
    for (num, den) in [(1, 30), (1, 25), (1001, 30000), (1, 7), (10, 1)] {
        for size in [(640, 480), (1920, 1080)] {
            crop(&device, 0, (0, 0, size.0, size.1)).at("S_SELECTION")?;
            let (num, den) = device.set_interval(num, den).at("S_PARM")?;
            let rate = device
                .control64(uapi::V4L2_CID_PIXEL_RATE)
                .at("pixel rate")?;
            let hblank = device.control(uapi::V4L2_CID_HBLANK).at("hblank")?;
            let vblank = device.control(uapi::V4L2_CID_VBLANK).at("vblank")?;
            let pixels =
                (f64::from(size.0) + f64::from(hblank)) * (f64::from(size.1) + f64::from(vblank));
            let interval = pixels / rate as f64;
            let wanted = f64::from(num) / f64::from(den);
            holds(
                &format!("{interval} is {wanted}"),
                (interval / wanted - 1.0).abs() < 1e-6,
            )?;
        }
    }
    for id in [uapi::V4L2_CID_HBLANK, uapi::V4L2_CID_VBLANK] {
        refused("what is read-only", libc::EACCES, device.set_control(id, 1))?;
    }
    Ok(())
}

/// Timestamps tell what was chosen, and are flagged so; while there are buffers it stays.
pub fn timestamps(bench: &Bench) -> Outcome {
    const RATE: u32 = 5;
    const INTERVAL: Duration = Duration::from_millis(200);
    let device = bench.open(0)?;
    let others = bench.again(0)?;
    device.set_interval(1, RATE).at("S_PARM")?;
    for (source, flag) in [
        (1, uapi::V4L2_BUF_FLAG_TSTAMP_SRC_SOE),
        (0, uapi::V4L2_BUF_FLAG_TSTAMP_SRC_EOF),
    ] {
        device.set_control(TIMESTAMPS, source).at("S_CTRL")?;
        let before = sys::monotonic();
        let stream = Stream::mmap(&device).at("start")?;
        refused(
            "another source",
            libc::EBUSY,
            others.set_control(TIMESTAMPS, 1 - source),
        )?;
        let mut checker = Checker::new(&device).at("format")?;
        for n in 0..4 {
            let buffer = device.dequeue(v4l2::MMAP).at("DQBUF")?;
            let now = sys::monotonic();
            let told = device.query(v4l2::MMAP, buffer.index).at("QUERYBUF")?;
            for flags in [buffer.flags, told.flags] {
                let mask = uapi::V4L2_BUF_FLAG_TSTAMP_SRC_MASK | uapi::V4L2_BUF_FLAG_TIMESTAMP_MASK;
                let wanted = flag | uapi::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
                equal("flags", flags & mask, wanted)?;
            }
            let frame = Frame::from(buffer);
            let time = Duration::from_nanos(frame.timestamp);
            // The clock of the API counts microseconds.
            let since = time + Duration::from_micros(1);
            match source {
                0 => holds("exposed first", since >= before + INTERVAL * (n + 1))?,
                _ => holds("exposed before", now >= time + INTERVAL)?,
            }
            holds("the time has come", now >= time && since >= before)?;
            checker.check(&frame, &stream.data(frame.index).at("data")?)?;
            stream.queue(frame.index).at("QBUF")?;
        }
    }
    Ok(())
}

/// Errors that are asked for come once, where they should, and nothing else goes wrong.
pub fn errors(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let stream = Stream::mmap(&device).at("start")?;
    let mut checker = Checker::new(&device).at("format")?;
    // What comes before the first frame is not missed.
    let (frame, data) = stream.next().at("DQBUF")?;
    checker.check(&frame, &data)?;
    stream.queue(frame.index).at("QBUF")?;
    for (id, wanted) in [(LOSE, (1, 0, 0)), (FAIL, (0, 1, 0)), (CORRUPT, (0, 0, 1))] {
        device.set_control(id, 1).at("S_CTRL")?;
        let (mut failed, mut corrupt) = (0, 0);
        let before = checker.lost;
        for _ in 0..12 {
            let (frame, data) = stream.next().at("DQBUF")?;
            match checker.check(&frame, &data) {
                Ok(()) => (),
                Err(_) if frame.failed => failed += 1,
                Err(why) if why.contains("stamp") => corrupt += 1,
                Err(why) => return Err(why),
            }
            stream.queue(frame.index).at("QBUF")?;
        }
        let found = (checker.lost - before, failed, corrupt);
        equal("lost, failed, corrupt", found, wanted)?;
    }

    // Nothing comes while it stands still, and its numbers go on.
    device.set_control(STALL, 1).at("S_CTRL")?;
    while device
        .wait(libc::POLLIN, Duration::from_millis(400))
        .at("poll")?
        != 0
    {
        let (frame, _) = stream.next().at("DQBUF")?;
        stream.queue(frame.index).at("QBUF")?;
    }
    device.set_control(STALL, 0).at("S_CTRL")?;
    let before = checker.lost;
    let (frame, data) = stream.next().at("DQBUF")?;
    checker.check(&frame, &data)?;
    holds("some are lost", checker.lost >= before + 5)?;
    drop(stream);

    device.set_control(WRAP, 1).at("S_CTRL")?;
    let stream = Stream::mmap(&device).at("start")?;
    let (frame, _) = stream.next().at("DQBUF")?;
    holds("near the end", frame.sequence > u32::MAX - 64)?;
    stream.queue(frame.index).at("QBUF")?;
    let mut last = frame.sequence;
    for _ in 0..90 {
        let (frame, _) = stream.next().at("DQBUF")?;
        holds("one after another", frame.sequence.wrapping_sub(last) < 20)?;
        last = frame.sequence;
        stream.queue(frame.index).at("QBUF")?;
    }
    holds("begun anew", last < 200)
}

/// A camera that is unplugged by a control, while somebody waits for a frame.
pub fn disconnect(bench: &Bench) -> Outcome {
    let name = bench.bus_name(0)?;
    let device = bench.open(0)?;
    let other = bench.again(0)?;
    let stream = Stream::mmap(&device).at("start")?;
    verify::frames(&stream, 3)?;
    other.set_control(DISCONNECT, 1).at("S_CTRL")?;
    let outcome = (|| {
        for n in 0.. {
            match stream.next() {
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => break,
                Err(error) => return Err(format!("DQBUF: {error}")),
                Ok(_) => holds("an end", n < 10)?,
            }
        }
        refused("G_FMT", libc::ENODEV, other.format())?;
        let again = other.set_control(DISCONNECT, 1);
        refused("to be unplugged again", libc::ENODEV, again)?;
        let events = other.wait(libc::POLLIN, Duration::ZERO).at("poll")?;
        holds("poll tells", events & (libc::POLLERR | libc::POLLHUP) != 0)?;
        let left = v4l2::nodes().at("nodes")?;
        holds(
            "no node",
            left.iter().all(|node| !node.bus.ends_with(&name)),
        )
    })();
    drop(stream);
    // It is plugged in again.
    let driver = bench.driver_folder();
    std::fs::write(format!("{driver}/unbind"), &name).at("unbind")?;
    std::fs::write(format!("{driver}/bind"), &name).at("bind")?;
    outcome
}
