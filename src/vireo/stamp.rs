// SPDX-License-Identifier: GPL-2.0

//! The stamp: what a frame says about itself, written into its own pixels.
//!
//! A stamp is [`BYTES`] bytes, little endian:
//!
//! | byte | type | what |
//! |---|---|---|
//! | 0 | u16 | [`MAGIC`] |
//! | 2 | u8 | [`VERSION`] |
//! | 3 | u8 | which copy this is, from 0 at the top |
//! | 4 | u8 | the device |
//! | 5 | u8 | the pattern, as its index in the menu |
//! | 6 | u8 | bit 0: flipped horizontally, bit 1: flipped vertically |
//! | 7 | u8 | brightness |
//! | 8 | u8 | contrast |
//! | 9 | u8 | saturation |
//! | 10 | i8 | hue |
//! | 11 | u8 | low half: `V4L2_COLORSPACE_*`, high half: `V4L2_XFER_FUNC_*` |
//! | 12 | u32 | the sequence number, as in the V4L2 buffer |
//! | 16 | u64 | the timestamp in nanoseconds; that of the V4L2 buffer is the same in microseconds |
//! | 24 | u32 | the phase of the picture |
//! | 28 | u16 | the exposure time in units of 100 microseconds |
//! | 30 | u16 | the gain in units of 1/16 |
//! | 32 | u16 | the seed of noise |
//! | 34 | u8 | alpha |
//! | 35 | u8 | low half: `V4L2_YCBCR_ENC_*`, high half: `V4L2_QUANTIZATION_*` |
//! | 36 | 2 u16 | width and height of the pixel array |
//! | 40 | 4 u16 | left, top, width and height of the part of it that is captured |
//! | 48 | u32 | the CRC-32 of IEEE 802.3 over bytes 0 to 47 |
//!
//! Each of the 416 bits is one pixel, nominal black for 0 and nominal white for 1, the most
//! significant bit of byte 0 first, from the left end of a line; a frame narrower than 416 pixels
//! goes on in the lines below. Of YUV pixels only the luma is written. Controls that change the
//! picture do not change these pixels. [`Copies`] says at which lines copies are.
//!
//! The colours in bytes 11 and 35 are those that the pixels have, never `V4L2_*_DEFAULT`. In
//! formats without chroma the encoding is that of the luma, and what controls act on.
//!
//! Copies lie over the picture, and are never flipped.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

#[path = "stamp/copies.rs"]
mod copies;
#[cfg(any(CONFIG_KUNIT = "y", test))]
#[path = "stamp/tests.rs"]
mod tests;

pub use self::copies::Copies;

use core::mem::take;

use super::{
    colorimetry::Colorimetry,
    picture::{
        Crop,
        Pattern, //
        PictureParams,
    }, //
};

/// The size of a stamp in bytes.
pub const BYTES: usize = 52;

/// The size of a stamp in pixels.
pub const BITS: usize = 8 * BYTES;

/// The first two bytes.
pub const MAGIC: u16 = u16::from_le_bytes(*b"VI");

/// The version of this description.
pub const VERSION: u8 = 3;

/// Where the check is, and what it covers.
const CHECKED: usize = BYTES - 4;

/// What a frame says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which frame it is.
    pub frame: Frame,
    /// What the picture looks like.
    pub look: PictureParams,
}

/// What tells a frame from the others of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The number of the device.
    pub device: u8,
    /// The sequence number.
    pub sequence: u32,
    /// When it was captured, in nanoseconds.
    pub timestamp: u64,
    /// How many pixels the picture has moved, less than its width.
    pub phase: u32,
    /// Whether the stamp is to be wrong; no stamp that can be read says so.
    pub flaw: bool,
}

/// Why bytes are no stamp.
#[allow(dead_code, reason = "for the tests and the reader")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The check does not hold.
    Check,
    /// It begins with something else than [`MAGIC`] and [`VERSION`].
    Kind,
    /// There is no such pattern, flag, colour space, transfer function, encoding or quantization.
    Value,
}

impl Stamp {
    /// Returns the bytes of copy number `copy`.
    pub fn encode(&self, copy: u8) -> [u8; BYTES] {
        let Self { frame, look } = self;
        let (crop, native) = (look.crop, look.native);
        let [space, encoding] = look.colorimetry.encode();
        let words = [
            look.exposure,
            look.gain,
            look.seed,
            u16::from_le_bytes([look.alpha, encoding]),
            native.0,
            native.1,
            crop.left,
            crop.top,
            crop.width,
            crop.height,
        ]
        .map(u16::to_le_bytes);
        let fields: [&[u8]; 6] = [
            &MAGIC.to_le_bytes(),
            &[
                VERSION,
                copy,
                frame.device,
                look.pattern as u8,
                u8::from(look.hflip) | (u8::from(look.vflip) << 1),
                look.brightness,
                look.contrast,
                look.saturation,
                look.hue as u8,
                space,
            ],
            &frame.sequence.to_le_bytes(),
            &frame.timestamp.to_le_bytes(),
            &frame.phase.to_le_bytes(),
            words.as_flattened(),
        ];
        let mut bytes = [0; BYTES];
        let mut rest = bytes.as_mut_slice();

        for field in fields {
            if let Some((to, after)) = take(&mut rest).split_at_mut_checked(field.len()) {
                to.copy_from_slice(field);
                rest = after;
            }
        }
        self.make_copy(&mut bytes, copy);
        bytes
    }

    /// Makes the bytes of one copy those of copy number `copy`.
    pub fn make_copy(&self, bytes: &mut [u8; BYTES], copy: u8) {
        let (checked, check) = bytes.split_at_mut(CHECKED);

        if let Some(byte) = checked.get_mut(3) {
            *byte = copy;
        }

        let crc = crc32(checked) ^ u32::from(self.frame.flaw);

        check.copy_from_slice(&crc.to_le_bytes());
    }

    /// Returns the stamp that `bytes` are, and which copy of it.
    #[allow(dead_code, reason = "for the tests and the reader")]
    pub fn decode(bytes: &[u8; BYTES]) -> Result<(Self, u8), Fault> {
        let byte = |at| field::<1>(bytes, at)[0];
        let half = |at| u16::from_le_bytes(field(bytes, at));
        let word = |at| u32::from_le_bytes(field(bytes, at));
        let flags = byte(6);

        if crc32(bytes.get(..CHECKED).unwrap_or(&[])) != word(CHECKED) {
            return Err(Fault::Check);
        }
        if u16::from_le_bytes(field(bytes, 0)) != MAGIC || byte(2) != VERSION {
            return Err(Fault::Kind);
        }
        if flags & !3 != 0 {
            return Err(Fault::Value);
        }

        let look = PictureParams {
            pattern: Pattern::from_index(byte(5)).ok_or(Fault::Value)?,
            brightness: byte(7),
            contrast: byte(8),
            saturation: byte(9),
            hue: byte(10) as i8,
            hflip: flags & 1 != 0,
            vflip: flags & 2 != 0,
            colorimetry: Colorimetry::decode([byte(11), byte(35)]).ok_or(Fault::Value)?,
            exposure: half(28),
            gain: half(30),
            seed: half(32),
            alpha: byte(34),
            native: (half(36), half(38)),
            crop: Crop {
                left: half(40),
                top: half(42),
                width: half(44),
                height: half(46),
            },
            stamp: true,
        };
        let frame = Frame {
            device: byte(4),
            sequence: word(12),
            timestamp: u64::from_le_bytes(field(bytes, 16)),
            phase: word(24),
            flaw: false,
        };

        Ok((Self { frame, look }, byte(3)))
    }
}

/// Returns the `N` bytes from `at` on.
#[allow(dead_code, reason = "for the tests and the reader")]
fn field<const N: usize>(bytes: &[u8; BYTES], at: usize) -> [u8; N] {
    bytes
        .get(at..at + N)
        .and_then(|field| field.try_into().ok())
        .unwrap_or([0; N])
}

/// Returns whether bit `index` of an encoded stamp is set; there is nothing past the end.
#[allow(dead_code, reason = "for the tests and the reader")]
#[inline]
pub fn bit(bytes: &[u8; BYTES], index: usize) -> Option<bool> {
    bytes
        .get(index / 8)
        .map(|byte| (byte >> (7 - index % 8)) & 1 != 0)
}

/// Returns the bits of an encoded stamp from bit `first` on, with zeroes past the end.
pub fn bytes_from(bytes: &[u8; BYTES], first: usize) -> [u8; BYTES] {
    // That of a line that a stamp begins with, as a rule the only one.
    if first == 0 {
        return *bytes;
    }

    let byte = |n| bytes.get(n).copied().unwrap_or(0);

    core::array::from_fn(|n| {
        let n = first / 8 + n;

        (u16::from_be_bytes([byte(n), byte(n + 1)]) >> (8 - first % 8)) as u8
    })
}

/// What eight bits do to a CRC-32.
static CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;

    while n < 256 {
        let mut crc = n as u32;
        let mut bit = 0;

        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
};

/// The CRC-32 of IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (crc >> 8) ^ CRC[usize::from(crc as u8 ^ byte)] //
    })
}
