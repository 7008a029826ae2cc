// SPDX-License-Identifier: GPL-2.0

//! Formats, sizes and intervals.
//!
//! C header: [`include/uapi/linux/videodev2.h`](srctree/include/uapi/linux/videodev2.h)

use crate::bindings;

/// A pixel format's code of four characters, `v4l2_fourcc()` in C.
pub const fn fourcc(code: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*code)
}

/// A format of a single-planar image.
///
/// Corresponds to `struct v4l2_pix_format`, less what a driver does not decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PixFormat {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The code of the format, see [`fourcc`].
    pub pixelformat: u32,
    /// The order of the fields, `V4L2_FIELD_*`.
    pub field: u32,
    /// The distance in bytes between the beginnings of two lines.
    pub bytesperline: u32,
    /// The bytes of a whole image.
    pub sizeimage: u32,
    /// `V4L2_COLORSPACE_*`.
    pub colorspace: u32,
}

impl PixFormat {
    pub(super) fn read(raw: &bindings::v4l2_pix_format) -> Self {
        Self {
            width: raw.width,
            height: raw.height,
            pixelformat: raw.pixelformat,
            field: raw.field,
            bytesperline: raw.bytesperline,
            sizeimage: raw.sizeimage,
            colorspace: raw.colorspace,
        }
    }

    /// Writes all of the C struct: what has no field here is at its default.
    pub(super) fn write(&self, raw: &mut bindings::v4l2_pix_format) {
        *raw = bindings::v4l2_pix_format {
            width: self.width,
            height: self.height,
            pixelformat: self.pixelformat,
            field: self.field,
            bytesperline: self.bytesperline,
            sizeimage: self.sizeimage,
            colorspace: self.colorspace,
            priv_: bindings::V4L2_PIX_FMT_PRIV_MAGIC,
            ..Default::default()
        };
    }
}

/// A range in steps, for sizes: the smallest, the largest, and the step between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The smallest width and height.
    pub min: (u32, u32),
    /// The largest width and height.
    pub max: (u32, u32),
    /// The steps of width and height.
    pub step: (u32, u32),
}

/// A fraction, for a time in seconds.
///
/// Corresponds to `struct v4l2_fract`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fract {
    /// What is divided.
    pub numerator: u32,
    /// What it is divided by.
    pub denominator: u32,
}

impl From<bindings::v4l2_fract> for Fract {
    fn from(raw: bindings::v4l2_fract) -> Self {
        Self {
            numerator: raw.numerator,
            denominator: raw.denominator,
        }
    }
}

impl From<Fract> for bindings::v4l2_fract {
    fn from(fract: Fract) -> Self {
        Self {
            numerator: fract.numerator,
            denominator: fract.denominator,
        }
    }
}
