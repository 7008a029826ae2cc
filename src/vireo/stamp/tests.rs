// SPDX-License-Identifier: GPL-2.0

//! Tests of the stamp.

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

#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_stamp))]
mod suite {
    use super::*;

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
}
