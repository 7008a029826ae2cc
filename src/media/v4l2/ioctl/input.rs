// SPDX-License-Identifier: GPL-2.0

//! Inputs and analogue standards.

use super::{
    super::{
        capture::Capture,
        input::Input,
        standard::Std, //
    },
    VTable, //
};
use crate::{
    bindings,
    vb2::Context, //
};
use kernel::{
    error::from_result,
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    prelude::*, //
};

/// The input of a node with this index, `None` past the last.
pub(in super::super) fn input<T: Capture>(cx: &Context<'_, T>, index: u32) -> Option<Input> {
    if T::HAS_ENUM_INPUT {
        T::enum_input(cx, index)
    } else {
        (index == 0).then_some(Input::new(T::INPUT))
    }
}

impl<T: Capture> VTable<T> {
    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn enum_input_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        raw: *mut bindings::v4l2_input,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, raw) = unsafe { (Self::context(file), &mut *raw) };

        from_result(|| {
            input(&cx, raw.index).ok_or(EINVAL)?.write(raw);
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn g_input_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        index: *mut c_uint,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, index) = unsafe { (Self::context(file), &mut *index) };

        from_result(|| {
            *index = T::g_input(&cx)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn s_input_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        index: c_uint,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let cx = unsafe { Self::context(file) };

        from_result(|| {
            if T::g_input(&cx)? == index {
                return Ok(0);
            }
            if input(&cx, index).is_none() || !T::HAS_S_INPUT {
                return Err(EINVAL);
            }
            if cx.queue().is_busy() {
                return Err(EBUSY);
            }
            T::s_input(&cx, index)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn g_std_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        std: *mut bindings::v4l2_std_id,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, std) = unsafe { (Self::context(file), &mut *std) };

        from_result(|| {
            *std = T::g_std(&cx)?.into_raw();
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn s_std_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        std: bindings::v4l2_std_id,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let cx = unsafe { Self::context(file) };

        from_result(|| {
            // The core has left what the node has, but lets all pass where it has none.
            let std = Std::from_raw(std) & T::STANDARDS;
            if std.is_empty() {
                return Err(EINVAL);
            }
            if T::g_std(&cx)? == std {
                return Ok(0);
            }
            if cx.queue().is_busy() {
                return Err(EBUSY);
            }
            T::s_std(&cx, std)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn querystd_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        std: *mut bindings::v4l2_std_id,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, std) = unsafe { (Self::context(file), &mut *std) };

        from_result(|| {
            // Others may have removed some already.
            *std &= T::querystd(&cx)?.into_raw();
            Ok(0)
        })
    }
}
