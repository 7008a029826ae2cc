// SPDX-License-Identifier: GPL-2.0

//! The dma-bufs that were made of some pages.

use super::super::DmaBuf;
use crate::bindings;
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    },
};

/// A dma-buf that may be about to go.
///
/// # Invariants
///
/// The dma-buf and its file are there until [`Exports::remove`] has been called for it, and that
/// has returned.
struct Weak(*const DmaBuf);

// SAFETY: A dma-buf is not tied to a thread.
unsafe impl Send for Weak {}

impl Weak {
    /// A reference, unless the last one is gone.
    fn upgrade(&self) -> Option<ARef<DmaBuf>> {
        // SAFETY: By the type invariants, and as the caller's lock keeps `remove()` waiting. With
        // the reference to the file, the caller has one to the dma-buf.
        unsafe {
            let dmabuf = (*self.0).as_raw();
            let file = bindings::get_file_active(&raw mut (*dmabuf).file);

            (!file.is_null()).then(|| ARef::from_raw(NonNull::new_unchecked(self.0.cast_mut())))
        }
    }
}

/// The dma-bufs that are there, and whether they may be used.
#[pin_data]
pub(super) struct Exports {
    /// A reservation lock may be taken with this held, and not the other way round.
    #[pin]
    list: Mutex<KVec<Weak>>,
    is_revoked: Atomic<bool>,
}

impl Exports {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            list <- new_mutex!(KVec::new(), "dma_buf::Exports::list"),
            is_revoked: Atomic::new(false),
        })
    }

    /// Adds a dma-buf whose release calls [`remove`](Self::remove).
    pub(super) fn add(&self, dmabuf: &DmaBuf) -> Result {
        // INVARIANT: It is released after that call.
        Ok(self.list.lock().push(Weak(dmabuf), GFP_KERNEL)?)
    }

    /// Forgets a dma-buf that is about to go, and says whether it was known.
    pub(super) fn remove(&self, dmabuf: *const DmaBuf) -> bool {
        let mut list = self.list.lock();
        let before = list.len();

        list.retain(|weak| !ptr::eq(weak.0, dmabuf));
        list.len() != before
    }

    /// `ENODEV` while the memory is revoked.
    pub(super) fn check(&self) -> Result {
        if self.is_revoked.load(Relaxed) {
            return Err(ENODEV);
        }
        Ok(())
    }

    /// Changes whether the memory is revoked, and tells importers if it is.
    pub(super) fn revoke(&self, is_revoked: bool) -> Result {
        let list = self.list.lock();
        let mut dmabufs = KVec::with_capacity(list.len(), GFP_KERNEL)?;

        // Mappings that are made after this are refused, and those before are told below.
        self.is_revoked.store(is_revoked, Relaxed);
        for dmabuf in list.iter().filter_map(Weak::upgrade) {
            dmabufs.push(dmabuf, GFP_KERNEL)?;
        }
        // The last of the references may go here.
        drop(list);
        if is_revoked {
            for dmabuf in &dmabufs {
                dmabuf.invalidate_mappings();
            }
        }
        Ok(())
    }
}
