// SPDX-License-Identifier: GPL-2.0

//! Work of a device that is registered.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use super::{
    device::{
        Device,
        Driver, //
    },
    registration::{
        RegistrationContext,
        RegistrationData, //
    },
};
use crate::{
    bindings,
    compat::as_millis_ceil, //
};
use core::marker::PhantomData;
use kernel::{
    container_of,
    ffi::c_int,
    prelude::*,
    time::{
        msecs_to_jiffies,
        Delta, //
    },
    types::Opaque, //
};

/// A work item that runs [`RegistrationData::work`] of the [`Device<D>`] that it is a part of.
///
/// The kernel crate's `DelayedWork` has nothing to cancel it with.
///
/// # Invariants
///
/// The item is initialized, and disabled unless the data of the registration is there.
#[pin_data]
pub(super) struct Work<D: Driver> {
    #[pin]
    work: Opaque<bindings::delayed_work>,
    _p: PhantomData<fn(D)>,
}

impl<D: Driver> Work<D> {
    /// Makes an item that is disabled.
    pub(super) fn new() -> impl PinInit<Self> {
        // INVARIANT: Initialized and disabled here.
        pin_init!(Self {
            work <- Opaque::ffi_init(|slot| {
                // SAFETY: The slot is memory for a work item.
                unsafe {
                    bindings::init_delayed_work(slot, Some(Self::callback));
                    bindings::disable_delayed_work(slot);
                }
            }),
            _p: PhantomData,
        })
    }

    /// Lets the item run from here on.
    ///
    /// # Safety
    ///
    /// The data of the registration must be there, and the parent bound, until
    /// [`disable_sync`](Self::disable_sync) is called. The item was disabled once.
    pub(super) unsafe fn enable(&self) {
        // SAFETY: The item is initialized.
        unsafe { bindings::enable_delayed_work(self.work.get()) };
    }

    /// Waits until the item does not run, and cannot run any more. Must not be called by it.
    pub(super) fn disable_sync(&self) {
        // SAFETY: The item is initialized.
        unsafe { bindings::disable_delayed_work_sync(self.work.get()) };
    }

    /// Lets the item run after `delay`, whatever it was set to before; in any context. Does nothing
    /// if it is disabled.
    pub(super) fn schedule(&self, delay: Delta) {
        let millis = as_millis_ceil(delay).clamp(0, i64::from(c_int::MAX));

        // SAFETY: The item is initialized. The queue is there since the kernel has started.
        unsafe {
            bindings::mod_delayed_work(
                bindings::system_freezable_wq,
                self.work.get(),
                msecs_to_jiffies(millis as u32),
            )
        };
    }

    /// # Safety
    ///
    /// `work` must be that of a `Self` which is enabled, and a part of a live [`Device<D>`].
    unsafe extern "C" fn callback(work: *mut bindings::work_struct) {
        // SAFETY: By the safety requirements.
        let device = unsafe {
            let delayed = container_of!(work, bindings::delayed_work, work);
            let this = container_of!(Opaque::cast_from(delayed), Self, work);
            Device::from_work(this)
        };

        // SAFETY: The item is enabled, and is waited for before it is not.
        D::RegistrationData::work(&unsafe { RegistrationContext::new(device) });
    }
}
