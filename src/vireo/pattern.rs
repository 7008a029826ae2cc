// SPDX-License-Identifier: GPL-2.0

//! The picture: what there is to see, and how the controls change it.
//!
//! What there is to see lies before an array of pixels, of which a part, the crop, is scaled to
//! the size of the frame. Most pictures consist of a few different lines, so that a
//! [`template`](super::template) of them is soon rendered. All move sideways by a number of
//! pixels, the phase, re-entering at the other side.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use super::{
    colour::{
        sin_cos,
        Colour,
        ONE, //
    },
    conversion::Conversion,
    format::Channel,
    layout::Layout,
    picture::{
        Pattern,
        PictureParams,
        EXPOSURE,
        GAIN, //
    },
    xfer_func::linear, //
};

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

/// How many different lines noise has.
const NOISE_LINES: usize = 64;

impl Pattern {
    /// Returns how many different lines there are.
    pub fn kinds(self, layout: &Layout) -> usize {
        match self {
            Self::Bars75 | Self::Bars100 | Self::Checkerboard => 2,
            Self::Ramps => RAMPS.len(),
            Self::ZonePlate => layout.height as usize,
            Self::Noise => NOISE_LINES,
            Self::SolidRed | Self::SolidGreen | Self::SolidBlue | Self::Clock => 1,
        }
    }
}

/// The way from an index in a frame to a place on the array, along one of its sides.
#[derive(Clone, Copy)]
struct Axis {
    /// Where the crop begins.
    first: i64,
    /// How many pixels of the array there are to capture.
    part: i64,
    /// How many pixels of the frame they become.
    size: i64,
    /// How many pixels the array has.
    whole: i64,
}

impl Axis {
    fn new(first: u16, part: u16, size: u32, whole: u16) -> Self {
        Self {
            first: first.into(),
            part: i64::from(part).max(1),
            size: i64::from(size).max(1),
            whole: i64::from(whole).max(1),
        }
    }

    /// The place, in units of which a pixel of the array has as many as the frame has pixels.
    fn place(&self, n: i64) -> i64 {
        self.first * self.size + n * self.part
    }

    /// Returns in which of `parts` of `length` pixels of the array pixel `n` lies.
    fn nth(&self, n: i64, parts: i64, length: i64) -> i64 {
        (self.place(n) * parts)
            .checked_div(length * self.size)
            .unwrap_or(0)
    }

    /// Returns the first pixel that [`nth()`](Self::nth) tells to lie in part `nth` or beyond; 0 or
    /// less if all of them do.
    fn first_of(&self, nth: i64, parts: i64, length: i64) -> i64 {
        let div_ceil = |n: i64, by: i64| (n + (by - 1)).checked_div(by).unwrap_or(0);
        let place = div_ceil(nth * length * self.size, parts);

        div_ceil(place - self.place(0), self.part)
    }

    /// Returns how far pixel `n` is on the way from the first pixel to the last one, of [`ONE`].
    fn ramp(&self, n: i64) -> i64 {
        (self.place(n) * ONE)
            .checked_div(self.whole * self.size - self.part)
            .unwrap_or(0)
    }

    /// Returns how far pixel `n` is from the middle, of 2^20 for half of `length`.
    fn off_middle(&self, n: i64, length: i64) -> i64 {
        ((2 * self.place(n) + self.part - self.whole * self.size) << 20)
            .checked_div(length * self.size)
            .unwrap_or(0)
    }
}

/// Stretches of lines.
enum Bands {
    /// Each of so many parts of a length in pixels of the array.
    Of(i64, i64),
    /// Each line.
    Lines,
    /// The whole picture.
    One,
}

/// Each of the 256 levels of a pattern, once converted: what the pixels of a
/// [zone plate](Pattern::ZonePlate) become, or the light of red, green and blue of
/// [noise](Pattern::Noise).
pub struct Tones([u32; 256]);

impl Tones {
    fn get(&self, level: u8) -> i64 {
        self.0.get(usize::from(level)).copied().map_or(0, i64::from)
    }
}

/// A look at a layout, with all that is the same for each pixel.
pub struct PatternGen<'a> {
    look: &'a PictureParams,
    colour: &'static Colour,
    conversion: Option<Conversion>,
    tones: Option<&'a Tones>,
    x: Axis,
    y: Axis,
    /// The factor of exposure and gain, in units of 1/65536.
    level: i64,
    /// Sine and cosine of the hue.
    hue: (i64, i64),
}

impl<'a> PatternGen<'a> {
    /// Looks at it.
    pub fn new(look: &'a PictureParams, layout: &Layout) -> Self {
        let crop = look.crop;
        let (width, height) = look.native;
        let light = u64::from(look.exposure) * u64::from(look.gain);

        Self {
            look,
            colour: Colour::of(&look.colorimetry),
            conversion: Conversion::new(&look.colorimetry),
            tones: None,
            x: Axis::new(crop.left, crop.width, layout.width, width),
            y: Axis::new(crop.top, crop.height, layout.height, height),
            level: ((light << 32) / (u64::from(EXPOSURE) * u64::from(GAIN))).isqrt() as i64,
            hue: sin_cos(look.hue),
        }
    }

    /// Returns the tones of a pattern for whose pixels it takes too long to convert each.
    pub fn tones(&self) -> Option<Tones> {
        let conversion = self.conversion.as_ref()?;
        // Both fit into 32 bits.
        let tone = |level: u8| match self.look.pattern {
            Pattern::ZonePlate => conversion.convert_grey(self.expose(ring(level))) as u32,
            _ => linear(self.expose(shade(level))) as u32,
        };

        matches!(self.look.pattern, Pattern::ZonePlate | Pattern::Noise)
            .then(|| Tones(core::array::from_fn(|level| tone(level as u8))))
    }

    /// Makes use of what [`tones()`](Self::tones) has returned.
    pub fn with_tones(self, tones: Option<&'a Tones>) -> Self {
        Self { tones, ..self }
    }

    /// Returns the kind of line `y` of a frame.
    pub fn kind(&self, y: usize) -> usize {
        let band = self.band(y);

        match self.look.pattern {
            Pattern::Bars75 | Pattern::Bars100 => usize::from(band >= 3),
            Pattern::Ramps | Pattern::ZonePlate => band as usize,
            Pattern::Checkerboard => (band % 2) as usize,
            Pattern::Noise => hash(self.look.seed, band as u32, 0) as usize % NOISE_LINES,
            _ => 0,
        }
    }

    /// Returns the kind of line `y`, and how far from there on all lines are of that kind: the
    /// first one beyond.
    pub fn run(&self, y: usize) -> (usize, usize) {
        let beyond = match self.bands() {
            Bands::Of(parts, length) if self.look.vflip => {
                let first = self.y.first_of(self.band(y), parts, length);

                self.y.size - first.max(0)
            }
            Bands::Of(parts, length) => self.y.first_of(self.band(y) + 1, parts, length),
            Bands::Lines => 0,
            Bands::One => self.y.size,
        };

        (
            self.kind(y),
            (beyond.min(self.y.size) as usize).max(y + 1), //
        )
    }

    /// Returns the bands of lines that are of one kind.
    fn bands(&self) -> Bands {
        match self.look.pattern {
            Pattern::Bars75 | Pattern::Bars100 => Bands::Of(4, self.y.whole),
            Pattern::Ramps => Bands::Of(RAMPS.len() as i64, self.y.whole),
            Pattern::Checkerboard => Bands::Of(16, self.x.whole),
            Pattern::ZonePlate | Pattern::Noise => Bands::Lines,
            _ => Bands::One,
        }
    }

    /// Returns in which band line `y` lies.
    fn band(&self, y: usize) -> i64 {
        let last = self.y.size - 1;
        let y = if self.look.vflip {
            last - y as i64
        } else {
            y as i64
        };

        match self.bands() {
            Bands::Of(parts, length) => self.y.nth(y, parts, length),
            Bands::Lines => y,
            Bands::One => 0,
        }
    }

    /// Returns luma and the two differences of pixel `x`, in a line of kind `kind`, before it
    /// moves.
    pub fn ycc(&self, kind: usize, x: u32) -> [i64; 3] {
        let x = if self.look.hflip {
            self.x.size - 1 - i64::from(x)
        } else {
            i64::from(x)
        };
        let rgb = match (&self.conversion, self.tones) {
            (Some(conversion), Some(tones)) if self.look.pattern == Pattern::Noise => {
                conversion.encode(self.noise(kind, x).map(|level| tones.get(level)))
            }
            (Some(_), Some(tones)) => [tones.get(self.turn(kind, x)); 3],
            (Some(conversion), None) => {
                conversion.convert(self.rgb(kind, x).map(|part| self.expose(part)))
            }
            (None, _) => self.rgb(kind, x).map(|part| self.expose(part)),
        };

        self.adjust(self.colour.ycc(rgb))
    }

    /// Applies exposure and gain to one of red, green and blue.
    fn expose(&self, part: i64) -> i64 {
        ((part * self.level) >> 16).min(ONE)
    }

    /// Returns how colours are encoded.
    pub fn colour(&self) -> &'static Colour {
        self.colour
    }

    /// Returns the code of `bits` bits for a channel of a colour.
    pub fn code(&self, channel: Channel, ycc: [i64; 3], bits: u8) -> u16 {
        let value = match channel {
            Channel::A => i64::from(self.look.alpha) * ONE / 255,
            _ => self.colour.channel(channel, ycc),
        };

        self.colour.code(channel, value, bits)
    }

    /// Returns red, green and blue of pixel `x` of the pattern in a line of kind `kind`.
    fn rgb(&self, kind: usize, x: i64) -> [i64; 3] {
        let of = |parts: &[bool; 3], level| parts.map(|part| if part { level } else { 0 });
        let bars = |level| {
            BARS.get(self.x.nth(x, 8, self.x.whole) as usize)
                .map_or([0; 3], |bar| of(bar, level))
        };

        match (self.look.pattern, kind) {
            (Pattern::Bars75, 0) => bars(ONE * 3 / 4),
            (Pattern::Bars100, 0) => bars(ONE),
            (Pattern::Bars75 | Pattern::Bars100, _) => [self.x.ramp(x); 3],
            (Pattern::Ramps, _) => RAMPS
                .get(kind)
                .map_or([0; 3], |parts| of(parts, self.x.ramp(x))),
            (Pattern::Checkerboard, _) => {
                let white = self.x.nth(x, 16, self.x.whole) as usize % 2 != kind;

                of(&[white; 3], ONE)
            }
            (Pattern::SolidRed, _) => [ONE * 3 / 4, 0, 0],
            (Pattern::SolidGreen, _) => [0, ONE * 3 / 4, 0],
            (Pattern::SolidBlue, _) => [0, 0, ONE * 3 / 4],
            (Pattern::ZonePlate, _) => [ring(self.turn(kind, x)); 3],
            (Pattern::Noise, _) => self.noise(kind, x).map(shade),
            (Pattern::Clock, _) => [ONE / 8; 3],
        }
    }

    /// Returns how far a zone plate has turned at a pixel, in units of 1/256 of a turn.
    fn turn(&self, kind: usize, x: i64) -> u8 {
        let across = self.x.off_middle(x, self.x.whole);
        let down = self.y.off_middle(kind as i64, self.x.whole);

        // Eighty turns to the side.
        (((across * across + down * down) * (80 * 256)) >> 40) as u8
    }

    /// Returns red, green and blue of a pixel of noise.
    fn noise(&self, kind: usize, x: i64) -> [u8; 3] {
        let [r, g, b, _] = hash(self.look.seed, kind as u32, x as u32).to_le_bytes();

        [r, g, b]
    }

    /// Applies the controls to a colour.
    fn adjust(&self, [y, cb, cr]: [i64; 3]) -> [i64; 3] {
        let contrast = i64::from(self.look.contrast);
        let brightness = i64::from(self.look.brightness) - 128;
        let saturation = i64::from(self.look.saturation);
        let (sin, cos) = self.hue;
        let saturate = |c: i64| ((c >> 16) * saturation / 128).clamp(-ONE / 2, ONE / 2);

        [
            ((y - ONE / 2) * contrast / 128 + ONE / 2 + brightness * ONE / 256).clamp(0, ONE),
            saturate(cb * cos - cr * sin),
            saturate(cb * sin + cr * cos),
        ]
    }
}

/// Returns the level of a zone plate that has turned so far.
fn ring(turn: u8) -> i64 {
    ONE / 2 + sin_cos(turn as i8).1 * (ONE >> 17)
}

/// Returns a level of noise.
fn shade(level: u8) -> i64 {
    i64::from(level) * ONE / 255
}

/// Mixes numbers into one that looks like any other.
fn hash(seed: u16, a: u32, b: u32) -> u32 {
    let mut n = ((u64::from(a) << 32) | u64::from(b)) ^ (u64::from(seed) << 20);

    // The finalizer of SplitMix64.
    n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (n ^ (n >> 31)) as u32
}

/// Returns the phase of the frame with this sequence number.
pub fn phase(layout: &Layout, look: &PictureParams, sequence: u32) -> u32 {
    let step = layout.format.width_step();
    let steps = layout.width / step;
    let n = match look.pattern {
        Pattern::Noise => hash(look.seed, u32::MAX, sequence),
        _ => sequence,
    };

    n.checked_rem(steps).unwrap_or(0) * step.get()
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[path = "pattern/tests.rs"]
mod tests;
