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
