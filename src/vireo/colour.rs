// SPDX-License-Identifier: GPL-2.0

//! Colours, and the codes that stand for them.
//!
//! All of it is in integers, with [`ONE`] for 1.0: red, green, blue and luma go from 0 to `ONE`,
//! and the two differences from `-ONE / 2` to `ONE / 2`.

use super::format::Channel;

/// The fixed point.
pub const ONE: i64 = 1 << 24;

/// A way to encode colours.
#[derive(Debug)]
pub struct Colour {
    /// The weight of red in luma, in units of 1/10000.
    red: i64,
    /// The weight of blue in luma, in units of 1/10000.
    blue: i64,
    /// Whether luma and chroma take the full range, or leave room below and above.
    full: bool,
}

/// The unit of the weights in [`Colour`].
const WEIGHT: i64 = 10_000;

/// Every way to encode colours. The first is what V4L2 expects of sRGB.
pub static COLOURS: &[Colour] = &[
    // BT.601, limited range.
    Colour {
        red: 2990,
        blue: 1140,
        full: false,
    },
];

impl Colour {
    /// Returns the way with this index.
    pub fn get(index: u8) -> &'static Self {
        /// Stands in for a row that is not there.
        static NONE: Colour = Colour {
            red: 2990,
            blue: 1140,
            full: false,
        };

        COLOURS.get(usize::from(index)).unwrap_or(&NONE)
    }

    /// Turns red, green and blue into luma and the two differences.
    pub fn ycc(&self, [r, g, b]: [i64; 3]) -> [i64; 3] {
        let green = WEIGHT - self.red - self.blue;
        let y = (self.red * r + green * g + self.blue * b) / WEIGHT;

        [
            y,
            (b - y) * WEIGHT / (2 * (WEIGHT - self.blue)),
            (r - y) * WEIGHT / (2 * (WEIGHT - self.red)),
        ]
    }

    /// Turns luma and the two differences into red, green and blue.
    pub fn rgb(&self, [y, cb, cr]: [i64; 3]) -> [i64; 3] {
        let green = WEIGHT - self.red - self.blue;
        let r = y + cr * 2 * (WEIGHT - self.red) / WEIGHT;
        let b = y + cb * 2 * (WEIGHT - self.blue) / WEIGHT;
        let g = (y * WEIGHT - r * self.red - b * self.blue) / green;

        [r, g, b].map(|part| part.clamp(0, ONE))
    }

    /// Returns the code of `bits` bits for the value of a channel.
    pub fn code(&self, channel: Channel, value: i64, bits: u8) -> u16 {
        let max = (1i64 << bits) - 1;
        // In limited range, 219 or 224 of 256 parts, from the 16th or about the 128th.
        let limited = |zero, parts| ((zero * ONE + parts * value) << bits) + (1 << 31) >> 32;
        let code = match channel {
            Channel::Y if !self.full => limited(16, 219),
            Channel::Cb | Channel::Cr if !self.full => limited(128, 224),
            Channel::Cb | Channel::Cr => (max + 1) / 2 + (value * max + ONE / 2 >> 24),
            _ => value * max + ONE / 2 >> 24,
        };

        code.clamp(0, max) as u16
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

    #[test]
    fn codes_of_other_depths() {
        let limited = Colour::get(0);
        let full = Colour {
            full: true,
            ..*limited
        };

        for (bits, black, white, least, most) in [
            (8, 16, 235, 16, 240),
            (10, 64, 940, 64, 960),
            (12, 256, 3760, 256, 3840),
        ] {
            assert_eq!(limited.code(Channel::Y, 0, bits), black);
            assert_eq!(limited.code(Channel::Y, ONE, bits), white);
            assert_eq!(limited.code(Channel::Cb, -ONE / 2, bits), least);
            assert_eq!(limited.code(Channel::Cr, ONE / 2, bits), most);
            assert_eq!(limited.code(Channel::G, ONE, bits), (1 << bits) - 1);
            assert_eq!(full.code(Channel::Y, ONE, bits), (1 << bits) - 1);
            assert_eq!(full.code(Channel::Cb, 0, bits), 1 << (bits - 1));
            assert_eq!(full.code(Channel::Cb, ONE / 2, bits), (1 << bits) - 1);
        }
        assert_eq!(full.code(Channel::R, ONE, 16), u16::MAX);
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
