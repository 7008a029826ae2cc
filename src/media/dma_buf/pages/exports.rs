// SPDX-License-Identifier: GPL-2.0

//! The dma-bufs that were made of some pages.

use super::super::{
    DmaBuf,
    Resv, //
};
use crate::bindings;
use core::ptr;
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    },
};

/// A dma-buf that was exported and not released yet.
///
/// This is no [`DmaBuf`], which is counted through its file: `struct dma_buf` goes with the dentry,
/// and whoever has that by `O_PATH` keeps it for longer than the file.
struct Export(*const DmaBuf);

// SAFETY: A dma-buf is not tied to a thread.
unsafe impl Send for Export {}

/// The dma-bufs that are there, and whether they may be used.
///
/// # Invariants
///
/// The reservation object of each dma-buf in `list` is that of the pages. Its release calls
/// [`Exports::remove`], and the memory of the `struct dma_buf` stays until that has returned: so
/// for as long as `list` is locked. Its file may be gone.
#[pin_data]
pub(super) struct Exports {
    /// A reservation lock may be taken with this held, and not the other way round.
    #[pin]
    list: Mutex<KVec<Export>>,
    pub(super) is_revoked: Atomic<bool>,
}

impl Exports {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            list <- Mutex::new(
                KVec::new(),
                lock_name!("dma_buf::Exports::list"),
                static_lock_class!(),
            ),
            is_revoked: Atomic::new(false),
        })
    }

    /// Adds a dma-buf whose release calls [`remove`](Self::remove).
    pub(super) fn add(&self, dmabuf: &DmaBuf) -> Result {
        // INVARIANT: By what is asked of the caller.
        Ok(self.list.lock().push(Export(dmabuf), GFP_KERNEL)?)
    }

    /// Forgets a dma-buf that is about to go, and says whether it was known.
    pub(super) fn remove(&self, dmabuf: *const DmaBuf) -> bool {
        let mut list = self.list.lock();
        let before = list.len();

        list.retain(|export| !ptr::eq(export.0, dmabuf));
        list.len() != before
    }

    /// `ENODEV` while the memory is revoked.
    pub(super) fn check(&self) -> Result {
        if self.is_revoked.load(Relaxed) {
            return Err(ENODEV);
        }
        Ok(())
    }

    /// Changes whether the memory is revoked. If it is, tells importers, and waits for the fences
    /// until which they use it: `ERESTARTSYS` if a signal comes. `resv` is that of all dma-bufs in
    /// the list.
    pub(super) fn revoke(&self, resv: &Resv, is_revoked: bool) -> Result {
        let list = self.list.lock();

        // Mappings that are made after this are refused, and those before are told of below.
        self.is_revoked.store(is_revoked, Relaxed);
        if !is_revoked {
            return Ok(());
        }
        resv.with_lock(|| {
            for export in list.iter() {
                // SAFETY: By the type invariants, as `list` is locked. The lock of the dma-buf is
                // held. Attachments have references to the file: without it there is none.
                unsafe { bindings::dma_buf_invalidate_mappings(export.0.cast_mut().cast()) };
            }
            // A dma-buf may go meanwhile.
            drop(list);
            resv.wait(bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP)
        })
    }
}
