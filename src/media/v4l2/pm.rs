// SPDX-License-Identifier: GPL-2.0

//! Suspending and resuming a device, by way of its nodes.
//!
//! The kernel crate's bus abstractions have no hooks for that. Nodes are children of the device on
//! the bus: the PM core suspends them before it, and resumes them after it, so that the registers
//! of the hardware can be used in both.
//!
//! C header: [`include/linux/pm.h`](srctree/include/linux/pm.h)

use super::device::{
    Device,
    Driver, //
};
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    container_of,
    error::from_result,
    ffi::c_int, //
};

/// The tables for the nodes of a `D`.
pub(super) struct VTable<D: Driver>(PhantomData<D>);

impl<D: Driver> VTable<D> {
    const OPS: bindings::dev_pm_ops = bindings::dev_pm_ops {
        suspend: Some(Self::suspend_callback),
        resume: Some(Self::resume_callback),
        freeze: Some(Self::suspend_callback),
        thaw: Some(Self::resume_callback),
        poweroff: Some(Self::suspend_callback),
        restore: Some(Self::resume_callback),
        ..pin_init::zeroed()
    };

    /// The type of the nodes' devices, of which neither the V4L2 core nor user space makes anything
    /// else.
    pub(super) const TYPE: bindings::device_type = bindings::device_type {
        pm: &Self::OPS,
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// `dev` must be that of a node of a `Device<D>`, which is held by the caller.
    unsafe fn device<'a>(dev: *mut bindings::device) -> &'a Device<D> {
        // SAFETY: By the safety requirements; a node that was registered has a device, and holds it
        // until its own is released.
        unsafe {
            let vdev = container_of!(dev, bindings::video_device, dev);
            Device::from_raw((*vdev).v4l2_dev)
        }
    }

    /// # Safety
    ///
    /// The PM core calls this with the device of a node.
    unsafe extern "C" fn suspend_callback(dev: *mut bindings::device) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            unsafe { Self::device(dev) }.suspend()?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// The PM core calls this with the device of a node.
    unsafe extern "C" fn resume_callback(dev: *mut bindings::device) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            unsafe { Self::device(dev) }.resume()?;
            Ok(0)
        })
    }
}
