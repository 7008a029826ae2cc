// SPDX-License-Identifier: GPL-2.0

//! Platform devices that have no hardware behind them.
//!
//! C header: [`include/linux/platform_device.h`](srctree/include/linux/platform_device.h)

use crate::bindings;
use core::ptr::{
    null,
    NonNull, //
};
use kernel::{
    error::to_result,
    ffi::c_char,
    prelude::*, //
};

/// A property of a device: its name and its value.
pub struct Property<'a>(pub &'static CStr, pub Value<'a>);

/// The value of a [`Property`].
pub enum Value<'a> {
    /// A number.
    U32(u32),
    /// A large number.
    U64(u64),
    /// A string.
    Str(&'a CStr),
}

impl Property<'_> {
    /// What the C side is told; good for as long as `self` is.
    fn as_raw(&self) -> bindings::property_entry {
        let mut raw = bindings::property_entry {
            name: self.0.as_char_ptr(),
            is_inline: true,
            ..Default::default()
        };
        let value = &mut raw.__bindgen_anon_1;

        (raw.type_, raw.length) = match self.1 {
            Value::U32(number) => {
                value.value.u32_data = [number, 0];
                (bindings::dev_prop_type_DEV_PROP_U32, size_of::<u32>())
            }
            Value::U64(number) => {
                value.value.u64_data = [number];
                (bindings::dev_prop_type_DEV_PROP_U64, size_of::<u64>())
            }
            Value::Str(text) => {
                value.value.str_ = [text.as_char_ptr()];
                (
                    bindings::dev_prop_type_DEV_PROP_STRING,
                    size_of::<*const c_char>(),
                )
            }
        };
        raw
    }
}

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
    /// Registers the device `name.id`, whose driver can read `properties`.
    ///
    /// May sleep. `EEXIST` if there is such a device, `ENODEV` if there is no driver for it, or if
    /// its driver cannot use it: the bus says no more.
    pub fn new(name: &CStr, id: i32, properties: &[Property<'_>]) -> Result<Self> {
        // The list ends with an entry without a name.
        let mut list = KVec::with_capacity(properties.len() + 1, GFP_KERNEL)?;
        for property in properties {
            list.push(property.as_raw(), GFP_KERNEL)?;
        }
        list.push(bindings::property_entry::default(), GFP_KERNEL)?;

        // SAFETY: The C side copies the name.
        let pdev = unsafe { bindings::platform_device_alloc(name.as_char_ptr(), id) };
        let pdev = NonNull::new(pdev).ok_or(ENOMEM)?;

        // SAFETY: The device is allocated, with its DMA parameters, and nobody else knows of it.
        // Until it is added it is released by putting it. The properties are copied.
        unsafe {
            let raw = pdev.as_ptr();
            (*raw).platform_dma_mask = u64::MAX;
            (*raw).dev.coherent_dma_mask = u64::MAX;
            // Software has no trouble with segments of any size.
            (*raw).dma_parms.max_segment_size = u32::MAX;
            let node = if properties.is_empty() {
                0
            } else {
                bindings::device_create_managed_software_node(
                    &raw mut (*raw).dev,
                    list.as_ptr(),
                    null(),
                )
            };
            to_result(node)
                .and_then(|()| to_result(bindings::platform_device_add(raw)))
                .inspect_err(|_| bindings::platform_device_put(raw))?;
        }

        // INVARIANT: Added by the call above.
        let this = Self(pdev);

        // Adding a device does not fail because probing it does.
        //
        // SAFETY: The device is registered.
        if unsafe { bindings::device_is_bound(&raw mut (*pdev.as_ptr()).dev) } {
            Ok(this)
        } else {
            Err(ENODEV)
        }
    }
}

impl Drop for VirtualDevice {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::platform_device_unregister(self.0.as_ptr()) };
    }
}
