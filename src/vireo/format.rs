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

use core::num::NonZero;

/// The smallest width.
pub const MIN_WIDTH: u32 = 32;

/// The smallest height.
pub const MIN_HEIGHT: u32 = 16;

/// The largest width.
pub const MAX_WIDTH: u32 = 7680;

/// The largest height.
pub const MAX_HEIGHT: u32 = 4320;

/// The most parts that a frame has in memory of their own.
#[allow(dead_code, reason = "for the driver")]
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
}

impl Channel {
    /// Whether the sample alone tells black from white.
    pub fn tells_brightness(self) -> bool {
        !matches!(self, Channel::Cb | Channel::Cr)
    }
}

/// One sample within a group of pixels.
///
/// A group is a little-endian number, so byte `n` begins at bit `8 * n`.
#[derive(Debug)]
pub struct Sample {
    /// What is sampled.
    pub channel: Channel,
    /// Which pixel of the group is sampled.
    pub pixel: u8,
    /// The least significant bit of the sample.
    pub lsb: u8,
    /// The size of the sample in bits, 16 at most.
    pub bits: u8,
}

impl Sample {
    /// A sample that is the whole of a byte.
    const fn byte(channel: Channel, pixel: u8, byte: u8) -> Self {
        Self {
            channel,
            pixel,
            lsb: 8 * byte,
            bits: 8,
        }
    }

    /// Puts `code` where the sample is in `group`; what lies outside the group is left out.
    pub fn put(&self, group: &mut [u8], code: u16) {
        let first = usize::from(self.lsb / 8);
        let shift = self.lsb % 8;
        let mask = ((1u32 << self.bits) - 1) << shift;
        let code = (u32::from(code) << shift) & mask;

        for ((dst, code), mask) in group
            .iter_mut()
            .skip(first)
            .zip(code.to_le_bytes())
            .zip(mask.to_le_bytes())
        {
            *dst = (*dst & !mask) | code;
        }
    }

    /// Takes the sample out of `group`.
    #[allow(dead_code, reason = "for the tests and the reader")]
    pub fn get(&self, group: &[u8]) -> u16 {
        let mut code = [0; 4];

        for (dst, src) in code
            .iter_mut()
            .zip(group.iter().skip(usize::from(self.lsb / 8)))
        {
            *dst = *src;
        }
        ((u32::from_le_bytes(code) >> (self.lsb % 8)) & ((1 << self.bits) - 1)) as u16
    }
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

/// A component of one sample of a byte, for each pixel or for each 2 by 2.
const fn plain(channel: &'static [&'static [Sample]], size: u8) -> Component {
    Component::new(size, size, 1, channel)
}

const Y: &[&[Sample]] = &[&[Sample::byte(Channel::Y, 0, 0)]];
const CB: &[&[Sample]] = &[&[Sample::byte(Channel::Cb, 0, 0)]];
const CR: &[&[Sample]] = &[&[Sample::byte(Channel::Cr, 0, 0)]];
const CB_CR: &[&[Sample]] = &[&[
    Sample::byte(Channel::Cb, 0, 0),
    Sample::byte(Channel::Cr, 0, 1),
]];

const NV12: &[Component] = &[plain(Y, 1), Component::new(2, 2, 2, CB_CR)];
const YUV420: &[Component] = &[plain(Y, 1), plain(CB, 2), plain(CR, 2)];

/// Every format there is. The first is the default.
pub static FORMATS: &[Format] = &[
    Format {
        fourcc: fourcc(b"YUYV"),
        is_apart: false,
        components: &[Component::new(
            2,
            1,
            4,
            &[&[
                Sample::byte(Channel::Y, 0, 0),
                Sample::byte(Channel::Cb, 0, 1),
                Sample::byte(Channel::Y, 1, 2),
                Sample::byte(Channel::Cr, 0, 3),
            ]],
        )],
    },
    Format {
        fourcc: fourcc(b"NV12"),
        is_apart: false,
        components: NV12,
    },
    Format {
        fourcc: fourcc(b"YU12"),
        is_apart: false,
        components: YUV420,
    },
    Format {
        fourcc: fourcc(b"RGB3"),
        is_apart: false,
        components: &[Component::new(
            1,
            1,
            3,
            &[&[
                Sample::byte(Channel::R, 0, 0),
                Sample::byte(Channel::G, 0, 1),
                Sample::byte(Channel::B, 0, 2),
            ]],
        )],
    },
    Format {
        fourcc: fourcc(b"NM12"),
        is_apart: true,
        components: NV12,
    },
    Format {
        fourcc: fourcc(b"YM12"),
        is_apart: true,
        components: YUV420,
    },
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

/// How a frame lies in memory.
///
/// # Invariants
///
/// - `width` and `height` lie between [`MIN_WIDTH`] and [`MAX_WIDTH`], [`MIN_HEIGHT`] and
///   [`MAX_HEIGHT`], and are multiples of the steps of `format`.
/// - `bytesperline` and `sizeimage` are what follows from these, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The pixel format.
    pub format: &'static Format,
    /// The width in pixels.
    pub width: u32,
    /// The height in lines.
    pub height: u32,
    /// The bytes from one line of the first component to the next.
    pub bytesperline: u32,
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
    /// The size of a line in bytes; the next one follows at once.
    pub bytes: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self::negotiate(0, 640, 480)
    }
}

impl Layout {
    /// Returns the layout nearest to what is asked for.
    pub fn negotiate(fourcc: u32, width: u32, height: u32) -> Self {
        let format = Format::find_or_default(fourcc);

        // INVARIANT: The two sizes are aligned between their limits, and the other two follow.
        let mut layout = Self {
            format,
            width: align(width, MIN_WIDTH, MAX_WIDTH, format.width_step()),
            height: align(height, MIN_HEIGHT, MAX_HEIGHT, format.height_step()),
            bytesperline: 0,
            sizeimage: 0,
        };
        for (index, component) in format.components.iter().enumerate() {
            let groups = layout.width / NonZero::<u32>::from(component.width);
            let rows = layout.height / NonZero::<u32>::from(component.height);
            let bytes = groups * u32::from(component.bytes.get());

            if index == 0 {
                layout.bytesperline = bytes;
            }
            layout.sizeimage += bytes * rows;
        }
        layout
    }

    /// Returns the parts of the frame that lie in memory of their own: one, or one for each
    /// component.
    #[allow(dead_code, reason = "for the driver")]
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let whole = (!self.format.is_apart).then_some(Part {
            offset: 0,
            bytesperline: self.bytesperline,
            sizeimage: self.sizeimage,
        });
        let apart = self.planes().filter(|_| self.format.is_apart);

        whole.into_iter().chain(apart.map(|plane| Part {
            offset: plane.offset,
            bytesperline: plane.bytes as u32,
            sizeimage: (plane.rows * plane.bytes) as u32,
        }))
    }

    /// Returns where each component lies.
    pub fn planes(&self) -> impl Iterator<Item = Plane> {
        let (width, height) = (self.width as usize, self.height as usize);

        self.format
            .components
            .iter()
            .scan(0, move |end, component| {
                let groups = width / NonZero::<usize>::from(component.width);
                let plane = Plane {
                    component,
                    offset: *end,
                    rows: height / NonZero::<usize>::from(component.height),
                    bytes: groups * usize::from(component.bytes.get()),
                };

                *end += plane.rows * plane.bytes;
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
        assert_eq!((layout.bytesperline, layout.sizeimage), (1280, 614400));
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

                assert_eq!((layout.width, layout.height), (width, height));
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
        for (name, bytesperline, sizeimage) in [
            (b"YUYV", 15360, 66355200),
            (b"NV12", 7680, 49766400),
            (b"RGB3", 23040, 99532800),
            (b"YU12", 7680, 49766400),
            (b"NM12", 7680, 49766400),
            (b"YM12", 7680, 49766400),
        ] {
            let layout = Layout::negotiate(fourcc(name), 7680, 4320);

            assert_eq!(layout.bytesperline, bytesperline);
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
                    end += plane.rows * plane.bytes;
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
        assert!(offered(false).count() + 2 == offered(true).count());
    }

    #[test]
    fn samples_of_any_size() {
        let sample = Sample {
            channel: Channel::G,
            pixel: 0,
            lsb: 5,
            bits: 6,
        };
        let mut group = [0xff, 0xff];

        sample.put(&mut group, 0);
        assert_eq!(group, [0x1f, 0xf8]);
        sample.put(&mut group, 0xffe1);
        assert_eq!(group, [0x3f, 0xfc]);
        assert_eq!(sample.get(&group), 0x21);

        let sample = Sample {
            lsb: 6,
            bits: 16,
            ..sample
        };
        let mut group = [0; 4];

        sample.put(&mut group, 0x8001);
        assert_eq!(group, [0x40, 0x00, 0x20, 0x00]);
        assert_eq!(sample.get(&group), 0x8001);
    }
}
