// SPDX-License-Identifier: GPL-2.0

//! Formats, sizes and intervals.
//!
//! C header: [`include/uapi/linux/videodev2.h`](srctree/include/uapi/linux/videodev2.h)

use crate::bindings;

/// A pixel format's code of four characters, `v4l2_fourcc()` in C.
pub const fn fourcc(code: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*code)
}

/// The most planes of memory that an image has.
pub const MAX_PLANES: usize = bindings::VIDEO_MAX_PLANES as usize;

const SET_CSC: u32 = bindings::V4L2_PIX_FMT_FLAG_SET_CSC;

/// A format that a device has, among others.
///
/// Corresponds to `struct v4l2_fmtdesc`, less what the core fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FmtDesc {
    /// The code of the format, see [`fourcc`].
    pub pixelformat: u32,
    /// What can be chosen of its colours, `V4L2_FMT_FLAG_CSC_*`.
    pub flags: u32,
}

impl FmtDesc {
    /// A format whose colours are not to be chosen.
    pub const fn new(pixelformat: u32) -> Self {
        Self {
            pixelformat,
            flags: 0,
        }
    }
}

/// One plane of an image in memory.
///
/// Corresponds to `struct v4l2_plane_pix_format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanePixFormat {
    /// The distance in bytes between the beginnings of two lines.
    pub bytesperline: u32,
    /// The bytes of the whole plane.
    pub sizeimage: u32,
}

/// A format of an image, in one or more planes of memory.
///
/// Corresponds to `struct v4l2_pix_format` on a single-planar device, and to
/// `struct v4l2_pix_format_mplane` on a multi-planar one, less what a driver does not decide.
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
    /// `V4L2_COLORSPACE_*`.
    pub colorspace: u32,
    /// `V4L2_YCBCR_ENC_*`.
    pub ycbcr_enc: u32,
    /// `V4L2_QUANTIZATION_*`.
    pub quantization: u32,
    /// `V4L2_XFER_FUNC_*`.
    pub xfer_func: u32,
    /// Whether the caller asks for the colours that it names (`V4L2_PIX_FMT_FLAG_SET_CSC`), and
    /// not just for those that there are.
    pub set_csc: bool,
    /// How many of `planes` there are, [`MAX_PLANES`] at most; one on a single-planar device.
    pub num_planes: usize,
    /// The planes.
    pub planes: [PlanePixFormat; MAX_PLANES],
}

impl PixFormat {
    /// A progressive image in one plane, whose lines are of `bytesperline` bytes, in the colours of
    /// `V4L2_COLORSPACE_SRGB`.
    pub const fn packed(width: u32, height: u32, pixelformat: u32, bytesperline: u32) -> Self {
        let mut planes = [PlanePixFormat {
            bytesperline: 0,
            sizeimage: 0,
        }; MAX_PLANES];

        planes[0] = PlanePixFormat {
            bytesperline,
            sizeimage: bytesperline.saturating_mul(height),
        };
        Self {
            width,
            height,
            pixelformat,
            field: bindings::v4l2_field_V4L2_FIELD_NONE,
            colorspace: bindings::v4l2_colorspace_V4L2_COLORSPACE_SRGB,
            ycbcr_enc: bindings::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_DEFAULT,
            quantization: bindings::v4l2_quantization_V4L2_QUANTIZATION_DEFAULT,
            xfer_func: bindings::v4l2_xfer_func_V4L2_XFER_FUNC_DEFAULT,
            set_csc: false,
            num_planes: 1,
            planes,
        }
    }

    /// # Safety
    ///
    /// `raw` must be of a type for capturing video.
    pub(super) unsafe fn read(raw: &bindings::v4l2_format) -> Self {
        let mut planes = [PlanePixFormat::default(); MAX_PLANES];

        if raw.type_ == bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE {
            // SAFETY: This is the member for the type, and it consists of integers.
            let pix = unsafe { raw.fmt.pix_mp };
            let all = pix.plane_fmt;

            for (plane, raw) in planes.iter_mut().zip(all) {
                plane.bytesperline = raw.bytesperline;
                plane.sizeimage = raw.sizeimage;
            }
            return Self {
                width: pix.width,
                height: pix.height,
                pixelformat: pix.pixelformat,
                field: pix.field,
                colorspace: pix.colorspace,
                // SAFETY: Another name for the same integer.
                ycbcr_enc: unsafe { pix.__bindgen_anon_1.ycbcr_enc }.into(),
                quantization: pix.quantization.into(),
                xfer_func: pix.xfer_func.into(),
                set_csc: u32::from(pix.flags) & SET_CSC != 0,
                num_planes: usize::from(pix.num_planes).min(MAX_PLANES),
                planes,
            };
        }

        // SAFETY: As above.
        let pix = unsafe { raw.fmt.pix };
        planes[0] = PlanePixFormat {
            bytesperline: pix.bytesperline,
            sizeimage: pix.sizeimage,
        };
        Self {
            width: pix.width,
            height: pix.height,
            pixelformat: pix.pixelformat,
            field: pix.field,
            colorspace: pix.colorspace,
            // SAFETY: Another name for the same integer.
            ycbcr_enc: unsafe { pix.__bindgen_anon_1.ycbcr_enc },
            quantization: pix.quantization,
            xfer_func: pix.xfer_func,
            set_csc: pix.flags & SET_CSC != 0,
            num_planes: 1,
            planes,
        }
    }

    /// Writes all of the member for the type: what has no field here is at its default.
    pub(super) fn write(&self, raw: &mut bindings::v4l2_format) {
        if raw.type_ == bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE {
            let count = self.num_planes.min(MAX_PLANES);
            let mut pix = bindings::v4l2_pix_format_mplane {
                width: self.width,
                height: self.height,
                pixelformat: self.pixelformat,
                field: self.field,
                colorspace: self.colorspace,
                num_planes: count as u8,
                flags: self.flags() as u8,
                quantization: self.quantization as u8,
                xfer_func: self.xfer_func as u8,
                ..Default::default()
            };
            pix.__bindgen_anon_1.ycbcr_enc = self.ycbcr_enc as u8;

            let mut planes = pix.plane_fmt;

            for (raw, plane) in planes.iter_mut().zip(&self.planes).take(count) {
                raw.bytesperline = plane.bytesperline;
                raw.sizeimage = plane.sizeimage;
            }
            pix.plane_fmt = planes;
            raw.fmt.pix_mp = pix;
            return;
        }

        let mut pix = bindings::v4l2_pix_format {
            width: self.width,
            height: self.height,
            pixelformat: self.pixelformat,
            field: self.field,
            bytesperline: self.planes[0].bytesperline,
            sizeimage: self.planes[0].sizeimage,
            colorspace: self.colorspace,
            priv_: bindings::V4L2_PIX_FMT_PRIV_MAGIC,
            flags: self.flags(),
            quantization: self.quantization,
            xfer_func: self.xfer_func,
            ..Default::default()
        };
        pix.__bindgen_anon_1.ycbcr_enc = self.ycbcr_enc;
        raw.fmt.pix = pix;
    }

    fn flags(&self) -> u32 {
        if self.set_csc {
            SET_CSC
        } else {
            0
        }
    }
}

/// Frame sizes in steps: from `min` to `max`, each a width and a height.
///
/// Corresponds to `struct v4l2_frmsize_stepwise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrmSizeStepwise {
    /// The smallest width and height.
    pub min: (u32, u32),
    /// The largest width and height.
    pub max: (u32, u32),
    /// The steps of width and height.
    pub step: (u32, u32),
}

/// An answer to VIDIOC_ENUM_FRAMESIZES.
///
/// Corresponds to `struct v4l2_frmsizeenum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrmSize {
    /// One size among others, as width and height.
    Discrete(u32, u32),
    /// All sizes in a range. There is nothing after it.
    Stepwise(FrmSizeStepwise),
}

/// An answer to VIDIOC_ENUM_FRAMEINTERVALS.
///
/// Corresponds to `struct v4l2_frmivalenum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrmIval {
    /// One interval among others.
    Discrete(Fract),
    /// All intervals from the shortest to the longest. There is nothing after it.
    Continuous(Fract, Fract),
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
