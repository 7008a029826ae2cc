// SPDX-License-Identifier: GPL-2.0

//! Reservation objects: the lock of a buffer, and the fences of those who use it.
//!
//! C header: [`include/linux/dma-resv.h`](srctree/include/linux/dma-resv.h)

use super::DmaBuf;
use crate::bindings;
use core::ptr;
use kernel::{
    error::to_result,
    prelude::*,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// A reservation object. Corresponds to the C `struct dma_resv`.
///
/// Whoever uses a buffer adds a fence, which is signalled when it has done so. An exporter that
/// exports a buffer more than once shares the object among its dma-bufs, so that each importer
/// waits for all of the others.
///
/// # Invariants
///
/// The object is initialized.
#[repr(transparent)]
#[pin_data(PinnedDrop)]
pub struct Resv {
    #[pin]
    raw: Opaque<bindings::dma_resv>,
}

// SAFETY: Reservation objects are not tied to a thread.
unsafe impl Send for Resv {}

// SAFETY: What changes is protected by the object's own lock and by RCU.
unsafe impl Sync for Resv {}

impl Resv {
    /// An object without a fence.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The slot is memory for an object.
            raw <- Opaque::ffi_init(|slot| unsafe { bindings::dma_resv_init(slot) }),
        })
    }

    /// # Safety
    ///
    /// `resv` must be an object that is initialized, for `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(resv: *mut bindings::dma_resv) -> &'a Self {
        // SAFETY: By the safety requirements; the type is transparent.
        unsafe { &*resv.cast() }
    }

    #[inline]
    pub(super) fn as_raw(&self) -> *mut bindings::dma_resv {
        self.raw.get()
    }

    /// Calls `f` with the lock held, which this thread must not hold already.
    pub(super) fn with_lock<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: Initialized, by the type invariants. Without a context there is nothing to back
        // off from, so that this cannot fail.
        unsafe { bindings::dma_resv_lock(self.as_raw(), ptr::null_mut()) };
        let result = f();
        // SAFETY: The lock was taken above.
        unsafe { bindings::dma_resv_unlock(self.as_raw()) };
        result
    }

    /// Waits until the fences of `usage` are signalled, and those of usages that come before it: a
    /// `DMA_RESV_USAGE_*`. `ERESTARTSYS` if a signal comes. The lock may be held.
    ///
    /// Fences are signalled within bounded time, by the rules for those who make them.
    pub(super) fn wait(&self, usage: bindings::dma_resv_usage) -> Result {
        // SAFETY: Initialized, by the type invariants.
        let left = unsafe {
            bindings::dma_resv_wait_timeout(self.as_raw(), usage, true, isize::MAX as usize)
        };
        to_result(left.min(0) as i32)
    }
}

#[pinned_drop]
impl PinnedDrop for Resv {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Initialized, by the type invariants; nobody uses it any more.
        unsafe { bindings::dma_resv_fini(self.as_raw()) };
    }
}

/// The reservation lock of a dma-buf is held.
///
/// # Invariants
///
/// Only exists where the lock of the dma-buf is held.
pub struct ResvLocked<'a>(&'a DmaBuf, NotThreadSafe);

impl<'a> ResvLocked<'a> {
    /// # Safety
    ///
    /// The lock of `dmabuf` must be held until the result is gone.
    pub(super) unsafe fn held(dmabuf: &'a DmaBuf) -> Self {
        // INVARIANT: By the safety requirements.
        Self(dmabuf, NotThreadSafe)
    }

    /// Tells importers that the memory moves, or is revoked. They may ask for new mappings.
    ///
    /// This is for the exporter, in the middle of being asked for a mapping for example, which may
    /// be that of an importer that is told. Corresponds to the C `dma_buf_invalidate_mappings()`.
    pub fn invalidate_mappings(&self) {
        // SAFETY: The dma-buf is valid, and its lock is held (type invariant).
        unsafe { bindings::dma_buf_invalidate_mappings(self.0.as_raw()) };
    }
}
