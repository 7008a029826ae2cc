// SPDX-License-Identifier: GPL-2.0

//! Pixel formats, and the layout of a frame in memory.
//!
//! A format is data: which components it consists of, how many pixels one group of a component
//! covers, and where in a group each sample sits. A new format is a new row of [`FORMATS`].
//!
//! This file, like [`colour`](super::colour), [`pattern`](super::pattern),
//! [`template`](super::template), [`stamp`](super::stamp) and [`pacing`](super::pacing), uses
//! `core` only: the reader in `tests` is built from the same source. None of them divides by what
//! could be 0 as far as the compiler knows.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use core::{
    num::NonZero,
    ops::Range, //
};

/// The smallest width.
pub const MIN_WIDTH: u32 = 32;

/// The smallest height.
pub const MIN_HEIGHT: u32 = 16;

/// The largest width.
pub const MAX_WIDTH: u32 = 7680;

/// The largest height.
pub const MAX_HEIGHT: u32 = 4320;

/// The most components of a format, and so the most parts of a frame in memory of their own.
pub const MAX_PARTS: usize = 3;

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

    /// Returns which byte of a group the sample is, if it is one.
    pub fn byte(&self) -> Option<usize> {
        (self.bits == 8 && self.lsb % 8 == 0).then_some(usize::from(self.lsb / 8))
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
    fn line(&self, width: u32) -> u32 {
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

    /// The bytes from one line to the next are a multiple of this where lines are padded: lines of
    /// components that follow the first have their share of it.
    fn stride_step(&self) -> NonZero<u32> {
        let mut components = self.components.iter();
        let bytes = components.next().map_or(EVEN, |first| first.bytes.into());

        components.fold(EVEN, |step, component| {
            lcm(step, bytes.saturating_mul(component.width.into()))
        })
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

/// Returns the multiple of `step` next to `size`, between `min` and `max`.
fn align(size: u32, min: u32, max: u32, step: NonZero<u32>) -> u32 {
    let down = |size| size / step * step.get();
    let least = down(min + (step.get() - 1));

    down(size.clamp(min, max) + step.get() / 2)
        .min(down(max))
        .max(least)
}

/// Returns the multiple of `step` from `asked` on, unless `line` bytes alone are as many.
fn pad(line: u32, asked: u32, step: NonZero<u32>) -> u32 {
    if asked <= line {
        line
    } else {
        (asked + (step.get() - 1)) / step * step.get()
    }
}

/// How a frame lies in memory.
///
/// # Invariants
///
/// - `width` and `height` lie between [`MIN_WIDTH`] and [`MAX_WIDTH`], [`MIN_HEIGHT`] and
///   [`MAX_HEIGHT`], and are multiples of the steps of `format`.
/// - `strides` has room for a line of each component, and `sizeimage` for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The pixel format.
    pub format: &'static Format,
    /// The width in pixels.
    pub width: u32,
    /// The height in lines.
    pub height: u32,
    /// The bytes from one line of each component to the next.
    strides: [u32; MAX_PARTS],
    /// The size of the frame in bytes.
    pub sizeimage: u32,
}

/// A part of a frame that lies in memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins in the frame, as it is when the parts follow each other.
    pub offset: usize,
    /// The bytes from one line of its first component to the next.
    pub bytesperline: u32,
    /// Its size in bytes.
    pub sizeimage: u32,
}

/// Where a component of a frame lies.
#[derive(Clone, Copy, Debug)]
pub struct Plane {
    /// What the plane consists of.
    pub component: &'static Component,
    /// Where it begins in the frame.
    pub offset: usize,
    /// The number of its lines.
    pub rows: usize,
    /// The size of a line in bytes.
    pub bytes: usize,
    /// The bytes from one line to the next: those beyond the line are padding.
    pub stride: usize,
}

impl Plane {
    /// Returns where line `row` lies in the frame.
    pub fn line(&self, row: usize) -> Range<usize> {
        let start = self.offset + row * self.stride;

        start..start + self.bytes
    }

    /// Its size in bytes, padding included.
    pub fn size(&self) -> usize {
        self.rows * self.stride
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::negotiate(0, 640, 480)
    }
}

impl Layout {
    /// Returns the layout nearest to what is asked for, without padding.
    pub fn negotiate(fourcc: u32, width: u32, height: u32) -> Self {
        let format = Format::find_or_default(fourcc);

        // INVARIANT: The two sizes are aligned between their limits; `padded()` sees to the others.
        Self {
            format,
            width: align(width, MIN_WIDTH, MAX_WIDTH, format.width_step()),
            height: align(height, MIN_HEIGHT, MAX_HEIGHT, format.height_step()),
            strides: [0; MAX_PARTS],
            sizeimage: 0,
        }
        .padded(&[])
    }

    /// Returns the same with this many bytes from one line of each part to the next, or as near to
    /// it as can be: room for the line, and for twice the longest line at most.
    pub fn padded(mut self, bytesperline: &[u32]) -> Self {
        let Self { format, width, .. } = self;
        let mut asked = bytesperline.iter().copied();
        // The line and the stride of the first component.
        let mut first = None;

        self.sizeimage = 0;
        for (stride, component) in self.strides.iter_mut().zip(format.components) {
            let line = component.line(width);

            *stride = match first {
                Some((line_of_first, stride_of_first)) if !format.is_apart => {
                    let product: u32 = line * stride_of_first;

                    product.checked_div(line_of_first).unwrap_or(line)
                }
                _ => pad(
                    line,
                    asked.next().unwrap_or(0).min(2 * component.line(MAX_WIDTH)),
                    format.stride_step(),
                ),
            };
            first = first.or(Some((line, *stride)));
            self.sizeimage += *stride * (self.height / NonZero::<u32>::from(component.height));
        }
        self
    }

    /// Returns the parts of the frame that lie in memory of their own: one, or one for each
    /// component.
    #[allow(dead_code, reason = "for the driver")]
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let whole = (!self.format.is_apart).then_some(Part {
            offset: 0,
            bytesperline: self.bytesperline(),
            sizeimage: self.sizeimage,
        });
        let apart = self.planes().filter(|_| self.format.is_apart);

        whole.into_iter().chain(apart.map(|plane| Part {
            offset: plane.offset,
            bytesperline: plane.stride as u32,
            sizeimage: plane.size() as u32,
        }))
    }

    /// The bytes from one line of the first component to the next.
    pub fn bytesperline(&self) -> u32 {
        let [first, ..] = self.strides;

        first
    }

    /// Returns where each component lies.
    pub fn planes(&self) -> impl Iterator<Item = Plane> {
        let Self { width, height, .. } = *self;

        self.format
            .components
            .iter()
            .zip(self.strides)
            .scan(0, move |end, (component, stride)| {
                let plane = Plane {
                    component,
                    offset: *end,
                    rows: (height / NonZero::<u32>::from(component.height)) as usize,
                    bytes: component.line(width) as usize,
                    stride: stride as usize,
                };

                *end += plane.size();
                Some(plane)
            })
    }
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
    fn the_default() {
        let layout = Layout::default();

        assert_eq!(layout.format.fourcc, fourcc(b"YUYV"));
        assert_eq!((layout.width, layout.height), (640, 480));
        assert_eq!((layout.bytesperline(), layout.sizeimage), (1280, 614400));
        assert!(find(0).is_none());
        assert!(Layout::negotiate(fourcc(b"????"), 640, 480) == layout);
    }

    #[test]
    fn sizes_are_adjusted() {
        for (asked, width, height) in [
            (0, 32, 16),
            (1, 32, 16),
            (15, 32, 16),
            (16, 32, 16),
            (17, 32, 18),
            (31, 32, 32),
            (33, 34, 34),
            (34, 34, 34),
            (641, 642, 642),
            (4319, 4320, 4320),
            (4321, 4322, 4320),
            (7679, 7680, 4320),
            (7681, 7680, 4320),
            (u32::MAX - 1, 7680, 4320),
            (u32::MAX, 7680, 4320),
        ] {
            for format in FORMATS {
                let layout = Layout::negotiate(format.fourcc, asked, asked);

                // Four pixels to a group are the exception.
                if format.width_step().get() == 2 {
                    assert_eq!((layout.width, layout.height), (width, height));
                }
                assert!(layout.width % format.width_step() == 0);
                assert!(layout.width.abs_diff(width) <= 2);
                assert!(Layout::negotiate(format.fourcc, layout.width, layout.height) == layout);
            }
        }
        // A step that divides neither limit.
        let [four, six] = [2, 4].map(|more| EVEN.saturating_add(more));

        assert_eq!(align(0, 16, 7676, six), 18);
        assert_eq!(align(u32::MAX, 16, 7676, six), 7674);
        assert_eq!(lcm(four, six).get(), 12);
    }

    #[test]
    fn bytes_are_counted() {
        let table = [
            (b"YUYV", 15360, 66355200),
            (b"UYVY", 15360, 66355200),
            (b"YVYU", 15360, 66355200),
            (b"VYUY", 15360, 66355200),
            (b"NV12", 7680, 49766400),
            (b"NV21", 7680, 49766400),
            (b"NM12", 7680, 49766400),
            (b"NM21", 7680, 49766400),
            (b"YU12", 7680, 49766400),
            (b"YV12", 7680, 49766400),
            (b"YM12", 7680, 49766400),
            (b"YM21", 7680, 49766400),
            (b"NV16", 7680, 66355200),
            (b"NV61", 7680, 66355200),
            (b"NM16", 7680, 66355200),
            (b"NM61", 7680, 66355200),
            (b"422P", 7680, 66355200),
            (b"YM16", 7680, 66355200),
            (b"YM61", 7680, 66355200),
            (b"NV24", 7680, 99532800),
            (b"NV42", 7680, 99532800),
            (b"YM24", 7680, 99532800),
            (b"YM42", 7680, 99532800),
            (b"RGB3", 23040, 99532800),
            (b"BGR3", 23040, 99532800),
            (b"XR24", 30720, 132710400),
            (b"AR24", 30720, 132710400),
            (b"RX24", 30720, 132710400),
            (b"RA24", 30720, 132710400),
            (b"XB24", 30720, 132710400),
            (b"AB24", 30720, 132710400),
            (b"BX24", 30720, 132710400),
            (b"BA24", 30720, 132710400),
            (b"GREY", 7680, 33177600),
            (b"BA81", 7680, 33177600),
            (b"GBRG", 7680, 33177600),
            (b"GRBG", 7680, 33177600),
            (b"RGGB", 7680, 33177600),
            (b"RGBP", 15360, 66355200),
            (b"Y10 ", 15360, 66355200),
            (b"Y12 ", 15360, 66355200),
            (b"Y16 ", 15360, 66355200),
            (b"BG10", 15360, 66355200),
            (b"GB10", 15360, 66355200),
            (b"BA10", 15360, 66355200),
            (b"RG10", 15360, 66355200),
            (b"BG12", 15360, 66355200),
            (b"GB12", 15360, 66355200),
            (b"BA12", 15360, 66355200),
            (b"RG12", 15360, 66355200),
            (b"BYR2", 15360, 66355200),
            (b"GB16", 15360, 66355200),
            (b"GR16", 15360, 66355200),
            (b"RG16", 15360, 66355200),
            (b"pBAA", 9600, 41472000),
            (b"pGAA", 9600, 41472000),
            (b"pgAA", 9600, 41472000),
            (b"pRAA", 9600, 41472000),
        ];

        assert_eq!(table.len(), FORMATS.len());
        for (name, bytesperline, sizeimage) in table {
            let layout = Layout::negotiate(fourcc(name), 7680, 4320);

            assert_eq!(layout.format.fourcc, fourcc(name));
            assert_eq!(layout.bytesperline(), bytesperline);
            assert_eq!(layout.sizeimage, sizeimage);
        }
    }

    #[test]
    fn planes_fill_the_frame() {
        for format in FORMATS {
            for (width, height) in [(32, 16), (34, 4320), (7680, 16), (642, 482)] {
                let layout = Layout::negotiate(format.fourcc, width, height);
                let mut end = 0;

                for plane in layout.planes() {
                    assert_eq!(plane.offset, end);
                    assert_eq!(plane.stride, plane.bytes);
                    end += plane.size();
                }
                assert_eq!(end, layout.sizeimage as usize);
            }
        }

        let layout = Layout::negotiate(fourcc(b"NV12"), 640, 480);
        let mut planes = layout.planes();
        let luma = planes.next().map(|p| (p.offset, p.rows, p.bytes));
        let chroma = planes.next().map(|p| (p.offset, p.rows, p.bytes));

        assert!(luma == Some((0, 480, 640)));
        assert!(chroma == Some((307200, 240, 640)));
        assert!(planes.next().is_none());
    }

    #[test]
    fn lines_are_padded() {
        let strides = |name, asked: &[u32]| {
            let layout = Layout::negotiate(fourcc(name), 640, 480).padded(asked);
            let mut strides = [0; MAX_PARTS];

            for (stride, plane) in strides.iter_mut().zip(layout.planes()) {
                *stride = plane.stride;
            }
            (strides, layout.sizeimage)
        };

        assert_eq!(strides(b"YUYV", &[0]), ([1280, 0, 0], 614400));
        assert_eq!(strides(b"YUYV", &[1279]), ([1280, 0, 0], 614400));
        assert_eq!(strides(b"YUYV", &[1281]), ([1282, 0, 0], 615360));
        assert_eq!(strides(b"RGB3", &[2048]), ([2048, 0, 0], 983040));
        assert_eq!(strides(b"GREY", &[u32::MAX]), ([15360, 0, 0], 7372800));
        // What is asked for more planes than there are in memory is not looked at.
        assert_eq!(strides(b"NV12", &[768, 4000]), ([768, 768, 0], 552960));
        assert_eq!(strides(b"NV24", &[768]), ([768, 1536, 0], 1105920));
        assert_eq!(strides(b"YU12", &[767]), ([768, 384, 384], 552960));
        assert_eq!(strides(b"422P", &[1024]), ([1024, 512, 512], 983040));
        assert_eq!(strides(b"NM12", &[768, 1024]), ([768, 1024, 0], 614400));
        assert_eq!(strides(b"YM12", &[0, 512, 0]), ([640, 512, 320], 506880));
    }

    #[test]
    fn padding_is_in_proportion() {
        for format in FORMATS {
            for asked in [0, 1, 333, 1000, 4097, 20001, u32::MAX] {
                let layout = Layout::negotiate(format.fourcc, 332, 64).padded(&[asked; MAX_PARTS]);
                let bytes: u32 = layout.parts().map(|part| part.sizeimage).sum();
                let mut first = None;
                let mut end = 0;

                for plane in layout.planes() {
                    let (line, stride) = *first.get_or_insert((plane.bytes, plane.stride));

                    assert!(plane.stride >= plane.bytes);
                    assert_eq!(plane.offset, end);
                    end += plane.size();
                    if !format.is_apart {
                        assert_eq!(plane.stride * line, plane.bytes * stride);
                    }
                }
                assert_eq!(bytes, layout.sizeimage);
                assert_eq!(end, layout.sizeimage as usize);
                // What was given can be asked for.
                assert!(layout.padded(&[layout.bytesperline()]) == layout || format.is_apart);
            }
        }
    }

    #[test]
    fn parts_fill_the_frame() {
        for format in FORMATS {
            let layout = Layout::negotiate(format.fourcc, 642, 482);
            let mut end = 0;
            let mut count = 0;

            for part in layout.parts() {
                assert_eq!(part.offset, end);
                end += part.sizeimage as usize;
                count += 1;
            }
            assert_eq!(end, layout.sizeimage as usize);
            assert_eq!(
                count,
                if format.is_apart {
                    format.components.len()
                } else {
                    1
                }
            );
        }

        let layout = Layout::negotiate(fourcc(b"YM12"), 640, 480);
        let mut parts = layout.parts();

        for (offset, bytesperline, sizeimage) in
            [(0, 640, 307200), (307200, 320, 76800), (384000, 320, 76800)]
        {
            assert!(
                parts.next()
                    == Some(Part {
                        offset,
                        bytesperline,
                        sizeimage,
                    })
            );
        }
        assert!(offered(false).count() + 10 == offered(true).count());
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
