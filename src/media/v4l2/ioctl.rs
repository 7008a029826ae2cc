// SPDX-License-Identifier: GPL-2.0

//! From ioctls to the methods of a driver.
//!
//! C header: [`include/media/v4l2-ioctl.h`](srctree/include/media/v4l2-ioctl.h)

mod file;
mod format;
mod input;
mod selection;

pub(super) use self::input::input;

use super::{
    capture::Capture,
    device::Driver,
    video_device::{
        owner,
        VideoDevice, //
    },
};
use crate::{
    bindings,
    compat::owner_module,
    vb2::Context, //
};
use core::marker::PhantomData;
use kernel::{
    device,
    error::from_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*, //
};

/// What the name of a bus that the core does not know begins with.
const PLATFORM: &[u8] = b"platform:";

/// The tables of a `T`'s node.
///
/// The callbacks that take a `file` have one contract, written here once: the V4L2 core calls them
/// with an open file of a [`VideoDevice<T>`], and with an argument that it has checked for its
/// type (the buffer type too), copied in, and will copy out. The node's lock is held.
pub(super) struct VTable<T: Capture>(PhantomData<T>);

impl<T: Capture> VTable<T> {
    pub(super) const FOPS: bindings::v4l2_file_operations = bindings::v4l2_file_operations {
        owner: owner::<owner_module!(T as Capture)>(),
        open: Some(bindings::v4l2_fh_open),
        release: Some(bindings::vb2_fop_release),
        read: Some(Self::read_callback),
        poll: Some(Self::poll_callback),
        mmap: Some(bindings::vb2_fop_mmap),
        unlocked_ioctl: Some(Self::ioctl_callback),
        ..pin_init::zeroed()
    };

    /// For nodes that capture into one plane.
    pub(super) const OPS: bindings::v4l2_ioctl_ops = bindings::v4l2_ioctl_ops {
        vidioc_g_fmt_vid_cap: Some(Self::g_fmt_callback),
        vidioc_try_fmt_vid_cap: Some(Self::try_fmt_callback),
        vidioc_s_fmt_vid_cap: Some(Self::s_fmt_callback),
        ..Self::COMMON
    };

    /// For multi-planar nodes.
    pub(super) const OPS_MPLANE: bindings::v4l2_ioctl_ops = bindings::v4l2_ioctl_ops {
        vidioc_g_fmt_vid_cap_mplane: Some(Self::g_fmt_callback),
        vidioc_try_fmt_vid_cap_mplane: Some(Self::try_fmt_callback),
        vidioc_s_fmt_vid_cap_mplane: Some(Self::s_fmt_callback),
        ..Self::COMMON
    };

    const COMMON: bindings::v4l2_ioctl_ops = bindings::v4l2_ioctl_ops {
        vidioc_querycap: Some(Self::querycap_callback),
        vidioc_enum_fmt_vid_cap: Some(Self::enum_fmt_callback),
        vidioc_enum_framesizes: if T::HAS_ENUM_FRAMESIZES {
            Some(Self::enum_framesizes_callback)
        } else {
            None
        },
        vidioc_enum_frameintervals: if T::HAS_ENUM_FRAMEINTERVALS {
            Some(Self::enum_frameintervals_callback)
        } else {
            None
        },
        vidioc_g_parm: if T::HAS_G_PARM {
            Some(Self::g_parm_callback)
        } else {
            None
        },
        vidioc_s_parm: if T::HAS_S_PARM {
            Some(Self::s_parm_callback)
        } else {
            None
        },
        vidioc_g_selection: if T::HAS_G_SELECTION {
            Some(Self::g_selection_callback)
        } else {
            None
        },
        vidioc_s_selection: if T::HAS_S_CROP {
            Some(Self::s_selection_callback)
        } else {
            None
        },
        vidioc_enum_input: Some(Self::enum_input_callback),
        vidioc_g_input: Some(Self::g_input_callback),
        vidioc_s_input: Some(Self::s_input_callback),
        vidioc_g_std: if T::HAS_G_STD {
            Some(Self::g_std_callback)
        } else {
            None
        },
        vidioc_s_std: if T::HAS_S_STD {
            Some(Self::s_std_callback)
        } else {
            None
        },
        vidioc_querystd: if T::HAS_QUERYSTD {
            Some(Self::querystd_callback)
        } else {
            None
        },
        vidioc_log_status: if T::HAS_LOG_STATUS {
            Some(Self::log_status_callback)
        } else {
            Some(bindings::v4l2_ctrl_log_status)
        },
        vidioc_subscribe_event: Some(Self::subscribe_callback),
        vidioc_unsubscribe_event: Some(bindings::v4l2_event_unsubscribe),
        vidioc_reqbufs: Some(bindings::vb2_ioctl_reqbufs),
        vidioc_create_bufs: Some(bindings::vb2_ioctl_create_bufs),
        vidioc_prepare_buf: Some(bindings::vb2_ioctl_prepare_buf),
        vidioc_remove_bufs: Some(bindings::vb2_ioctl_remove_bufs),
        vidioc_querybuf: Some(bindings::vb2_ioctl_querybuf),
        vidioc_qbuf: Some(bindings::vb2_ioctl_qbuf),
        vidioc_dqbuf: Some(Self::dqbuf_callback),
        vidioc_expbuf: Some(bindings::vb2_ioctl_expbuf),
        vidioc_streamon: Some(bindings::vb2_ioctl_streamon),
        vidioc_streamoff: Some(bindings::vb2_ioctl_streamoff),
        ..pin_init::zeroed()
    };

    /// What the driver's method for an ioctl is given.
    ///
    /// # Safety
    ///
    /// As for the whole table.
    pub(super) unsafe fn context<'a>(file: *mut bindings::file) -> Context<'a, T> {
        // SAFETY: By the safety requirements the lock is held; the core has seen that the node is
        // registered since.
        unsafe { VideoDevice::<T>::from_file(file).context() }
    }

    /// # Safety
    ///
    /// As for the whole table.
    unsafe extern "C" fn querycap_callback(
        file: *mut bindings::file,
        _priv: *mut c_void,
        cap: *mut bindings::v4l2_capability,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (node, cap) = unsafe { (VideoDevice::<T>::from_file(file), &mut *cap) };

        // The core fills in the capabilities, and the buses that it knows.
        copy_name(&mut cap.driver, T::Driver::NAME);
        copy_name(&mut cap.card, node.card());
        if cap.bus_info[0] == 0 {
            // SAFETY: By the safety requirements.
            let cx = unsafe { Self::context(file) };
            let parent: &device::Device = cx.device().parent();
            let (prefix, name) = cap.bus_info.split_at_mut(PLATFORM.len());

            prefix.copy_from_slice(PLATFORM);
            copy_name(name, parent.name());
        }
        0
    }

    /// Whether an error of a call that has waited is due to the device being gone meanwhile, of
    /// which videobuf2 knows only that it streams no more.
    ///
    /// # Safety
    ///
    /// As for the whole table.
    unsafe fn is_gone(file: *mut bindings::file, errno: isize) -> bool {
        if errno != EINVAL.to_errno() as isize {
            return false;
        }
        // SAFETY: By the safety requirements.
        unsafe { !bindings::video_is_registered(VideoDevice::<T>::from_file(file).as_raw()) }
    }

    /// # Safety
    ///
    /// As for the whole table.
    unsafe extern "C" fn dqbuf_callback(
        file: *mut bindings::file,
        priv_: *mut c_void,
        buffer: *mut bindings::v4l2_buffer,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        unsafe {
            let ret = bindings::vb2_ioctl_dqbuf(file, priv_, buffer);
            if Self::is_gone(file, ret as isize) {
                ENODEV.to_errno()
            } else {
                ret
            }
        }
    }

    /// # Safety
    ///
    /// As for the whole table.
    unsafe extern "C" fn log_status_callback(
        file: *mut bindings::file,
        priv_: *mut c_void,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            T::log_status(&unsafe { Self::context(file) })?;
            // SAFETY: As above.
            Ok(unsafe { bindings::v4l2_ctrl_log_status(file, priv_) })
        })
    }
}

/// Copies a name into an array of the user-space API, where it ends with a zero.
pub(super) fn copy_name(to: &mut [u8], name: &CStr) {
    let room = to.len().saturating_sub(1);

    to.fill(0);
    for (to, from) in to[..room].iter_mut().zip(name.to_bytes()) {
        *to = *from;
    }
}
