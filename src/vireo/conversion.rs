// SPDX-License-Identifier: GPL-2.0

//! From the colours of the patterns, which are of sRGB, to those of other colour spaces and
//! transfer functions.
//!
//! To light, to the other primaries, and back to numbers. Colours that other primaries cannot make
//! are clamped.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use super::{
    colorimetry::{
        Colorimetry,
        Colorspace,
        XferFunc, //
    },
    xfer_func::{
        linear,
        FINE, //
    }, //
};

/// The parts of red, green and blue in each of the new red, green and blue.
type Matrix = [[i64; 3]; 3];

/// Makes a matrix of numbers in units of 1/10^9. What each row has of its own colour is 1 less the
/// others: white stays white.
const fn matrix([[_, rg, rb], [gr, _, gb], [br, bg, _]]: Matrix) -> Matrix {
    const fn fine(part: i64) -> i64 {
        part * FINE / 1_000_000_000
    }

    let [rg, rb, gr] = [fine(rg), fine(rb), fine(gr)];
    let [gb, br, bg] = [fine(gb), fine(br), fine(bg)];

    [
        [FINE - rg - rb, rg, rb],
        [gr, FINE - gr - gb, gb],
        [br, bg, FINE - br - bg],
    ]
}

// The matrices are inv(N) * A * M, where M and N take the red, green and blue of Rec. 709 and of
// the other colour space to CIE XYZ. Their columns are those of the primaries, (x, y, 1 - x - y),
// each multiplied so that their sum is the white, (x / y, 1, (1 - x - y) / y). A adapts the white
// by the method of Bradford where it is not that of Rec. 709, and is 1 otherwise. The
// chromaticities are those of Documentation/userspace-api/media/v4l/colorspaces-details.rst.
const TO_SMPTE170M: Matrix = matrix([
    [1_065_379_034, -55_400_873, -9_978_161],
    [-19_632_550, 1_036_363_095, -16_730_545],
    [1_632_051, 4_412_373, 993_955_576],
]);
const TO_470_SYSTEM_BG: Matrix = matrix([
    [957_814_764, 42_185_236, 0],
    [0, 1_000_000_000, 0],
    [0, -11_934_122, 1_011_934_122],
]);
const TO_BT2020: Matrix = matrix([
    [627_403_896, 329_283_038, 43_313_066],
    [69_097_289, 919_540_395, 11_362_316],
    [16_391_439, 88_013_308, 895_595_253],
]);
const TO_DCI_P3: Matrix = matrix([
    [868_579_740, 128_919_138, 2_501_122],
    [34_540_410, 961_811_386, 3_648_203],
    [16_771_429, 71_039_998, 912_188_573],
]);

/// A conversion of colours.
#[derive(Debug)]
pub struct Conversion {
    /// None where the primaries are the same.
    matrix: Option<&'static Matrix>,
    xfer_func: XferFunc,
}

impl Conversion {
    /// Returns the conversion to what `colorimetry` says; [`None`] if colours stay as they are.
    pub fn new(colorimetry: &Colorimetry) -> Option<Self> {
        let matrix = match colorimetry.colorspace {
            Colorspace::Smpte170m => Some(&TO_SMPTE170M),
            Colorspace::Bt470SystemBg => Some(&TO_470_SYSTEM_BG),
            Colorspace::Bt2020 => Some(&TO_BT2020),
            Colorspace::DciP3 => Some(&TO_DCI_P3),
            Colorspace::Rec709 | Colorspace::Srgb => None,
        };
        let xfer_func = colorimetry.xfer_func;

        (matrix.is_some() || xfer_func != XferFunc::Srgb).then_some(Self { matrix, xfer_func })
    }

    /// Converts red, green and blue of a pattern.
    pub fn convert(&self, [r, g, b]: [i64; 3]) -> [i64; 3] {
        if r == g && g == b {
            [self.convert_grey(r); 3]
        } else {
            self.encode([r, g, b].map(linear))
        }
    }

    /// Converts a grey, which is grey in every colour space.
    pub fn convert_grey(&self, value: i64) -> i64 {
        self.xfer_func.encode(linear(value))
    }

    /// Converts red, green and blue that are [`linear`] already.
    pub fn encode(&self, light: [i64; 3]) -> [i64; 3] {
        let part = |row: &[i64; 3]| {
            let sum: i64 = row
                .iter()
                .zip(light)
                .map(|(part, light)| part * light)
                .sum();

            ((sum + FINE / 2) >> FINE.trailing_zeros()).clamp(0, FINE)
        };
        let light = self
            .matrix
            .map_or(light, |matrix| matrix.each_ref().map(part));

        light.map(|light| self.xfer_func.encode(light))
    }
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[path = "conversion/tests.rs"]
mod tests;
