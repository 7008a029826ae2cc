// SPDX-License-Identifier: GPL-2.0

//! Selections: which part of a sensor's pixel array is captured.
//!
//! C header: [`include/uapi/linux/v4l2-common.h`](srctree/include/uapi/linux/v4l2-common.h)

use crate::bindings;
use kernel::prelude::*;

/// What a rectangle is asked for, a `V4L2_SEL_TGT_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The part that is captured.
    Crop,
    /// What that is to begin with.
    CropDefault,
    /// Where it must lie.
    CropBounds,
    /// The whole of the pixel array.
    NativeSize,
}

impl TryFrom<u32> for Target {
    type Error = Error;

    fn try_from(target: u32) -> Result<Self> {
        match target {
            bindings::V4L2_SEL_TGT_CROP => Ok(Self::Crop),
            bindings::V4L2_SEL_TGT_CROP_DEFAULT => Ok(Self::CropDefault),
            bindings::V4L2_SEL_TGT_CROP_BOUNDS => Ok(Self::CropBounds),
            bindings::V4L2_SEL_TGT_NATIVE_SIZE => Ok(Self::NativeSize),
            _ => Err(EINVAL),
        }
    }
}

/// A rectangle of pixels.
///
/// Corresponds to `struct v4l2_rect`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// The first column.
    pub left: i32,
    /// The first line.
    pub top: i32,
    /// How many columns there are.
    pub width: u32,
    /// How many lines there are.
    pub height: u32,
}

impl Rect {
    /// Whether `flags` (`V4L2_SEL_FLAG_*`) allow this in place of what was asked for.
    pub(super) fn is_allowed(&self, asked: &Self, flags: u32) -> bool {
        let is_ge = self.width >= asked.width && self.height >= asked.height;
        let is_le = self.width <= asked.width && self.height <= asked.height;

        (is_ge || flags & bindings::V4L2_SEL_FLAG_GE == 0)
            && (is_le || flags & bindings::V4L2_SEL_FLAG_LE == 0)
    }
}

impl From<bindings::v4l2_rect> for Rect {
    fn from(raw: bindings::v4l2_rect) -> Self {
        Self {
            left: raw.left,
            top: raw.top,
            width: raw.width,
            height: raw.height,
        }
    }
}

impl From<Rect> for bindings::v4l2_rect {
    fn from(rect: Rect) -> Self {
        Self {
            left: rect.left,
            top: rect.top,
            width: rect.width,
            height: rect.height,
        }
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(vireo_v4l2_selection)]
mod tests {
    use super::*;

    #[test]
    fn flags_bind() {
        let of = |width, height| Rect {
            width,
            height,
            ..Rect::default()
        };
        let (ge, le) = (bindings::V4L2_SEL_FLAG_GE, bindings::V4L2_SEL_FLAG_LE);
        let asked = of(20, 10);

        for (given, flags) in [
            (of(20, 10), [true; 4]),
            (of(21, 10), [true, true, false, false]),
            (of(20, 9), [true, false, true, false]),
            (of(21, 9), [true, false, false, false]),
        ] {
            for (flags, allowed) in [0, ge, le, ge | le].into_iter().zip(flags) {
                assert_eq!(given.is_allowed(&asked, flags), allowed);
            }
        }
    }
}
