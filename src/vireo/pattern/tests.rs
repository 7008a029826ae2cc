// SPDX-License-Identifier: GPL-2.0

//! Tests of the patterns.

use super::{
    super::{
        colorimetry::{
            Colorimetry,
            Colorspace,
            Quantization,
            YcbcrEnc, //
        },
        picture::Crop, //
    },
    *, //
};

#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_pattern))]
mod suite {
    use super::*;

    #[test]
    fn bars_have_their_colours() {
        let colour = Colour::of(&Colorimetry::default());
        let full = Colour::get(YcbcrEnc::Bt601, Quantization::FullRange);
        let layout = Layout::negotiate(0, 80, 16);
        let bars75 = [
            [180, 128, 128],
            [162, 44, 142],
            [131, 156, 44],
            [112, 72, 58],
            [84, 184, 198],
            [65, 100, 212],
            [35, 212, 114],
            [16, 128, 128],
        ];
        let bars100 = [
            [235, 128, 128],
            [210, 16, 146],
            [170, 166, 16],
            [145, 54, 34],
            [106, 202, 222],
            [81, 90, 240],
            [41, 240, 110],
            [16, 128, 128],
        ];

        for (pattern, level, codes) in [
            (Pattern::Bars75, 191, bars75),
            (Pattern::Bars100, 255, bars100),
        ] {
            let look = PictureParams {
                pattern,
                ..PictureParams::default()
            };
            let scene = PatternGen::new(&look, &layout);

            for (n, (want, bar)) in codes.into_iter().zip(BARS).enumerate() {
                let ycc = colour.ycc(scene.rgb(0, 10 * n as i64 + 9));
                let [y, cb, cr] = scene.adjust(ycc);

                assert_eq!(colour.code(Channel::Y, y, 8), want[0]);
                assert_eq!(colour.code(Channel::Cb, cb, 8), want[1]);
                assert_eq!(colour.code(Channel::Cr, cr, 8), want[2]);
                for (value, lit) in colour.rgb(ycc).into_iter().zip(bar) {
                    let want = if lit { level } else { 0 };

                    assert_eq!(full.code(Channel::R, value, 8), want);
                }
            }
        }
    }

    /// Whether `value` is within 1 of what is given in thousandths.
    fn close(value: i64, thousandths: i64) -> bool {
        (1000 * value - thousandths).abs() <= 1000
    }

    #[test]
    fn controls_act_as_calculated() {
        let colour = Colour::of(&Colorimetry::default());

        // Yellow and red at three quarters: Y, Cb, Cr, R, G, B in thousandths, from floating point.
        #[rustfmt::skip]
        let table = [
            (128, 128, 128, 64, true, [161_525, 114_340, 44_000, 35_381, 243_088, 141_891]),
            (128, 128, 128, 64, false, [65_111, 44_000, 99_652, 11_940, 113_137, 0]),
            (100, 128, 128, 0, true, [137_572, 44_000, 141_660, 163_359, 163_359, 0]),
            (128, 64, 128, 0, false, [95_305, 99_652, 212_000, 226_408, 35_158, 35_158]),
            (128, 128, 40, 0, true, [161_525, 101_750, 132_269, 176_261, 176_261, 116_495]),
            (140, 150, 90, -37, true, [177_983, 99_235, 180_471, 255_000, 157_222, 130_585]),
            (140, 150, 90, -37, false, [64_997, 162_299, 180_050, 140_125, 1_299, 126_240]),
            (128, 128, 128, -128, false, [65_111, 156_348, 44_000, 0, 114_367, 114_368]),
            (255, 255, 255, 127, true, [235_000, 240_000, 96_687, 205_024, 236_579, 255_000]),
        ];

        for (brightness, contrast, saturation, hue, yellow, want) in table {
            let look = PictureParams {
                brightness,
                contrast,
                saturation,
                hue,
                ..PictureParams::default()
            };
            let rgb = [ONE * 3 / 4, if yellow { ONE * 3 / 4 } else { 0 }, 0];
            let ycc = PatternGen::new(&look, &Layout::default()).adjust(colour.ycc(rgb));
            let channels = [
                Channel::Y,
                Channel::Cb,
                Channel::Cr,
                Channel::R,
                Channel::G,
                Channel::B,
            ];

            for (channel, want) in channels.into_iter().zip(want) {
                let quantization = Quantization::default_of(channel.is_yuv());
                let coded = Colour::get(YcbcrEnc::Bt601, quantization);
                let code = coded.code(channel, colour.channel(channel, ycc), 8);

                assert!(close(code.into(), want));
            }
        }
    }

    #[test]
    fn extreme_colours_stay_in_range() {
        let colour = Colour::of(&Colorimetry::default());

        for brightness in [0, 255] {
            for contrast in [0, 255] {
                for hue in i8::MIN..=i8::MAX {
                    let look = PictureParams {
                        brightness,
                        contrast,
                        saturation: 255,
                        hue,
                        ..PictureParams::default()
                    };

                    let layout = Layout::default();
                    let scene = PatternGen::new(&look, &layout);

                    for bar in BARS {
                        let rgb = bar.map(|lit| if lit { ONE } else { 0 });
                        let [y, cb, cr] = scene.adjust(colour.ycc(rgb));

                        assert!(matches!(colour.code(Channel::Y, y, 8), 16..=235));
                        assert!(matches!(colour.code(Channel::Cb, cb, 8), 16..=240));
                        assert!(matches!(colour.code(Channel::Cr, cr, 8), 16..=240));
                    }
                }
            }
        }
    }

    #[test]
    fn patterns_have_their_lines() {
        let all = Crop::whole(7680, 4320);
        let part = Crop {
            left: 7000,
            top: 4000,
            width: 680,
            height: 320,
        };

        for pattern in Pattern::ALL {
            for (width, height) in [(32, 16), (7680, 4320), (32, 4320), (7680, 16)] {
                for (crop, vflip) in [(all, false), (all, true), (part, false), (part, true)] {
                    let layout = Layout::negotiate(0, width, height);
                    let look = PictureParams {
                        pattern,
                        crop,
                        vflip,
                        ..PictureParams::default()
                    };
                    let scene = PatternGen::new(&look, &layout);
                    let (mut kind, mut end) = (0, 0);

                    for y in 0..height as usize {
                        if y == end {
                            (kind, end) = scene.run(y);
                        }
                        assert!(scene.kind(y) < pattern.kinds(&layout));
                        assert_eq!(scene.kind(y), kind);
                    }
                    assert_eq!(end, height as usize);
                }
            }
            assert!(Pattern::from_index(pattern as u8) == Some(pattern));
        }
        assert!(Pattern::from_index(Pattern::ALL.len() as u8).is_none());
    }

    #[test]
    fn a_crop_is_scaled() {
        let layout = Layout::negotiate(0, 64, 64);
        // The last quarter of each side: red, and two bars of it, blue and black; and the ramp.
        let look = PictureParams {
            native: (640, 480),
            crop: Crop {
                left: 480,
                top: 300,
                width: 160,
                height: 120,
            },
            ..PictureParams::default()
        };
        let scene = PatternGen::new(&look, &layout);

        for (x, want) in [(0, 2), (31, 2), (32, 0), (63, 0)] {
            let blue = scene.rgb(0, x)[2];

            assert_eq!(blue, if want == 2 { ONE * 3 / 4 } else { 0 });
        }
        // Line 360 of the array is the first of the ramp: 60 of 120 lines down.
        assert_eq!((scene.kind(31), scene.kind(32)), (0, 1));
        // The ramp ends where the array does, and begins at three quarters of it.
        assert_eq!(scene.rgb(1, 63), [ONE; 3]);
        assert!((scene.rgb(1, 0)[0] - ONE * 3 / 4).abs() < ONE / 250);
    }

    #[test]
    fn flips_are_of_what_is_captured() {
        let layout = Layout::negotiate(0, 64, 64);
        let crop = Crop {
            left: 100,
            top: 200,
            width: 300,
            height: 280,
        };
        let look = PictureParams {
            native: (640, 480),
            crop,
            ..PictureParams::default()
        };
        let flipped = PictureParams {
            hflip: true,
            vflip: true,
            ..look
        };
        let (plain, flipped) = (
            PatternGen::new(&look, &layout),
            PatternGen::new(&flipped, &layout),
        );

        for n in 0..64 {
            assert_eq!(plain.kind(n), flipped.kind(63 - n));
            assert!(plain.ycc(1, n as u32) == flipped.ycc(1, 63 - n as u32));
        }
    }

    #[test]
    fn light_follows_the_square_root() {
        let layout = Layout::default();

        for (exposure, gain, level) in [
            (100, 16, 65536),
            (400, 16, 131072),
            (100, 64, 131072),
            (25, 16, 32768),
            (1, 16, 6553),
            (10_000, 256, 2_621_440),
        ] {
            let look = PictureParams {
                exposure,
                gain,
                pattern: Pattern::Bars75,
                ..PictureParams::default()
            };
            let scene = PatternGen::new(&look, &layout);
            let want = (ONE * 3 / 4 * level / 65536).min(ONE);
            let white = scene.ycc(0, 0)[0];

            assert_eq!(scene.level, level);
            assert!((white - want).abs() <= 1 << 10);
        }
    }

    #[test]
    fn a_zone_plate_is_round() {
        let layout = Layout::negotiate(0, 640, 360);
        let look = PictureParams {
            pattern: Pattern::ZonePlate,
            native: (640, 360),
            crop: Crop::whole(640, 360),
            ..PictureParams::default()
        };
        let scene = PatternGen::new(&look, &layout);

        // White in the middle, and the same at the same distance across and down.
        assert!(scene.rgb(180, 320)[0] > ONE * 99 / 100);
        for n in 0..180 {
            assert_eq!(scene.rgb(180 + n, 320), scene.rgb(180, 320 + n as i64));
            assert_eq!(
                scene.rgb(180, 319 - n as i64),
                scene.rgb(180, 320 + n as i64)
            );
        }
        // The first black ring: half a turn of 80 (2 x / 640)^2.
        assert!(scene.rgb(180, 345)[0] < ONE / 50);
    }

    #[test]
    fn noise_comes_from_its_seed() {
        let layout = Layout::negotiate(0, 640, 480);
        let look = |seed| PictureParams {
            pattern: Pattern::Noise,
            seed,
            ..PictureParams::default()
        };
        let (one, two) = (look(1), look(2));
        let differ = |a: &PictureParams, b: &PictureParams| {
            let (a, b) = (PatternGen::new(a, &layout), PatternGen::new(b, &layout));

            (0..640).filter(|&x| a.rgb(0, x) != b.rgb(0, x)).count()
        };

        assert_eq!(differ(&one, &one), 0);
        assert!(differ(&one, &two) > 600);
        assert!(phase(&layout, &one, 1) != phase(&layout, &one, 2));
        assert!(phase(&layout, &one, 1) != phase(&layout, &two, 1));
    }

    #[test]
    fn tones_are_what_each_pixel_is_converted_to() {
        let layout = Layout::negotiate(0, 64, 64);

        for colorspace in Colorspace::ALL {
            for (pattern, exposure) in Pattern::ALL
                .into_iter()
                .flat_map(|pattern| [(pattern, 100), (pattern, 37)])
            {
                let look = PictureParams {
                    pattern,
                    exposure,
                    colorimetry: Colorimetry::default_of(colorspace, true),
                    ..PictureParams::default()
                };
                let (slow, fast) = (
                    PatternGen::new(&look, &layout),
                    PatternGen::new(&look, &layout),
                );
                let tones = fast.tones();
                let fast = fast.with_tones(tones.as_ref());

                for kind in 0..pattern.kinds(&layout) {
                    for x in 0..64 {
                        assert!(slow.ycc(kind, x) == fast.ycc(kind, x));
                    }
                }
            }
        }
    }

    #[test]
    fn phases_go_round() {
        let layout = Layout::negotiate(0, 640, 480);
        let look = PictureParams::default();

        assert_eq!(phase(&layout, &look, 0), 0);
        assert_eq!(phase(&layout, &look, 1), 2);
        assert_eq!(phase(&layout, &look, 319), 638);
        assert_eq!(phase(&layout, &look, 320), 0);
        for pattern in Pattern::ALL {
            let look = PictureParams { pattern, ..look };

            assert!(phase(&layout, &look, u32::MAX) < 640);
        }
    }
}
