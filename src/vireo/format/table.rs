// SPDX-License-Identifier: GPL-2.0

//! The table of pixel formats.

use super::{
    Channel,
    Component,
    Format,
    Sample, //
};

/// Samples of `bits` bits, each of them `step` bits after the one before.
const fn row<const N: usize>(bits: u8, step: u8, samples: [(Channel, u8); N]) -> [Sample; N] {
    let mut row = [Sample::new(Channel::X, 0, 0, 0); N];
    let mut n = 0;

    while n < N {
        row[n] = Sample::new(samples[n].0, samples[n].1, step * n as u8, bits);
        n += 1;
    }
    row
}

/// Four samples of ten bits: eight of each, and then two of each.
const fn row_10p(samples: [(Channel, u8); 4]) -> [Sample; 4] {
    let mut row = row(10, 8, samples);
    let mut n = 0;

    while n < row.len() {
        row[n].apart = (2, 32 + 2 * n as u8);
        n += 1;
    }
    row
}

/// A component whose groups, for `width` by `height` pixels, are a byte for each sample.
macro_rules! bytes {
    ($width:literal x $height:literal: $($channel:ident $pixel:literal),*) => {
        Component::new(
            $width,
            $height,
            [$($pixel),*].len() as u8,
            &[&row(8, 8, [$((Channel::$channel, $pixel)),*])],
        )
    };
}

/// A component of luma alone, in two bytes a pixel.
macro_rules! grey {
    ($bits:literal) => {
        Component::new(1, 1, 2, &[&row($bits, 16, [(Channel::Y, 0)])])
    };
}

/// A component of single colours, in one or two bytes a pixel: those of even lines, and of odd.
macro_rules! mosaic {
    ($bits:literal in $bytes:literal: $a:ident $b:ident / $c:ident $d:ident) => {
        Component::new(
            2,
            1,
            2 * $bytes,
            &[
                &row($bits, 8 * $bytes, [(Channel::$a, 0), (Channel::$b, 1)]),
                &row($bits, 8 * $bytes, [(Channel::$c, 0), (Channel::$d, 1)]),
            ],
        )
    };
}

/// The same in ten bits, packed: four pixels in five bytes.
macro_rules! mosaic_10p {
    ($a:ident $b:ident / $c:ident $d:ident) => {
        Component::new(
            4,
            1,
            5,
            &[
                &row_10p([
                    (Channel::$a, 0),
                    (Channel::$b, 1),
                    (Channel::$a, 2),
                    (Channel::$b, 3),
                ]),
                &row_10p([
                    (Channel::$c, 0),
                    (Channel::$d, 1),
                    (Channel::$c, 2),
                    (Channel::$d, 3),
                ]),
            ],
        )
    };
}

// What formats with planes of memory for each component have in common with those without.
const NV12: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 2: Cb 0, Cr 0)];
const NV21: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 2: Cr 0, Cb 0)];
const NV16: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 1: Cb 0, Cr 0)];
const NV61: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 1: Cr 0, Cb 0)];
const YUV420: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 2: Cb 0), bytes!(2 x 2: Cr 0)];
const YVU420: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 2: Cr 0), bytes!(2 x 2: Cb 0)];
const YUV422: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 1: Cb 0), bytes!(2 x 1: Cr 0)];
const YVU422: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(2 x 1: Cr 0), bytes!(2 x 1: Cb 0)];
const YUV444: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(1 x 1: Cb 0), bytes!(1 x 1: Cr 0)];
const YVU444: &[Component] = &[bytes!(1 x 1: Y 0), bytes!(1 x 1: Cr 0), bytes!(1 x 1: Cb 0)];

/// Red, green and blue in two bytes.
const RGB565: &[Component] = &[Component::new(
    1,
    1,
    2,
    &[&[
        Sample::new(Channel::B, 0, 0, 5),
        Sample::new(Channel::G, 0, 5, 6),
        Sample::new(Channel::R, 0, 11, 5),
    ]],
)];

/// Every format there is. The first is the default.
#[rustfmt::skip]
pub static FORMATS: &[Format] = &[
    Format::new(b"YUYV", &[bytes!(2 x 1: Y 0, Cb 0, Y 1, Cr 0)]),
    Format::new(b"UYVY", &[bytes!(2 x 1: Cb 0, Y 0, Cr 0, Y 1)]),
    Format::new(b"YVYU", &[bytes!(2 x 1: Y 0, Cr 0, Y 1, Cb 0)]),
    Format::new(b"VYUY", &[bytes!(2 x 1: Cr 0, Y 0, Cb 0, Y 1)]),
    Format::new(b"NV12", NV12),
    Format::new(b"NV21", NV21),
    Format::new(b"NV16", NV16),
    Format::new(b"NV61", NV61),
    Format::new(b"NV24", &[bytes!(1 x 1: Y 0), bytes!(1 x 1: Cb 0, Cr 0)]),
    Format::new(b"NV42", &[bytes!(1 x 1: Y 0), bytes!(1 x 1: Cr 0, Cb 0)]),
    Format::new(b"YU12", YUV420),
    Format::new(b"YV12", YVU420),
    Format::new(b"422P", YUV422),
    Format::new(b"RGBP", RGB565),
    Format::new(b"RGB3", &[bytes!(1 x 1: R 0, G 0, B 0)]),
    Format::new(b"BGR3", &[bytes!(1 x 1: B 0, G 0, R 0)]),
    Format::new(b"XR24", &[bytes!(1 x 1: B 0, G 0, R 0, X 0)]),
    Format::new(b"AR24", &[bytes!(1 x 1: B 0, G 0, R 0, A 0)]),
    Format::new(b"RX24", &[bytes!(1 x 1: X 0, B 0, G 0, R 0)]),
    Format::new(b"RA24", &[bytes!(1 x 1: A 0, B 0, G 0, R 0)]),
    Format::new(b"XB24", &[bytes!(1 x 1: R 0, G 0, B 0, X 0)]),
    Format::new(b"AB24", &[bytes!(1 x 1: R 0, G 0, B 0, A 0)]),
    Format::new(b"BX24", &[bytes!(1 x 1: X 0, R 0, G 0, B 0)]),
    Format::new(b"BA24", &[bytes!(1 x 1: A 0, R 0, G 0, B 0)]),
    Format::new(b"GREY", &[bytes!(1 x 1: Y 0)]),
    Format::new(b"Y10 ", &[grey!(10)]),
    Format::new(b"Y12 ", &[grey!(12)]),
    Format::new(b"Y16 ", &[grey!(16)]),
    Format::new(b"BA81", &[mosaic!(8 in 1: B G / G R)]),
    Format::new(b"GBRG", &[mosaic!(8 in 1: G B / R G)]),
    Format::new(b"GRBG", &[mosaic!(8 in 1: G R / B G)]),
    Format::new(b"RGGB", &[mosaic!(8 in 1: R G / G B)]),
    Format::new(b"BG10", &[mosaic!(10 in 2: B G / G R)]),
    Format::new(b"GB10", &[mosaic!(10 in 2: G B / R G)]),
    Format::new(b"BA10", &[mosaic!(10 in 2: G R / B G)]),
    Format::new(b"RG10", &[mosaic!(10 in 2: R G / G B)]),
    Format::new(b"pBAA", &[mosaic_10p!(B G / G R)]),
    Format::new(b"pGAA", &[mosaic_10p!(G B / R G)]),
    Format::new(b"pgAA", &[mosaic_10p!(G R / B G)]),
    Format::new(b"pRAA", &[mosaic_10p!(R G / G B)]),
    Format::new(b"BG12", &[mosaic!(12 in 2: B G / G R)]),
    Format::new(b"GB12", &[mosaic!(12 in 2: G B / R G)]),
    Format::new(b"BA12", &[mosaic!(12 in 2: G R / B G)]),
    Format::new(b"RG12", &[mosaic!(12 in 2: R G / G B)]),
    Format::new(b"BYR2", &[mosaic!(16 in 2: B G / G R)]),
    Format::new(b"GB16", &[mosaic!(16 in 2: G B / R G)]),
    Format::new(b"GR16", &[mosaic!(16 in 2: G R / B G)]),
    Format::new(b"RG16", &[mosaic!(16 in 2: R G / G B)]),
    Format::apart(b"NM12", NV12),
    Format::apart(b"NM21", NV21),
    Format::apart(b"NM16", NV16),
    Format::apart(b"NM61", NV61),
    Format::apart(b"YM12", YUV420),
    Format::apart(b"YM21", YVU420),
    Format::apart(b"YM16", YUV422),
    Format::apart(b"YM61", YVU422),
    Format::apart(b"YM24", YUV444),
    Format::apart(b"YM42", YVU444),
];

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_formats))]
mod tests {
    use super::*;

    #[test]
    fn ten_bits_in_five_bytes_for_four() {
        let [first, _, _, last] = row_10p([(Channel::R, 0); 4]);
        let mut group = [0; 5];

        first.put(&mut group, 0x2aa);
        assert_eq!(group, [0xaa, 0, 0, 0, 0x02]);
        last.put(&mut group, 0x3fd);
        assert_eq!(group, [0xaa, 0, 0, 0xff, 0x42]);
        assert_eq!((first.get(&group), last.get(&group)), (0x2aa, 0x3fd));
        first.put(&mut group, 0);
        assert_eq!(group, [0, 0, 0, 0xff, 0x40]);
    }
}
