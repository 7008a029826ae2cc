// SPDX-License-Identifier: GPL-2.0

//! Tests of [`Template`], and of what lies over the picture.

#[path = "tests/samples.rs"]
mod samples;
#[path = "tests/stamp.rs"]
mod stamp;

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
