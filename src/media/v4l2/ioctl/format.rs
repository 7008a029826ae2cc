// SPDX-License-Identifier: GPL-2.0

//! Formats, sizes and intervals.

use super::{
    super::{
        device::{
            BufType,
            Capture,
            Device, //
        },
        format::{
            FrmIval,
            FrmSize,
            PixFormat, //
        }, //
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
    /// What is asked of which device, and where the answer goes.
    ///
    /// # Safety
    ///
    /// As for the whole table; `format` is of a type for capturing video, and is used by nobody
    /// else for as long as the result is.
    unsafe fn asked<'a>(
        file: *mut bindings::file,
        format: *mut bindings::v4l2_format,
    ) -> (&'a Device<T>, PixFormat, &'a mut bindings::v4l2_format) {
        // SAFETY: By the safety requirements.
        unsafe {
            let format = &mut *format;
            (
                Device::<T>::from_file(file),
                PixFormat::read(format),
                format,
            )
        }
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn enum_fmt_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        desc: *mut bindings::v4l2_fmtdesc,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (dev, desc) = unsafe { (Device::<T>::from_file(file), &mut *desc) };

        from_result(|| {
            let found = T::enum_fmt(dev, desc.index).ok_or(EINVAL)?;
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
        let (dev, format) = unsafe { (Device::<T>::from_file(file), &mut *format) };

        T::g_fmt(dev).write(format);
        0
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn try_fmt_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        format: *mut bindings::v4l2_format,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (dev, asked, format) = unsafe { Self::asked(file, format) };

        T::try_fmt(dev, &asked).write(format);
        0
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn s_fmt_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        format: *mut bindings::v4l2_format,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (dev, asked, format) = unsafe { Self::asked(file, format) };

        from_result(|| {
            if dev.queue().is_busy() {
                return Err(EBUSY);
            }
            let set = T::try_fmt(dev, &asked);
            T::s_fmt(dev, &set);
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
        let (dev, sizes) = unsafe { (Device::<T>::from_file(file), &mut *sizes) };

        from_result(|| {
            match T::enum_framesizes(dev, sizes.pixel_format, sizes.index).ok_or(EINVAL)? {
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
        let (dev, ivals) = unsafe { (Device::<T>::from_file(file), &mut *ivals) };

        from_result(|| {
            let (width, height) = (ivals.width, ivals.height);

            match T::enum_frameintervals(dev, ivals.pixel_format, width, height, ivals.index)
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
        let (dev, capture) = unsafe { (Device::<T>::from_file(file), &mut (*parm).parm.capture) };

        *capture = bindings::v4l2_captureparm {
            capability: bindings::V4L2_CAP_TIMEPERFRAME,
            timeperframe: T::interval(dev).into(),
            readbuffers: match dev.buf_type() {
                BufType::VideoCapture => T::QUEUE.min_reqbufs_allocation,
                // There is no read().
                BufType::VideoCaptureMplane => 0,
            },
            ..Default::default()
        };
        0
    }

    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe extern "C" fn s_parm_callback(
        file: *mut bindings::file,
        priv_: *mut c_void,
        parm: *mut bindings::v4l2_streamparm,
    ) -> c_int {
        // SAFETY: By the safety requirements; a capture type was checked for.
        unsafe {
            let dev = Device::<T>::from_file(file);
            T::s_interval(dev, (*parm).parm.capture.timeperframe.into());
            Self::g_parm_callback(file, priv_, parm)
        }
    }
}
