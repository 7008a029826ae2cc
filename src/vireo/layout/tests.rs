// SPDX-License-Identifier: GPL-2.0

//! Tests of [`Layout`].

use super::{
    super::format::{
        find,
        fourcc,
        offered,
        FORMATS, //
    },
    *, //
};

#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_layout))]
mod suite {
    use super::*;

    #[test]
    fn the_default() {
        let layout = Layout::default();

        assert_eq!(layout.format.fourcc, fourcc(b"YUYV"));
        assert_eq!((layout.width, layout.height), (640, 480));
        assert_eq!((layout.bytesperline(), layout.sizeimage), (1280, 614400));
        assert!(find(0).is_none());
        assert!(Layout::negotiate(fourcc(b"????"), 640, 480) == layout);
    }

    #[test]
    fn sizes_are_adjusted() {
        for (asked, width, height) in [
            (0, 32, 16),
            (1, 32, 16),
            (15, 32, 16),
            (16, 32, 16),
            (17, 32, 18),
            (31, 32, 32),
            (33, 34, 34),
            (34, 34, 34),
            (641, 642, 642),
            (4319, 4320, 4320),
            (4321, 4322, 4320),
            (7679, 7680, 4320),
            (7681, 7680, 4320),
            (u32::MAX - 1, 7680, 4320),
            (u32::MAX, 7680, 4320),
        ] {
            for format in FORMATS {
                let layout = Layout::negotiate(format.fourcc, asked, asked);

                // Four pixels to a group are the exception.
                if format.width_step().get() == 2 {
                    assert_eq!((layout.width, layout.height), (width, height));
                }
                assert!(layout.width % format.width_step() == 0);
                assert!(layout.width.abs_diff(width) <= 2);
                assert!(Layout::negotiate(format.fourcc, layout.width, layout.height) == layout);
            }
        }
        // A step that divides neither limit.
        let six = NonZero::<u32>::MIN.saturating_add(5);

        assert_eq!(align(0, 16, 7676, six), 18);
        assert_eq!(align(u32::MAX, 16, 7676, six), 7674);
    }

    #[test]
    fn bytes_are_counted() {
        let table = [
            (b"YUYV", 15360, 66355200),
            (b"UYVY", 15360, 66355200),
            (b"YVYU", 15360, 66355200),
            (b"VYUY", 15360, 66355200),
            (b"NV12", 7680, 49766400),
            (b"NV21", 7680, 49766400),
            (b"NM12", 7680, 49766400),
            (b"NM21", 7680, 49766400),
            (b"YU12", 7680, 49766400),
            (b"YV12", 7680, 49766400),
            (b"YM12", 7680, 49766400),
            (b"YM21", 7680, 49766400),
            (b"NV16", 7680, 66355200),
            (b"NV61", 7680, 66355200),
            (b"NM16", 7680, 66355200),
            (b"NM61", 7680, 66355200),
            (b"422P", 7680, 66355200),
            (b"YM16", 7680, 66355200),
            (b"YM61", 7680, 66355200),
            (b"NV24", 7680, 99532800),
            (b"NV42", 7680, 99532800),
            (b"YM24", 7680, 99532800),
            (b"YM42", 7680, 99532800),
            (b"RGB3", 23040, 99532800),
            (b"BGR3", 23040, 99532800),
            (b"XR24", 30720, 132710400),
            (b"AR24", 30720, 132710400),
            (b"RX24", 30720, 132710400),
            (b"RA24", 30720, 132710400),
            (b"XB24", 30720, 132710400),
            (b"AB24", 30720, 132710400),
            (b"BX24", 30720, 132710400),
            (b"BA24", 30720, 132710400),
            (b"GREY", 7680, 33177600),
            (b"BA81", 7680, 33177600),
            (b"GBRG", 7680, 33177600),
            (b"GRBG", 7680, 33177600),
            (b"RGGB", 7680, 33177600),
            (b"RGBP", 15360, 66355200),
            (b"Y10 ", 15360, 66355200),
            (b"Y12 ", 15360, 66355200),
            (b"Y16 ", 15360, 66355200),
            (b"BG10", 15360, 66355200),
            (b"GB10", 15360, 66355200),
            (b"BA10", 15360, 66355200),
            (b"RG10", 15360, 66355200),
            (b"BG12", 15360, 66355200),
            (b"GB12", 15360, 66355200),
            (b"BA12", 15360, 66355200),
            (b"RG12", 15360, 66355200),
            (b"BYR2", 15360, 66355200),
            (b"GB16", 15360, 66355200),
            (b"GR16", 15360, 66355200),
            (b"RG16", 15360, 66355200),
            (b"pBAA", 9600, 41472000),
            (b"pGAA", 9600, 41472000),
            (b"pgAA", 9600, 41472000),
            (b"pRAA", 9600, 41472000),
        ];

        assert_eq!(table.len(), FORMATS.len());
        for (name, bytesperline, sizeimage) in table {
            let layout = Layout::negotiate(fourcc(name), 7680, 4320);

            assert_eq!(layout.format.fourcc, fourcc(name));
            assert_eq!(layout.bytesperline(), bytesperline);
            assert_eq!(layout.sizeimage, sizeimage);
        }
    }

    #[test]
    fn planes_fill_the_frame() {
        for format in FORMATS {
            for (width, height) in [(32, 16), (34, 4320), (7680, 16), (642, 482)] {
                let layout = Layout::negotiate(format.fourcc, width, height);
                let mut end = 0;

                for plane in layout.planes() {
                    assert_eq!(plane.offset, end);
                    assert_eq!(plane.stride, plane.bytes);
                    end += plane.size();
                }
                assert_eq!(end, layout.sizeimage as usize);
            }
        }

        let layout = Layout::negotiate(fourcc(b"NV12"), 640, 480);
        let mut planes = layout.planes();
        let luma = planes.next().map(|p| (p.offset, p.rows, p.bytes));
        let chroma = planes.next().map(|p| (p.offset, p.rows, p.bytes));

        assert!(luma == Some((0, 480, 640)));
        assert!(chroma == Some((307200, 240, 640)));
        assert!(planes.next().is_none());
    }

    #[test]
    fn lines_are_padded() {
        let strides = |name, asked: &[u32]| {
            let layout = Layout::negotiate(fourcc(name), 640, 480).padded(asked);
            let mut strides = [0; MAX_MEM_PLANES];

            for (stride, plane) in strides.iter_mut().zip(layout.planes()) {
                *stride = plane.stride;
            }
            (strides, layout.sizeimage)
        };

        assert_eq!(strides(b"YUYV", &[0]), ([1280, 0, 0], 614400));
        assert_eq!(strides(b"YUYV", &[1279]), ([1280, 0, 0], 614400));
        assert_eq!(strides(b"YUYV", &[1281]), ([1284, 0, 0], 616320));
        assert_eq!(strides(b"RGB3", &[2048]), ([2048, 0, 0], 983040));
        assert_eq!(strides(b"GREY", &[u32::MAX]), ([15360, 0, 0], 7372800));
        // What is asked for more planes than there are in memory is not looked at.
        assert_eq!(strides(b"NV12", &[768, 4000]), ([768, 768, 0], 552960));
        assert_eq!(strides(b"NV24", &[768]), ([768, 1536, 0], 1105920));
        assert_eq!(strides(b"YU12", &[767]), ([768, 384, 384], 552960));
        assert_eq!(strides(b"YU12", &[1]), ([640, 320, 320], 460800));
        assert_eq!(strides(b"YU12", &[642]), ([648, 324, 324], 466560));
        assert_eq!(strides(b"NV24", &[642]), ([648, 1296, 0], 933120));
        assert_eq!(strides(b"422P", &[1024]), ([1024, 512, 512], 983040));
        assert_eq!(strides(b"NM12", &[768, 1024]), ([768, 1024, 0], 614400));
        assert_eq!(strides(b"YM12", &[0, 512, 0]), ([640, 512, 320], 506880));
        assert_eq!(strides(b"YM12", &[642, 322, 0]), ([644, 324, 320], 463680));
    }

    #[test]
    fn padding_is_in_proportion() {
        for format in FORMATS {
            for asked in [0, 1, 333, 1000, 4097, 20001, u32::MAX] {
                let layout =
                    Layout::negotiate(format.fourcc, 332, 64).padded(&[asked; MAX_MEM_PLANES]);
                let bytes: u32 = layout.mem_planes().map(|part| part.sizeimage).sum();
                let mut first = None;
                let mut end = 0;

                for plane in layout.planes() {
                    let (line, stride) = *first.get_or_insert((plane.bytes, plane.stride));

                    assert!(plane.stride >= plane.bytes);
                    assert_eq!(plane.offset, end);
                    end += plane.size();
                    if !format.is_apart {
                        assert_eq!(plane.stride * line, plane.bytes * stride);
                    }
                }
                assert_eq!(bytes, layout.sizeimage);
                assert_eq!(end, layout.sizeimage as usize);
                // What was given can be asked for.
                assert!(
                    layout.padded(&[layout.bytesperline()]) == layout
                        || format.is_apart
                        || asked == 0
                );
                assert!(layout.retold(&layout) == layout);
            }
        }
    }

    #[test]
    fn strides_are_left_over() {
        let layout =
            |name, width, asked: &[u32]| Layout::negotiate(fourcc(name), width, 480).padded(asked);
        let told = layout(b"YU12", 644, &[]);

        // Lines that nobody asked to be padded stay as they are, at any height.
        assert!(told.retold(&told) == told);
        assert!(layout(b"YU12", 644, &[644]) != told);
        assert!(
            Layout::negotiate(fourcc(b"YU12"), 644, 16)
                .retold(&told)
                .bytesperline()
                == 644
        );
        // Padding stays, too.
        assert!(
            layout(b"YUYV", 640, &[])
                .retold(&layout(b"YUYV", 640, &[2048]))
                .bytesperline()
                == 2048
        );
        // Of another width or format there is none.
        assert!(
            layout(b"YU12", 640, &[1280]).retold(&layout(b"YUYV", 640, &[]))
                == layout(b"YU12", 640, &[])
        );
        assert!(
            layout(b"YUYV", 320, &[1280]).retold(&layout(b"YUYV", 640, &[]))
                == layout(b"YUYV", 320, &[])
        );
    }

    #[test]
    fn parts_fill_the_frame() {
        for format in FORMATS {
            let layout = Layout::negotiate(format.fourcc, 642, 482);
            let mut end = 0;
            let mut count = 0;

            for part in layout.mem_planes() {
                assert_eq!(part.offset, end);
                end += part.sizeimage as usize;
                count += 1;
            }
            assert_eq!(end, layout.sizeimage as usize);
            assert_eq!(
                count,
                if format.is_apart {
                    format.components.len()
                } else {
                    1
                }
            );
        }

        let layout = Layout::negotiate(fourcc(b"YM12"), 640, 480);
        let mut parts = layout.mem_planes();

        for (offset, bytesperline, sizeimage) in
            [(0, 640, 307200), (307200, 320, 76800), (384000, 320, 76800)]
        {
            assert!(
                parts.next()
                    == Some(MemPlane {
                        offset,
                        bytesperline,
                        sizeimage,
                    })
            );
        }
        assert!(offered(false).count() + 10 == offered(true).count());
    }
}
