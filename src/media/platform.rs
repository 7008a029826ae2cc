// SPDX-License-Identifier: GPL-2.0

//! Platform devices that have no hardware behind them.
//!
//! C header: [`include/linux/platform_device.h`](srctree/include/linux/platform_device.h)

use crate::bindings;
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// A platform device made by software, with a DMA mask of 64 bits and segments of any size.
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
        // SAFETY: The C side copies the name.
        let pdev = unsafe { bindings::platform_device_alloc(name.as_char_ptr(), id) };
        let pdev = NonNull::new(pdev).ok_or(ENOMEM)?;

        // SAFETY: The device is allocated, with its DMA parameters, and nobody else knows of it.
        // Until it is added it is released by putting it.
        unsafe {
            let raw = pdev.as_ptr();
            (*raw).platform_dma_mask = u64::MAX;
            (*raw).dev.coherent_dma_mask = u64::MAX;
            // Software has no trouble with segments of any size.
            (*raw).dma_parms.max_segment_size = u32::MAX;
            to_result(bindings::platform_device_add(raw))
                .inspect_err(|_| bindings::platform_device_put(raw))?;
        }

        // INVARIANT: Added by the call above.
        Ok(Self(pdev))
    }
}

impl Drop for VirtualDevice {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::platform_device_unregister(self.0.as_ptr()) };
    }
}
