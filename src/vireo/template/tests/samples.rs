// SPDX-License-Identifier: GPL-2.0

//! Tests of where in a frame samples lie.

use super::*;

#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_samples))]
mod suite {
    use super::*;

    #[test]
    fn samples_are_where_they_belong() {
        // The first two pixels of two lines, or the first group, of each plane in turn, calculated
        // by other means from the colours that noise begins with: 41ed05 2ba903 029d2a ba03d7 and,
        // below them, 610025 0fba50 ab7796 7b303e.
        #[rustfmt::skip]
        let table = [
            (b"YUYV", "99 34 71 45 / 2d 82 79 a8"),
            (b"UYVY", "34 99 45 71 / 82 2d a8 79"),
            (b"YVYU", "99 45 71 34 / 2d a8 79 82"),
            (b"VYUY", "45 99 34 71 / a8 2d 82 79"),
            (b"NV12", "99 71 / 2d 79 / 34 45"),
            (b"NV21", "99 71 / 2d 79 / 45 34"),
            (b"NV16", "99 71 / 2d 79 / 34 45 / 82 a8"),
            (b"NV61", "99 71 / 2d 79 / 45 34 / a8 82"),
            (b"NV24", "99 71 / 2d 79 / 34 45 4a 55 / 82 a8 6b 3c"),
            (b"NV42", "99 71 / 2d 79 / 45 34 55 4a / a8 82 3c 6b"),
            (b"YU12", "99 71 / 2d 79 / 34 / 45"),
            (b"YV12", "99 71 / 2d 79 / 45 / 34"),
            (b"422P", "99 71 / 2d 79 / 34 / 82 / 45 / a8"),
            (b"RGBP", "61 47 40 2d / 04 60 ca 15"),
            (b"RGB3", "41 ed 05 2b a9 03 / 61 00 25 0f ba 50"),
            (b"BGR3", "05 ed 41 03 a9 2b / 25 00 61 50 ba 0f"),
            (b"XR24", "05 ed 41 00 03 a9 2b 00 / 25 00 61 00 50 ba 0f 00"),
            (b"AR24", "05 ed 41 ff 03 a9 2b ff / 25 00 61 ff 50 ba 0f ff"),
            (b"RX24", "00 05 ed 41 00 03 a9 2b / 00 25 00 61 00 50 ba 0f"),
            (b"RA24", "ff 05 ed 41 ff 03 a9 2b / ff 25 00 61 ff 50 ba 0f"),
            (b"XB24", "41 ed 05 00 2b a9 03 00 / 61 00 25 00 0f ba 50 00"),
            (b"AB24", "41 ed 05 ff 2b a9 03 ff / 61 00 25 ff 0f ba 50 ff"),
            (b"BX24", "00 41 ed 05 00 2b a9 03 / 00 61 00 25 00 0f ba 50"),
            (b"BA24", "ff 41 ed 05 ff 2b a9 03 / ff 61 00 25 ff 0f ba 50"),
            (b"GREY", "99 71 / 2d 79"),
            (b"Y10 ", "63 02 c2 01 / b2 00 e6 01"),
            (b"Y12 ", "8b 09 09 07 / c8 02 97 07"),
            (b"Y16 ", "a9 98 89 70 / 88 2c 74 79"),
            (b"BA81", "05 a9 / 00 0f"),
            (b"GBRG", "ed 03 / 61 ba"),
            (b"GRBG", "ed 2b / 25 ba"),
            (b"RGGB", "41 a9 / 00 50"),
            (b"BG10", "14 00 a6 02 / 00 00 3c 00"),
            (b"GB10", "b7 03 0c 00 / 85 01 ea 02"),
            (b"BA10", "b7 03 ad 00 / 94 00 ea 02"),
            (b"RG10", "05 01 a6 02 / 00 00 41 01"),
            (b"pBAA", "05 a9 2a 03 08 / 00 0f 77 7b 50"),
            (b"pGAA", "ed 03 9d d7 e3 / 61 ba ab 30 69"),
            (b"pgAA", "ed 2b 9d ba a7 / 25 ba 96 30 68"),
            (b"pRAA", "41 a9 02 03 09 / 00 50 77 3e 54"),
            (b"BG12", "50 00 9a 0a / 00 00 f1 00"),
            (b"GB12", "de 0e 30 00 / 16 06 ab 0b"),
            (b"BA12", "de 0e b3 02 / 52 02 ab 0b"),
            (b"RG12", "14 04 9a 0a / 00 00 05 05"),
            (b"BYR2", "05 05 a9 a9 / 00 00 0f 0f"),
            (b"GB16", "ed ed 03 03 / 61 61 ba ba"),
            (b"GR16", "ed ed 2b 2b / 25 25 ba ba"),
            (b"RG16", "41 41 a9 a9 / 00 00 50 50"),
            (b"NM12", "99 71 / 2d 79 / 34 45"),
            (b"NM21", "99 71 / 2d 79 / 45 34"),
            (b"NM16", "99 71 / 2d 79 / 34 45 / 82 a8"),
            (b"NM61", "99 71 / 2d 79 / 45 34 / a8 82"),
            (b"YM12", "99 71 / 2d 79 / 34 / 45"),
            (b"YM21", "99 71 / 2d 79 / 45 / 34"),
            (b"YM16", "99 71 / 2d 79 / 34 / 82 / 45 / a8"),
            (b"YM61", "99 71 / 2d 79 / 45 / a8 / 34 / 82"),
            (b"YM24", "99 71 / 2d 79 / 34 4a / 82 6b / 45 55 / a8 3c"),
            (b"YM42", "99 71 / 2d 79 / 45 55 / a8 3c / 34 4a / 82 6b"),
        ];
        let look = |format: &Format| PictureParams {
            pattern: Pattern::Noise,
            seed: 1,
            stamp: false,
            colorimetry: Colorimetry::default_of(Colorspace::Srgb, format.is_yuv()),
            ..PictureParams::default()
        };

        assert_eq!(table.len(), FORMATS.len());
        for (name, bytes) in table {
            let layout = Layout::negotiate(fourcc(name), 32, 16);
            let memory = composed(layout, look(layout.format), Frame::default());
            let mut want = bytes
                .split([' ', '/'])
                .filter(|byte| !byte.is_empty())
                .map(|byte| u8::from_str_radix(byte, 16));

            assert_eq!(layout.format.fourcc, fourcc(name));
            assert!(memory.is_some());
            for plane in layout.planes() {
                let groups = 2usize.div_ceil(plane.component.width.get().into());
                let bytes = groups * usize::from(plane.component.bytes.get());

                for row in 0..2usize.div_ceil(plane.component.height.get().into()) {
                    let start = plane.line(row).start;
                    let line = memory.iter().flat_map(|memory| memory.bytes.iter());

                    for byte in line.skip(start).take(bytes) {
                        assert!(want.next() == Some(Ok(*byte)));
                    }
                }
            }
            assert!(want.next().is_none());
        }
    }
}
