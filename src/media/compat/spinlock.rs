// SPDX-License-Identifier: GPL-2.0

//! A spinlock that is taken with interrupts off.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use crate::bindings;
use kernel::{
    ffi::{
        c_char,
        c_ulong, //
    },
    sync::lock::{
        Backend,
        Lock, //
    },
};

/// As `kernel::sync::SpinLockIrq`.
///
/// Each lock restores what it has found. So where several are held, they must be released in the
/// reverse order; the kernel's counts instead, and does not mind.
pub type SpinLockIrq<T> = Lock<T, SpinLockIrqBackend>;

/// As `kernel::new_spinlock_irq`.
#[doc(hidden)]
#[macro_export]
macro_rules! __new_spinlock_irq {
    ($inner:expr $(, $name:literal)? $(,)?) => {
        $crate::compat::SpinLockIrq::new(
            $inner, ::kernel::optional_name!($($name)?), ::kernel::static_lock_class!())
    };
}

/// `spin_lock_irqsave()`.
pub struct SpinLockIrqBackend;

// SAFETY: The C spinlock excludes others, and `relock()` is the default, which calls `lock()`.
unsafe impl Backend for SpinLockIrqBackend {
    type State = bindings::spinlock_t;
    /// What `spin_unlock_irqrestore()` is given.
    type GuardState = c_ulong;

    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut bindings::lock_class_key) {
        // SAFETY: By the safety requirements.
        unsafe { bindings::__spin_lock_init(ptr, name, key) }
    }

    unsafe fn lock(ptr: *mut Self::State) -> c_ulong {
        // SAFETY: By the safety requirements.
        unsafe { bindings::spin_lock_irqsave(ptr) }
    }

    unsafe fn try_lock(ptr: *mut Self::State) -> Option<c_ulong> {
        let mut flags = 0;

        // SAFETY: By the safety requirements.
        unsafe { bindings::spin_trylock_irqsave(ptr, &mut flags) }.then_some(flags)
    }

    unsafe fn unlock(ptr: *mut Self::State, flags: &c_ulong) {
        // SAFETY: By the safety requirements; the flags are those of `lock()`.
        unsafe { bindings::spin_unlock_irqrestore(ptr, *flags) }
    }

    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: By the safety requirements.
        unsafe { bindings::spin_assert_is_held(ptr) }
    }
}
