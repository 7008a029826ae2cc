// SPDX-License-Identifier: GPL-2.0

//! The formats of pictures.

use super::standard::Lines;
use kernel::num::Bounded;
use media::v4l2::{
    fourcc,
    uapi,
    FmtDesc,
    FrmSize,
    PixFormat, //
};

/// The width of a picture that is not halved.
const WIDTH: u32 = 720;

/// Every format takes two bytes for a pixel.
const BYTES_PER_PIXEL: u32 = 2;

/// The coding of pixels, with its number in the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pixels {
    Uyvy = 0,
    Rgb565 = 5,
    Yuyv = 6,
}

impl Pixels {
    const ALL: [Self; 3] = [Self::Uyvy, Self::Yuyv, Self::Rgb565];

    const fn fourcc(self) -> u32 {
        match self {
            Self::Uyvy => fourcc(b"UYVY"),
            Self::Yuyv => fourcc(b"YUYV"),
            Self::Rgb565 => fourcc(b"RGBP"),
        }
    }

    fn from_fourcc(fourcc: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|pixels| pixels.fourcc() == fourcc)
    }

    pub(crate) fn code(self) -> Bounded<u32, 3> {
        Bounded::from_expr(self as u32 & 7)
    }

    /// The coding with this index, for VIDIOC_ENUM_FMT.
    pub(crate) fn desc(index: u32) -> Option<FmtDesc> {
        let pixels = Self::ALL.get(index as usize)?;

        Some(FmtDesc::new(pixels.fourcc()))
    }
}

/// A format, but for the number of lines, which are those of the standard.
///
/// The two fields of a frame come one after the other in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) pixels: Pixels,
    pub(crate) is_half_width: bool,
    pub(crate) is_half_height: bool,
}

impl Format {
    pub(crate) const DEFAULT: Self = Self {
        pixels: Pixels::Uyvy,
        is_half_width: false,
        is_half_height: false,
    };

    /// The nearest to what was asked for: half a size up to that, and the whole above.
    pub(crate) fn nearest(asked: &PixFormat, lines: Lines) -> Self {
        Self {
            pixels: Pixels::from_fourcc(asked.pixelformat).unwrap_or(Pixels::Uyvy),
            is_half_width: asked.width <= WIDTH / 2,
            is_half_height: asked.height <= lines.height() / 2,
        }
    }

    /// Width and height of a frame.
    pub(crate) fn size(&self, lines: Lines) -> (u32, u32) {
        (
            WIDTH >> u32::from(self.is_half_width),
            lines.height() >> u32::from(self.is_half_height),
        )
    }

    /// The bytes of a line.
    pub(crate) fn bytes_per_line(&self) -> u32 {
        (WIDTH >> u32::from(self.is_half_width)) * BYTES_PER_PIXEL
    }

    /// The bytes of a frame.
    pub(crate) fn size_image(&self, lines: Lines) -> u32 {
        self.bytes_per_line() * self.size(lines).1
    }

    /// What user space is told.
    pub(crate) fn pix_format(&self, lines: Lines) -> PixFormat {
        let (width, height) = self.size(lines);

        PixFormat {
            field: uapi::FIELD_SEQ_TB,
            colorspace: uapi::COLORSPACE_SMPTE170M,
            ..PixFormat::packed(width, height, self.pixels.fourcc(), self.bytes_per_line())
        }
    }

    /// The size with this index, for VIDIOC_ENUM_FRAMESIZES.
    pub(crate) fn frame_size(fourcc: u32, index: u32, lines: Lines) -> Option<FrmSize> {
        Pixels::from_fourcc(fourcc)?;
        if index > 3 {
            return None;
        }
        let format = Self {
            is_half_width: index & 1 != 0,
            is_half_height: index & 2 != 0,
            ..Self::DEFAULT
        };
        let (width, height) = format.size(lines);

        Some(FrmSize::Discrete(width, height))
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(tw686x_format)]
mod tests {
    use super::*;

    fn asked(width: u32, height: u32, code: &[u8; 4]) -> PixFormat {
        PixFormat::packed(width, height, fourcc(code), 0)
    }

    #[test]
    fn nearest_format_is_found() {
        for (asked, lines, size) in [
            (asked(720, 480, b"UYVY"), Lines::L525, (720, 480)),
            (asked(361, 241, b"UYVY"), Lines::L525, (720, 480)),
            (asked(360, 240, b"UYVY"), Lines::L525, (360, 240)),
            (asked(0, u32::MAX, b"UYVY"), Lines::L525, (360, 480)),
            (asked(u32::MAX, 0, b"UYVY"), Lines::L625, (720, 288)),
            (asked(360, 288, b"UYVY"), Lines::L625, (360, 288)),
        ] {
            let format = Format::nearest(&asked, lines);
            assert!(format.size(lines) == size);
            // It is the nearest to itself.
            assert!(Format::nearest(&format.pix_format(lines), lines) == format);
        }
        assert!(Format::nearest(&asked(1, 1, b"RGBP"), Lines::L525).pixels == Pixels::Rgb565);
        assert!(Format::nearest(&asked(1, 1, b"JPEG"), Lines::L525).pixels == Pixels::Uyvy);
    }

    #[test]
    fn pictures_have_their_bytes() {
        let format = Format::DEFAULT;
        assert_eq!(format.size_image(Lines::L525), 691_200);
        assert_eq!(format.size_image(Lines::L625), 829_440);
        let pix = Format {
            is_half_width: true,
            ..format
        }
        .pix_format(Lines::L625);
        assert_eq!(pix.planes[0].bytesperline, 720);
        assert_eq!(pix.planes[0].sizeimage, 720 * 576);
        assert_eq!(pix.field, uapi::FIELD_SEQ_TB);
    }

    #[test]
    fn formats_and_sizes_are_listed() {
        assert!((0..3).all(|index| Pixels::desc(index).is_some()));
        assert!(Pixels::desc(3).is_none());
        let code = fourcc(b"YUYV");
        let last = Format::frame_size(code, 3, Lines::L525);
        assert!(last == Some(FrmSize::Discrete(360, 240)));
        assert!(Format::frame_size(code, 4, Lines::L525).is_none());
        assert!(Format::frame_size(fourcc(b"JPEG"), 0, Lines::L525).is_none());
    }
}
