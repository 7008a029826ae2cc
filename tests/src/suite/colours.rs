// SPDX-License-Identifier: GPL-2.0

//! Colours: chosen with `V4L2_PIX_FMT_FLAG_SET_CSC`, what every pixel then has, what the stamp says
//! of it, and what stays when others set a format.

use super::bench::equal;
use super::bench::holds;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::bench::FOURCC;
use super::mplane::open;
use crate::mplane::Memory;
use crate::reader::format::find;
use crate::reader::format::fourcc;
use crate::stream::Stream;
use crate::uapi;
use crate::uapi::v4l2_format;
use crate::uapi::Colours;
use crate::v4l2;
use crate::v4l2::Device;
use crate::verify;

use std::io;

const SPACES: [u32; 6] = [
    uapi::V4L2_COLORSPACE_SMPTE170M,
    uapi::V4L2_COLORSPACE_470_SYSTEM_BG,
    uapi::V4L2_COLORSPACE_REC709,
    uapi::V4L2_COLORSPACE_SRGB,
    uapi::V4L2_COLORSPACE_BT2020,
    uapi::V4L2_COLORSPACE_DCI_P3,
];

const FUNCTIONS: [u32; 5] = [
    uapi::V4L2_XFER_FUNC_709,
    uapi::V4L2_XFER_FUNC_SRGB,
    uapi::V4L2_XFER_FUNC_NONE,
    uapi::V4L2_XFER_FUNC_DCI_P3,
    uapi::V4L2_XFER_FUNC_SMPTE2084,
];

const ENCODINGS: [u32; 3] = [
    uapi::V4L2_YCBCR_ENC_601,
    uapi::V4L2_YCBCR_ENC_709,
    uapi::V4L2_YCBCR_ENC_BT2020,
];

const RANGES: [u32; 2] = [
    uapi::V4L2_QUANTIZATION_FULL_RANGE,
    uapi::V4L2_QUANTIZATION_LIM_RANGE,
];

const FORMATS: [&[u8; 4]; 6] = [b"YUYV", b"RGB3", b"NV12", b"XR24", b"GREY", b"RGGB"];

/// Small, for many streams.
const SIZE: (u32, u32) = (160, 120);

/// The colours of a camera that nobody has asked for any.
const UNTOUCHED: Colours = Colours {
    colorspace: uapi::V4L2_COLORSPACE_SRGB,
    xfer_func: 0,
    ycbcr_enc: 0,
    quantization: 0,
};

fn all() -> impl Iterator<Item = Colours> {
    SPACES.into_iter().flat_map(|colorspace| {
        FUNCTIONS.into_iter().flat_map(move |xfer_func| {
            ENCODINGS.into_iter().flat_map(move |ycbcr_enc| {
                RANGES.map(|quantization| Colours {
                    colorspace,
                    xfer_func,
                    ycbcr_enc,
                    quantization,
                })
            })
        })
    })
}

fn negotiate(device: &Device, request: u32, format: v4l2_format) -> io::Result<v4l2_format> {
    let mut format = format;
    device.ioctl(request, &mut format)?;
    Ok(format)
}

/// Asks for a format in these colours.
fn ask(device: &Device, request: u32, fourcc: u32, colours: Colours) -> Outcome<Colours> {
    let format = v4l2_format::new(device.kind(), fourcc, SIZE)
        .with_colours(colours, uapi::V4L2_PIX_FMT_FLAG_SET_CSC);
    negotiate(device, request, format)
        .map(|format| format.colours())
        .at("S_FMT or TRY_FMT")
}

/// Asks for a format, and names colours as clients do that do not mean it.
fn ask_for_none(device: &Device, request: u32, fourcc: u32) -> Outcome<Colours> {
    let format = v4l2_format::new(device.kind(), fourcc, SIZE).with_colours(
        Colours {
            colorspace: uapi::V4L2_COLORSPACE_SMPTE170M,
            xfer_func: uapi::V4L2_XFER_FUNC_NONE,
            ycbcr_enc: uapi::V4L2_YCBCR_ENC_601,
            quantization: uapi::V4L2_QUANTIZATION_FULL_RANGE,
        },
        0,
    );
    negotiate(device, request, format)
        .map(|format| format.colours())
        .at("S_FMT or TRY_FMT")
}

fn now(device: &Device) -> Outcome<Colours> {
    let format = v4l2_format::new(device.kind(), 0, (0, 0));
    negotiate(device, uapi::VIDIOC_G_FMT, format)
        .map(|format| format.colours())
        .at("G_FMT")
}

/// The colours of a camera that has just been made.
pub fn reset(device: &Device) -> io::Result<()> {
    // What YUV and RGB have is kept apart.
    for name in [b"RGB3", b"YUYV"] {
        let format = v4l2_format::new(device.kind(), fourcc(name), SIZE)
            .with_colours(UNTOUCHED, uapi::V4L2_PIX_FMT_FLAG_SET_CSC);
        negotiate(device, uapi::VIDIOC_S_FMT, format)?;
    }
    Ok(())
}

/// Whether there is chroma, and whether there is luma.
fn kind(fourcc: u32) -> (bool, bool) {
    find(fourcc).map_or((false, false), |f| (f.has_chroma(), f.is_yuv()))
}

/// What a camera answers that is asked for `colours`: there is nothing to choose without chroma.
fn answer(fourcc: u32, colours: Colours) -> Colours {
    match kind(fourcc) {
        (true, _) => colours,
        (false, _) => Colours {
            ycbcr_enc: 0,
            ..colours
        },
    }
}

/// What the two bytes of the stamp say where a camera says `colours`: the defaults are those of
/// `videodev2.h`.
fn bytes(fourcc: u32, colours: Colours) -> [u32; 2] {
    let or = |value, default| if value == 0 { default } else { value };
    let (xfer_func, ycbcr_enc) = match colours.colorspace {
        uapi::V4L2_COLORSPACE_SRGB => (uapi::V4L2_XFER_FUNC_SRGB, uapi::V4L2_YCBCR_ENC_601),
        uapi::V4L2_COLORSPACE_REC709 => (uapi::V4L2_XFER_FUNC_709, uapi::V4L2_YCBCR_ENC_709),
        uapi::V4L2_COLORSPACE_DCI_P3 => (uapi::V4L2_XFER_FUNC_DCI_P3, uapi::V4L2_YCBCR_ENC_709),
        uapi::V4L2_COLORSPACE_BT2020 => (uapi::V4L2_XFER_FUNC_709, uapi::V4L2_YCBCR_ENC_BT2020),
        _ => (uapi::V4L2_XFER_FUNC_709, uapi::V4L2_YCBCR_ENC_601),
    };
    let quantization = match kind(fourcc) {
        (_, true) => uapi::V4L2_QUANTIZATION_LIM_RANGE,
        (_, false) => uapi::V4L2_QUANTIZATION_FULL_RANGE,
    };
    [
        colours.colorspace | (or(colours.xfer_func, xfer_func) << 4),
        or(colours.ycbcr_enc, ycbcr_enc) | (or(colours.quantization, quantization) << 4),
    ]
}

/// The next frame must be right, and in the colours that the camera says.
fn look(device: &Device, fourcc: u32) -> Outcome {
    let said = bytes(fourcc, now(device)?);
    let stamp = {
        let stream = Stream::mmap(device).at("start")?;
        verify::frames(&stream, 1)?.stamp().ok_or("no stamp")?
    };
    let found = stamp.look.colorimetry.encode().map(u32::from);
    equal("the stamp's colours", found, said)
}

fn at(name: &[u8; 4], colours: Colours) -> impl Fn(String) -> String + '_ {
    move |error| format!("{} {colours:?}: {error}", String::from_utf8_lossy(name))
}

/// Every format says which of its colours can be chosen.
pub fn flags(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let always = uapi::V4L2_FMT_FLAG_CSC_COLORSPACE
        | uapi::V4L2_FMT_FLAG_CSC_XFER_FUNC
        | uapi::V4L2_FMT_FLAG_CSC_QUANTIZATION;
    let mut count = 0;

    loop {
        let mut desc = uapi::v4l2_fmtdesc {
            index: count,
            type_: v4l2::CAPTURE,
            ..Default::default()
        };
        if device.ioctl(uapi::VIDIOC_ENUM_FMT, &mut desc).is_err() {
            break;
        }
        let encoding = match kind(desc.pixelformat) {
            (true, _) => uapi::V4L2_FMT_FLAG_CSC_YCBCR_ENC,
            (false, _) => 0,
        };
        equal("flags", desc.flags, always | encoding)?;
        count += 1;
    }
    holds("there are formats", count > 0)
}

/// Everything that can be chosen is, and the pixels have it.
pub fn colours(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;

    // An emulated machine has no time for a stream of each.
    for (n, colours) in all().enumerate() {
        for (m, name) in FORMATS.into_iter().enumerate() {
            let fourcc = fourcc(name);
            let given = answer(fourcc, colours);
            let before = now(&device)?;
            let tried = ask(&device, uapi::VIDIOC_TRY_FMT, fourcc, colours)?;

            equal("TRY_FMT", tried, given).map_err(at(name, colours))?;
            equal("G_FMT after TRY_FMT", now(&device)?, before).map_err(at(name, colours))?;
            let set = ask(&device, uapi::VIDIOC_S_FMT, fourcc, colours)?;
            equal("S_FMT", set, given).map_err(at(name, colours))?;
            equal("G_FMT", now(&device)?, given).map_err(at(name, colours))?;
            // Each colour space with each transfer function in two formats, and all else in turn.
            if n % 6 == n / 6 % 6 && n / 6 % 3 == m % 3 {
                look(&device, fourcc).map_err(at(name, colours))?;
            }
        }
    }
    // TRY_FMT changes no pixel.
    let untouched = ask(&device, uapi::VIDIOC_S_FMT, FOURCC, UNTOUCHED)?;
    equal("S_FMT", untouched, UNTOUCHED)?;
    for colours in all().step_by(7) {
        ask(&device, uapi::VIDIOC_TRY_FMT, FOURCC, colours)?;
    }
    equal("G_FMT after TRY_FMT", now(&device)?, UNTOUCHED)?;
    look(&device, FOURCC)
}

/// `V4L2_*_DEFAULT` stays what it is until pixels are made, and is that of the colour space then.
pub fn defaults(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    for colorspace in SPACES {
        for name in [b"YUYV", b"RGB3", b"GREY"] {
            let (fourcc, asked) = (
                fourcc(name),
                Colours {
                    colorspace,
                    ..Colours::default()
                },
            );
            // From something else.
            for colours in all().skip(17).step_by(101) {
                ask(&device, uapi::VIDIOC_S_FMT, fourcc, colours)?;
            }
            let set = ask(&device, uapi::VIDIOC_S_FMT, fourcc, asked)?;
            equal("S_FMT", set, asked).map_err(at(name, asked))?;
            look(&device, fourcc).map_err(at(name, asked))?;
        }
    }
    Ok(())
}

/// Instead of what the camera does not have it keeps what there is.
pub fn unknown(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let chosen = Colours {
        colorspace: uapi::V4L2_COLORSPACE_BT2020,
        xfer_func: uapi::V4L2_XFER_FUNC_SMPTE2084,
        ycbcr_enc: uapi::V4L2_YCBCR_ENC_709,
        quantization: uapi::V4L2_QUANTIZATION_FULL_RANGE,
    };
    equal(
        "S_FMT",
        ask(&device, uapi::VIDIOC_S_FMT, FOURCC, chosen)?,
        chosen,
    )?;
    for (asked, given) in [
        (
            Colours {
                colorspace: uapi::V4L2_COLORSPACE_RAW,
                ..chosen
            },
            chosen,
        ),
        (
            Colours {
                xfer_func: uapi::V4L2_XFER_FUNC_OPRGB,
                ..chosen
            },
            chosen,
        ),
        (
            Colours {
                ycbcr_enc: uapi::V4L2_YCBCR_ENC_BT2020_CONST_LUM,
                ..chosen
            },
            chosen,
        ),
        // The core clears what V4L2 itself does not know, and all else with the colour space.
        (
            Colours {
                colorspace: 1000,
                ..chosen
            },
            chosen,
        ),
        (Colours::default(), chosen),
        (
            Colours {
                xfer_func: 100,
                ycbcr_enc: 100,
                quantization: 100,
                ..chosen
            },
            Colours {
                colorspace: chosen.colorspace,
                ..Colours::default()
            },
        ),
    ] {
        equal(
            "TRY_FMT",
            ask(&device, uapi::VIDIOC_TRY_FMT, FOURCC, asked)?,
            given,
        )
        .map_err(at(b"YUYV", asked))?;
    }
    look(&device, FOURCC)
}

/// What has been chosen outlives clients that do not choose, other formats, and the last close.
pub fn survives(bench: &Bench) -> Outcome {
    let device = bench.open(0)?;
    let chosen = Colours {
        colorspace: uapi::V4L2_COLORSPACE_REC709,
        xfer_func: uapi::V4L2_XFER_FUNC_SRGB,
        ycbcr_enc: uapi::V4L2_YCBCR_ENC_BT2020,
        quantization: uapi::V4L2_QUANTIZATION_FULL_RANGE,
    };
    let without = Colours {
        ycbcr_enc: 0,
        ..chosen
    };
    // Red, green and blue have a range of their own.
    let rgb = Colours {
        quantization: 0,
        ..without
    };
    ask(&device, uapi::VIDIOC_S_FMT, fourcc(b"NV12"), chosen)?;
    drop(device);

    // Opened twice, so that the camera is closed in between.
    for _ in 0..2 {
        let device = bench.again(0)?;
        equal("after the last close", now(&device)?, chosen)?;
        for (name, given) in [
            (b"RGB3", rgb),
            (b"GREY", without),
            (b"YUYV", chosen),
            (b"RGGB", rgb),
            (b"NV12", chosen),
        ] {
            let fourcc = fourcc(name);
            for request in [uapi::VIDIOC_TRY_FMT, uapi::VIDIOC_S_FMT] {
                let set = ask_for_none(&device, request, fourcc)?;
                equal("a client that does not ask", set, given).map_err(at(name, chosen))?;
            }
            // As programs do that know nothing of colours.
            device.set_format(fourcc, SIZE.0, SIZE.1).at("S_FMT")?;
            equal("such a program", now(&device)?, given).map_err(at(name, chosen))?;
            look(&device, fourcc).map_err(at(name, given))?;
        }
    }

    // The other way round: limited range in RGB is none for YUV.
    let device = bench.open(0)?;
    let limited = Colours {
        quantization: uapi::V4L2_QUANTIZATION_LIM_RANGE,
        ..UNTOUCHED
    };
    let set = ask(&device, uapi::VIDIOC_S_FMT, fourcc(b"RGB3"), limited)?;
    equal("limited range in RGB", set, limited)?;
    look(&device, fourcc(b"RGB3"))?;
    let set = ask_for_none(&device, uapi::VIDIOC_S_FMT, FOURCC)?;
    equal("YUV afterwards", set, UNTOUCHED)?;
    look(&device, FOURCC)?;
    let set = ask_for_none(&device, uapi::VIDIOC_S_FMT, fourcc(b"XR24"))?;
    equal("RGB afterwards", set, limited)?;
    // For whoever comes next.
    reset(&device).at("reset")
}

/// The same on a multi-planar camera.
pub fn mplane(_bench: &Bench) -> Outcome {
    for (n, name) in [b"NM12", b"NM21", b"YM24", b"BGR3", b"GREY"]
        .into_iter()
        .enumerate()
    {
        let fourcc = fourcc(name);
        let mut camera = open(0, name)?;
        reset(&camera.device).at("reset")?;
        for colours in all().skip(n).step_by(7) {
            let given = answer(fourcc, colours);
            let device = &camera.device;
            let set = ask(device, uapi::VIDIOC_S_FMT, fourcc, colours)?;
            equal("S_FMT", set, given).map_err(at(name, colours))?;
            equal("G_FMT", now(device)?, given).map_err(at(name, colours))?;
        }
        let said = now(&camera.device)?;
        let set = ask_for_none(&camera.device, uapi::VIDIOC_S_FMT, fourcc)?;
        equal("a client that does not ask", set, said)?;

        camera = open(0, name)?;
        let sizes = camera.sizes.iter();
        let own = sizes
            .map(|size| Memory::anonymous(*size))
            .collect::<io::Result<Vec<_>>>()
            .at("memory")?;
        camera.device.request(v4l2::USERPTR, 4).at("REQBUFS")?;
        camera.queue(0, &own).at("QBUF")?;
        camera.device.stream_on().at("STREAMON")?;
        let frame = camera.dequeue(&[own])?;
        let found = camera.check(&frame)?.look.colorimetry.encode();
        equal(
            "the stamp's colours",
            found.map(u32::from),
            bytes(fourcc, said),
        )
        .map_err(at(name, said))?;
        camera.device.stream_off().at("STREAMOFF")?;
        camera.device.request(v4l2::USERPTR, 0).at("REQBUFS(0)")?;
        reset(&camera.device).at("reset")?;
    }
    Ok(())
}
