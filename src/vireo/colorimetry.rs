// SPDX-License-Identifier: GPL-2.0

//! What numbers say about light: colour space, transfer function, Y'CbCr encoding, quantization.
//!
//! The values are those of V4L2, see `Documentation/userspace-api/media/v4l/colorspaces-defs.rst`.
//! None of the types here has a value for `V4L2_*_DEFAULT`: they tell what applies to pixels.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

/// The primaries and the white. Corresponds to `enum v4l2_colorspace`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Colorspace {
    /// `V4L2_COLORSPACE_SMPTE170M`: BT.601 of countries with NTSC.
    Smpte170m = 1,
    /// `V4L2_COLORSPACE_REC709`.
    Rec709 = 3,
    /// `V4L2_COLORSPACE_470_SYSTEM_BG`: BT.601 of countries with PAL.
    Bt470SystemBg = 6,
    /// `V4L2_COLORSPACE_SRGB`, which has the primaries of Rec. 709.
    #[default]
    Srgb = 8,
    /// `V4L2_COLORSPACE_BT2020`.
    Bt2020 = 10,
    /// `V4L2_COLORSPACE_DCI_P3`.
    DciP3 = 12,
}

/// From light to numbers. Corresponds to `enum v4l2_xfer_func`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum XferFunc {
    /// `V4L2_XFER_FUNC_709`.
    Bt709 = 1,
    /// `V4L2_XFER_FUNC_SRGB`.
    #[default]
    Srgb = 2,
    /// `V4L2_XFER_FUNC_NONE`: numbers are proportional to light.
    None = 5,
    /// `V4L2_XFER_FUNC_DCI_P3`.
    DciP3 = 6,
    /// `V4L2_XFER_FUNC_SMPTE2084`, also known as PQ.
    Smpte2084 = 7,
}

/// The weights of luma. Corresponds to `enum v4l2_ycbcr_encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum YcbcrEnc {
    /// `V4L2_YCBCR_ENC_601`.
    #[default]
    Bt601 = 1,
    /// `V4L2_YCBCR_ENC_709`.
    Bt709 = 2,
    /// `V4L2_YCBCR_ENC_BT2020`, with non-constant luminance.
    Bt2020 = 6,
}

/// The codes of black and white. Corresponds to `enum v4l2_quantization`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Quantization {
    /// `V4L2_QUANTIZATION_FULL_RANGE`.
    FullRange = 1,
    /// `V4L2_QUANTIZATION_LIM_RANGE`: there is room below black and above white.
    #[default]
    LimRange = 2,
}

impl Colorspace {
    /// Every colour space there is.
    pub const ALL: [Self; 6] = [
        Self::Smpte170m,
        Self::Rec709,
        Self::Bt470SystemBg,
        Self::Srgb,
        Self::Bt2020,
        Self::DciP3,
    ];

    /// Returns the one that V4L2 has this value for.
    pub fn from_v4l2(value: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|this| *this as u32 == value)
    }

    /// Corresponds to `V4L2_MAP_XFER_FUNC_DEFAULT()`.
    pub fn default_xfer_func(self) -> XferFunc {
        match self {
            Self::Srgb => XferFunc::Srgb,
            Self::DciP3 => XferFunc::DciP3,
            _ => XferFunc::Bt709,
        }
    }

    /// Corresponds to `V4L2_MAP_YCBCR_ENC_DEFAULT()`.
    pub fn default_ycbcr_enc(self) -> YcbcrEnc {
        match self {
            Self::Rec709 | Self::DciP3 => YcbcrEnc::Bt709,
            Self::Bt2020 => YcbcrEnc::Bt2020,
            _ => YcbcrEnc::Bt601,
        }
    }
}

impl XferFunc {
    /// Every transfer function there is.
    pub const ALL: [Self; 5] = [
        Self::Bt709,
        Self::Srgb,
        Self::None,
        Self::DciP3,
        Self::Smpte2084,
    ];

    /// Returns the one that V4L2 has this value for.
    pub fn from_v4l2(value: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|this| *this as u32 == value)
    }
}

impl YcbcrEnc {
    /// Every encoding there is.
    pub const ALL: [Self; 3] = [Self::Bt601, Self::Bt709, Self::Bt2020];

    /// Returns the one that V4L2 has this value for.
    pub fn from_v4l2(value: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|this| *this as u32 == value)
    }
}

impl Quantization {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::FullRange, Self::LimRange];

    /// Returns the one that V4L2 has this value for.
    pub fn from_v4l2(value: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|this| *this as u32 == value)
    }

    /// Corresponds to `V4L2_MAP_QUANTIZATION_DEFAULT()`.
    pub fn default_of(is_yuv: bool) -> Self {
        if is_yuv {
            Self::LimRange
        } else {
            Self::FullRange
        }
    }
}

/// All that is to be known of pixels to tell their colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colorimetry {
    /// The colour space.
    pub colorspace: Colorspace,
    /// The transfer function.
    pub xfer_func: XferFunc,
    /// The encoding; controls act on luma and chroma even where a format has none.
    pub ycbcr_enc: YcbcrEnc,
    /// The quantization.
    pub quantization: Quantization,
}

impl Colorimetry {
    /// The default of V4L2 for `colorspace`.
    pub fn default_of(colorspace: Colorspace, is_yuv: bool) -> Self {
        Self {
            colorspace,
            xfer_func: colorspace.default_xfer_func(),
            ycbcr_enc: colorspace.default_ycbcr_enc(),
            quantization: Quantization::default_of(is_yuv),
        }
    }

    /// Returns it in two bytes, in the low and the high half of each.
    pub fn encode(&self) -> [u8; 2] {
        [
            self.colorspace as u8 | ((self.xfer_func as u8) << 4),
            self.ycbcr_enc as u8 | ((self.quantization as u8) << 4),
        ]
    }

    /// Returns what two bytes stand for.
    pub fn decode(bytes: [u8; 2]) -> Option<Self> {
        let [[colorspace, xfer_func], [ycbcr_enc, quantization]] =
            bytes.map(|byte| [u32::from(byte & 15), u32::from(byte >> 4)]);

        Some(Self {
            colorspace: Colorspace::from_v4l2(colorspace)?,
            xfer_func: XferFunc::from_v4l2(xfer_func)?,
            ycbcr_enc: YcbcrEnc::from_v4l2(ycbcr_enc)?,
            quantization: Quantization::from_v4l2(quantization)?,
        })
    }
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_colorimetry))]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut count = 0;

        for low in 0..=u8::MAX {
            for high in 0..=u8::MAX {
                if let Some(colorimetry) = Colorimetry::decode([low, high]) {
                    assert_eq!(colorimetry.encode(), [low, high]);
                    count += 1;
                }
            }
        }
        assert_eq!(count, 6 * 5 * 3 * 2);
        assert_eq!(Colorimetry::default().encode(), [0x28, 0x21]);
    }

    #[test]
    fn defaults_are_those_of_v4l2() {
        for (colorspace, bytes) in Colorspace::ALL.into_iter().zip([
            [0x11, 0x21],
            [0x13, 0x22],
            [0x16, 0x21],
            [0x28, 0x21],
            [0x1a, 0x26],
            [0x6c, 0x22],
        ]) {
            let [low, high] = bytes;

            assert_eq!(Colorimetry::default_of(colorspace, true).encode(), bytes);
            assert_eq!(
                Colorimetry::default_of(colorspace, false).encode(),
                [low, (high & 15) | 0x10]
            );
        }
    }
}
