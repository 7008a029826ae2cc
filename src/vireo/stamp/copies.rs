// SPDX-License-Identifier: GPL-2.0

//! Where the stamp is in a frame.

use super::{
    super::layout::Layout,
    BITS, //
};

/// Where the copies of the stamp are in a frame.
///
/// The first copy begins with the first line, the last one ends with the last line, and up to two
/// more lie evenly between: as many as leave three quarters of the lines to the picture. A small
/// frame bears one copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    /// How many copies there are.
    pub count: u8,
    /// How many lines a copy takes.
    pub lines: usize,
    /// The line at which the last copy begins.
    last: usize,
}

impl Copies {
    /// Returns the copies in a frame of this layout.
    pub fn of(layout: &Layout) -> Self {
        let lines = BITS.div_ceil(layout.width.max(1) as usize);
        let height = layout.height as usize;

        Self {
            count: height.checked_div(4 * lines).unwrap_or(1).clamp(1, 4) as u8,
            lines,
            last: height.saturating_sub(lines),
        }
    }

    /// Returns the line at which copy number `copy` begins.
    pub fn line(&self, copy: u8) -> usize {
        (usize::from(copy) * self.last)
            .checked_div(usize::from(self.count).saturating_sub(1))
            .unwrap_or(0)
    }
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_copies))]
mod tests {
    use super::*;

    #[test]
    fn copies_fit_at_every_size() {
        for (width, height, count, lines, last) in [
            (32, 16, 1, 13, 0),
            (32, 102, 1, 13, 0),
            (32, 104, 2, 13, 91),
            (34, 16, 1, 13, 0),
            (36, 16, 1, 12, 0),
            (414, 16, 2, 2, 14),
            (416, 16, 4, 1, 15),
            (640, 480, 4, 1, 479),
            (7680, 4320, 4, 1, 4319),
        ] {
            let copies = Copies::of(&Layout::negotiate(0, width, height));

            assert_eq!((copies.count, copies.lines), (count, lines));
            assert_eq!(copies.line(0), 0);
            assert_eq!(copies.line(count - 1), last);
        }
        for width in (32..900).step_by(2) {
            for height in (16..600).step_by(2) {
                let copies = Copies::of(&Layout::negotiate(0, width, height));

                for copy in 1..copies.count {
                    assert!(copies.line(copy) >= copies.line(copy - 1) + copies.lines);
                }
                assert!(copies.line(copies.count - 1) + copies.lines <= height as usize);
            }
        }
    }
}
