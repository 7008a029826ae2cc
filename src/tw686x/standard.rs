// SPDX-License-Identifier: GPL-2.0

//! The standards that a decoder knows.

use kernel::num::Bounded;
use media::v4l2::Std;

/// A standard, with its number in the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standard {
    NtscM = 0,
    Pal = 1,
    Secam = 2,
    Ntsc443 = 3,
    PalM = 4,
    PalNc = 5,
    Pal60 = 6,
}

/// The standards in the order in which they are looked for in a set.
const ALL: [(Standard, Std); 7] = [
    (Standard::NtscM, Std::NTSC),
    // PAL-N differs from it in what comes by air alone.
    (Standard::Pal, Std::PAL.union(Std::PAL_N)),
    (Standard::Secam, Std::SECAM),
    (Standard::Ntsc443, Std::NTSC_443),
    (Standard::PalM, Std::PAL_M),
    (Standard::PalNc, Std::PAL_NC),
    (Standard::Pal60, Std::PAL_60),
];

impl Standard {
    /// All that there are.
    pub(crate) const SET: Std = Std::LINES_525.union(Std::LINES_625);

    /// The number that stands for none of them: the decoder shall find out.
    pub(crate) const AUTO: u32 = 7;

    /// The first that is in a set.
    pub(crate) fn of(std: Std) -> Option<Self> {
        ALL.iter()
            .find(|(_, set)| set.intersects(std))
            .map(|(standard, _)| *standard)
    }

    /// What the decoder has found.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        ALL.iter()
            .map(|(standard, _)| *standard)
            .find(|standard| *standard as u32 == code)
    }

    pub(crate) fn code(self) -> Bounded<u32, 3> {
        Bounded::from_expr(self as u32 & 7)
    }

    /// What signals of this standard may be.
    pub(crate) fn set(self) -> Std {
        ALL.iter()
            .find(|(standard, _)| *standard == self)
            .map_or(Std::UNKNOWN, |(_, set)| *set)
    }

    pub(crate) fn lines(self) -> Lines {
        if self.set().intersects(Std::LINES_625) {
            Lines::L625
        } else {
            Lines::L525
        }
    }
}

/// How many lines a frame has, of which some are to be seen, and how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    L525,
    L625,
}

impl Lines {
    /// The lines that are captured.
    pub(crate) const fn height(self) -> u32 {
        match self {
            Self::L525 => 480,
            Self::L625 => 576,
        }
    }

    /// How long a frame takes, in nanoseconds.
    pub(crate) const fn frame_nanos(self) -> u64 {
        match self {
            Self::L525 => 33_366_667,
            Self::L625 => 40_000_000,
        }
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(tw686x_standard)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_their_standard() {
        assert!(Standard::of(Std::NTSC) == Some(Standard::NtscM));
        assert!(Standard::of(Std::PAL) == Some(Standard::Pal));
        assert!(Standard::of(Std::PAL_N) == Some(Standard::Pal));
        assert!(Standard::of(Std::PAL_NC) == Some(Standard::PalNc));
        assert!(Standard::of(Std::PAL_60) == Some(Standard::Pal60));
        assert!(Standard::of(Standard::SET) == Some(Standard::NtscM));
        assert!(Standard::of(Std::UNKNOWN).is_none());
    }

    #[test]
    fn standards_are_all_there_are() {
        let mut all = Std::UNKNOWN;
        for code in 0..7 {
            let standard = Standard::from_code(code);
            assert!(standard.is_some_and(|standard| standard.code().get() == code));
            all = all | standard.map_or(Std::UNKNOWN, Standard::set);
        }
        assert!(all == Standard::SET);
        assert!(Standard::from_code(Standard::AUTO).is_none());
    }

    #[test]
    fn standards_have_their_lines() {
        assert_eq!(Standard::Pal60.lines().height(), 480);
        assert_eq!(Standard::PalM.lines().height(), 480);
        assert_eq!(Standard::PalNc.lines().height(), 576);
        assert_eq!(Standard::Secam.lines().frame_nanos(), 40_000_000);
    }
}
