// SPDX-License-Identifier: GPL-2.0

use super::colorimetry::{Colorimetry, Colorspace};
use super::format::{fourcc, Format, FORMATS};
use super::pattern::phase;
use super::picture::{Pattern, PictureParams};
use super::stamp::Frame;
use super::*;

/// A small frame that is all stamp, a narrow one, and one with four copies.
const SIZES: [(u32, u32); 4] = [(32, 16), (66, 130), (320, 240), (322, 98)];

fn layouts() -> impl Iterator<Item = Layout> {
    FORMATS
        .iter()
        .flat_map(|f| SIZES.map(|(w, h)| Layout::negotiate(f.fourcc, w, h)))
}

#[test]
fn padding_is_not_looked_at() {
    for tight in layouts() {
        let layout = tight.padded(&[2000; 3]);
        let mut frame = nth(layout, 5);

        for plane in layout.planes() {
            assert!(plane.stride > plane.bytes);
            for line in 0..plane.rows {
                let padding = plane.line(line).end..plane.line(line).start + plane.stride;

                frame[padding].fill(0x11);
            }
        }
        assert!(Reader::new(layout).check(&frame).is_ok());
        // The last byte of the last line is.
        let last = layout.planes().last().expect("a plane");

        frame[last.line(last.rows - 1).end - 1] ^= 1;
        assert!(!Reader::new(layout).check(&frame).is_ok());
    }
}

pub(super) fn made(layout: Layout, look: PictureParams, frame: Frame) -> Vec<u8> {
    let bytes = vec![0; template::len(&layout, &look)];
    let mut template = Template::render(layout, look, bytes).expect("fits");
    let mut memory = Memory(vec![0xaa; layout.sizeimage as usize]);

    let Ok(()) = template.compose(&frame, &mut memory);
    memory.0
}

/// Makes the frame that a stream has at this place.
fn nth(layout: Layout, sequence: u32) -> Vec<u8> {
    let frame = Frame {
        device: 2,
        sequence,
        timestamp: 1_000_000 * (u64::from(sequence) + 1),
        phase: phase(&layout, &PictureParams::default(), sequence),
        flaw: false,
    };

    made(layout, PictureParams::default(), frame)
}

#[test]
fn a_good_stream() {
    for layout in layouts() {
        let mut reader = Reader::new(layout);

        for n in 0..20 {
            let verdict = reader.check(&nth(layout, n));

            assert!(verdict.is_ok(), "{verdict:?}");
            assert_eq!(verdict.lost, 0);
            assert_eq!(verdict.stamp.expect("good").frame.sequence, n);
        }
        assert_eq!(
            reader.counts().to_string(),
            "frames 20 ok 20 torn 0 corrupt 0 repeated 0 lost 0 misplaced 0 fps 1000.00"
        );
    }
}

#[test]
fn every_look_is_recognised() {
    for layout in layouts() {
        let mut reader = Reader::new(layout);
        let mut n = 0;

        for pattern in Pattern::ALL {
            for (brightness, contrast, hue) in [(128, 128, 0), (0, 255, -128), (255, 0, 77)] {
                for (hflip, vflip) in [(true, false), (false, true), (true, true)] {
                    n += 1;

                    let look = PictureParams {
                        pattern,
                        brightness,
                        contrast,
                        hue,
                        hflip,
                        vflip,
                        ..PictureParams::default()
                    };
                    let frame = Frame {
                        device: 0,
                        sequence: n,
                        timestamp: n.into(),
                        phase: phase(&layout, &look, n),
                        flaw: false,
                    };
                    let verdict = reader.check(&made(layout, look, frame));

                    assert_eq!(verdict.into_result(), Ok(Stamp { frame, look }));
                }
            }
        }
    }
}

#[test]
fn a_torn_frame() {
    for layout in layouts() {
        let copies = Copies::of(&layout);

        for at in 1..copies.count {
            // Everything from one of the copies on belongs to the frame before.
            let line = copies.line(at) - 1;
            let (mut frame, before) = (nth(layout, 8), nth(layout, 7));

            for plane in layout.planes() {
                let row = line / usize::from(plane.component.height.get());
                let range = plane.line(row).start..plane.offset + plane.size();

                frame[range.clone()].copy_from_slice(&before[range]);
            }

            let verdict = Reader::new(layout).check(&frame);

            match verdict.fault {
                Some(Fault::Torn { first, other }) => {
                    assert_eq!((first.frame.sequence, other.frame.sequence), (8, 7));
                }
                fault => panic!("{fault:?}"),
            }
        }
    }
}

#[test]
fn a_tear_between_two_copies() {
    // Less than a third of the picture, and no stamp in it.
    let layout = Layout::negotiate(fourcc(b"YUYV"), 320, 240);
    let (mut frame, before) = (nth(layout, 8), nth(layout, 7));
    let bytes = layout.bytesperline() as usize;

    frame[10 * bytes..70 * bytes].copy_from_slice(&before[10 * bytes..70 * bytes]);
    match Reader::new(layout).check(&frame).fault {
        Some(Fault::Pixel { line: 10, .. }) => (),
        fault => panic!("{fault:?}"),
    }
}

#[test]
fn a_corrupt_stamp() {
    for layout in layouts() {
        let copies = Copies::of(&layout);

        for copy in 0..copies.count {
            let mut frame = nth(layout, 3);
            let bytes = layout.bytesperline() as usize;
            let start = copies.line(copy) * bytes;

            let group = usize::from(layout.format.components[0].bytes.get());

            // The first pixels: bit 7 of the first byte, and some more.
            for byte in &mut frame[start..start + group] {
                *byte ^= 0xff;
            }

            let fault = Reader::new(layout).check(&frame).fault;

            assert_eq!(
                fault,
                Some(Fault::Corrupt {
                    copy,
                    why: stamp::Fault::Check
                })
            );
        }
    }
}

#[test]
fn a_frame_that_was_never_written() {
    for layout in layouts() {
        for fill in [0, 0x80, 0xff] {
            let frame = vec![fill; layout.sizeimage as usize];
            let fault = Reader::new(layout).check(&frame).fault;

            assert!(matches!(fault, Some(Fault::Corrupt { copy: 0, .. })));
        }
    }
}

#[test]
fn one_wrong_byte_anywhere() {
    for layout in layouts() {
        let good = nth(layout, 5);
        let mut reader = Reader::new(layout);

        for at in (0..good.len()).step_by(good.len() / 97) {
            let mut frame = good.clone();

            frame[at] ^= 1;

            let fault = reader.check(&frame).fault;

            match fault {
                Some(Fault::Pixel {
                    plane, line, byte, ..
                }) => {
                    let plane = layout.planes().nth(plane).expect("a plane");

                    assert_eq!(plane.line(line).start + byte, at);
                }
                fault => panic!("{fault:?}"),
            }
        }
        assert_eq!(reader.counts().misplaced, reader.counts().frames);
    }
}

#[test]
fn a_frame_that_is_shifted() {
    for layout in layouts() {
        for by in [1, layout.bytesperline() as usize] {
            let mut frame = nth(layout, 5);

            frame.rotate_right(by);
            assert!(!Reader::new(layout).check(&frame).is_ok());
        }
    }
}

#[test]
fn copies_in_the_wrong_order() {
    let layout = Layout::negotiate(fourcc(b"RGB3"), 320, 240);
    let mut frame = nth(layout, 5);
    let bytes = layout.bytesperline() as usize;
    let copies = Copies::of(&layout);

    frame.copy_within(0..copies.lines * bytes, copies.line(1) * bytes);
    assert_eq!(
        Reader::new(layout).check(&frame).fault,
        Some(Fault::Moved { copy: 1, is: 0 })
    );
}

#[test]
fn a_frame_of_another_size() {
    for layout in layouts() {
        let frame = nth(layout, 5);
        let should = frame.len();

        assert_eq!(
            Reader::new(layout).check(&frame[1..]).fault,
            Some(Fault::Size {
                is: should - 1,
                should
            })
        );
    }
}

#[test]
fn repeated_and_stale_frames() {
    for layout in layouts() {
        let mut reader = Reader::new(layout);

        for (n, ok) in [
            (4, true),
            (4, false),
            (5, true),
            (3, false),
            (5, false),
            (6, true),
        ] {
            let fault = reader.check(&nth(layout, n)).fault;

            assert_eq!(fault.is_none(), ok);
            assert!(matches!(fault, None | Some(Fault::Repeated { .. })));
        }
        assert_eq!(reader.counts().repeated, 3);
        assert_eq!(reader.counts().lost, 0);
        reader.restart();
        assert!(reader.check(&nth(layout, 0)).is_ok());
    }
}

#[test]
fn a_timestamp_that_goes_back() {
    let layout = Layout::default();
    let mut reader = Reader::new(layout);

    for (sequence, timestamp, ok) in [(0, 100, true), (1, 99, false), (2, 101, true)] {
        let frame = Frame {
            sequence,
            timestamp,
            ..Frame::default()
        };

        assert_eq!(
            reader
                .check(&made(layout, PictureParams::default(), frame))
                .is_ok(),
            ok
        );
    }
}

#[test]
fn lost_frames() {
    for layout in layouts() {
        let mut reader = Reader::new(layout);

        // The sequence of a stream may begin anywhere.
        for (n, lost) in [(9, 0), (10, 0), (13, 2), (14, 0), (1014, 999)] {
            let verdict = reader.check(&nth(layout, n));

            assert!(verdict.is_ok());
            assert_eq!(verdict.lost, lost);
        }
        assert_eq!(reader.counts().lost, 1001);

        // A frame with a fault is there, if only half.
        let mut torn = nth(layout, 1015);
        torn[0] ^= 0xff;
        assert!(!reader.check(&torn).is_ok());
        assert_eq!(reader.check(&nth(layout, 1017)).lost, 1);
    }
}

#[test]
fn sequences_wrap() {
    let layout = Layout::default();
    let mut reader = Reader::new(layout);

    for (n, (sequence, lost)) in [(u32::MAX - 1, 0), (u32::MAX, 0), (2, 2)]
        .into_iter()
        .enumerate()
    {
        let frame = Frame {
            sequence,
            timestamp: n as u64,
            ..Frame::default()
        };
        let verdict = reader.check(&made(layout, PictureParams::default(), frame));

        assert!(verdict.is_ok());
        assert_eq!(verdict.lost, lost);
    }
}

#[test]
fn a_frame_of_another_device() {
    let layout = Layout::default();
    let mut reader = Reader::new(layout);

    assert!(reader.check(&nth(layout, 1)).is_ok());

    let frame = Frame {
        device: 7,
        sequence: 2,
        timestamp: u64::MAX,
        phase: 0,
        flaw: false,
    };

    assert_eq!(
        reader
            .check(&made(layout, PictureParams::default(), frame))
            .fault,
        Some(Fault::Stranger { device: 7 })
    );
}

#[test]
fn formats_have_names() {
    for format in FORMATS {
        let code = format.fourcc.to_le_bytes();
        let name = std::str::from_utf8(&code).expect("a name");

        assert_eq!(super::fourcc(name), Some(format.fourcc));
        assert_eq!(super::fourcc(name.trim_end()), Some(format.fourcc));
    }
    assert_eq!(super::fourcc("RGB24"), Some(fourcc(b"RGB3")));
    assert_eq!(super::fourcc("RGB48"), None);
}

#[test]
fn formats_are_not_adjusted() {
    assert!(Reader::for_format(fourcc(b"NV12"), 640, 480).is_some());
    assert!(Reader::for_format(fourcc(b"NV12"), 641, 480).is_none());
    assert!(Reader::for_format(fourcc(b"NV12"), 640, 8).is_none());
    assert!(Reader::for_format(fourcc(b"????"), 640, 480).is_none());
    assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[0]).is_some());
    assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[640]).is_some());
    assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[704]).is_some());
    assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[639]).is_none());
    assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[641]).is_none());
    assert!(Reader::padded(fourcc(b"YU12"), 642, 480, &[642]).is_some());
    assert!(Reader::padded(fourcc(b"YU12"), 642, 480, &[648]).is_some());
    assert!(Reader::padded(fourcc(b"NM12"), 640, 480, &[704, 768]).is_some());
}

#[test]
fn a_picture_has_the_colours_of_the_bars() {
    let grey = |format: &&&Format| format.is_yuv() && !format.has_chroma();

    for format in FORMATS.iter().filter(|format| !grey(&format)) {
        let layout = Layout::negotiate(format.fourcc, 640, 480);
        let look = PictureParams {
            pattern: Pattern::Bars100,
            colorimetry: Colorimetry::default_of(Colorspace::Srgb, format.is_yuv()),
            ..PictureParams::default()
        };
        let frame = made(layout, look, Frame::default());
        let picture = picture(&layout, &look.colorimetry, &frame);

        assert_eq!(picture.len(), 640 * 480 * 3);
        for (x, rgb) in [
            (40, [255, 255, 255]),
            (120, [255, 255, 0]),
            (440, [255, 0, 0]),
        ] {
            let at = 3 * (100 * 640 + x);

            for (is, should) in picture[at..at + 3].iter().zip(rgb) {
                assert!(is.abs_diff(should) <= 2, "{:?}", &picture[at..at + 3]);
            }
        }
    }
}
