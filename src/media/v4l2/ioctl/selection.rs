// SPDX-License-Identifier: GPL-2.0

//! Selections.

use super::{
    super::{
        capture::Capture,
        selection::{
            Rect,
            Target, //
        },
    },
    VTable, //
};
use crate::bindings;
use kernel::{
    error::from_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*, //
};

impl<T: Capture> VTable<T> {
    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn g_selection_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        selection: *mut bindings::v4l2_selection,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, selection) = unsafe { (Self::context(file), &mut *selection) };

        from_result(|| {
            // The core has made the single-planar type of the other; it looks no further.
            if selection.type_ != bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE {
                return Err(EINVAL);
            }
            let target = Target::try_from(selection.target)?;
            selection.r = T::g_selection(&cx, target)?.into();
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn s_selection_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        selection: *mut bindings::v4l2_selection,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, selection) = unsafe { (Self::context(file), &mut *selection) };

        from_result(|| {
            let is_capture = selection.type_ == bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;
            if !is_capture || Target::try_from(selection.target)? != Target::Crop {
                return Err(EINVAL);
            }
            let asked = Rect::from(selection.r);
            let crop = T::try_crop(&cx, asked)?;
            if !crop.is_allowed(&asked, selection.flags) {
                return Err(ERANGE);
            }
            T::s_crop(&cx, crop)?;
            selection.r = crop.into();
            Ok(0)
        })
    }
}
