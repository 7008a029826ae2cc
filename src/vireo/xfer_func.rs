// SPDX-License-Identifier: GPL-2.0

//! Transfer functions: from light to the numbers that stand for it.
//!
//! All of it is in integers, with [`FINE`] for 1.0 of light, and as elsewhere [`ONE`] for 1.0 of
//! what the numbers stand for. The formulas are those of
//! `Documentation/userspace-api/media/v4l/colorspaces-details.rst`.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use super::{
    colorimetry::XferFunc,
    colour::ONE, //
};

/// The fixed point of light, where a small difference near black is one that can be seen.
pub const FINE: i64 = 1 << BITS;

/// The bits of [`FINE`].
const BITS: u32 = 30;

/// The bits that [`FINE`] has more than [`ONE`].
const MORE: u32 = BITS - ONE.trailing_zeros();

/// Returns the light that a number of sRGB stands for.
pub fn linear(value: i64) -> i64 {
    let value = value.clamp(0, ONE) << MORE;

    if value * 100_000 <= 4045 * FINE {
        value * 100 / 1292
    } else {
        // ((V + 0.055) / 1.055) ^ 2.4
        pow((value * 1000 + 55 * FINE + 1055 / 2) / 1055, ONE * 24 / 10)
    }
}

impl XferFunc {
    /// Returns the number that stands for light, from 0 to [`FINE`].
    pub fn encode(self, light: i64) -> i64 {
        let value = match self {
            Self::None => light,
            // 1.099 L^0.45 - 0.099
            Self::Bt709 if light * 1000 < 18 * FINE => light * 9 / 2,
            Self::Bt709 => (1099 * pow(light, ONE * 45 / 100) - 99 * FINE) / 1000,
            // 1.055 L^(1 / 2.4) - 0.055
            Self::Srgb if light * 10_000_000 <= 31_308 * FINE => light * 1292 / 100,
            Self::Srgb => (1055 * pow(light, ONE * 10 / 24) - 55 * FINE) / 1000,
            // L^(1 / 2.6)
            Self::DciP3 => pow(light, ONE * 10 / 26),
            Self::Smpte2084 => smpte2084(light),
        };

        ((value + (1 << MORE) / 2) >> MORE).clamp(0, ONE)
    }
}

/// SMPTE ST 2084, where 1.0 of light is 100 cd/m^2, and 1.0 of numbers stands for 10000 cd/m^2.
fn smpte2084(light: i64) -> i64 {
    // m1 = 2610 / 16384, m2 = 2523 / 32
    const M1: i64 = ONE / 16_384 * 2610;
    const M2: i64 = ONE / 32 * 2523;

    let light = if light > 0 {
        power(log2(light) - log2(100 * FINE), M1)
    } else {
        0
    };
    // c1 + c2 L^m1 and 1 + c3 L^m1, where c1 = 3424 / 4096, c2 = 2413 / 128, c3 = 2392 / 128
    let above = FINE / 4096 * 3424 + light * 2413 / 128;
    let below = FINE + light * 2392 / 128;

    power(log2(above) - log2(below), M2)
}

/// Raises a number in units of 1/[`FINE`] to an exponent in units of 1/[`ONE`].
fn pow(base: i64, exponent: i64) -> i64 {
    if base > 0 {
        power(log2(base), exponent)
    } else {
        0
    }
}

/// The same, from the binary logarithm of the number; the result is 1.0 at most.
fn power(log: i64, exponent: i64) -> i64 {
    exp2((log * exponent) >> ONE.trailing_zeros())
}

/// Multiplies two numbers in units of 1/[`FINE`].
fn mul(a: i64, b: i64) -> i64 {
    (a * b + FINE / 2) >> BITS
}

/// 1 / n.
const fn inverse(n: i64) -> i64 {
    (FINE + n / 2) / n
}

/// Returns the binary logarithm of a number greater than 0, all in units of 1/[`FINE`].
fn log2(x: i64) -> i64 {
    /// The square root of 2.
    const ROOT: i64 = 1_518_500_250;
    /// 2 / ln 2.
    const FACTOR: i64 = 3_098_164_009;
    const TERMS: [i64; 7] = [
        inverse(13),
        inverse(11),
        inverse(9),
        inverse(7),
        inverse(5),
        inverse(3),
        inverse(1),
    ];

    let top = x.max(1).ilog2();
    let fraction = if top > BITS {
        x >> (top - BITS)
    } else {
        x << (BITS - top)
    };
    let whole = (i64::from(top) - i64::from(BITS)) << BITS;
    // The series is for what is near to 1.
    let (one, whole) = if fraction > ROOT {
        (2 * FINE, whole + FINE)
    } else {
        (FINE, whole)
    };
    // ln x = 2 (y + y^3 / 3 + y^5 / 5 + ...), where y = (x - 1) / (x + 1)
    let y = ((fraction - one) << BITS)
        .checked_div(fraction + one)
        .unwrap_or(0);
    let square = mul(y, y);
    let sum = TERMS
        .into_iter()
        .fold(0, |sum, term| term + mul(sum, square));

    whole + mul(FACTOR, mul(y, sum))
}

/// Returns 2 to the power of a number that is 0 at most, in units of 1/[`FINE`].
fn exp2(x: i64) -> i64 {
    /// ln 2.
    const FACTOR: i64 = 744_261_118;
    const TERMS: [i64; 9] = [
        inverse(9),
        inverse(8),
        inverse(7),
        inverse(6),
        inverse(5),
        inverse(4),
        inverse(3),
        inverse(2),
        inverse(1),
    ];

    let whole = (x + FINE / 2) >> BITS;
    let y = mul(x - (whole << BITS), FACTOR);
    // e^y = 1 + y (1 + y / 2 (1 + y / 3 (...)))
    let sum = TERMS
        .into_iter()
        .fold(FINE, |sum, term| FINE + mul(mul(sum, y), term));

    sum >> (-whole).clamp(0, 63)
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_xfer_func))]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_stay() {
        assert_eq!((linear(0), linear(ONE)), (0, FINE));
        for xfer_func in XferFunc::ALL {
            let white = xfer_func.encode(FINE);

            assert!(xfer_func.encode(0) < 1 << 4);
            if xfer_func == XferFunc::Smpte2084 {
                // 0.508078421517399 from floating point.
                assert!((white - 8_524_141).abs() <= 1);
            } else {
                assert_eq!(white, ONE);
            }
        }
    }

    #[test]
    fn more_light_is_no_smaller_a_number() {
        for xfer_func in XferFunc::ALL {
            let mut last = 0;

            for n in 0..=4096 {
                let number = xfer_func.encode(linear(n * ONE / 4096));

                assert!(number >= last);
                last = number;
            }
        }
    }

    #[test]
    fn srgb_comes_back() {
        for n in 0..=4096 {
            let number = n * ONE / 4096;

            assert!((XferFunc::Srgb.encode(linear(number)) - number).abs() <= 1 << 5);
        }
    }
}
