// SPDX-License-Identifier: GPL-2.0

//! The layout of a frame in memory.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use core::{
    num::NonZero,
    ops::Range, //
};

use super::format::{
    Component,
    Format,
    MAX_MEM_PLANES, //
};

/// The smallest width.
pub const MIN_WIDTH: u32 = 32;

/// The smallest height.
pub const MIN_HEIGHT: u32 = 16;

/// The largest width.
pub const MAX_WIDTH: u32 = 7680;

/// The largest height.
pub const MAX_HEIGHT: u32 = 4320;

/// Returns the multiple of `step` next to `size`, between `min` and `max`.
fn align(size: u32, min: u32, max: u32, step: NonZero<u32>) -> u32 {
    let down = |size| size / step * step.get();
    let least = down(min + (step.get() - 1));

    down(size.clamp(min, max) + step.get() / 2)
        .min(down(max))
        .max(least)
}

/// Returns the multiple of `step` from `asked` and `line` bytes on; just the line where nothing (0)
/// is asked for.
fn pad(line: u32, asked: u32, step: NonZero<u32>) -> u32 {
    match asked {
        0 => line,
        _ => (asked.max(line) + (step.get() - 1)) / step * step.get(),
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
    strides: [u32; MAX_MEM_PLANES],
    /// The size of the frame in bytes.
    pub sizeimage: u32,
}

/// A part of a frame that lies in memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemPlane {
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
            strides: [0; MAX_MEM_PLANES],
            sizeimage: 0,
        }
        .padded(&[])
    }

    /// Returns the same with this many bytes from one line of each part to the next, or as near to
    /// it as can be: a multiple of the step of the format, room for the line, and for twice the
    /// longest line at most. With 0 there is no padding.
    pub fn padded(self, bytesperline: &[u32]) -> Self {
        let Self { format, width, .. } = self;
        let mut asked = bytesperline.iter().copied();
        let mut strides = [0; MAX_MEM_PLANES];
        // The line and the stride of the first component.
        let mut first = None;

        for (stride, component) in strides.iter_mut().zip(format.components) {
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
        }
        self.with_strides(strides)
    }

    fn with_strides(mut self, strides: [u32; MAX_MEM_PLANES]) -> Self {
        self.strides = strides;
        self.sizeimage = self.planes().map(|plane| plane.size() as u32).sum();
        self
    }

    /// Returns the layout for a request that repeats the strides and sizes of `told`, an earlier
    /// answer: the strides are kept for the same format and width. For another one they are left
    /// over, and there is no padding.
    #[allow(dead_code, reason = "for the driver")]
    pub fn retold(self, told: &Self) -> Self {
        if (self.format, self.width) != (told.format, told.width) {
            return self.padded(&[]);
        }
        self.with_strides(told.strides)
    }

    /// Returns the parts of the frame that lie in memory of their own: one, or one for each
    /// component.
    #[allow(dead_code, reason = "for the driver")]
    pub fn mem_planes(&self) -> impl Iterator<Item = MemPlane> {
        let whole = (!self.format.is_apart).then_some(MemPlane {
            offset: 0,
            bytesperline: self.bytesperline(),
            sizeimage: self.sizeimage,
        });
        let apart = self.planes().filter(|_| self.format.is_apart);

        whole.into_iter().chain(apart.map(|plane| MemPlane {
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
#[path = "layout/tests.rs"]
mod tests;
