// SPDX-License-Identifier: GPL-2.0

//! How the picture is to look: all that it is a function of, but for the phase and the time.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use core::ffi::CStr;

use super::{
    colorimetry::Colorimetry,
    layout::{
        MAX_HEIGHT,
        MAX_WIDTH, //
    }, //
};

/// What there is to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Pattern {
    /// Eight bars at three quarters of their brightness, above a ramp from black to white.
    #[default]
    Bars75,
    /// The same at full brightness.
    Bars100,
    /// Ramps from black: to red, green, blue and white, from top to bottom.
    Ramps,
    /// Black and white squares, 16 to a line of the array.
    Checkerboard,
    /// Red all over.
    SolidRed,
    /// Green all over.
    SolidGreen,
    /// Blue all over.
    SolidBlue,
    /// Rings that grow finer from the middle of the array to its sides, where there are 320 to
    /// its width.
    ZonePlate,
    /// Pixels of any colour, from the seed; not the same in any two frames in a row.
    Noise,
    /// The time since the epoch of the timestamps, over dark grey.
    Clock,
}

/// The names of the patterns, in the order of their indices.
pub const MENU: [&CStr; Pattern::ALL.len()] = [
    c"75% Colour Bars",
    c"100% Colour Bars",
    c"Colour Ramps",
    c"Checkerboard",
    c"Solid Red",
    c"Solid Green",
    c"Solid Blue",
    c"Zone Plate",
    c"Noise",
    c"Clock",
];

impl Pattern {
    /// Every pattern, in the order of their indices.
    pub const ALL: [Self; 10] = [
        Self::Bars75,
        Self::Bars100,
        Self::Ramps,
        Self::Checkerboard,
        Self::SolidRed,
        Self::SolidGreen,
        Self::SolidBlue,
        Self::ZonePlate,
        Self::Noise,
        Self::Clock,
    ];

    /// Returns the pattern with this index in the menu.
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

/// A part of the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// The first column.
    pub left: u16,
    /// The first line.
    pub top: u16,
    /// How many columns there are.
    pub width: u16,
    /// How many lines there are.
    pub height: u16,
}

impl Crop {
    /// The whole of an array of this size.
    pub const fn whole(width: u16, height: u16) -> Self {
        Self {
            left: 0,
            top: 0,
            width,
            height,
        }
    }
}

/// The exposure time at which colours are what they are, in units of 100 microseconds.
pub const EXPOSURE: u16 = 100;

/// The gain of one, in units of 1/16.
pub const GAIN: u16 = 16;

/// Everything but the phase and the time that the picture is a function of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureParams {
    /// What there is to see.
    pub pattern: Pattern,
    /// An offset of the brightness: half of the way from black to white for 128 steps.
    pub brightness: u8,
    /// A factor about medium grey, in units of 1/128.
    pub contrast: u8,
    /// A factor of the chroma, in units of 1/128.
    pub saturation: u8,
    /// A rotation of the chroma, in units of 1/128 of a half turn.
    pub hue: i8,
    /// Whether left and right are exchanged, and the direction of movement with them.
    pub hflip: bool,
    /// Whether top and bottom are exchanged.
    pub vflip: bool,
    /// What red, green, blue, luma and chroma stand for.
    pub colorimetry: Colorimetry,
    /// The exposure time in units of 100 microseconds: colours follow its square root.
    pub exposure: u16,
    /// The gain in units of 1/16, which does the same.
    pub gain: u16,
    /// What noise comes from.
    pub seed: u16,
    /// How opaque the picture is, in formats that tell.
    pub alpha: u8,
    /// The size of the array.
    pub native: (u16, u16),
    /// The part of it that is captured.
    pub crop: Crop,
    /// Whether frames bear a [`stamp`](super::stamp).
    pub stamp: bool,
}

impl Default for PictureParams {
    fn default() -> Self {
        let native = (MAX_WIDTH as u16, MAX_HEIGHT as u16);

        Self {
            pattern: Pattern::default(),
            brightness: 128,
            contrast: 128,
            saturation: 128,
            hue: 0,
            hflip: false,
            vflip: false,
            colorimetry: Colorimetry::default(),
            exposure: EXPOSURE,
            gain: GAIN,
            seed: 0,
            alpha: u8::MAX,
            native,
            crop: Crop::whole(native.0, native.1),
            stamp: true,
        }
    }
}
