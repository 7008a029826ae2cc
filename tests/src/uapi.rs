// SPDX-License-Identifier: GPL-2.0

//! The kernel's user-space interface, generated from the installed headers by `build.rs`, and safe
//! readers of its unions.

#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(dead_code, clippy::all, clippy::undocumented_unsafe_blocks)]

include!(concat!(env!("OUT_DIR"), "/uapi.rs"));

// In all of these every bit pattern is a value, and `Default` zeroes the whole union, so that any
// member can be read at any time.
impl v4l2_format {
    pub fn pix(&self) -> v4l2_pix_format {
        // SAFETY: Integers only, see above.
        unsafe { self.fmt.pix }
    }

    pub fn pix_mp(&self) -> v4l2_pix_format_mplane {
        // SAFETY: Integers only, see above.
        unsafe { self.fmt.pix_mp }
    }
}

impl v4l2_pix_format {
    pub fn ycbcr_enc(&self) -> u32 {
        // SAFETY: Integers only, see above.
        unsafe { self.__bindgen_anon_1.ycbcr_enc }
    }
}

impl v4l2_plane {
    pub fn offset(&self) -> u32 {
        // SAFETY: Integers only, see above.
        unsafe { self.m.mem_offset }
    }
}

impl v4l2_pix_format_mplane {
    pub fn ycbcr_enc(&self) -> u32 {
        // SAFETY: Integers only, see above.
        unsafe { self.__bindgen_anon_1.ycbcr_enc }.into()
    }
}

/// What a format says of colours: `V4L2_COLORSPACE_*`, `V4L2_XFER_FUNC_*`, `V4L2_YCBCR_ENC_*` and
/// `V4L2_QUANTIZATION_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colours {
    pub colorspace: u32,
    pub xfer_func: u32,
    pub ycbcr_enc: u32,
    pub quantization: u32,
}

impl v4l2_format {
    fn is_mplane(&self) -> bool {
        self.type_ == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
    }

    /// A format without any padding.
    pub fn new(type_: u32, pixelformat: u32, (width, height): (u32, u32)) -> Self {
        let mut format = Self {
            type_,
            ..Default::default()
        };
        if format.is_mplane() {
            format.fmt.pix_mp = v4l2_pix_format_mplane {
                width,
                height,
                pixelformat,
                ..Default::default()
            };
        } else {
            format.fmt.pix = v4l2_pix_format {
                width,
                height,
                pixelformat,
                priv_: V4L2_PIX_FMT_PRIV_MAGIC,
                ..Default::default()
            };
        }
        format
    }

    /// What it says of colours.
    pub fn colours(&self) -> Colours {
        if self.is_mplane() {
            let pix = self.pix_mp();
            return Colours {
                colorspace: pix.colorspace,
                xfer_func: pix.xfer_func.into(),
                ycbcr_enc: pix.ycbcr_enc(),
                quantization: pix.quantization.into(),
            };
        }
        let pix = self.pix();
        Colours {
            colorspace: pix.colorspace,
            xfer_func: pix.xfer_func,
            ycbcr_enc: pix.ycbcr_enc(),
            quantization: pix.quantization,
        }
    }

    /// The same format in these colours, with the flags of `V4L2_PIX_FMT_FLAG_*`.
    pub fn with_colours(mut self, colours: Colours, flags: u32) -> Self {
        if self.is_mplane() {
            let mut pix = self.pix_mp();
            pix.flags = flags as u8;
            pix.colorspace = colours.colorspace;
            pix.xfer_func = colours.xfer_func as u8;
            pix.__bindgen_anon_1.ycbcr_enc = colours.ycbcr_enc as u8;
            pix.quantization = colours.quantization as u8;
            self.fmt.pix_mp = pix;
        } else {
            let mut pix = self.pix();
            pix.flags = flags;
            pix.colorspace = colours.colorspace;
            pix.xfer_func = colours.xfer_func;
            pix.__bindgen_anon_1.ycbcr_enc = colours.ycbcr_enc;
            pix.quantization = colours.quantization;
            self.fmt.pix = pix;
        }
        self
    }
}

impl v4l2_streamparm {
    pub fn capture(&self) -> v4l2_captureparm {
        // SAFETY: Integers only, see above.
        unsafe { self.parm.capture }
    }
}

impl v4l2_buffer {
    pub fn offset(&self) -> u32 {
        // SAFETY: Integers only, see above.
        unsafe { self.m.offset }
    }
}

impl v4l2_frmsizeenum {
    pub fn stepwise(&self) -> v4l2_frmsize_stepwise {
        // SAFETY: Integers only, see above.
        unsafe { self.__bindgen_anon_1.stepwise }
    }

    pub fn discrete(&self) -> v4l2_frmsize_discrete {
        // SAFETY: Integers only, see above.
        unsafe { self.__bindgen_anon_1.discrete }
    }
}

impl v4l2_frmivalenum {
    pub fn discrete(&self) -> v4l2_fract {
        // SAFETY: Integers only, see above.
        unsafe { self.__bindgen_anon_1.discrete }
    }
}

impl v4l2_ext_control {
    pub fn value64(&self) -> i64 {
        // SAFETY: Integers only, see above.
        unsafe { self.__bindgen_anon_1.value64 }
    }
}

impl v4l2_event {
    pub fn frame_sequence(&self) -> u32 {
        // SAFETY: Integers only, see above.
        unsafe { self.u.frame_sync.frame_sequence }
    }

    /// What has changed of a control (`V4L2_EVENT_CTRL_CH_*`), and its value.
    pub fn control(&self) -> (u32, i32) {
        // SAFETY: Integers only, see above.
        unsafe { (self.u.ctrl.changes, self.u.ctrl.__bindgen_anon_1.value) }
    }
}
