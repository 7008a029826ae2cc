// SPDX-License-Identifier: GPL-2.0

//! What the newest kernel crate has, for kernels whose crate has it not.
//!
//! This crate and its drivers are written for the newest kernel. What an older one lacks they take
//! from here, under the name that it has in the newest, which is also what it is there.
//! `src/Makefile` looks for each of these in the sources of the kernel that it builds for, and says
//! `--cfg kernel_lacks_*` where it is not. Only this crate is told: drivers have no need to.
//!
//! When the last kernel that lacks something is given up, its lines here, its file in `compat` and
//! its probe go, and those who use it name the kernel crate.

use core::borrow::Borrow;
use kernel::{
    error::Error,
    ffi::c_int,
    time::Delta, //
};

// Lacking in 7.2: `#[vtable]` names the module of an implementation (`OwnerModule`), whose
// `THIS_MODULE` is a constant.
#[cfg(kernel_lacks_owner_module)]
mod owner;
#[cfg(kernel_lacks_owner_module)]
pub use self::owner::{
    this_module,
    ModuleMetadata,
    Owner, //
};
#[cfg(not(kernel_lacks_owner_module))]
pub use kernel::{
    module::this_module,
    ModuleMetadata, //
};

// The module that `$type` implements the `#[vtable]` trait `$trait` in.
#[cfg(kernel_lacks_owner_module)]
macro_rules! owner_module {
    ($type:ty as $trait:path) => { $crate::compat::Owner<$type> };
}
#[cfg(not(kernel_lacks_owner_module))]
macro_rules! owner_module {
    ($type:ty as $trait:path) => {
        <$type as $trait>::OwnerModule
    };
}
pub(crate) use owner_module;

// In 7.2 it takes the module from a static of the crate root instead of `LocalModule`.
#[cfg(kernel_lacks_configfs_local_module)]
#[doc(hidden)]
#[allow(
    clippy::crate_in_macro_def,
    reason = "`module!` has put it into the driver's"
)]
#[macro_export]
macro_rules! __configfs_attrs {
    ($($attrs:tt)*) => {{
        use crate::THIS_MODULE;
        ::kernel::configfs::configfs_attrs! { $($attrs)* }
    }};
}
#[cfg(kernel_lacks_configfs_local_module)]
pub use crate::__configfs_attrs as configfs_attrs;
#[cfg(all(CONFIG_CONFIGFS_FS, not(kernel_lacks_configfs_local_module)))]
pub use kernel::configfs::configfs_attrs;

// Lacking in 7.2: a spinlock that is taken with interrupts off.
#[cfg(kernel_lacks_spinlock_irq)]
mod spinlock;
#[cfg(not(kernel_lacks_spinlock_irq))]
pub use kernel::{
    new_spinlock_irq,
    sync::SpinLockIrq, //
};
#[cfg(kernel_lacks_spinlock_irq)]
pub use {self::spinlock::SpinLockIrq, crate::__new_spinlock_irq as new_spinlock_irq};

// Lacking in 7.2: an `ARef` can be owned by C.
#[cfg(kernel_lacks_foreign_aref)]
mod foreign;
#[cfg(kernel_lacks_foreign_aref)]
pub use self::foreign::ForeignARef;
#[cfg(not(kernel_lacks_foreign_aref))]
pub use kernel::sync::aref::ARef as ForeignARef;

// Lacking in 7.2: registrations of interrupts that a lifetime is enough for, and whose handlers
// know their device themselves.
#[cfg(kernel_lacks_irq_lifetime)]
pub mod irq;
#[cfg(not(kernel_lacks_irq_lifetime))]
pub use kernel::irq;

/// What a bus would hand out for an interrupt line, for tests, which have no bus.
#[cfg(all(CONFIG_KUNIT = "y", not(kernel_lacks_irq_lifetime)))]
pub(crate) fn irq_request<'a>(
    _dev: &'a kernel::device::Device<kernel::device::Bound>,
    irq: u32,
) -> irq::IrqRequest<'a> {
    // SAFETY: A request is the number of a line, and no more.
    unsafe { core::mem::transmute::<u32, irq::IrqRequest<'a>>(irq) }
}
#[cfg(all(CONFIG_KUNIT = "y", kernel_lacks_irq_lifetime))]
pub(crate) use irq::irq_request;

// Lacking in 7.2: a type for faux devices, which says that they are bound.
#[cfg(kernel_lacks_faux_device)]
pub mod faux;
#[cfg(not(kernel_lacks_faux_device))]
pub use kernel::faux;

/// PCI devices.
#[cfg(CONFIG_PCI)]
pub mod pci;

/// Memory that the CPU and a device use at once.
pub mod coherent;

/// The value of a parameter of a module, of which 7.2 gives a reference.
pub fn param(value: impl Borrow<u32>) -> u32 {
    *value.borrow()
}

/// As `Delta::as_millis_ceil`, which 7.2 lacks.
pub(crate) fn as_millis_ceil(delta: Delta) -> i64 {
    let millis = delta.as_millis();

    millis.saturating_add((Delta::from_millis(millis) < delta).into())
}

/// `EDQUOT`, which 7.2 does not name.
pub(crate) fn edquot() -> Error {
    Error::from_errno(-(crate::bindings::EDQUOT as c_int))
}

/// What `kernel::mm::virt::flags::MAYSHARE` says, which has the value of `VM_MAYEXEC` in 7.2.
pub(crate) const MAYSHARE: crate::bindings::vm_flags_t = crate::bindings::VIREO_CONST_VM_MAYSHARE;
