// SPDX-License-Identifier: GPL-2.0

//! The colours that user space has chosen with `V4L2_PIX_FMT_FLAG_SET_CSC`.

use super::{
    colorimetry::{
        Colorimetry,
        Colorspace,
        Quantization,
        XferFunc,
        YcbcrEnc, //
    },
    format::Format,
};
use kernel::prelude::*;
use media::v4l2::{
    uapi,
    PixFormat, //
};

/// What has been chosen, [`None`] for `V4L2_*_DEFAULT`: the default of the colour space.
///
/// It holds until user space chooses something else, whoever sets whichever format meanwhile.
#[derive(Clone, Copy, Default)]
pub(crate) struct Csc {
    colorspace: Colorspace,
    xfer_func: Option<XferFunc>,
    /// For formats with chroma.
    ycbcr_enc: Option<YcbcrEnc>,
    /// For formats with luma. Red, green and blue have another default, so that limited range for
    /// these would be no choice of who has asked for it in YUV.
    yuv: Option<Quantization>,
    /// For formats without.
    rgb: Option<Quantization>,
}

/// What a field asks for: the default, one that there is, or else what is there now.
fn choose<T>(asked: u32, now: Option<T>, from_v4l2: impl Fn(u32) -> Option<T>) -> Option<T> {
    match asked {
        // All V4L2_*_DEFAULT are.
        0 => None,
        asked => from_v4l2(asked).or(now),
    }
}

/// The field for what has been chosen.
fn field<T>(chosen: Option<T>, to_v4l2: impl Fn(T) -> u8) -> u32 {
    chosen.map_or(0, to_v4l2).into()
}

impl Csc {
    /// Returns the `V4L2_FMT_FLAG_CSC_*` of a format: what can be chosen in it.
    pub(crate) fn flags(format: &Format) -> u32 {
        let ycbcr_enc = if format.has_chroma() {
            uapi::FMT_FLAG_CSC_YCBCR_ENC
        } else {
            0
        };

        uapi::FMT_FLAG_CSC_COLORSPACE
            | uapi::FMT_FLAG_CSC_XFER_FUNC
            | uapi::FMT_FLAG_CSC_QUANTIZATION
            | ycbcr_enc
    }

    /// Returns what there is after `asked` in `format`.
    pub(crate) fn negotiate(self, asked: &PixFormat, format: &Format) -> Self {
        // The core clears all four fields where it does not know the colour space.
        if !asked.set_csc || asked.colorspace == uapi::COLORSPACE_DEFAULT {
            return self;
        }

        let quantization = |now| choose(asked.quantization, now, Quantization::from_v4l2);
        let mut csc = Self {
            colorspace: Colorspace::from_v4l2(asked.colorspace).unwrap_or(self.colorspace),
            xfer_func: choose(asked.xfer_func, self.xfer_func, XferFunc::from_v4l2),
            ..self
        };

        if format.has_chroma() {
            csc.ycbcr_enc = choose(asked.ycbcr_enc, self.ycbcr_enc, YcbcrEnc::from_v4l2);
        }
        if format.is_yuv() {
            csc.yuv = quantization(self.yuv);
        } else {
            csc.rgb = quantization(self.rgb);
        }
        csc
    }

    /// Fills in the fields for `format`: what has been chosen, and not what it comes to.
    pub(crate) fn fill(&self, pix: &mut PixFormat, format: &Format) {
        pix.colorspace = (self.colorspace as u8).into();
        pix.xfer_func = field(self.xfer_func, |xfer_func| xfer_func as u8);
        pix.ycbcr_enc = field(self.encoding(format), |ycbcr_enc| ycbcr_enc as u8);
        pix.quantization = field(self.quantization(format), |quantization| quantization as u8);
    }

    /// Returns what it comes to in `format`.
    pub(crate) fn colorimetry(&self, format: &Format) -> Colorimetry {
        let default = Colorimetry::default_of(self.colorspace, format.is_yuv());

        Colorimetry {
            colorspace: self.colorspace,
            xfer_func: self.xfer_func.unwrap_or(default.xfer_func),
            ycbcr_enc: self.encoding(format).unwrap_or(default.ycbcr_enc),
            quantization: self.quantization(format).unwrap_or(default.quantization),
        }
    }

    fn encoding(&self, format: &Format) -> Option<YcbcrEnc> {
        self.ycbcr_enc.filter(|_| format.has_chroma())
    }

    fn quantization(&self, format: &Format) -> Option<Quantization> {
        if format.is_yuv() {
            self.yuv
        } else {
            self.rgb
        }
    }
}

// The numbers of the pure types are those of the kernel's headers.
static_assert!(uapi::COLORSPACE_DEFAULT == 0);
static_assert!(Colorspace::Smpte170m as u32 == uapi::COLORSPACE_SMPTE170M);
static_assert!(Colorspace::Rec709 as u32 == uapi::COLORSPACE_REC709);
static_assert!(Colorspace::Bt470SystemBg as u32 == uapi::COLORSPACE_470_SYSTEM_BG);
static_assert!(Colorspace::Srgb as u32 == uapi::COLORSPACE_SRGB);
static_assert!(Colorspace::Bt2020 as u32 == uapi::COLORSPACE_BT2020);
static_assert!(Colorspace::DciP3 as u32 == uapi::COLORSPACE_DCI_P3);
static_assert!(uapi::XFER_FUNC_DEFAULT == 0);
static_assert!(XferFunc::Bt709 as u32 == uapi::XFER_FUNC_709);
static_assert!(XferFunc::Srgb as u32 == uapi::XFER_FUNC_SRGB);
static_assert!(XferFunc::None as u32 == uapi::XFER_FUNC_NONE);
static_assert!(XferFunc::DciP3 as u32 == uapi::XFER_FUNC_DCI_P3);
static_assert!(XferFunc::Smpte2084 as u32 == uapi::XFER_FUNC_SMPTE2084);
static_assert!(uapi::YCBCR_ENC_DEFAULT == 0);
static_assert!(YcbcrEnc::Bt601 as u32 == uapi::YCBCR_ENC_601);
static_assert!(YcbcrEnc::Bt709 as u32 == uapi::YCBCR_ENC_709);
static_assert!(YcbcrEnc::Bt2020 as u32 == uapi::YCBCR_ENC_BT2020);
static_assert!(uapi::QUANTIZATION_DEFAULT == 0);
static_assert!(Quantization::FullRange as u32 == uapi::QUANTIZATION_FULL_RANGE);
static_assert!(Quantization::LimRange as u32 == uapi::QUANTIZATION_LIM_RANGE);
