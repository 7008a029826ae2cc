// SPDX-License-Identifier: GPL-2.0

//! Devices without a bus of their own.
//!
//! C header: [`include/linux/device/faux.h`](srctree/include/linux/device/faux.h)

use crate::bindings;
use core::{
    marker::PhantomData,
    mem::offset_of,
    ptr, //
};
use kernel::{
    device::{
        self,
        AsBusDevice,
        Bound,
        DeviceContext,
        Normal, //
    },
    prelude::*,
    types::Opaque, //
};

/// As `kernel::faux::Device`.
///
/// # Invariants
///
/// The `struct faux_device` is valid.
#[repr(transparent)]
pub struct Device<Ctx: DeviceContext = Normal>(Opaque<bindings::faux_device>, PhantomData<Ctx>);

impl<Ctx: DeviceContext> AsRef<device::Device<Ctx>> for Device<Ctx> {
    fn as_ref(&self) -> &device::Device<Ctx> {
        // SAFETY: By the type invariants; the context is the same.
        unsafe { device::Device::from_raw(&raw mut (*self.0.get()).dev) }
    }
}

// SAFETY: The type is what its first field is, and that has the device at this offset.
unsafe impl<Ctx: DeviceContext> AsBusDevice<Ctx> for Device<Ctx> {
    const OFFSET: usize = offset_of!(bindings::faux_device, dev);
}

/// As `kernel::faux::Registration`.
pub struct Registration(kernel::faux::Registration);

impl Registration {
    /// Makes a device.
    pub fn new(name: &CStr, parent: Option<&device::Device>) -> Result<Self> {
        kernel::faux::Registration::new(name, parent).map(Self)
    }
}

impl AsRef<Device<Bound>> for Registration {
    fn as_ref(&self) -> &Device<Bound> {
        let dev: &device::Device = self.0.as_ref();
        let dev = ptr::from_ref(dev).wrapping_byte_sub(<Device as AsBusDevice<Normal>>::OFFSET);

        // SAFETY: The device is a part of a `struct faux_device`. That is bound from before it is
        // returned until it is destroyed: its driver probes synchronously, never fails, and cannot
        // be unbound by user space.
        unsafe { &*dev.cast() }
    }
}
