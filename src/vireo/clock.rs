// SPDX-License-Identifier: GPL-2.0

//! The time, in digits made of dots.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use core::ops::Range;

use super::layout::Layout;

/// How many dots a digit is high, with one of space above and one below.
pub const HEIGHT: usize = 7;

/// How many dots a digit is wide, with one of space.
const WIDTH: usize = 4;

/// Hours, minutes, seconds and milliseconds, with what is between them.
const DIGITS: usize = 12;

/// Lines of three dots from the top, the left one as the most significant bit.
const FONT: [u16; 12] = [
    0o75557, // 0
    0o26227, // 1
    0o71747, // 2
    0o71717, // 3
    0o55711, // 4
    0o74717, // 5
    0o74757, // 6
    0o71122, // 7
    0o75757, // 8
    0o75717, // 9
    0o02020, // :
    0o00002, // .
];

/// The time of a frame, and where it stands: in the middle, as wide as three quarters at most.
#[derive(Debug)]
pub struct Clock {
    /// The index in [`FONT`] of each.
    digits: [u8; DIGITS],
    /// How many pixels a dot is wide and high.
    scale: usize,
    /// The first column.
    pub left: usize,
    /// The first line.
    top: usize,
}

impl Clock {
    /// A clock that shows `timestamp`, in nanoseconds, or none where a frame is too small.
    pub fn new(layout: &Layout, timestamp: u64) -> Option<Self> {
        let (width, height) = (layout.width as usize, layout.height as usize);
        let scale = (width * 3 / 4 / (WIDTH * DIGITS)).min(height / 2 / HEIGHT);
        // Groups of pixels are whole: a place in them that suits every format.
        let even = |n: usize| n / 16 * 16;

        let msec = timestamp / 1_000_000;
        let places = [
            (36_000_000, 10),
            (3_600_000, 10),
            (600_000, 6),
            (60_000, 10),
            (10_000, 6),
            (1_000, 10),
            (100, 10),
            (10, 10),
            (1, 10),
        ];
        let mut digits = [0, 0, 10, 0, 0, 10, 0, 0, 11, 0, 0, 0];

        for (digit, (unit, base)) in digits.iter_mut().filter(|d| **d == 0).zip(places) {
            *digit = (msec / unit % base) as u8;
        }
        (scale > 0).then(|| Self {
            digits,
            scale,
            left: even((width - WIDTH * DIGITS * scale) / 2),
            top: (height - HEIGHT * scale) / 2,
        })
    }

    /// How many pixels wide it is.
    pub fn width(&self) -> usize {
        WIDTH * DIGITS * self.scale
    }

    /// The lines of the frame that go through dots of this line.
    pub fn rows(&self, dots: usize) -> Range<usize> {
        let first = self.top + dots * self.scale;

        first..first + self.scale
    }

    /// Whether pixel `x` from the left of the clock is a part of a digit.
    pub fn is_lit(&self, x: usize, dots: usize) -> bool {
        let dot = x.checked_div(self.scale).unwrap_or(0);
        let line = match dots {
            1..=5 => 5 - dots,
            _ => return false,
        };
        let (digit, column) = (dot / WIDTH, dot % WIDTH);

        column > 0
            && self
                .digits
                .get(digit)
                .and_then(|digit| FONT.get(usize::from(*digit)))
                .is_some_and(|font| (font >> (3 * line + 3 - column)) & 1 != 0)
    }
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_clock))]
mod tests {
    use super::*;

    #[test]
    fn time_is_told() {
        let layout = Layout::negotiate(0, 640, 480);

        for (nsec, digits) in [
            (0, [0, 0, 10, 0, 0, 10, 0, 0, 11, 0, 0, 0]),
            (999_999, [0, 0, 10, 0, 0, 10, 0, 0, 11, 0, 0, 0]),
            (45_296_789_000_000, [1, 2, 10, 3, 4, 10, 5, 6, 11, 7, 8, 9]),
            (359_999_999_999_999, [9, 9, 10, 5, 9, 10, 5, 9, 11, 9, 9, 9]),
            (360_000_000_000_000, [0, 0, 10, 0, 0, 10, 0, 0, 11, 0, 0, 0]),
        ] {
            assert!(Clock::new(&layout, nsec).is_some_and(|clock| clock.digits == digits));
        }
    }

    #[test]
    fn digits_have_their_dots() {
        // 48 dots of 10 pixels, from pixel 80 on.
        let clock = Clock::new(&Layout::negotiate(0, 640, 480), 0);

        assert!(clock.is_some());
        if let Some(clock) = clock {
            assert_eq!((clock.left, clock.width()), (80, 480));
            assert_eq!(clock.rows(0), 205..215);
            assert_eq!(clock.rows(6), 265..275);
            // A nought: the space before it, and its left side, middle and right side.
            for (dots, lit) in [
                (0, [false; 4]),
                (1, [false, true, true, true]),
                (2, [false, true, false, true]),
                (4, [false, true, false, true]),
                (5, [false, true, true, true]),
                (6, [false; 4]),
            ] {
                for (n, lit) in lit.into_iter().enumerate() {
                    assert_eq!(clock.is_lit(10 * n, dots), lit);
                    assert_eq!(clock.is_lit(10 * n + 9, dots), lit);
                }
            }
        }
    }

    #[test]
    fn it_fits_or_is_not_there() {
        for width in (32..1000).step_by(2) {
            for height in [16, 18, 100, 1000] {
                let layout = Layout::negotiate(0, width, height);

                if let Some(clock) = Clock::new(&layout, u64::MAX) {
                    assert!(clock.left + clock.width() <= layout.width as usize);
                    assert!(clock.rows(HEIGHT - 1).end <= layout.height as usize);
                }
            }
        }
        assert!(Clock::new(&Layout::negotiate(0, 62, 480), 0).is_none());
        assert!(Clock::new(&Layout::negotiate(0, 64, 16), 0).is_some());
        assert!(Clock::new(&Layout::negotiate(0, 640, 12), 0).is_some());
    }
}
