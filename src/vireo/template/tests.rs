// SPDX-License-Identifier: GPL-2.0

//! Tests of [`Template`], and of what lies over the picture.

use super::{
    super::{
        colorimetry::{
            Colorimetry,
            Colorspace, //
        },
        format::{
            fourcc,
            Channel,
            Format,
            FORMATS,
            MAX_MEM_PLANES, //
        },
        stamp::{
            self,
            Copies,
            Stamp, //
        },
    },
    *, //
};

#[cfg(CONFIG_KUNIT = "y")]
type Bytes = kernel::alloc::KVVec<u8>;
#[cfg(not(CONFIG_KUNIT = "y"))]
type Bytes = std::vec::Vec<u8>;

#[cfg(CONFIG_KUNIT = "y")]
fn zeroed(len: usize) -> Option<Bytes> {
    Bytes::from_elem(0, len, kernel::alloc::flags::GFP_KERNEL).ok()
}
#[cfg(not(CONFIG_KUNIT = "y"))]
fn zeroed(len: usize) -> Option<Bytes> {
    Some(std::vec![0; len])
}

/// A frame in memory that counts how often each byte is written.
struct Memory {
    bytes: Bytes,
    writes: Bytes,
}

impl Sink for Memory {
    type Error = ();

    fn write(&mut self, offset: usize, data: &[u8]) -> Result<(), ()> {
        let range = offset..offset + data.len();

        self.bytes
            .get_mut(range.clone())
            .ok_or(())?
            .copy_from_slice(data);
        for count in self.writes.get_mut(range).ok_or(())? {
            *count += 1;
        }
        Ok(())
    }
}

fn template(layout: Layout, look: PictureParams) -> Option<Template<Bytes>> {
    let bytes = zeroed(len(&layout, &look))?;

    Template::render(layout, look, bytes).ok()
}

fn composed(layout: Layout, look: PictureParams, frame: Frame) -> Option<Memory> {
    let size = layout.sizeimage as usize;
    let mut memory = Memory {
        bytes: zeroed(size)?,
        writes: zeroed(size)?,
    };

    template(layout, look)?.compose(&frame, &mut memory).ok()?;
    Some(memory)
}

/// Returns a row of an RGB24 frame.
fn row<'a>(
    layout: &Layout,
    memory: &'a Memory,
    y: usize,
) -> impl Iterator<Item = [u8; 3]> + Clone + use<'a> {
    let bytes = layout.bytesperline() as usize;

    memory
        .bytes
        .get(y * bytes..(y + 1) * bytes)
        .unwrap_or(&[])
        .chunks_exact(3)
        .map(|rgb| match *rgb {
            [r, g, b] => [r, g, b],
            _ => [0; 3],
        })
}

#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_template))]
mod suite {
    use super::*;

    #[test]
    fn every_byte_is_written() {
        for format in FORMATS {
            for (width, height) in [(32, 16), (34, 22), (66, 34), (258, 16)] {
                for pattern in Pattern::ALL {
                    let layout = Layout::negotiate(format.fourcc, width, height);
                    let look = PictureParams {
                        pattern,
                        ..PictureParams::default()
                    };
                    let memory = composed(layout, look, Frame::default());

                    assert!(memory.is_some());
                    if let Some(memory) = memory {
                        assert!(memory.writes.iter().all(|&count| matches!(count, 1..=3)));
                    }
                }
            }
        }
    }

    #[test]
    fn padding_is_left_alone() {
        for format in FORMATS {
            let tight = Layout::negotiate(format.fourcc, 258, 34);
            let padded = tight.padded(&[1400; MAX_MEM_PLANES]);
            let look = PictureParams {
                pattern: Pattern::Clock,
                ..PictureParams::default()
            };
            let want = composed(tight, look, Frame::default());
            let memory = composed(padded, look, Frame::default());
            let mut size = 0;

            assert!(want.is_some() && memory.is_some());
            for (memory, want) in memory.iter().zip(&want) {
                for (plane, tight) in padded.planes().zip(tight.planes()) {
                    assert!(plane.stride > plane.bytes);
                    for row in 0..plane.rows {
                        let is = memory.bytes.get(plane.line(row));

                        assert!(is.is_some() && is == want.bytes.get(tight.line(row)));
                        size += plane.bytes;
                    }
                }
                assert_eq!(
                    memory.writes.iter().filter(|&&count| count > 0).count(),
                    size
                );
            }
        }
    }

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

    #[test]
    fn parts_make_the_frame() {
        for format in FORMATS {
            for (width, height) in [(32, 16), (90, 66), (258, 18)] {
                let layout = Layout::negotiate(format.fourcc, width, height);
                let frame = Frame {
                    sequence: 7,
                    phase: 10,
                    ..Frame::default()
                };
                let whole = composed(layout, PictureParams::default(), frame);
                let mut template = template(layout, PictureParams::default());

                assert!(whole.is_some());
                assert!(template.is_some());
                for (whole, template) in whole.iter().zip(&mut template) {
                    for part in layout.mem_planes() {
                        // No larger than the part: what belongs to another one does not fit.
                        let size = part.sizeimage as usize;
                        let memory = zeroed(size).zip(zeroed(size));

                        assert!(memory.is_some());
                        if let Some((bytes, writes)) = memory {
                            let mut memory = Memory { bytes, writes };
                            let want = whole.bytes.get(part.offset..part.offset + size);

                            assert!(template.compose_part(&frame, &part, &mut memory) == Ok(()));
                            assert!(memory.writes.iter().all(|&count| matches!(count, 1..=3)));
                            assert!(want.is_some_and(|want| want.iter().eq(memory.bytes.iter())));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn an_error_of_the_sink_is_handed_on() {
        struct Full(usize);

        impl Sink for Full {
            type Error = usize;

            fn write(&mut self, offset: usize, data: &[u8]) -> Result<(), usize> {
                if offset + data.len() > self.0 {
                    return Err(offset);
                }
                Ok(())
            }
        }

        let layout = Layout::negotiate(fourcc(b"RGB3"), 32, 16);
        let template = template(layout, PictureParams::default());

        assert!(template.is_some());
        if let Some(mut template) = template {
            let frame = Frame::default();

            assert!(template.compose(&frame, &mut Full(1535)) == Err(1440));
            assert!(template.compose(&frame, &mut Full(1536)) == Ok(()));
        }
    }

    #[test]
    fn too_little_memory_is_refused() {
        let layout = Layout::negotiate(fourcc(b"NV12"), 32, 16);
        let len = super::len(&layout, &PictureParams::default());

        assert_eq!(len, 32 + 2 * 2 * 32 + 2 * 2 * 32);
        for (len, fits) in [(0, false), (len - 1, false), (len, true), (len + 1, true)] {
            let rendered =
                zeroed(len).map(|b| Template::render(layout, PictureParams::default(), b));

            assert!(rendered.is_some_and(|rendered| rendered.is_ok() == fits));
        }
    }

    #[test]
    fn the_stamp_is_in_the_pixels() {
        let frame = Frame {
            device: 1,
            sequence: 99,
            timestamp: 1 << 40,
            phase: 6,
            flaw: false,
        };

        for (width, height) in [(32, 16), (34, 22), (88, 64), (320, 48), (414, 34)] {
            for format in FORMATS {
                let look = PictureParams {
                    colorimetry: Colorimetry::default_of(Colorspace::Srgb, format.is_yuv()),
                    ..PictureParams::default()
                };
                let stamp = Stamp { frame, look };
                let layout = Layout::negotiate(format.fourcc, width, height);
                let copies = Copies::of(&layout);
                let memory = composed(layout, look, frame);
                let width = layout.width as usize;
                let mut seen = 0;

                assert!(memory.is_some());
                for plane in layout
                    .planes()
                    .filter(|plane| plane.component.bears_stamp())
                {
                    let component = plane.component;
                    let bytes = usize::from(component.bytes.get());
                    let pixels = usize::from(component.width.get());

                    for (copy, index) in
                        (0..copies.count).flat_map(|copy| (0..stamp::BITS).map(move |n| (copy, n)))
                    {
                        let lit = stamp::bit(&stamp.encode(copy), index) == Some(true);
                        let row = copies.line(copy) + index / width;
                        let (group, pixel) = (index % width / pixels, index % width % pixels);
                        let at = plane.line(row).start + group * bytes;
                        let group = memory
                            .as_ref()
                            .and_then(|memory| memory.bytes.get(at..at + bytes))
                            .unwrap_or(&[]);

                        for sample in component.samples(row) {
                            let max = (1u32 << sample.bits) - 1;
                            let want = match (sample.channel, lit) {
                                (Channel::Y, true) => 235 << (sample.bits - 8),
                                (Channel::Y, false) => 16 << (sample.bits - 8),
                                (_, true) => max,
                                (_, false) => 0,
                            };

                            if usize::from(sample.pixel) == pixel
                                && sample.channel.tells_brightness()
                            {
                                assert_eq!(u32::from(sample.get(group)), want);
                                seen += 1;
                            }
                        }
                    }
                }
                assert!(seen >= stamp::BITS * usize::from(copies.count));
            }
        }
    }

    #[test]
    fn the_stamp_leaves_chroma_alone() {
        for name in [b"YUYV", b"NV12", b"YU12", b"NM12", b"YM12"] {
            let layout = Layout::negotiate(fourcc(name), 32, 16);
            let look = PictureParams {
                pattern: Pattern::SolidRed,
                ..PictureParams::default()
            };
            let memory = composed(layout, look, Frame::default());

            assert!(memory.is_some());
            for (n, &code) in memory.iter().flat_map(|m| m.bytes.iter().enumerate()) {
                let want = match name {
                    b"YUYV" => [None, Some(100), None, Some(212)],
                    _ if n < 32 * 16 => [None; 4],
                    b"YU12" | b"YM12" if n < 32 * 16 + 16 * 8 => [Some(100); 4],
                    b"YU12" | b"YM12" => [Some(212); 4],
                    _ => [Some(100), Some(212), Some(100), Some(212)],
                };

                assert!(want
                    .get(n % 4)
                    .is_some_and(|want| want.is_none_or(|w| w == code)));
            }
        }
    }

    #[test]
    fn the_picture_moves_by_its_phase() {
        let layout = Layout::negotiate(fourcc(b"RGB3"), 64, 128);
        let width = layout.width as usize;
        // A line above the third quarter, and one below.
        let lines = [16, 126 - 16];

        for hflip in [false, true] {
            let look = PictureParams {
                hflip,
                ..PictureParams::default()
            };
            let still = composed(layout, look, Frame::default());

            assert!(still.is_some());
            for phase in [2, 30, 62] {
                let frame = Frame {
                    phase,
                    ..Frame::default()
                };
                let moved = composed(layout, look, frame);
                let by = match hflip {
                    false => phase as usize,
                    true => width - phase as usize,
                };

                assert!(moved.is_some());
                for (still, moved) in still.iter().zip(&moved) {
                    for y in lines {
                        let want = row(&layout, still, y).cycle().skip(by).take(width);

                        assert!(row(&layout, moved, y).eq(want));
                        assert!(!row(&layout, moved, y).eq(row(&layout, still, y)));
                    }
                }
            }
        }
    }

    #[test]
    fn flips_mirror_the_picture() {
        let layout = Layout::negotiate(fourcc(b"RGB3"), 64, 128);
        let frame = Frame {
            phase: 10,
            ..Frame::default()
        };
        let flipped = |hflip, vflip| {
            let look = PictureParams {
                pattern: Pattern::Ramps,
                hflip,
                vflip,
                ..PictureParams::default()
            };

            composed(layout, look, frame)
        };
        let all = [
            flipped(false, false),
            flipped(true, false),
            flipped(false, true),
            flipped(true, true),
        ];

        assert!(all.iter().all(|memory| memory.is_some()));
        if let [Some(plain), Some(h), Some(v), Some(hv)] = &all {
            // Neither line bears a stamp.
            for (y, mirrored) in [(20, 107), (60, 67), (100, 27)] {
                let mut backwards = [[0; 3]; 64];

                for (dst, src) in backwards.iter_mut().rev().zip(row(&layout, plain, y)) {
                    *dst = src;
                }
                assert!(row(&layout, h, y).eq(backwards));
                assert!(row(&layout, v, mirrored).eq(row(&layout, plain, y)));
                assert!(row(&layout, hv, mirrored).eq(backwards));
                assert!(!row(&layout, v, y).eq(row(&layout, plain, y)));
            }
        }
    }
}
