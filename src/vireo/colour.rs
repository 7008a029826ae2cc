// SPDX-License-Identifier: GPL-2.0

//! Colours, and the codes that stand for them.
//!
//! All of it is in integers, with [`ONE`] for 1.0: red, green, blue and luma go from 0 to `ONE`,
//! and the two differences from `-ONE / 2` to `ONE / 2`.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use super::{
    colorimetry::{
        Colorimetry,
        Quantization,
        YcbcrEnc, //
    },
    format::Channel, //
};

/// The fixed point.
pub const ONE: i64 = 1 << 24;

/// A way to encode colours.
#[derive(Debug)]
pub struct Colour {
    /// The weights of red, green and blue in luma.
    luma: [i64; 3],
    /// What of blue minus luma is the blue difference.
    cb: i64,
    /// What of red minus luma is the red difference.
    cr: i64,
    /// How far the blue difference takes blue up, and green down.
    up_down_cb: [i64; 2],
    /// How far the red difference takes red up, and green down.
    up_down_cr: [i64; 2],
    /// Whether luma and chroma take the full range, or leave room below and above.
    full: bool,
}

/// Multiplies two numbers, one of them at least in fixed point.
fn mul(a: i64, b: i64) -> i64 {
    (a * b + ONE / 2) >> 24
}

impl Colour {
    /// A way to encode colours, from the weights of red and blue in units of 1/10000.
    const fn new(red: i64, blue: i64, full: bool) -> Self {
        const WEIGHT: i64 = 10_000;

        let green = WEIGHT - red - blue;
        let (up_r, up_b) = (2 * (WEIGHT - red), 2 * (WEIGHT - blue));

        Self {
            luma: [
                ONE * red / WEIGHT,
                ONE - ONE * red / WEIGHT - ONE * blue / WEIGHT,
                ONE * blue / WEIGHT,
            ],
            cb: ONE * WEIGHT / up_b,
            cr: ONE * WEIGHT / up_r,
            up_down_cb: [ONE * up_b / WEIGHT, ONE * up_b / WEIGHT * blue / green],
            up_down_cr: [ONE * up_r / WEIGHT, ONE * up_r / WEIGHT * red / green],
            full,
        }
    }

    /// Returns the way for an encoding and a quantization.
    pub fn get(ycbcr_enc: YcbcrEnc, quantization: Quantization) -> &'static Self {
        static COLOURS: [[Colour; 2]; 3] = [
            [
                Colour::new(2990, 1140, false),
                Colour::new(2990, 1140, true),
            ],
            [Colour::new(2126, 722, false), Colour::new(2126, 722, true)],
            [Colour::new(2627, 593, false), Colour::new(2627, 593, true)],
        ];

        let [bt601, bt709, bt2020] = &COLOURS;
        let [limited, full] = match ycbcr_enc {
            YcbcrEnc::Bt601 => bt601,
            YcbcrEnc::Bt709 => bt709,
            YcbcrEnc::Bt2020 => bt2020,
        };

        match quantization {
            Quantization::LimRange => limited,
            Quantization::FullRange => full,
        }
    }

    /// Returns the way that `colorimetry` says.
    pub fn of(colorimetry: &Colorimetry) -> &'static Self {
        Self::get(colorimetry.ycbcr_enc, colorimetry.quantization)
    }

    /// Turns red, green and blue into luma and the two differences.
    pub fn ycc(&self, [r, g, b]: [i64; 3]) -> [i64; 3] {
        let [red, green, blue] = self.luma;
        let y = (red * r + green * g + blue * b + ONE / 2) >> 24;

        [y, mul(b - y, self.cb), mul(r - y, self.cr)]
    }

    /// Turns luma and the two differences into red, green and blue.
    pub fn rgb(&self, [y, cb, cr]: [i64; 3]) -> [i64; 3] {
        let [up_cb, down_cb] = self.up_down_cb;
        let [up_cr, down_cr] = self.up_down_cr;

        [
            y + mul(cr, up_cr),
            y - mul(cb, down_cb) - mul(cr, down_cr),
            y + mul(cb, up_cb),
        ]
        .map(|part| part.clamp(0, ONE))
    }

    /// Returns the code of `bits` bits for the value of a channel.
    pub fn code(&self, channel: Channel, value: i64, bits: u8) -> u16 {
        let max = (1i64 << bits) - 1;
        // In limited range, 219 or 224 of 256 parts, from the 16th or about the 128th.
        let limited = |zero, parts| (((zero * ONE + parts * value) << bits) + (1 << 31)) >> 32;
        let code = match channel {
            Channel::Y if !self.full => limited(16, 219),
            Channel::Cb | Channel::Cr if !self.full => limited(128, 224),
            Channel::Cb | Channel::Cr => (max + 1) / 2 + mul(value, max),
            Channel::R | Channel::G | Channel::B if !self.full => limited(16, 219),
            _ => mul(value, max),
        };

        code.clamp(0, max) as u16
    }

    /// Returns the value of a channel that a code of `bits` bits stands for.
    #[allow(dead_code, reason = "for the tests and the reader")]
    pub fn value(&self, channel: Channel, code: u16, bits: u8) -> i64 {
        let max = (1i64 << bits) - 1;
        let limited = |zero, parts| (i64::from(code) * ((ONE << 8) >> bits) - zero * ONE) / parts;

        match channel {
            Channel::Y if !self.full => limited(16, 219),
            Channel::Cb | Channel::Cr if !self.full => limited(128, 224),
            Channel::Cb | Channel::Cr => (i64::from(code) - (max + 1) / 2) * ONE / max.max(1),
            Channel::R | Channel::G | Channel::B if !self.full => limited(16, 219),
            _ => i64::from(code) * ONE / max.max(1),
        }
    }

    /// Returns the value of a channel of a colour.
    pub fn channel(&self, channel: Channel, ycc: [i64; 3]) -> i64 {
        match channel {
            Channel::Y => ycc[0],
            Channel::Cb => ycc[1],
            Channel::Cr => ycc[2],
            Channel::R => self.rgb(ycc)[0],
            Channel::G => self.rgb(ycc)[1],
            Channel::B => self.rgb(ycc)[2],
            Channel::A => ONE,
            Channel::X => 0,
        }
    }
}

/// Sines of a quarter turn in 64 steps, in units of 1/65536.
const SINES: [u32; 65] = [
    0, 1608, 3216, 4821, 6424, 8022, 9616, 11204, 12785, 14359, 15924, 17479, 19024, 20557, 22078,
    23586, 25080, 26558, 28020, 29466, 30893, 32303, 33692, 35062, 36410, 37736, 39040, 40320,
    41576, 42806, 44011, 45190, 46341, 47464, 48559, 49624, 50660, 51665, 52639, 53581, 54491,
    55368, 56212, 57022, 57798, 58538, 59244, 59914, 60547, 61145, 61705, 62228, 62714, 63162,
    63572, 63944, 64277, 64571, 64827, 65043, 65220, 65358, 65457, 65516, 65536,
];

/// Returns sine and cosine of an angle in units of 1/128 of a half turn.
pub fn sin_cos(hue: i8) -> (i64, i64) {
    let turn = usize::from(hue.unsigned_abs());
    let sine = |step: usize| SINES.get(step).copied().map_or(0, i64::from);
    let (sin, cos) = match turn {
        0..=64 => (sine(turn), sine(64 - turn)),
        _ => (sine(128 - turn), -sine(turn - 64)),
    };

    (if hue < 0 { -sin } else { sin }, cos)
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_colour))]
mod tests {
    use super::*;

    /// BT.601 in limited and in full range.
    fn both() -> [&'static Colour; 2] {
        [Quantization::LimRange, Quantization::FullRange]
            .map(|quantization| Colour::get(YcbcrEnc::Bt601, quantization))
    }

    #[test]
    fn codes_of_other_depths() {
        let [limited, full] = both();

        for (bits, black, white, least, most) in [
            (8, 16, 235, 16, 240),
            (10, 64, 940, 64, 960),
            (12, 256, 3760, 256, 3840),
        ] {
            assert_eq!(limited.code(Channel::Y, 0, bits), black);
            assert_eq!(limited.code(Channel::Y, ONE, bits), white);
            assert_eq!(limited.code(Channel::Cb, -ONE / 2, bits), least);
            assert_eq!(limited.code(Channel::Cr, ONE / 2, bits), most);
            assert_eq!(limited.code(Channel::G, 0, bits), black);
            assert_eq!(limited.code(Channel::G, ONE, bits), white);
            assert_eq!(limited.code(Channel::A, ONE, bits), (1 << bits) - 1);
            assert_eq!(full.code(Channel::G, ONE, bits), (1 << bits) - 1);
            assert_eq!(full.code(Channel::Y, ONE, bits), (1 << bits) - 1);
            assert_eq!(full.code(Channel::Cb, 0, bits), 1 << (bits - 1));
            assert_eq!(full.code(Channel::Cb, ONE / 2, bits), (1 << bits) - 1);
        }
        assert_eq!(full.code(Channel::R, ONE, 16), u16::MAX);
    }

    #[test]
    fn codes_stand_for_their_values() {
        for colour in both() {
            for channel in [Channel::Y, Channel::Cb, Channel::Cr, Channel::G] {
                for bits in [8, 10, 12] {
                    for code in 0..1 << bits {
                        let value = colour.value(channel, code, bits);

                        assert_eq!(colour.code(channel, value, bits), code);
                    }
                }
            }
        }
    }

    #[test]
    fn sines_turn_round() {
        assert_eq!(sin_cos(0), (0, 65536));
        assert_eq!(sin_cos(64), (65536, 0));
        assert_eq!(sin_cos(-64), (-65536, 0));
        assert_eq!(sin_cos(-128), (0, -65536));
        assert_eq!(sin_cos(32), (46341, 46341));
        assert_eq!(sin_cos(-96), (-46341, -46341));
        for hue in i8::MIN..=i8::MAX {
            let (sin, cos) = sin_cos(hue);

            assert!((sin * sin + cos * cos - (1 << 32)).abs() < 1 << 18);
        }
    }
}
