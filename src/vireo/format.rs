// SPDX-License-Identifier: GPL-2.0

//! Pixel formats.
//!
//! A format is data: which components it consists of, how many pixels one group of a component
//! covers, and where in a group each sample sits. A new format is a new row of [`FORMATS`].
//!
//! This file, like all that the reader in `tests` is built from as well, uses `core` only. None of
//! them divides by what could be 0 as far as the compiler knows.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use core::num::NonZero;

/// The most components of a format, and so the most parts of a frame in memory of their own.
pub const MAX_MEM_PLANES: usize = 3;

/// What a sample measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Luma.
    Y,
    /// Blue difference.
    Cb,
    /// Red difference.
    Cr,
    /// Red.
    R,
    /// Green.
    G,
    /// Blue.
    B,
    /// Alpha.
    A,
    /// Nothing; always 0.
    X,
}

impl Channel {
    /// Whether the sample alone tells black from white.
    pub fn tells_brightness(self) -> bool {
        !matches!(self, Self::Cb | Self::Cr | Self::A | Self::X)
    }

    /// Whether it is a part of luma and the two differences.
    pub fn is_yuv(self) -> bool {
        matches!(self, Self::Y | Self::Cb | Self::Cr)
    }
}

/// One sample within a group of pixels.
///
/// A group is a little-endian number, so byte `n` begins at bit `8 * n`.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What is sampled.
    pub channel: Channel,
    /// Which pixel of the group is sampled.
    pub pixel: u8,
    /// The size of the sample in bits, 16 at most.
    pub bits: u8,
    /// The least significant bit of the sample, but for what is kept apart.
    pub lsb: u8,
    /// How many of its least significant bits are kept apart, and from which bit on.
    pub apart: (u8, u8),
}

impl Sample {
    /// A sample of `bits` bits from `lsb` on.
    const fn new(channel: Channel, pixel: u8, lsb: u8, bits: u8) -> Self {
        Self {
            channel,
            pixel,
            bits,
            lsb,
            apart: (0, 0),
        }
    }

    /// Puts `code` where the sample is in `group`; what lies outside the group is left out.
    pub fn put(&self, group: &mut [u8], code: u16) {
        let (apart, lsb) = self.apart;

        put(group, self.lsb, self.bits - apart, code >> apart);
        if apart > 0 {
            put(group, lsb, apart, code);
        }
    }

    /// Takes the sample out of `group`.
    #[allow(dead_code, reason = "for the tests and the reader")]
    pub fn get(&self, group: &[u8]) -> u16 {
        let (apart, lsb) = self.apart;

        (get(group, self.lsb, self.bits - apart) << apart) | get(group, lsb, apart)
    }
}

/// Puts the `bits` least significant bits of `code` into `group`, from bit `lsb` on.
fn put(group: &mut [u8], lsb: u8, bits: u8, code: u16) {
    let shift = lsb % 8;
    let mask = ((1u32 << bits) - 1) << shift;
    let code = (u32::from(code) << shift) & mask;

    for ((dst, code), mask) in group
        .iter_mut()
        .skip(usize::from(lsb / 8))
        .zip(code.to_le_bytes())
        .zip(mask.to_le_bytes())
    {
        *dst = (*dst & !mask) | code;
    }
}

/// Takes `bits` bits out of `group`, from bit `lsb` on.
#[allow(dead_code, reason = "for the tests and the reader")]
fn get(group: &[u8], lsb: u8, bits: u8) -> u16 {
    let mut code = [0; 4];

    for (dst, src) in code.iter_mut().zip(group.iter().skip(usize::from(lsb / 8))) {
        *dst = *src;
    }
    ((u32::from_le_bytes(code) >> (lsb % 8)) & ((1 << bits) - 1)) as u16
}

/// One component plane: samples that are kept together.
#[derive(Debug)]
pub struct Component {
    /// The pixels that one group covers, horizontally.
    pub width: NonZero<u8>,
    /// The lines of the picture for each line of the component.
    pub height: NonZero<u8>,
    /// The size of a group in bytes.
    pub bytes: NonZero<u8>,
    /// The samples in a group: a list for each line, over and over. Only mosaics need more than
    /// one.
    pub lines: &'static [&'static [Sample]],
}

impl Component {
    /// A component whose groups cover `width` by `height` pixels in `bytes` bytes.
    const fn new(width: u8, height: u8, bytes: u8, lines: &'static [&'static [Sample]]) -> Self {
        // Evaluated by the compiler: none of it can happen once the module is built.
        let (Some(width), Some(height), Some(bytes)) = (
            NonZero::new(width),
            NonZero::new(height),
            NonZero::new(bytes),
        ) else {
            panic!("a component without a size");
        };

        Self {
            width,
            height,
            bytes,
            lines,
        }
    }

    /// The samples in each group of line `line`.
    pub fn samples(&self, line: usize) -> &'static [Sample] {
        self.lines
            .get(line.checked_rem(self.lines.len()).unwrap_or(0))
            .copied()
            .unwrap_or(&[])
    }

    /// Returns the size in bytes of a line of `width` pixels.
    pub fn line(&self, width: u32) -> u32 {
        width / NonZero::<u32>::from(self.width) * u32::from(self.bytes.get())
    }

    /// Whether the component bears the [`stamp`](super::stamp).
    pub fn bears_stamp(&self) -> bool {
        self.samples(0)
            .iter()
            .any(|sample| sample.channel.tells_brightness())
    }
}

/// A pixel format.
#[derive(Debug)]
pub struct Format {
    /// The name that V4L2 gives it, `V4L2_PIX_FMT_*`.
    pub fourcc: u32,
    /// Its components, in the order in which they lie in memory.
    pub components: &'static [Component],
    /// Whether each component lies in memory of its own, which takes a multi-planar device.
    pub is_apart: bool,
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.fourcc == other.fourcc
    }
}

impl Eq for Format {}

/// Returns the code of the format that four characters name.
pub const fn fourcc(name: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*name)
}

/// Samples of `bits` bits, each of them `step` bits after the one before.
const fn row<const N: usize>(bits: u8, step: u8, samples: [(Channel, u8); N]) -> [Sample; N] {
    let mut row = [Sample::new(Channel::X, 0, 0, 0); N];
    let mut n = 0;

    while n < N {
        row[n] = Sample::new(samples[n].0, samples[n].1, step * n as u8, bits);
        n += 1;
    }
    row
}

/// Four samples of ten bits: eight of each, and then two of each.
const fn row_10p(samples: [(Channel, u8); 4]) -> [Sample; 4] {
    let mut row = row(10, 8, samples);
    let mut n = 0;

    while n < row.len() {
        row[n].apart = (2, 32 + 2 * n as u8);
        n += 1;
    }
    row
}

/// A component whose groups, for `width` by `height` pixels, are a byte for each sample.
macro_rules! bytes {
    ($width:literal x $height:literal: $($channel:ident $pixel:literal),*) => {
        Component::new(
            $width,
            $height,
            [$($pixel),*].len() as u8,
            &[&row(8, 8, [$((Channel::$channel, $pixel)),*])],
        )
    };
}

/// A component of luma alone, in two bytes a pixel.
macro_rules! grey {
    ($bits:literal) => {
        Component::new(1, 1, 2, &[&row($bits, 16, [(Channel::Y, 0)])])
    };
}

/// A component of single colours, in one or two bytes a pixel: those of even lines, and of odd.
macro_rules! mosaic {
    ($bits:literal in $bytes:literal: $a:ident $b:ident / $c:ident $d:ident) => {
        Component::new(
            2,
            1,
            2 * $bytes,
            &[
                &row($bits, 8 * $bytes, [(Channel::$a, 0), (Channel::$b, 1)]),
                &row($bits, 8 * $bytes, [(Channel::$c, 0), (Channel::$d, 1)]),
            ],
        )
    };
}

/// The same in ten bits, packed: four pixels in five bytes.
macro_rules! mosaic_10p {
    ($a:ident $b:ident / $c:ident $d:ident) => {
        Component::new(
            4,
            1,
            5,
            &[
                &row_10p([
                    (Channel::$a, 0),
                    (Channel::$b, 1),
                    (Channel::$a, 2),
                    (Channel::$b, 3),
                ]),
                &row_10p([
                    (Channel::$c, 0),
                    (Channel::$d, 1),
                    (Channel::$c, 2),
                    (Channel::$d, 3),
                ]),
            ],
        )
    };
}

// What formats with planes of memory for each component have in common with those without.
const NV12: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 2: Cb 0, Cr 0)];
const NV21: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 2: Cr 0, Cb 0)];
const NV16: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 1: Cb 0, Cr 0)];
const NV61: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 1: Cr 0, Cb 0)];
const YUV420: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 2: Cb 0), bytes!(2 x 2: Cr 0)];
const YVU420: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 2: Cr 0), bytes!(2 x 2: Cb 0)];
const YUV422: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 1: Cb 0), bytes!(2 x 1: Cr 0)];
const YVU422: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 1: Cr 0), bytes!(2 x 1: Cb 0)];
const YUV444: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(1 x 1: Cb 0), bytes!(1 x 1: Cr 0)];
const YVU444: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(1 x 1: Cr 0), bytes!(1 x 1: Cb 0)];

/// Red, green and blue in two bytes.
const RGB565: &[Component] = &[Component::new(
    1,
    1,
    2,
    &[&[
        Sample::new(Channel::B, 0, 0, 5),
        Sample::new(Channel::G, 0, 5, 6),
        Sample::new(Channel::R, 0, 11, 5),
    ]],
)];

/// Every format there is. The first is the default.
#[rustfmt::skip]
pub static FORMATS: &[Format] = &[
    Format::new(b"YUYV", &[bytes!(2 x 1: Y 0, Cb 0, Y 1, Cr 0)]),
    Format::new(b"UYVY", &[bytes!(2 x 1: Cb 0, Y 0, Cr 0, Y 1)]),
    Format::new(b"YVYU", &[bytes!(2 x 1: Y 0, Cr 0, Y 1, Cb 0)]),
    Format::new(b"VYUY", &[bytes!(2 x 1: Cr 0, Y 0, Cb 0, Y 1)]),
    Format::new(b"NV12", NV12),
    Format::new(b"NV21", NV21),
    Format::new(b"NV16", NV16),
    Format::new(b"NV61", NV61),
    Format::new(b"NV24", &[bytes!(1 x 1: Y 0), bytes!(1 x 1: Cb 0, Cr 0)]),
    Format::new(b"NV42", &[bytes!(1 x 1: Y 0), bytes!(1 x 1: Cr 0, Cb 0)]),
    Format::new(b"YU12", YUV420),
    Format::new(b"YV12", YVU420),
    Format::new(b"422P", YUV422),
    Format::new(b"RGBP", RGB565),
    Format::new(b"RGB3", &[bytes!(1 x 1: R 0, G 0, B 0)]),
    Format::new(b"BGR3", &[bytes!(1 x 1: B 0, G 0, R 0)]),
    Format::new(b"XR24", &[bytes!(1 x 1: B 0, G 0, R 0, X 0)]),
    Format::new(b"AR24", &[bytes!(1 x 1: B 0, G 0, R 0, A 0)]),
    Format::new(b"RX24", &[bytes!(1 x 1: X 0, B 0, G 0, R 0)]),
    Format::new(b"RA24", &[bytes!(1 x 1: A 0, B 0, G 0, R 0)]),
    Format::new(b"XB24", &[bytes!(1 x 1: R 0, G 0, B 0, X 0)]),
    Format::new(b"AB24", &[bytes!(1 x 1: R 0, G 0, B 0, A 0)]),
    Format::new(b"BX24", &[bytes!(1 x 1: X 0, R 0, G 0, B 0)]),
    Format::new(b"BA24", &[bytes!(1 x 1: A 0, R 0, G 0, B 0)]),
    Format::new(b"GREY", &[bytes!(1 x 1: Y 0)]),
    Format::new(b"Y10 ", &[grey!(10)]),
    Format::new(b"Y12 ", &[grey!(12)]),
    Format::new(b"Y16 ", &[grey!(16)]),
    Format::new(b"BA81", &[mosaic!(8 in 1: B G / G R)]),
    Format::new(b"GBRG", &[mosaic!(8 in 1: G B / R G)]),
    Format::new(b"GRBG", &[mosaic!(8 in 1: G R / B G)]),
    Format::new(b"RGGB", &[mosaic!(8 in 1: R G / G B)]),
    Format::new(b"BG10", &[mosaic!(10 in 2: B G / G R)]),
    Format::new(b"GB10", &[mosaic!(10 in 2: G B / R G)]),
    Format::new(b"BA10", &[mosaic!(10 in 2: G R / B G)]),
    Format::new(b"RG10", &[mosaic!(10 in 2: R G / G B)]),
    Format::new(b"pBAA", &[mosaic_10p!(B G / G R)]),
    Format::new(b"pGAA", &[mosaic_10p!(G B / R G)]),
    Format::new(b"pgAA", &[mosaic_10p!(G R / B G)]),
    Format::new(b"pRAA", &[mosaic_10p!(R G / G B)]),
    Format::new(b"BG12", &[mosaic!(12 in 2: B G / G R)]),
    Format::new(b"GB12", &[mosaic!(12 in 2: G B / R G)]),
    Format::new(b"BA12", &[mosaic!(12 in 2: G R / B G)]),
    Format::new(b"RG12", &[mosaic!(12 in 2: R G / G B)]),
    Format::new(b"BYR2", &[mosaic!(16 in 2: B G / G R)]),
    Format::new(b"GB16", &[mosaic!(16 in 2: G B / R G)]),
    Format::new(b"GR16", &[mosaic!(16 in 2: G R / B G)]),
    Format::new(b"RG16", &[mosaic!(16 in 2: R G / G B)]),
    Format::apart(b"NM12", NV12),
    Format::apart(b"NM21", NV21),
    Format::apart(b"NM16", NV16),
    Format::apart(b"NM61", NV61),
    Format::apart(b"YM12", YUV420),
    Format::apart(b"YM21", YVU420),
    Format::apart(b"YM16", YUV422),
    Format::apart(b"YM61", YVU422),
    Format::apart(b"YM24", YUV444),
    Format::apart(b"YM42", YVU444),
];

/// Every format that a device offers, which is multi-planar or not.
#[allow(dead_code, reason = "for the driver")]
pub fn offered(is_multiplanar: bool) -> impl Iterator<Item = &'static Format> {
    FORMATS
        .iter()
        .filter(move |format| is_multiplanar || !format.is_apart)
}

/// Returns the format called `fourcc`.
pub fn find(fourcc: u32) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.fourcc == fourcc)
}

impl Format {
    /// A format whose components follow each other in memory.
    const fn new(name: &[u8; 4], components: &'static [Component]) -> Self {
        Self {
            fourcc: fourcc(name),
            components,
            is_apart: false,
        }
    }

    /// A format whose components lie in memory of their own.
    const fn apart(name: &[u8; 4], components: &'static [Component]) -> Self {
        Self {
            is_apart: true,
            ..Self::new(name, components)
        }
    }

    /// The channels that it has, some of them more than once.
    fn channels(&self) -> impl Iterator<Item = Channel> {
        let components = self.components.iter();

        components
            .flat_map(|component| component.samples(0))
            .map(|sample| sample.channel)
    }

    /// Whether it consists of luma, and of chroma if any.
    pub fn is_yuv(&self) -> bool {
        self.channels().any(|channel| channel.is_yuv())
    }

    /// Whether it has chroma.
    #[allow(dead_code, reason = "for the driver")]
    pub fn has_chroma(&self) -> bool {
        self.channels().any(|channel| channel == Channel::Cb)
    }

    /// The format called `fourcc`, or the default for want of one.
    pub fn find_or_default(fourcc: u32) -> &'static Format {
        /// Stands in for the first row, which is always there.
        static NONE: Format = Format {
            fourcc: 0,
            components: &[],
            is_apart: false,
        };

        find(fourcc).or(FORMATS.first()).unwrap_or(&NONE)
    }

    /// Widths are a multiple of this, and so is the phase of the picture.
    pub fn width_step(&self) -> NonZero<u32> {
        self.components
            .iter()
            .fold(EVEN, |step, component| lcm(step, component.width.into()))
    }

    /// Heights are a multiple of this.
    pub fn height_step(&self) -> NonZero<u32> {
        self.components
            .iter()
            .fold(EVEN, |step, component| lcm(step, component.height.into()))
    }

    /// A `bytesperline` that is asked for is rounded up to a multiple of this, so that lines of
    /// every component are a multiple of four bytes, as GStreamer has them.
    ///
    /// GStreamer takes the strides of all components for its own when that of the first one is.
    /// The lines of NV24's chroma are twice as long as those of its luma, rounded up by themselves:
    /// with eight they agree, too, or the first one differs. Where the lines of all components are
    /// as long, its own strides must be had: memory of its own elements (USERPTR) has no others.
    pub fn stride_step(&self) -> NonZero<u32> {
        /// Pixels of which each component has whole lines.
        const PIXELS: u32 = 8;
        let mut lines = self.components.iter().map(|part| part.line(PIXELS));
        let first = lines.next();

        if !self.is_apart && lines.any(|line| Some(line) != first) {
            EVEN.saturating_pow(3)
        } else {
            EVEN.saturating_pow(2)
        }
    }
}

/// The greatest common divisor.
pub(super) fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The step of sizes that no component asks more of.
const EVEN: NonZero<u32> = NonZero::<u32>::MIN.saturating_add(1);

/// The least common multiple.
fn lcm(a: NonZero<u32>, b: NonZero<u32>) -> NonZero<u32> {
    let part = b.get().checked_div(gcd(a.get(), b.get())).unwrap_or(1);

    NonZero::new(part).map_or(a, |part| a.saturating_mul(part))
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_format))]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for (index, format) in FORMATS.iter().enumerate() {
            assert!(find(format.fourcc) == FORMATS.get(index));
            assert!(!format.components.is_empty());
            assert!(format
                .components
                .iter()
                .any(|component| component.bears_stamp()));
            for component in format.components {
                assert!(!component.lines.is_empty());
                for samples in component.lines {
                    let mut group = [0u8; 32];

                    for sample in *samples {
                        assert!(sample.pixel < component.width.get());
                        assert!(matches!(sample.bits, 1..=16));
                        assert!(
                            u32::from(sample.lsb) + u32::from(sample.bits)
                                <= 8 * u32::from(component.bytes.get())
                        );
                        // No two samples share a bit.
                        assert_eq!(sample.get(&group), 0);
                        sample.put(&mut group, u16::MAX);
                    }
                }
            }
        }
    }

    #[test]
    fn steps_in_common() {
        let [four, six] = [2, 4].map(|more| EVEN.saturating_add(more));

        assert_eq!(lcm(four, six).get(), 12);
        assert_eq!(lcm(EVEN, six).get(), 6);
    }

    #[test]
    fn samples_of_any_size() {
        let sample = Sample::new(Channel::G, 0, 5, 6);
        let mut group = [0xff, 0xff];

        sample.put(&mut group, 0);
        assert_eq!(group, [0x1f, 0xf8]);
        sample.put(&mut group, 0xffe1);
        assert_eq!(group, [0x3f, 0xfc]);
        assert_eq!(sample.get(&group), 0x21);

        let sample = Sample::new(Channel::G, 0, 6, 16);
        let mut group = [0; 4];

        sample.put(&mut group, 0x8001);
        assert_eq!(group, [0x40, 0x00, 0x20, 0x00]);
        assert_eq!(sample.get(&group), 0x8001);
    }

    #[test]
    fn ten_bits_in_five_bytes_for_four() {
        let [first, _, _, last] = row_10p([(Channel::R, 0); 4]);
        let mut group = [0; 5];

        first.put(&mut group, 0x2aa);
        assert_eq!(group, [0xaa, 0, 0, 0, 0x02]);
        last.put(&mut group, 0x3fd);
        assert_eq!(group, [0xaa, 0, 0, 0xff, 0x42]);
        assert_eq!((first.get(&group), last.get(&group)), (0x2aa, 0x3fd));
        first.put(&mut group, 0);
        assert_eq!(group, [0, 0, 0, 0xff, 0x40]);
    }
}
