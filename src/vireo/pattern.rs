// SPDX-License-Identifier: GPL-2.0

//! The picture: what there is to see, and how the controls change it.
//!
//! Every picture consists of a few different lines, so that a [`template`](super::template) of
//! them is soon rendered, and moves sideways by a number of pixels, its phase, re-entering at the
//! other side.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use core::ffi::CStr;

use super::{
    colour::{
        sin_cos,
        Colour,
        ONE, //
    },
    format::{
        Channel,
        Layout, //
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
    /// Black and white squares, 16 to a line.
    Checkerboard,
    /// Red all over.
    Solid,
}

/// The names of the patterns, in the order of their indices.
pub const MENU: [&CStr; Pattern::ALL.len()] = [
    c"75% Colour Bars",
    c"100% Colour Bars",
    c"Colour Ramps",
    c"Checkerboard",
    c"Solid Red",
];

/// Red, green and blue of the bars, from left to right.
const BARS: [[bool; 3]; 8] = [
    [true, true, true],
    [true, true, false],
    [false, true, true],
    [false, true, false],
    [true, false, true],
    [true, false, false],
    [false, false, true],
    [false, false, false],
];

/// Which of red, green and blue each ramp goes to, from top to bottom.
const RAMPS: [[bool; 3]; 4] = [
    [true, false, false],
    [false, true, false],
    [false, false, true],
    [true, true, true],
];

impl Pattern {
    /// Every pattern, in the order of their indices.
    pub const ALL: [Self; 5] = [
        Self::Bars75,
        Self::Bars100,
        Self::Ramps,
        Self::Checkerboard,
        Self::Solid,
    ];

    /// Returns the pattern with this index in the menu.
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// Returns how many different lines there are.
    pub fn kinds(self) -> usize {
        match self {
            Self::Bars75 | Self::Bars100 | Self::Checkerboard => 2,
            Self::Ramps => RAMPS.len(),
            Self::Solid => 1,
        }
    }

    /// Returns which of them line `y` is.
    fn kind(self, y: usize, layout: &Layout) -> usize {
        let (width, height) = (layout.width.max(1) as usize, layout.height.max(1) as usize);

        match self {
            Self::Bars75 | Self::Bars100 => usize::from(y >= height * 3 / 4),
            Self::Ramps => y * RAMPS.len() / height,
            Self::Checkerboard => y * 16 / width % 2,
            Self::Solid => 0,
        }
    }

    /// Returns red, green and blue of pixel `x` in a line of kind `kind`.
    fn rgb(self, kind: usize, x: u32, layout: &Layout) -> [i64; 3] {
        let of = |parts: &[bool; 3], level| parts.map(|part| if part { level } else { 0 });
        let ramp = (i64::from(x) * ONE)
            .checked_div(i64::from(layout.width) - 1)
            .unwrap_or(0);
        let bars = |level| {
            BARS.get((x * 8 / layout.width.max(1)) as usize)
                .map_or([0; 3], |bar| of(bar, level))
        };

        match (self, kind) {
            (Self::Bars75, 0) => bars(ONE * 3 / 4),
            (Self::Bars100, 0) => bars(ONE),
            (Self::Bars75 | Self::Bars100, _) => [ramp; 3],
            (Self::Ramps, _) => RAMPS.get(kind).map_or([0; 3], |parts| of(parts, ramp)),
            (Self::Checkerboard, _) => {
                let white = (x * 16 / layout.width.max(1)) as usize % 2 != kind;

                of(&[white; 3], ONE)
            }
            (Self::Solid, _) => [ONE * 3 / 4, 0, 0],
        }
    }
}

/// Everything but the phase that the picture is a function of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
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
    /// The index in [`COLOURS`](super::colour::COLOURS) of the way in which colours are encoded.
    pub colour: u8,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            pattern: Pattern::default(),
            brightness: 128,
            contrast: 128,
            saturation: 128,
            hue: 0,
            hflip: false,
            vflip: false,
            colour: 0,
        }
    }
}

impl Look {
    /// Returns the pixel of the pattern that pixel `x` of the picture shows before it moves.
    fn source(&self, x: u32, layout: &Layout) -> u32 {
        if self.hflip {
            layout.width - 1 - x
        } else {
            x
        }
    }

    /// Returns the kind of line `y` of a frame.
    pub fn kind(&self, y: usize, layout: &Layout) -> usize {
        let height = layout.height as usize;
        let y = if self.vflip { height - 1 - y } else { y };

        self.pattern.kind(y, layout)
    }

    /// Returns the value of a channel of pixel `x`, in a line of kind `kind`, before it moves.
    pub fn value(&self, channel: Channel, kind: usize, x: u32, layout: &Layout) -> i64 {
        let colour = Colour::get(self.colour);
        let rgb = self.pattern.rgb(kind, self.source(x, layout), layout);

        colour.channel(channel, self.adjust(colour.ycc(rgb)))
    }

    /// Applies the controls to a colour.
    fn adjust(&self, [y, cb, cr]: [i64; 3]) -> [i64; 3] {
        let contrast = i64::from(self.contrast);
        let brightness = i64::from(self.brightness) - 128;
        let saturation = i64::from(self.saturation);
        let (sin, cos) = sin_cos(self.hue);
        let saturate = |c: i64| ((c >> 16) * saturation / 128).clamp(-ONE / 2, ONE / 2);

        [
            ((y - ONE / 2) * contrast / 128 + ONE / 2 + brightness * ONE / 256).clamp(0, ONE),
            saturate(cb * cos - cr * sin),
            saturate(cb * sin + cr * cos),
        ]
    }
}

/// Returns the phase of the frame with this sequence number.
pub fn phase(layout: &Layout, sequence: u32) -> u32 {
    let step = layout.format.width_step();
    let steps = layout.width / step;

    sequence.checked_rem(steps).unwrap_or(0) * step.get()
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_pattern))]
mod tests {
    use super::*;

    #[test]
    fn bars_have_their_colours() {
        let colour = Colour::get(0);
        let layout = Layout::negotiate(0, 80, 16);
        let bars75 = [
            [180, 128, 128],
            [162, 44, 142],
            [131, 156, 44],
            [112, 72, 58],
            [84, 184, 198],
            [65, 100, 212],
            [35, 212, 114],
            [16, 128, 128],
        ];
        let bars100 = [
            [235, 128, 128],
            [210, 16, 146],
            [170, 166, 16],
            [145, 54, 34],
            [106, 202, 222],
            [81, 90, 240],
            [41, 240, 110],
            [16, 128, 128],
        ];

        for (pattern, level, codes) in [
            (Pattern::Bars75, 191, bars75),
            (Pattern::Bars100, 255, bars100),
        ] {
            for (n, (want, bar)) in codes.into_iter().zip(BARS).enumerate() {
                let ycc = colour.ycc(pattern.rgb(0, 10 * n as u32 + 9, &layout));
                let [y, cb, cr] = Look::default().adjust(ycc);

                assert_eq!(colour.code(Channel::Y, y, 8), want[0]);
                assert_eq!(colour.code(Channel::Cb, cb, 8), want[1]);
                assert_eq!(colour.code(Channel::Cr, cr, 8), want[2]);
                for (value, lit) in colour.rgb(ycc).into_iter().zip(bar) {
                    let want = if lit { level } else { 0 };

                    assert_eq!(colour.code(Channel::R, value, 8), want);
                }
            }
        }
    }

    /// Whether `value` is within 1 of what is given in thousandths.
    fn close(value: i64, thousandths: i64) -> bool {
        (1000 * value - thousandths).abs() <= 1000
    }

    #[test]
    fn controls_act_as_calculated() {
        let colour = Colour::get(0);

        // Yellow and red at three quarters: Y, Cb, Cr, R, G, B in thousandths, from floating point.
        #[rustfmt::skip]
        let table = [
            (128, 128, 128, 64, true, [161_525, 114_340, 44_000, 35_381, 243_088, 141_891]),
            (128, 128, 128, 64, false, [65_111, 44_000, 99_652, 11_940, 113_137, 0]),
            (100, 128, 128, 0, true, [137_572, 44_000, 141_660, 163_359, 163_359, 0]),
            (128, 64, 128, 0, false, [95_305, 99_652, 212_000, 226_408, 35_158, 35_158]),
            (128, 128, 40, 0, true, [161_525, 101_750, 132_269, 176_261, 176_261, 116_495]),
            (140, 150, 90, -37, true, [177_983, 99_235, 180_471, 255_000, 157_222, 130_585]),
            (140, 150, 90, -37, false, [64_997, 162_299, 180_050, 140_125, 1_299, 126_240]),
            (128, 128, 128, -128, false, [65_111, 156_348, 44_000, 0, 114_367, 114_368]),
            (255, 255, 255, 127, true, [235_000, 240_000, 96_687, 205_024, 236_579, 255_000]),
        ];

        for (brightness, contrast, saturation, hue, yellow, want) in table {
            let look = Look {
                brightness,
                contrast,
                saturation,
                hue,
                ..Look::default()
            };
            let rgb = [ONE * 3 / 4, if yellow { ONE * 3 / 4 } else { 0 }, 0];
            let ycc = look.adjust(colour.ycc(rgb));
            let channels = [
                Channel::Y,
                Channel::Cb,
                Channel::Cr,
                Channel::R,
                Channel::G,
                Channel::B,
            ];

            for (channel, want) in channels.into_iter().zip(want) {
                let code = colour.code(channel, colour.channel(channel, ycc), 8);

                assert!(close(code.into(), want));
            }
        }
    }

    #[test]
    fn extreme_colours_stay_in_range() {
        let colour = Colour::get(0);

        for brightness in [0, 255] {
            for contrast in [0, 255] {
                for hue in i8::MIN..=i8::MAX {
                    let look = Look {
                        brightness,
                        contrast,
                        saturation: 255,
                        hue,
                        ..Look::default()
                    };

                    for bar in BARS {
                        let rgb = bar.map(|lit| if lit { ONE } else { 0 });
                        let [y, cb, cr] = look.adjust(colour.ycc(rgb));

                        assert!(matches!(colour.code(Channel::Y, y, 8), 16..=235));
                        assert!(matches!(colour.code(Channel::Cb, cb, 8), 16..=240));
                        assert!(matches!(colour.code(Channel::Cr, cr, 8), 16..=240));
                    }
                }
            }
        }
    }

    #[test]
    fn patterns_have_their_lines() {
        for pattern in Pattern::ALL {
            for (width, height) in [(16, 16), (7680, 4320), (16, 4320), (7680, 16)] {
                let layout = Layout::negotiate(0, width, height);

                for y in 0..height as usize {
                    assert!(pattern.kind(y, &layout) < pattern.kinds());
                }
            }
            assert!(Pattern::from_index(pattern as u8) == Some(pattern));
        }
        assert!(Pattern::from_index(Pattern::ALL.len() as u8).is_none());
    }

    #[test]
    fn phases_go_round() {
        let layout = Layout::negotiate(0, 640, 480);

        assert_eq!(phase(&layout, 0), 0);
        assert_eq!(phase(&layout, 1), 2);
        assert_eq!(phase(&layout, 319), 638);
        assert_eq!(phase(&layout, 320), 0);
        assert!(phase(&layout, u32::MAX) < 640);
    }
}
