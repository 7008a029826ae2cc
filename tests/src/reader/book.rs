// SPDX-License-Identifier: GPL-2.0

//! The colours of the bars against floating point, by formulas that have nothing in common with the
//! driver's but the books that they come from.

use super::colorimetry::{Colorimetry, Colorspace, Quantization, XferFunc, YcbcrEnc};
use super::format::{Channel, FORMATS};
use super::picture::{Pattern, PictureParams};
use super::pixels::group;
use super::stamp::Frame;
use super::tests::made;
use super::*;

/// Red, green and blue of a bar, of 1.
const BARS: [[f64; 3]; 8] = [
    [1.0, 1.0, 1.0],
    [1.0, 1.0, 0.0],
    [0.0, 1.0, 1.0],
    [0.0, 1.0, 0.0],
    [1.0, 0.0, 1.0],
    [1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0],
    [0.0, 0.0, 0.0],
];

/// The code of a channel, by the book: kr and kb are the weights of red and blue in luma.
fn by_the_book([r, g, b]: [f64; 3], (kr, kb): (f64, f64), full: bool, what: (Channel, u8)) -> f64 {
    let (channel, bits) = what;
    let max = f64::from((1u32 << bits) - 1);
    let step = f64::from(1u32 << bits) / 256.0;
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let unsigned = |v: f64| {
        if full {
            max * v
        } else {
            step * (16.0 + 219.0 * v)
        }
    };
    let signed = |v: f64| match full {
        true => (max + 1.0) / 2.0 + max * v,
        false => step * (128.0 + 224.0 * v),
    };
    let code = match channel {
        Channel::Y => unsigned(y),
        Channel::Cb => signed((b - y) / (2.0 * (1.0 - kb))),
        Channel::Cr => signed((r - y) / (2.0 * (1.0 - kr))),
        Channel::R => unsigned(r),
        Channel::G => unsigned(g),
        Channel::B => unsigned(b),
        Channel::A => max,
        Channel::X => 0.0,
    };
    code.clamp(0.0, max)
}

/// CIE XYZ of the chromaticities x and y, of luminance 1.
fn xyz((x, y): (f64, f64)) -> [f64; 3] {
    [x / y, 1.0, (1.0 - x - y) / y]
}

type Matrix = [[f64; 3]; 3];

fn transposed(m: Matrix) -> Matrix {
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| m[column][row]))
}

fn times(m: Matrix, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
}

/// The solution x of m x = v, by Cramer's rule.
fn solved(m: Matrix, v: [f64; 3]) -> [f64; 3] {
    let det = |[a, b, c]: Matrix| {
        a[0] * (b[1] * c[2] - b[2] * c[1])
            + a[1] * (b[2] * c[0] - b[0] * c[2])
            + a[2] * (b[0] * c[1] - b[1] * c[0])
    };
    let columns = transposed(m);

    [0, 1, 2].map(|n| {
        let mut replaced = columns;
        replaced[n] = v;
        det(replaced) / det(columns)
    })
}

/// The matrix from red, green and blue with these chromaticities, and those of white, to XYZ.
fn to_xyz([r, g, b, w]: [(f64, f64); 4]) -> Matrix {
    let primaries = transposed([r, g, b].map(xyz));
    let white = solved(primaries, xyz(w));

    primaries.map(|row| [0, 1, 2].map(|n| row[n] * white[n]))
}

/// Red, green and blue of sRGB in another colour space, by the book, with the white adapted by
/// the method of Bradford.
fn converted(rgb: [f64; 3], colorspace: Colorspace, xfer_func: XferFunc) -> [f64; 3] {
    const D65: (f64, f64) = (0.3127, 0.3290);
    const REC709: [(f64, f64); 4] = [(0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65];
    const BRADFORD: Matrix = [
        [0.8951, 0.2664, -0.1614],
        [-0.7502, 1.7135, 0.0367],
        [0.0389, -0.0685, 1.0296],
    ];

    let chromaticities = match colorspace {
        Colorspace::Srgb | Colorspace::Rec709 => REC709,
        Colorspace::Smpte170m => [(0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65],
        Colorspace::Bt470SystemBg => [(0.640, 0.330), (0.290, 0.600), (0.150, 0.060), D65],
        Colorspace::Bt2020 => [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65],
        Colorspace::DciP3 => [
            (0.680, 0.320),
            (0.265, 0.690),
            (0.150, 0.060),
            (0.314, 0.351),
        ],
    };
    let light = rgb.map(|v| match v {
        v if v <= 0.04045 => v / 12.92,
        v => ((v + 0.055) / 1.055).powf(2.4),
    });
    let cones = times(BRADFORD, times(to_xyz(REC709), light));
    let [from, to] = [D65, chromaticities[3]].map(|white| times(BRADFORD, xyz(white)));
    let adapted = [0, 1, 2].map(|n| cones[n] * to[n] / from[n]);
    let light = solved(to_xyz(chromaticities), solved(BRADFORD, adapted));

    light.map(|l| {
        // What is left of 0 would be visible in SMPTE 2084.
        let l = if l < 1e-12 { 0.0 } else { l.min(1.0) };

        match xfer_func {
            XferFunc::None => l,
            XferFunc::Bt709 if l < 0.018 => 4.5 * l,
            XferFunc::Bt709 => 1.099 * l.powf(0.45) - 0.099,
            XferFunc::Srgb if l <= 0.003_130_8 => 12.92 * l,
            XferFunc::Srgb => 1.055 * l.powf(1.0 / 2.4) - 0.055,
            XferFunc::DciP3 => l.powf(1.0 / 2.6),
            XferFunc::Smpte2084 => {
                let l = (l / 100.0).powf(2610.0 / 16384.0);
                let (above, below) = (3424.0 / 4096.0 + 2413.0 / 128.0 * l, 2392.0 / 128.0 * l);

                (above / (1.0 + below)).powf(2523.0 / 32.0)
            }
        }
    })
}

/// Every combination there is.
fn colorimetries() -> impl Iterator<Item = Colorimetry> {
    Colorspace::ALL.into_iter().flat_map(|colorspace| {
        XferFunc::ALL.into_iter().flat_map(move |xfer_func| {
            YcbcrEnc::ALL.into_iter().flat_map(move |ycbcr_enc| {
                Quantization::ALL.map(|quantization| Colorimetry {
                    colorspace,
                    xfer_func,
                    ycbcr_enc,
                    quantization,
                })
            })
        })
    })
}

#[test]
fn the_book_has_the_usual_numbers() {
    let rounded = |rgb: [f64; 3]| rgb.map(|v| (v * 1000.0).round());
    let red = |colorspace, xfer_func| rounded(converted([1.0, 0.0, 0.0], colorspace, xfer_func));

    // BT.2087 has the red of BT.709 at (0.6274, 0.0691, 0.0164) of BT.2020; BT.2408 has 100
    // cd/m^2 at 50.8 percent of PQ.
    assert_eq!(red(Colorspace::Bt2020, XferFunc::None), [627.0, 69.0, 16.0]);
    assert_eq!(
        red(Colorspace::Srgb, XferFunc::Smpte2084),
        [508.0, 0.0, 0.0]
    );
    assert_eq!(red(Colorspace::Rec709, XferFunc::Srgb), [1000.0, 0.0, 0.0]);
    assert_eq!(
        rounded(converted([0.5; 3], Colorspace::DciP3, XferFunc::None)),
        [214.0; 3]
    );
}

#[test]
fn every_format_has_the_colours_of_the_book() {
    let weights = |ycbcr_enc| match ycbcr_enc {
        YcbcrEnc::Bt601 => (0.299, 0.114),
        YcbcrEnc::Bt709 => (0.2126, 0.0722),
        YcbcrEnc::Bt2020 => (0.2627, 0.0593),
    };

    for format in FORMATS {
        let layout = Layout::negotiate(format.fourcc, 320, 64);

        for colorimetry in colorimetries() {
            let weights = weights(colorimetry.ycbcr_enc);
            let full = colorimetry.quantization == Quantization::FullRange;

            for (pattern, level) in [(Pattern::Bars75, 0.75), (Pattern::Bars100, 1.0)] {
                let look = PictureParams {
                    pattern,
                    colorimetry,
                    ..PictureParams::default()
                };
                let frame = made(layout, look, Frame::default());

                // Below the first stamp and above the ramp: two lines, for mosaics.
                for (bar, rgb) in BARS.into_iter().enumerate() {
                    let rgb = rgb.map(|part| part * level);
                    let Colorimetry {
                        colorspace,
                        xfer_func,
                        ..
                    } = colorimetry;
                    let rgb = converted(rgb, colorspace, xfer_func);

                    for (x, y) in
                        (0..8).flat_map(|x| [(40 * bar + 16 + x, 32), (40 * bar + 16 + x, 33)])
                    {
                        for plane in layout.planes() {
                            let (group, samples, _) = group(&plane, &frame, x, y);

                            for sample in samples {
                                let what = (sample.channel, sample.bits);
                                let should = by_the_book(rgb, weights, full, what);
                                let is = f64::from(sample.get(group));

                                assert!(
                                    (is - should).abs() <= 1.0,
                                    "{} {look:?} {what:?} in bar {bar}: {is}, not {should}",
                                    String::from_utf8_lossy(&format.fourcc.to_le_bytes()),
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}
