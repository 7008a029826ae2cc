// SPDX-License-Identifier: GPL-2.0

//! Formats, sizes and intervals.

use super::{
    super::{
        capture::Capture,
        format::{
            Fract,
            FrmIval,
            FrmSize,
            PixFormat, //
        }, //
    },
    VTable, //
};
use crate::{
    bindings,
    vb2::{
        Context,
        IoMode, //
    },
};
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
    pub(super) unsafe extern "C" fn enum_fmt_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        desc: *mut bindings::v4l2_fmtdesc,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, desc) = unsafe { (Self::context(file), &mut *desc) };

        from_result(|| {
            let found = T::enum_fmt(&cx, desc.index).ok_or(EINVAL)?;
            desc.pixelformat = found.pixelformat;
            desc.flags = found.flags;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn g_fmt_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        format: *mut bindings::v4l2_format,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, format) = unsafe { (Self::context(file), &mut *format) };

        from_result(|| {
            T::g_fmt(&cx)?.write(format);
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn try_fmt_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        format: *mut bindings::v4l2_format,
    ) -> c_int {
        // SAFETY: By the safety requirements; the type is one for capturing video.
        let (cx, format) = unsafe { (Self::context(file), &mut *format) };

        from_result(|| {
            // SAFETY: As above.
            let asked = unsafe { PixFormat::read(format) };
            T::try_fmt(&cx, &asked)?.write(format);
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn s_fmt_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        format: *mut bindings::v4l2_format,
    ) -> c_int {
        // SAFETY: By the safety requirements; the type is one for capturing video.
        let (cx, format) = unsafe { (Self::context(file), &mut *format) };

        from_result(|| {
            if cx.queue().is_busy() {
                return Err(EBUSY);
            }
            // SAFETY: As above.
            let asked = unsafe { PixFormat::read(format) };
            let set = T::try_fmt(&cx, &asked)?;
            T::s_fmt(&cx, &set)?;
            set.write(format);
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn enum_framesizes_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        sizes: *mut bindings::v4l2_frmsizeenum,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, sizes) = unsafe { (Self::context(file), &mut *sizes) };

        from_result(|| {
            match T::enum_framesizes(&cx, sizes.pixel_format, sizes.index).ok_or(EINVAL)? {
                FrmSize::Discrete(width, height) => {
                    sizes.type_ = bindings::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE;
                    sizes.__bindgen_anon_1.discrete =
                        bindings::v4l2_frmsize_discrete { width, height };
                }
                FrmSize::Stepwise(steps) => {
                    sizes.type_ = if steps.step == (1, 1) {
                        bindings::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_CONTINUOUS
                    } else {
                        bindings::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_STEPWISE
                    };
                    sizes.__bindgen_anon_1.stepwise = bindings::v4l2_frmsize_stepwise {
                        min_width: steps.min.0,
                        max_width: steps.max.0,
                        step_width: steps.step.0,
                        min_height: steps.min.1,
                        max_height: steps.max.1,
                        step_height: steps.step.1,
                    };
                }
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn enum_frameintervals_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        ivals: *mut bindings::v4l2_frmivalenum,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (cx, ivals) = unsafe { (Self::context(file), &mut *ivals) };

        from_result(|| {
            let (width, height) = (ivals.width, ivals.height);

            match T::enum_frameintervals(&cx, ivals.pixel_format, width, height, ivals.index)
                .ok_or(EINVAL)?
            {
                FrmIval::Discrete(interval) => {
                    ivals.type_ = bindings::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE;
                    ivals.__bindgen_anon_1.discrete = interval.into();
                }
                FrmIval::Continuous(min, max) => {
                    ivals.type_ = bindings::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_CONTINUOUS;
                    ivals.__bindgen_anon_1.stepwise = bindings::v4l2_frmival_stepwise {
                        min: min.into(),
                        max: max.into(),
                        // For a continuous range the API asks for a step of one.
                        step: bindings::v4l2_fract {
                            numerator: 1,
                            denominator: 1,
                        },
                    };
                }
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn g_parm_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        parm: *mut bindings::v4l2_streamparm,
    ) -> c_int {
        // SAFETY: By the safety requirements; a capture type was checked for.
        let (cx, capture) = unsafe { (Self::context(file), &mut (*parm).parm.capture) };

        from_result(|| {
            Self::fill_parm(&cx, capture, T::g_parm(&cx)?);
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn s_parm_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        parm: *mut bindings::v4l2_streamparm,
    ) -> c_int {
        // SAFETY: By the safety requirements; a capture type was checked for.
        let (cx, capture) = unsafe { (Self::context(file), &mut (*parm).parm.capture) };

        from_result(|| {
            let interval = T::s_parm(&cx, capture.timeperframe.into())?;
            Self::fill_parm(&cx, capture, interval);
            Ok(0)
        })
    }

    fn fill_parm(cx: &Context<'_, T>, capture: &mut bindings::v4l2_captureparm, interval: Fract) {
        let has_read = T::CONFIG
            .io_modes(cx.buf_type() as u32)
            .any(|mode| *mode == IoMode::Read);

        *capture = bindings::v4l2_captureparm {
            // That the interval can be set, if it can.
            capability: if T::HAS_S_PARM {
                bindings::V4L2_CAP_TIMEPERFRAME
            } else {
                0
            },
            timeperframe: interval.into(),
            readbuffers: if has_read {
                T::CONFIG.min_reqbufs_allocation
            } else {
                0
            },
            ..Default::default()
        };
    }
}
