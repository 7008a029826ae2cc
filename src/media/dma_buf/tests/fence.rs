// SPDX-License-Identifier: GPL-2.0

//! Fences of nobody: signalled when a test says so.

use super::super::DmaBuf;
use crate::bindings;
use core::ptr::null_mut;
use kernel::{
    error::to_result,
    ffi::c_char,
    prelude::*, //
};

/// A fence at a dma-buf. It is signalled when this is dropped at the latest.
pub(crate) struct Fence(*mut bindings::dma_fence);

impl Fence {
    const OPS: bindings::dma_fence_ops = bindings::dma_fence_ops {
        get_driver_name: Some(name_callback),
        get_timeline_name: Some(name_callback),
        ..pin_init::zeroed()
    };

    /// Adds a fence of `usage`, a `DMA_RESV_USAGE_*`.
    pub(crate) fn add(dmabuf: &DmaBuf, usage: bindings::dma_resv_usage) -> Result<Self> {
        let fence = KBox::new(bindings::dma_fence::default(), GFP_KERNEL)?;
        let this = Self(KBox::into_raw(fence));

        // SAFETY: The fence was allocated just now, as dma_fence_free() expects it. The dma-buf is
        // valid, and its lock not held; the object takes a reference of its own.
        unsafe {
            let context = bindings::dma_fence_context_alloc(1);
            bindings::dma_fence_init(this.0, &Self::OPS, null_mut(), context, 1);

            let resv = (*dmabuf.as_raw()).resv;
            bindings::dma_resv_lock(resv, null_mut());
            let result = to_result(bindings::dma_resv_reserve_fences(resv, 1));
            if result.is_ok() {
                bindings::dma_resv_add_fence(resv, this.0, usage);
            }
            bindings::dma_resv_unlock(resv);
            result?;
        }
        Ok(this)
    }

    /// Signals it.
    pub(crate) fn signal(&self) {
        // SAFETY: The fence is valid. It may be signalled more than once.
        unsafe { bindings::dma_fence_signal(self.0) };
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        self.signal();
        // SAFETY: This is the reference of `add()`.
        unsafe { bindings::dma_fence_put(self.0) };
    }
}

/// # Safety
///
/// None.
unsafe extern "C" fn name_callback(_fence: *mut bindings::dma_fence) -> *const c_char {
    c"vireo-kunit".as_char_ptr()
}
