// SPDX-License-Identifier: GPL-2.0

//! Formats, sizes and rates: negotiated, never refused.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::bench::FOURCC;
use super::bench::SIZE;
use super::configfs::stepwise;
use crate::reader::format::fourcc;
use crate::reader::format::offered;
use crate::reader::layout::Layout;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::stream::COUNT;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::verify;

use std::io;
use std::ops::Range;

/// The formats that a camera has in one plane of memory; of other drivers, three that they have.
fn formats(bench: &Bench) -> Vec<u32> {
    if !bench.stamped() {
        return [b"YUYV", b"NV12", b"RGB3"].map(fourcc).to_vec();
    }
    offered(false).map(|format| format.fourcc).collect()
}

fn describe(device: &Device, index: u32, kind: u32) -> io::Result<u32> {
    let mut desc = uapi::v4l2_fmtdesc {
        index,
        type_: kind,
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_ENUM_FMT, &mut desc)?;
    Ok(desc.pixelformat)
}

pub(super) fn frame_size(
    device: &Device,
    index: u32,
    fourcc: u32,
) -> io::Result<uapi::v4l2_frmsizeenum> {
    let mut size = uapi::v4l2_frmsizeenum {
        index,
        pixel_format: fourcc,
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_ENUM_FRAMESIZES, &mut size)?;
    Ok(size)
}

pub(super) fn interval(
    device: &Device,
    index: u32,
    fourcc: u32,
    w: u32,
    h: u32,
) -> io::Result<uapi::v4l2_frmivalenum> {
    let mut interval = uapi::v4l2_frmivalenum {
        index,
        pixel_format: fourcc,
        width: w,
        height: h,
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_ENUM_FRAMEINTERVALS, &mut interval)?;
    Ok(interval)
}

/// What is enumerated is there, and nothing beyond.
pub fn enumerate(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let mut found = Vec::new();
    while let Ok(fourcc) = describe(&device, found.len() as u32, v4l2::CAPTURE) {
        found.push(fourcc);
        holds("fewer than 100 formats", found.len() < 100)?;
    }
    for fourcc in formats(bench) {
        holds("YUYV, NV12 and RGB24 are listed", found.contains(&fourcc))?;
    }
    let beyond = describe(&device, found.len() as u32, v4l2::CAPTURE);
    refused("a format beyond the last", libc::EINVAL, beyond)?;
    refused(
        "formats of an output",
        libc::EINVAL,
        describe(&device, 0, v4l2::OUTPUT),
    )?;

    for fourcc in found {
        frame_size(&device, 0, fourcc).at("sizes")?;
        refused(
            "an endless list of sizes",
            libc::EINVAL,
            frame_size(&device, 1000, fourcc),
        )?;
        interval(&device, 0, fourcc, 640, 480).at("intervals")?;
        refused(
            "an endless list",
            libc::EINVAL,
            interval(&device, 1000, fourcc, 640, 480),
        )?;
        refused(
            "intervals of no size",
            libc::EINVAL,
            interval(&device, 0, fourcc, 0, 0),
        )?;
        let large = interval(&device, 0, fourcc, 7682, 4320);
        refused("intervals of a size too large", libc::EINVAL, large)?;
    }
    let unknown = u32::from_le_bytes(*b"!!!!");
    refused(
        "sizes of no format",
        libc::EINVAL,
        frame_size(&device, 0, unknown),
    )?;
    let unknown = interval(&device, 0, unknown, 640, 480);
    refused("intervals of no format", libc::EINVAL, unknown)
}

/// With ranges there is one of sizes, and one of intervals.
pub fn ranges(bench: &Bench) -> Outcome {
    let (device, _camera) = stepwise(209)?;
    for fourcc in formats(bench) {
        let size = frame_size(&device, 0, fourcc).at("sizes")?;
        equal("type", size.type_, uapi::V4L2_FRMSIZE_TYPE_STEPWISE)?;
        let s = size.stepwise();
        equal("smallest", (s.min_width, s.min_height), (32, 16))?;
        equal("largest", (s.max_width, s.max_height), (7680, 4320))?;
        holds("steps", s.step_width <= 4 && s.step_height <= 2)?;
        let second = frame_size(&device, 1, fourcc);
        refused("a second range of sizes", libc::EINVAL, second)?;
        let range = interval(&device, 0, fourcc, 7680, 4320).at("intervals")?;
        equal("type", range.type_, uapi::V4L2_FRMIVAL_TYPE_CONTINUOUS)?;
        let second = interval(&device, 1, fourcc, 7680, 4320);
        refused("a second range of intervals", libc::EINVAL, second)?;
    }
    for (asked, given) in [((0, 0), (32, 16)), ((u32::MAX, u32::MAX), (7680, 4320))] {
        let set = device.set_format(FOURCC, asked.0, asked.1).at("S_FMT")?;
        equal("size", (set.width, set.height), given)?;
    }
    Ok(())
}

fn key(pix: &uapi::v4l2_pix_format) -> [u32; 6] {
    [
        pix.width,
        pix.height,
        pix.pixelformat,
        pix.bytesperline,
        pix.sizeimage,
        pix.colorspace,
    ]
}

/// Whatever is asked for, something near is given, and TRY_FMT says what S_FMT does.
pub fn negotiate(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let sizes = [
        (0, 0),
        (1, 1),
        (32, 16),
        (17, 17),
        (639, 481),
        (7680, 4320),
        (7681, 4321),
        (65536, 65536),
        (u32::MAX, u32::MAX),
        (u32::MAX, 1),
    ];
    let unknown = u32::from_le_bytes(*b"!!!!");
    let known = formats(bench);
    for fourcc in known.iter().copied().chain([unknown, 0, u32::MAX]) {
        for (w, h) in sizes {
            let before = device.format().at("G_FMT")?;
            let tried = device.try_format(fourcc, w, h).at("TRY_FMT")?;
            let after = device.format().at("G_FMT")?;
            equal("G_FMT after TRY_FMT", key(&after), key(&before))?;
            let set = device.set_format(fourcc, w, h).at("S_FMT")?;
            let got = device.format().at("G_FMT")?;
            equal("S_FMT after TRY_FMT", key(&set), key(&tried))?;
            equal("G_FMT after S_FMT", key(&got), key(&set))?;
            holds("an even size", set.width % 2 == 0 && set.height % 2 == 0)?;
            holds(
                "a size in range",
                (16..=7680).contains(&set.width) && (16..=4320).contains(&set.height),
            )?;
            if known.contains(&fourcc) {
                equal("the format", set.pixelformat, fourcc)?;
            } else {
                holds("a known format", set.pixelformat != fourcc)?;
            }
            holds(
                "room for the picture",
                set.sizeimage >= set.bytesperline * set.height,
            )?;
        }
    }
    let wrong = bench.again(0)?.with_kind(v4l2::OUTPUT);
    refused("G_FMT of an output", libc::EINVAL, wrong.format())?;
    refused(
        "S_FMT of an output",
        libc::EINVAL,
        wrong.set_format(FOURCC, 640, 480),
    )?;
    refused(
        "TRY_FMT of an output",
        libc::EINVAL,
        wrong.try_format(FOURCC, 640, 480),
    )
}

/// Lines are as far apart as is asked for, and what lies between them stays as it was.
pub fn padding(bench: &Bench) -> Outcome {
    const MARK: u8 = 0x3c;
    // How many bytes it may be is each driver's own affair.
    if !bench.stamped() {
        return Ok(());
    }
    let device = bench.open(0)?;
    let (w, h) = SIZE;
    for (name, asked, given) in [
        (b"YUYV", 2 * w - 1, 2 * w),
        (b"YUYV", 2 * w + 64, 2 * w + 64),
        (b"YUYV", 2 * w + 1, 2 * w + 4),
        (b"YUYV", u32::MAX, 4 * 7680),
        (b"NV12", w + 64, w + 64),
        (b"NV24", w + 64, w + 64),
        (b"YU12", w + 63, w + 64),
        (b"YU12", w + 1, w + 8),
        (b"422P", w + 64, w + 64),
        (b"RGB3", 2048, 2048),
        (b"pBAA", 1024, 1024),
        (b"Y16 ", 2048, 2048),
    ] {
        let set = device.set_padded(fourcc(name), w, h, asked).at("S_FMT")?;
        equal("bytesperline", set.bytesperline, given)?;
        let layout = Layout::negotiate(set.pixelformat, w, h).padded(&[given]);
        equal("sizeimage", set.sizeimage, layout.sizeimage)?;
        let got = device.format().at("G_FMT")?;
        equal("G_FMT after S_FMT", key(&got), key(&set))?;

        let maps = (0..COUNT).map(|_| {
            let map = Mapping::anonymous(sys::page_align(set.sizeimage as usize)).at("mmap")?;
            map.fill(0, map.len(), MARK);
            Ok(Backing::User(map, 0))
        });
        let stream = Stream::start(&device, maps.collect::<Outcome<_>>()?).at("start")?;
        verify::frames(&stream, COUNT)?;
        device.stream_off().at("STREAMOFF")?;
        for index in 0..COUNT {
            let data = stream.data(index).at("memory")?;
            for plane in layout.planes() {
                for line in 0..plane.rows {
                    let Range { start, end } = plane.line(line);
                    let padding = &data[end..start + plane.stride];
                    holds(
                        "nothing is written beyond a line",
                        padding.iter().all(|b| *b == MARK),
                    )?;
                }
            }
        }
    }
    let set = device.set_format(FOURCC, w, h).at("S_FMT")?;
    equal("bytesperline of nobody's choice", set.bytesperline, 2 * w)
}

/// A format is not pulled from under allocated buffers.
pub fn busy(bench: &Bench) -> Outcome {
    let (device, other) = (bench.open(0)?, bench.again(0)?);
    device.request(v4l2::MMAP, 2).at("REQBUFS")?;
    refused("S_FMT", libc::EBUSY, device.set_format(FOURCC, 320, 240))?;
    refused(
        "S_FMT of another file",
        libc::EBUSY,
        other.set_format(FOURCC, 320, 240),
    )?;
    other.try_format(FOURCC, 320, 240).at("TRY_FMT")?;
    equal("the width", device.format().at("G_FMT")?.width, SIZE.0)?;
    device.request(v4l2::MMAP, 0).at("REQBUFS(0)")?;
    other
        .set_format(FOURCC, 320, 240)
        .at("S_FMT without buffers")?;
    Ok(())
}

/// Every format, in sizes from the smallest to the largest.
pub fn capture(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let sizes = [
        (32, 16),
        (34, 34),
        (254, 16),
        (258, 130),
        (1280, 720),
        (7680, 4320),
    ];
    for (n, fourcc) in formats(bench).into_iter().enumerate() {
        // The largest ones take their time.
        let count = if n % 8 == 0 { sizes.len() } else { 4 };
        for &(w, h) in &sizes[..count] {
            let pix = device.set_format(fourcc, w, h).at("S_FMT")?;
            if bench.stamped() {
                // Some go by four pixels.
                holds("size", pix.width.abs_diff(w) <= 2 && pix.height == h)?;
            }
            let stream = Stream::mmap(&device).at("start")?;
            verify::frames(&stream, 2).map_err(|e| format!("{w}x{h} {fourcc:#x}: {e}"))?;
        }
    }
    Ok(())
}

/// Intervals are adjusted, and kept to.
pub fn rates(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    device.set_interval(0, 0).at("S_PARM 0/0")?;
    device.set_interval(1, 0).at("S_PARM 1/0")?;
    device.set_interval(0, 1).at("S_PARM 0/1")?;
    let fast = device.set_interval(1, u32::MAX).at("S_PARM")?;
    holds(
        "at most 1000 frames a second",
        u64::from(fast.0) * 1000 >= u64::from(fast.1),
    )?;
    let slow = device.set_interval(u32::MAX, 1).at("S_PARM")?;
    holds("below one frame a second", slow.0 > slow.1)?;
    let wrong = bench.again(0)?.with_kind(v4l2::OUTPUT);
    refused(
        "S_PARM of an output",
        libc::EINVAL,
        wrong.set_interval(1, 30),
    )?;

    // Nothing is lost on the way from a denominator to the clock.
    device.set_format(FOURCC, 64, 48).at("S_FMT")?;
    let highest = fast.1 / fast.0;
    for rate in [5, highest / 2, highest] {
        equal(
            "the interval",
            device.set_interval(1, rate).at("S_PARM")?,
            (1, rate),
        )?;
        let stream = Stream::mmap(&device).at("start")?;
        let (first, _) = stream.next().at("DQBUF")?;
        stream.queue(first.index).at("QBUF")?;
        verify::frames(&stream, rate)?;
        let (last, _) = stream.next().at("DQBUF")?;
        let now = sys::monotonic().as_nanos() as u64;
        holds("the time is that of the clock", last.timestamp <= now)?;
        holds("the frame is new", now - last.timestamp < 2_000_000_000)?;
        let seconds = (last.timestamp - first.timestamp) as f64 / 1e9;
        // Frames that were lost have taken their time, too.
        let found = f64::from(last.sequence - first.sequence) / seconds;
        let wanted = f64::from(rate);
        if (found / wanted - 1.0).abs() > 0.02 {
            return Err(format!("{found:.2} frames a second instead of {wanted}"));
        }
    }
    Ok(())
}
