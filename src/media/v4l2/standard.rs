// SPDX-License-Identifier: GPL-2.0

//! Analogue video standards.
//!
//! C header: [`include/uapi/linux/videodev2.h`](srctree/include/uapi/linux/videodev2.h)

use crate::bindings;
use core::ops::{
    BitAnd,
    BitOr, //
};

/// A set of analogue video standards.
///
/// Corresponds to `v4l2_std_id`. Names such as [`PAL`](Self::PAL) stand for all variants of a
/// standard, which differ in what comes by air and not in the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Std(u64);

macro_rules! standards {
    ($($name:ident = $raw:ident, $c:literal;)*) => {
        impl Std {
            $(
                #[doc = concat!("`", $c, "`")]
                pub const $name: Self = Self(bindings::$raw);
            )*
        }
    };
}

standards! {
    NTSC = VIREO_CONST_V4L2_STD_NTSC, "V4L2_STD_NTSC";
    NTSC_443 = VIREO_CONST_V4L2_STD_NTSC_443, "V4L2_STD_NTSC_443";
    PAL = VIREO_CONST_V4L2_STD_PAL, "V4L2_STD_PAL";
    PAL_M = VIREO_CONST_V4L2_STD_PAL_M, "V4L2_STD_PAL_M";
    PAL_N = VIREO_CONST_V4L2_STD_PAL_N, "V4L2_STD_PAL_N";
    PAL_60 = VIREO_CONST_V4L2_STD_PAL_60, "V4L2_STD_PAL_60";
    SECAM = VIREO_CONST_V4L2_STD_SECAM, "V4L2_STD_SECAM";
    LINES_525 = VIREO_CONST_V4L2_STD_525_60, "V4L2_STD_525_60";
    LINES_625 = VIREO_CONST_V4L2_STD_625_50, "V4L2_STD_625_50";
}

impl Std {
    /// No standard at all, or an unknown one: `V4L2_STD_UNKNOWN`.
    pub const UNKNOWN: Self = Self(0);

    /// `V4L2_STD_PAL_Nc`: what is left of those with 625 lines.
    pub const PAL_NC: Self =
        Self(Self::LINES_625.0 & !(Self::PAL.0 | Self::PAL_N.0 | Self::SECAM.0));

    /// The set of all standards that are in one set or the other.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is a standard that is in both sets.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is no standard in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn from_raw(raw: bindings::v4l2_std_id) -> Self {
        Self(raw)
    }

    pub(super) const fn into_raw(self) -> bindings::v4l2_std_id {
        self.0
    }
}

impl BitOr for Std {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitAnd for Std {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(vireo_v4l2_standard)]
mod tests {
    use super::*;

    #[test]
    fn standards_are_sets() {
        assert!(Std::UNKNOWN.is_empty() && !Std::NTSC.is_empty());
        assert!(Std::LINES_525.intersects(Std::NTSC) && !Std::LINES_525.intersects(Std::PAL));
        assert!(Std::LINES_525 & Std::LINES_625 == Std::UNKNOWN);
        assert!((Std::PAL | Std::SECAM) & Std::PAL == Std::PAL);
        assert_eq!(Std::PAL_NC.into_raw(), 0x400);
        assert!(Std::from_raw(Std::PAL_60.into_raw()) == Std::PAL_60);
    }
}
