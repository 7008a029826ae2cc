// SPDX-License-Identifier: GPL-2.0

//! Platform devices that have no hardware behind them.
//!
//! C header: [`include/linux/platform_device.h`](srctree/include/linux/platform_device.h)

use crate::bindings;
use core::ptr::NonNull;
use kernel::{
    error::from_err_ptr,
    prelude::*,
    types::Opaque, //
};

/// A platform device made by software, with a DMA mask of 64 bits.
///
/// Unlike a faux device it can be bound and unbound by its driver's sysfs files, and dma-bufs can
/// be mapped for it. Dropping it removes the device.
///
/// # Invariants
///
/// The pointer is to a registered platform device, which is this type's to unregister.
pub struct VirtualDevice(NonNull<bindings::platform_device>);

// SAFETY: Platform devices may be unregistered from any thread.
unsafe impl Send for VirtualDevice {}

// SAFETY: There is nothing that a shared reference can do.
unsafe impl Sync for VirtualDevice {}

impl VirtualDevice {
    /// Registers the device `name.id`.
    pub fn new(name: &CStr, id: i32) -> Result<Self> {
        let info: Opaque<bindings::platform_device_info> = Opaque::zeroed();

        // SAFETY: `info` is zeroed, which is how C initializes the fields that it does not name,
        // and lives until the call returns; the C side copies the name.
        let pdev = from_err_ptr(unsafe {
            let info = info.get();
            (*info).name = name.as_char_ptr();
            (*info).id = id;
            (*info).dma_mask = u64::MAX;
            bindings::platform_device_register_full(info)
        })?;

        // INVARIANT: Registered by the call above.
        Ok(Self(NonNull::new(pdev).ok_or(ENOMEM)?))
    }
}

impl Drop for VirtualDevice {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::platform_device_unregister(self.0.as_ptr()) };
    }
}
