// SPDX-License-Identifier: GPL-2.0

//! What a camera is like, and how user space says so.

use super::{
    format::{
        self,
        Format, //
    },
    layout, //
};
use kernel::{
    device,
    prelude::*,
    str::CString, //
};
use media::{
    compat::param,
    platform::{
        Property,
        Value, //
    },
};

/// The highest frame rate that may be allowed.
pub(crate) const MAX_FPS: u32 = 1000;

/// The longest name of a camera, in bytes: what VIDIOC_QUERYCAP has room for.
const MAX_NAME: usize = 31;

// Formats are chosen by a bit for each.
const _: () = assert!(format::FORMATS.len() <= 64);

/// What a camera is like.
pub(crate) struct Config {
    /// The size of the pixel array, and so of the largest frame.
    pub(crate) native: (u16, u16),
    /// A bit for each of [`FORMATS`](format::FORMATS) that it has.
    pub(crate) formats: u64,
    /// Its name.
    pub(crate) card: CString,
    /// Whether its node is multi-planar.
    pub(crate) is_multiplanar: bool,
    /// The lowest frame rate; 0 for as low as can be.
    pub(crate) min_fps: u32,
    /// The highest frame rate.
    pub(crate) max_fps: u32,
    /// Whether it has controls that make errors.
    pub(crate) error_inj: bool,
    /// Whether it enumerates ranges of frame sizes and intervals, instead of lists.
    pub(crate) is_stepwise: bool,
}

impl Config {
    /// What it is when nobody says anything else.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            native: DEFAULT_NATIVE,
            formats: u64::MAX,
            card: CString::try_from(c"vireo")?,
            is_multiplanar: false,
            min_fps: param(crate::module_parameters::min_fps.value()),
            max_fps: param(crate::module_parameters::max_fps.value()),
            error_inj: param(crate::module_parameters::error_inj.value()) != 0,
            is_stepwise: param(crate::module_parameters::stepwise.value()) != 0,
        })
    }

    /// What the properties of a device say, and `new()` says where they do not.
    pub(crate) fn read(dev: &device::Device) -> Result<Self> {
        let default = Self::new()?;
        let Some(node) = dev.fwnode() else {
            return Ok(default);
        };
        let number = |name: &'static CStr, default: u32| node.property_read(name).or(default);

        Ok(Self {
            native: (
                number(WIDTH, default.native.0.into()) as u16,
                number(HEIGHT, default.native.1.into()) as u16,
            ),
            formats: node.property_read(FORMATS).or(default.formats),
            card: node.property_read(CARD).or(default.card),
            is_multiplanar: number(MULTIPLANAR, 0) != 0,
            min_fps: number(LEAST, default.min_fps),
            max_fps: number(MOST, default.max_fps),
            error_inj: number(ERRORS, 0) != 0,
            is_stepwise: number(STEPWISE, 0) != 0,
        })
    }

    /// The properties of a device that say all this.
    pub(crate) fn properties(&self) -> [Property<'_>; 9] {
        [
            Property(WIDTH, Value::U32(self.native.0.into())),
            Property(HEIGHT, Value::U32(self.native.1.into())),
            Property(FORMATS, Value::U64(self.formats)),
            Property(CARD, Value::Str(&self.card)),
            Property(MULTIPLANAR, Value::U32(self.is_multiplanar.into())),
            Property(LEAST, Value::U32(self.min_fps)),
            Property(MOST, Value::U32(self.max_fps)),
            Property(ERRORS, Value::U32(self.error_inj.into())),
            Property(STEPWISE, Value::U32(self.is_stepwise.into())),
        ]
    }

    /// Whether there can be such a camera: `EINVAL` if not.
    pub(crate) fn check(&self) -> Result {
        if self.min_fps > self.max_fps || self.offered().next().is_none() {
            return Err(EINVAL);
        }
        Ok(())
    }

    /// Whether its pixel array has a size of its own.
    pub(crate) fn has_own_native(&self) -> bool {
        self.native != DEFAULT_NATIVE
    }

    /// The formats that it has, of those that its kind of node can have.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &'static Format> + '_ {
        let chosen = |(n, _): &(usize, &Format)| (self.formats >> n) & 1 != 0;

        format::FORMATS
            .iter()
            .enumerate()
            .filter(chosen)
            .map(|(_, format)| format)
            .filter(|format| self.is_multiplanar || !format.is_apart)
    }
}

const WIDTH: &CStr = c"native-width";
const HEIGHT: &CStr = c"native-height";
const FORMATS: &CStr = c"formats";
const CARD: &CStr = c"card";
const MULTIPLANAR: &CStr = c"multiplanar";
const LEAST: &CStr = c"min-fps";
const MOST: &CStr = c"max-fps";
const ERRORS: &CStr = c"error-inj";
const STEPWISE: &CStr = c"stepwise";

/// The size of the pixel array of a camera that was not given one.
const DEFAULT_NATIVE: (u16, u16) = (layout::MAX_WIDTH as u16, layout::MAX_HEIGHT as u16);

/// A number from `min` to `max`.
pub(crate) fn parse_number(text: &[u8], min: u32, max: u32) -> Result<u32> {
    let number: u32 = core::str::from_utf8(text.trim_ascii())
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(EINVAL)?;

    if (min..=max).contains(&number) {
        Ok(number)
    } else {
        Err(EINVAL)
    }
}

/// A number up to `max` as it is spelled in the name of a device: without zeros in front.
pub(crate) fn parse_index(text: &[u8], max: u32) -> Result<u32> {
    match text {
        [b'0', _, ..] => Err(EINVAL),
        _ if text.trim_ascii() != text => Err(EINVAL),
        _ => parse_number(text, 0, max),
    }
}

/// The size of an array, such as 1920x1080: even, and of a size that frames may have.
pub(crate) fn parse_size(text: &[u8]) -> Result<(u16, u16)> {
    let text = text.trim_ascii();
    let cross = text.iter().position(|byte| *byte == b'x').ok_or(EINVAL)?;
    let (width, height) = text.split_at_checked(cross).ok_or(EINVAL)?;
    let side = |text, min, max| match parse_number(text, min, max)? {
        odd if odd % 2 != 0 => Err(EINVAL),
        even => Ok(even as u16),
    };

    Ok((
        side(width, layout::MIN_WIDTH, layout::MAX_WIDTH)?,
        side(
            height.get(1..).unwrap_or(&[]),
            layout::MIN_HEIGHT,
            layout::MAX_HEIGHT,
        )?,
    ))
}

/// Formats by their four characters, less the spaces at their end; none stands for all.
pub(crate) fn parse_formats(text: &[u8]) -> Result<u64> {
    let mut formats = 0;

    for word in text
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty())
    {
        let mut name = *b"    ";

        name.get_mut(..word.len())
            .ok_or(EINVAL)?
            .copy_from_slice(word);
        formats |= 1
            << format::FORMATS
                .iter()
                .position(|format| format.fourcc == format::fourcc(&name))
                .ok_or(EINVAL)?;
    }
    Ok(if formats == 0 { u64::MAX } else { formats })
}

/// A name in UTF-8 that fits, without control characters.
pub(crate) fn parse_name(text: &[u8]) -> Result<CString> {
    let text = core::str::from_utf8(text.trim_ascii())?;

    if !(1..=MAX_NAME).contains(&text.len()) || text.chars().any(char::is_control) {
        pr_info!("a name is 1 to {MAX_NAME} bytes of UTF-8 without control characters\n");
        return Err(EINVAL);
    }
    CString::try_from_fmt(fmt!("{text}"))
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(vireo_config)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, size) in [
            (&b"1920x1080\n"[..], Some((1920, 1080))),
            (b" 32x16 ", Some((32, 16))),
            (b"7680x4320", Some((7680, 4320))),
            (b"30x16", None),
            (b"32x14", None),
            (b"33x16", None),
            (b"7682x16", None),
            (b"7680x4322", None),
            (b"640", None),
            (b"640x", None),
            (b"x480", None),
            (b"640x480x", None),
            (b"-640x480", None),
            (b"+640x480", None),
            (b"99999999999x480", None),
            (b"", None),
        ] {
            assert!(parse_size(text).ok() == size);
        }
    }

    #[test]
    fn formats_are_read() {
        let bit = |name: &[u8; 4]| {
            format::FORMATS
                .iter()
                .position(|f| f.fourcc == format::fourcc(name))
                .map(|n| 1u64 << n)
        };

        assert!(parse_formats(b"YUYV\n").ok() == bit(b"YUYV"));
        assert!(parse_formats(b"Y10").ok() == bit(b"Y10 "));
        assert!(parse_formats(b"").ok() == Some(u64::MAX));
        assert!(
            parse_formats(b" NV12  RGB3\n").ok()
                == bit(b"NV12").zip(bit(b"RGB3")).map(|(a, b)| a | b)
        );
        for wrong in [&b"????"[..], b"YUYV,NV12", b"YUYVX", b"yuyv"] {
            assert!(parse_formats(wrong).is_err());
        }
    }

    #[test]
    fn names_and_numbers_are_read() -> Result {
        assert!(*parse_name(b"front door\n")? == *c"front door");
        assert!(parse_name(&[b'x'; MAX_NAME]).is_ok());
        assert!(parse_name("Büro \"Süd\", 2. Stock, Tür".as_bytes()).is_ok());
        for wrong in [
            &[b'x'; MAX_NAME + 1][..],
            b"",
            b"\n",
            b"a\tb",
            b"a\0b",
            b"\xff",
            // 31 characters, but 32 bytes.
            "öxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".as_bytes(),
            "a\u{85}b".as_bytes(),
        ] {
            assert!(parse_name(wrong).is_err());
        }
        assert_eq!(parse_number(b"30\n", 1, 1000)?, 30);
        for wrong in [&b"0"[..], b"1001", b"", b"x", b"1 2", b"+1"] {
            assert!(parse_number(wrong, 1, 1000).is_err());
        }
        for (text, index) in [
            (&b"0"[..], Some(0)),
            (b"7", Some(7)),
            (b"255", Some(255)),
            (b"256", None),
            (b"07", None),
            (b"00", None),
            (b" 7", None),
            (b"7\n", None),
            (b"", None),
        ] {
            assert!(parse_index(text, 255).ok() == index);
        }
        Ok(())
    }
}
