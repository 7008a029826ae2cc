// SPDX-License-Identifier: GPL-2.0

//! Pixel formats.
//!
//! A format is data: which components it consists of, how many pixels one group of a component
//! covers, and where in a group each sample sits. A new format is a new row of [`FORMATS`].
//!
//! This file, like all that the reader in `tests` is built from as well, uses `core` only. None of
//! them divides by what could be 0 as far as the compiler knows.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

#[path = "format/sample.rs"]
mod sample;
#[path = "format/table.rs"]
mod table;

pub use self::{
    sample::{
        Channel,
        Sample, //
    },
    table::FORMATS, //
};

use core::num::NonZero;

/// The most components of a format, and so the most parts of a frame in memory of their own.
pub const MAX_MEM_PLANES: usize = 3;

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
}
