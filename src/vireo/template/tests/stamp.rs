// SPDX-License-Identifier: GPL-2.0

//! Tests of the stamp in a frame.

use super::{
    super::super::stamp::{
        self,
        Copies,
        Stamp, //
    },
    *, //
};

#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_template_stamp))]
mod suite {
    use super::*;

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
}
