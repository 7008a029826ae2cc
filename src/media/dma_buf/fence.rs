// SPDX-License-Identifier: GPL-2.0

//! Fences, which are signalled when a device has done what they stand for.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use super::Resv;
use crate::bindings;
use core::{
    cell::UnsafeCell,
    ptr::{
        null_mut,
        NonNull, //
    },
};
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// Who writes memory waits for those who move, write or read it.
const USAGE: bindings::dma_resv_usage = bindings::dma_resv_usage_DMA_RESV_USAGE_READ;

/// A reference to a `struct dma_fence`.
///
/// # Invariants
///
/// The reference is owned by this type.
pub(crate) struct Fence(NonNull<bindings::dma_fence>);

// SAFETY: Fences are not tied to a thread.
unsafe impl Send for Fence {}

impl Drop for Fence {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::dma_fence_put(self.0.as_ptr()) };
    }
}

impl Resv {
    /// Whether there is a fence, signalled or not. Whoever adds one right now is not waited for.
    #[inline]
    pub(crate) fn has_fences(&self) -> bool {
        // SAFETY: By the type invariants; the pointer is not followed.
        !unsafe {
            (&raw const (*self.as_raw()).fences)
                .cast::<*mut ()>()
                .read_volatile()
        }
        .is_null()
    }

    /// A fence that is signalled when all have done so who read or write the memory now, or move
    /// it, if anybody does: `ENOMEM` if there are several and one for all of them cannot be made.
    /// May sleep.
    pub(crate) fn pending_fence(&self) -> Result<Option<Fence>> {
        // SAFETY: By the type invariants.
        if unsafe { bindings::dma_resv_test_signaled(self.as_raw(), USAGE) } {
            return Ok(None);
        }

        let mut fence = null_mut();
        // SAFETY: As above; the call stores a fence with a reference, or none.
        to_result(unsafe { bindings::dma_resv_get_singleton(self.as_raw(), USAGE, &mut fence) })?;
        // INVARIANT: The reference is given up by C.
        Ok(NonNull::new(fence).map(Fence))
    }

    /// Waits until all who use the memory now have done so, whatever signals come. May sleep.
    pub(crate) fn wait_for_fences(&self) {
        // SAFETY: By the type invariants.
        unsafe {
            bindings::dma_resv_wait_timeout(self.as_raw(), USAGE, false, isize::MAX as usize)
        };
    }
}

/// A callback of a fence, in the memory of something that waits for it. All zeroes is none.
///
/// # Invariants
///
/// While `fence` is there, the callback was added to it, and has been called, or will be, or is
/// removed by [`cancel`](Self::cancel); `cb` is that of the fence until then.
#[repr(C)]
pub(crate) struct Waiter {
    cb: Opaque<bindings::dma_fence_cb>,
    fence: UnsafeCell<Option<Fence>>,
}

impl Waiter {
    /// # Safety
    ///
    /// `cb` must be that of a `Self`.
    pub(crate) unsafe fn from_raw(cb: *mut bindings::dma_fence_cb) -> *const Self {
        const { assert!(core::mem::offset_of!(Self, cb) == 0) };

        cb.cast_const().cast()
    }

    /// Has `f` called, in any context, when `fence` is signalled; returns whether it will be. It
    /// will not if the fence is signalled already.
    ///
    /// # Safety
    ///
    /// - Nobody else uses this but `f`, which is for a `Self` at this address;
    /// - there is no fence, or the one that there is was cancelled or released;
    /// - this neither moves nor goes before it is [cancelled](Self::cancel), or before `f` was
    ///   called and it is [released](Self::release).
    pub(crate) unsafe fn wait(
        &self,
        fence: Fence,
        f: unsafe extern "C" fn(*mut bindings::dma_fence, *mut bindings::dma_fence_cb),
    ) -> bool {
        // SAFETY: By the safety requirements; the fence is valid.
        let ret =
            unsafe { bindings::dma_fence_add_callback(fence.0.as_ptr(), self.cb.get(), Some(f)) };
        if ret != 0 {
            return false;
        }
        // INVARIANT: Added just now.
        //
        // SAFETY: By the safety requirements nobody else uses it; the callback does not look.
        unsafe { *self.fence.get() = Some(fence) };
        true
    }

    /// Sees to it that the callback is not called any more; whether that is because of this. It is
    /// not if it was called already, which is over when this returns.
    ///
    /// # Safety
    ///
    /// Nobody else may use this but the callback.
    pub(crate) unsafe fn cancel(&self) -> bool {
        // SAFETY: By the safety requirements.
        let Some(fence) = (unsafe { (*self.fence.get()).take() }) else {
            return false;
        };
        // SAFETY: By the type invariants. The call takes the lock of the fence, with which
        // callbacks are called.
        unsafe { bindings::dma_fence_remove_callback(fence.0.as_ptr(), self.cb.get()) }
    }

    /// Gives up the fence. The callback, which was called, is over when this returns.
    ///
    /// # Safety
    ///
    /// Nobody else may use this; the callback was called.
    pub(crate) unsafe fn release(&self) {
        // SAFETY: By the safety requirements.
        unsafe { self.cancel() };
    }
}
