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

use core::mem::take;

use super::{
    colorimetry::Colorimetry,
    layout::Layout,
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

/// Where the copies of the stamp are in a frame.
///
/// The first copy begins with the first line, the last one ends with the last line, and up to two
/// more lie evenly between: as many as leave three quarters of the lines to the picture. A small
/// frame bears one copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    /// How many copies there are.
    pub count: u8,
    /// How many lines a copy takes.
    pub lines: usize,
    /// The line at which the last copy begins.
    last: usize,
}

impl Copies {
    /// Returns the copies in a frame of this layout.
    pub fn of(layout: &Layout) -> Self {
        let lines = BITS.div_ceil(layout.width.max(1) as usize);
        let height = layout.height as usize;

        Self {
            count: height.checked_div(4 * lines).unwrap_or(1).clamp(1, 4) as u8,
            lines,
            last: height.saturating_sub(lines),
        }
    }

    /// Returns the line at which copy number `copy` begins.
    pub fn line(&self, copy: u8) -> usize {
        (usize::from(copy) * self.last)
            .checked_div(usize::from(self.count).saturating_sub(1))
            .unwrap_or(0)
    }
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_stamp))]
mod tests {
    use super::{
        super::colorimetry::{
            Colorspace,
            Quantization,
            XferFunc,
            YcbcrEnc, //
        },
        *, //
    };

    fn example() -> Stamp {
        Stamp {
            frame: Frame {
                device: 3,
                sequence: 0x0102_0304,
                timestamp: 0x1112_1314_1516_1718,
                phase: 638,
                flaw: false,
            },
            look: PictureParams {
                pattern: Pattern::Ramps,
                brightness: 1,
                contrast: 2,
                saturation: 255,
                hue: -128,
                hflip: false,
                vflip: true,
                colorimetry: Colorimetry {
                    colorspace: Colorspace::Bt2020,
                    xfer_func: XferFunc::Smpte2084,
                    ycbcr_enc: YcbcrEnc::Bt709,
                    quantization: Quantization::FullRange,
                },
                exposure: 0x0304,
                gain: 0x0506,
                seed: 0x0708,
                alpha: 9,
                native: (0x0a0b, 0x0c0d),
                crop: Crop {
                    left: 0x0e0f,
                    top: 0x1011,
                    width: 0x1213,
                    height: 0x1415,
                },
                stamp: true,
            },
        }
    }

    #[test]
    fn the_check_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn every_byte_is_in_its_place() {
        let bytes = example().encode(2);
        let (checked, check) = bytes.split_at(CHECKED);

        assert!(
            checked
                == [
                    b'V', b'I', 3, 2, 3, 2, 2, 1, 2, 255, 0x80, 0x7a, 4, 3, 2, 1, 0x18, 0x17, 0x16,
                    0x15, 0x14, 0x13, 0x12, 0x11, 0x7e, 2, 0, 0, 4, 3, 6, 5, 8, 7, 9, 0x12, 0x0b,
                    0x0a, 0x0d, 0x0c, 0x0f, 0x0e, 0x11, 0x10, 0x13, 0x12, 0x15, 0x14,
                ]
        );
        assert!(check == crc32(checked).to_le_bytes());
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for (hflip, vflip) in [(false, false), (true, false), (false, true), (true, true)] {
            for pattern in Pattern::ALL {
                for hue in [i8::MIN, -1, 0, i8::MAX] {
                    let mut stamp = example();

                    stamp.look = PictureParams {
                        pattern,
                        hue,
                        hflip,
                        vflip,
                        ..stamp.look
                    };
                    assert!(Stamp::decode(&stamp.encode(1)) == Ok((stamp, 1)));
                }
            }
        }
    }

    #[test]
    fn any_wrong_bit_is_found() {
        let bytes = example().encode(0);

        for index in 0..BITS {
            let mut wrong = bytes;

            for (n, byte) in wrong.iter_mut().enumerate() {
                if n == index / 8 {
                    *byte ^= 0x80 >> (index % 8);
                }
            }
            assert!(bit(&wrong, index) != bit(&bytes, index));
            assert!(Stamp::decode(&wrong) == Err(Fault::Check));
        }
        let mut flawed = example();

        flawed.frame.flaw = true;
        assert!(Stamp::decode(&flawed.encode(0)) == Err(Fault::Check));
        assert!(Stamp::decode(&[0; BYTES]) == Err(Fault::Check));
        assert!(Stamp::decode(&[0xff; BYTES]) == Err(Fault::Check));
    }

    /// Encodes the example with `value` at `index`, under a check that holds.
    fn forged(index: usize, value: u8) -> [u8; BYTES] {
        let mut bytes = example().encode(0);

        for (n, byte) in bytes.iter_mut().enumerate() {
            if n == index {
                *byte = value;
            }
        }

        let check = crc32(bytes.get(..CHECKED).unwrap_or(&[])).to_le_bytes();

        for (dst, src) in bytes.iter_mut().skip(CHECKED).zip(check) {
            *dst = src;
        }
        bytes
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(Stamp::decode(&forged(0, 0)) == Err(Fault::Kind));
        assert!(Stamp::decode(&forged(2, VERSION + 1)) == Err(Fault::Kind));
        assert!(Stamp::decode(&forged(5, Pattern::ALL.len() as u8)) == Err(Fault::Value));
        assert!(Stamp::decode(&forged(6, 4)) == Err(Fault::Value));
        // The defaults, and what vireo does not have, in each half.
        for (index, wrong) in [
            (11, [0x00, 0x70, 0x0a, 0x72, 0x3a]),
            (35, [0x00, 0x10, 0x02, 0x13, 0x32]),
        ] {
            for value in wrong {
                assert!(Stamp::decode(&forged(index, value)) == Err(Fault::Value));
            }
        }
        assert!(Stamp::decode(&forged(2, VERSION)).is_ok());
    }

    #[test]
    fn bits_come_most_significant_first() {
        let mut bytes = [0; BYTES];

        bytes[0] = 0x80;
        bytes[BYTES - 1] = 0x01;
        for index in 0..BITS {
            assert!(bit(&bytes, index) == Some(index == 0 || index == BITS - 1));
        }
        assert!(bit(&bytes, BITS).is_none());
    }

    #[test]
    fn copies_fit_at_every_size() {
        for (width, height, count, lines, last) in [
            (32, 16, 1, 13, 0),
            (32, 102, 1, 13, 0),
            (32, 104, 2, 13, 91),
            (34, 16, 1, 13, 0),
            (36, 16, 1, 12, 0),
            (414, 16, 2, 2, 14),
            (416, 16, 4, 1, 15),
            (640, 480, 4, 1, 479),
            (7680, 4320, 4, 1, 4319),
        ] {
            let copies = Copies::of(&Layout::negotiate(0, width, height));

            assert_eq!((copies.count, copies.lines), (count, lines));
            assert_eq!(copies.line(0), 0);
            assert_eq!(copies.line(count - 1), last);
        }
        for width in (32..900).step_by(2) {
            for height in (16..600).step_by(2) {
                let copies = Copies::of(&Layout::negotiate(0, width, height));

                for copy in 1..copies.count {
                    assert!(copies.line(copy) >= copies.line(copy - 1) + copies.lines);
                }
                assert!(copies.line(copies.count - 1) + copies.lines <= height as usize);
            }
        }
    }
}
