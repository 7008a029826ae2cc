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
    look::{
        Look,
        Pattern,
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
pub struct Scene<'a> {
    look: &'a Look,
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

impl<'a> Scene<'a> {
    /// Looks at it.
    pub fn new(look: &'a Look, layout: &Layout) -> Self {
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
        let band = self.band(y);
        let (mut within, mut beyond) = (y, self.y.size as usize);

        // A band is one stretch of lines.
        while beyond.saturating_sub(within) > 1 {
            let middle = within + (beyond - within) / 2;

            if self.band(middle) == band {
                within = middle;
            } else {
                beyond = middle;
            }
        }
        (self.kind(y), beyond.max(y + 1))
    }

    /// Returns in which band of lines that are of one kind line `y` lies.
    fn band(&self, y: usize) -> i64 {
        let last = self.y.size - 1;
        let y = if self.look.vflip {
            last - y as i64
        } else {
            y as i64
        };

        match self.look.pattern {
            Pattern::Bars75 | Pattern::Bars100 => self.y.nth(y, 4, self.y.whole),
            Pattern::Ramps => self.y.nth(y, RAMPS.len() as i64, self.y.whole),
            Pattern::Checkerboard => self.y.nth(y, 16, self.x.whole),
            Pattern::ZonePlate | Pattern::Noise => y,
            _ => 0,
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
pub fn phase(layout: &Layout, look: &Look, sequence: u32) -> u32 {
    let step = layout.format.width_step();
    let steps = layout.width / step;
    let n = match look.pattern {
        Pattern::Noise => hash(look.seed, u32::MAX, sequence),
        _ => sequence,
    };

    n.checked_rem(steps).unwrap_or(0) * step.get()
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_pattern))]
mod tests {
    use super::{
        super::{
            colorimetry::{
                Colorimetry,
                Colorspace,
                Quantization,
                YcbcrEnc, //
            },
            look::Crop, //
        },
        *, //
    };

    #[test]
    fn bars_have_their_colours() {
        let colour = Colour::of(&Colorimetry::default());
        let full = Colour::get(YcbcrEnc::Bt601, Quantization::FullRange);
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
            let look = Look {
                pattern,
                ..Look::default()
            };
            let scene = Scene::new(&look, &layout);

            for (n, (want, bar)) in codes.into_iter().zip(BARS).enumerate() {
                let ycc = colour.ycc(scene.rgb(0, 10 * n as i64 + 9));
                let [y, cb, cr] = scene.adjust(ycc);

                assert_eq!(colour.code(Channel::Y, y, 8), want[0]);
                assert_eq!(colour.code(Channel::Cb, cb, 8), want[1]);
                assert_eq!(colour.code(Channel::Cr, cr, 8), want[2]);
                for (value, lit) in colour.rgb(ycc).into_iter().zip(bar) {
                    let want = if lit { level } else { 0 };

                    assert_eq!(full.code(Channel::R, value, 8), want);
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
        let colour = Colour::of(&Colorimetry::default());

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
            let ycc = Scene::new(&look, &Layout::default()).adjust(colour.ycc(rgb));
            let channels = [
                Channel::Y,
                Channel::Cb,
                Channel::Cr,
                Channel::R,
                Channel::G,
                Channel::B,
            ];

            for (channel, want) in channels.into_iter().zip(want) {
                let quantization = Quantization::default_of(channel.is_yuv());
                let coded = Colour::get(YcbcrEnc::Bt601, quantization);
                let code = coded.code(channel, colour.channel(channel, ycc), 8);

                assert!(close(code.into(), want));
            }
        }
    }

    #[test]
    fn extreme_colours_stay_in_range() {
        let colour = Colour::of(&Colorimetry::default());

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

                    let layout = Layout::default();
                    let scene = Scene::new(&look, &layout);

                    for bar in BARS {
                        let rgb = bar.map(|lit| if lit { ONE } else { 0 });
                        let [y, cb, cr] = scene.adjust(colour.ycc(rgb));

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
        let all = Crop::whole(7680, 4320);
        let part = Crop {
            left: 7000,
            top: 4000,
            width: 680,
            height: 320,
        };

        for pattern in Pattern::ALL {
            for (width, height) in [(32, 16), (7680, 4320), (32, 4320), (7680, 16)] {
                for (crop, vflip) in [(all, false), (all, true), (part, false), (part, true)] {
                    let layout = Layout::negotiate(0, width, height);
                    let look = Look {
                        pattern,
                        crop,
                        vflip,
                        ..Look::default()
                    };
                    let scene = Scene::new(&look, &layout);
                    let (mut kind, mut end) = (0, 0);

                    for y in 0..height as usize {
                        if y == end {
                            (kind, end) = scene.run(y);
                        }
                        assert!(scene.kind(y) < pattern.kinds(&layout));
                        assert_eq!(scene.kind(y), kind);
                    }
                    assert_eq!(end, height as usize);
                }
            }
            assert!(Pattern::from_index(pattern as u8) == Some(pattern));
        }
        assert!(Pattern::from_index(Pattern::ALL.len() as u8).is_none());
    }

    #[test]
    fn a_crop_is_scaled() {
        let layout = Layout::negotiate(0, 64, 64);
        // The last quarter of each side: red, and two bars of it, blue and black; and the ramp.
        let look = Look {
            native: (640, 480),
            crop: Crop {
                left: 480,
                top: 300,
                width: 160,
                height: 120,
            },
            ..Look::default()
        };
        let scene = Scene::new(&look, &layout);

        for (x, want) in [(0, 2), (31, 2), (32, 0), (63, 0)] {
            let blue = scene.rgb(0, x)[2];

            assert_eq!(blue, if want == 2 { ONE * 3 / 4 } else { 0 });
        }
        // Line 360 of the array is the first of the ramp: 60 of 120 lines down.
        assert_eq!((scene.kind(31), scene.kind(32)), (0, 1));
        // The ramp ends where the array does, and begins at three quarters of it.
        assert_eq!(scene.rgb(1, 63), [ONE; 3]);
        assert!((scene.rgb(1, 0)[0] - ONE * 3 / 4).abs() < ONE / 250);
    }

    #[test]
    fn flips_are_of_what_is_captured() {
        let layout = Layout::negotiate(0, 64, 64);
        let crop = Crop {
            left: 100,
            top: 200,
            width: 300,
            height: 280,
        };
        let look = Look {
            native: (640, 480),
            crop,
            ..Look::default()
        };
        let flipped = Look {
            hflip: true,
            vflip: true,
            ..look
        };
        let (plain, flipped) = (Scene::new(&look, &layout), Scene::new(&flipped, &layout));

        for n in 0..64 {
            assert_eq!(plain.kind(n), flipped.kind(63 - n));
            assert!(plain.ycc(1, n as u32) == flipped.ycc(1, 63 - n as u32));
        }
    }

    #[test]
    fn light_follows_the_square_root() {
        let layout = Layout::default();

        for (exposure, gain, level) in [
            (100, 16, 65536),
            (400, 16, 131072),
            (100, 64, 131072),
            (25, 16, 32768),
            (1, 16, 6553),
            (10_000, 256, 2_621_440),
        ] {
            let look = Look {
                exposure,
                gain,
                pattern: Pattern::Bars75,
                ..Look::default()
            };
            let scene = Scene::new(&look, &layout);
            let want = (ONE * 3 / 4 * level / 65536).min(ONE);
            let white = scene.ycc(0, 0)[0];

            assert_eq!(scene.level, level);
            assert!((white - want).abs() <= 1 << 10);
        }
    }

    #[test]
    fn a_zone_plate_is_round() {
        let layout = Layout::negotiate(0, 640, 360);
        let look = Look {
            pattern: Pattern::ZonePlate,
            native: (640, 360),
            crop: Crop::whole(640, 360),
            ..Look::default()
        };
        let scene = Scene::new(&look, &layout);

        // White in the middle, and the same at the same distance across and down.
        assert!(scene.rgb(180, 320)[0] > ONE * 99 / 100);
        for n in 0..180 {
            assert_eq!(scene.rgb(180 + n, 320), scene.rgb(180, 320 + n as i64));
            assert_eq!(
                scene.rgb(180, 319 - n as i64),
                scene.rgb(180, 320 + n as i64)
            );
        }
        // The first black ring: half a turn of 80 (2 x / 640)^2.
        assert!(scene.rgb(180, 345)[0] < ONE / 50);
    }

    #[test]
    fn noise_comes_from_its_seed() {
        let layout = Layout::negotiate(0, 640, 480);
        let look = |seed| Look {
            pattern: Pattern::Noise,
            seed,
            ..Look::default()
        };
        let (one, two) = (look(1), look(2));
        let differ = |a: &Look, b: &Look| {
            let (a, b) = (Scene::new(a, &layout), Scene::new(b, &layout));

            (0..640).filter(|&x| a.rgb(0, x) != b.rgb(0, x)).count()
        };

        assert_eq!(differ(&one, &one), 0);
        assert!(differ(&one, &two) > 600);
        assert!(phase(&layout, &one, 1) != phase(&layout, &one, 2));
        assert!(phase(&layout, &one, 1) != phase(&layout, &two, 1));
    }

    #[test]
    fn tones_are_what_each_pixel_is_converted_to() {
        let layout = Layout::negotiate(0, 64, 64);

        for colorspace in Colorspace::ALL {
            for (pattern, exposure) in Pattern::ALL
                .into_iter()
                .flat_map(|pattern| [(pattern, 100), (pattern, 37)])
            {
                let look = Look {
                    pattern,
                    exposure,
                    colorimetry: Colorimetry::default_of(colorspace, true),
                    ..Look::default()
                };
                let (slow, fast) = (Scene::new(&look, &layout), Scene::new(&look, &layout));
                let tones = fast.tones();
                let fast = fast.with_tones(tones.as_ref());

                for kind in 0..pattern.kinds(&layout) {
                    for x in 0..64 {
                        assert!(slow.ycc(kind, x) == fast.ycc(kind, x));
                    }
                }
            }
        }
    }

    #[test]
    fn phases_go_round() {
        let layout = Layout::negotiate(0, 640, 480);
        let look = Look::default();

        assert_eq!(phase(&layout, &look, 0), 0);
        assert_eq!(phase(&layout, &look, 1), 2);
        assert_eq!(phase(&layout, &look, 319), 638);
        assert_eq!(phase(&layout, &look, 320), 0);
        for pattern in Pattern::ALL {
            let look = Look { pattern, ..look };

            assert!(phase(&layout, &look, u32::MAX) < 640);
        }
    }
}
