// SPDX-License-Identifier: GPL-2.0

//! The mappings of some pages for importers.

use super::super::table::Mapping;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

/// The mappings of importers, which accesses of the CPU sync.
///
/// # Invariants
///
/// What is in `list` is mapped.
#[pin_data]
pub(in super::super) struct Tables {
    /// The lock is taken with a reservation lock held, and not the other way round.
    #[pin]
    list: Mutex<KVec<Arc<Mapping>>>,
}

impl Tables {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            list <- new_mutex!(KVec::new(), "dma_buf::Tables::list"),
        })
    }

    /// Adds a mapping. An access of the CPU that has begun ends with a sync of this one, too.
    ///
    /// # Safety
    ///
    /// It must be mapped until it is given to [`unmap`](Self::unmap).
    pub(in super::super) unsafe fn add(&self, mapping: &Arc<Mapping>) -> Result {
        // INVARIANT: By the safety requirements.
        Ok(self.list.lock().push(mapping.clone(), GFP_KERNEL)?)
    }

    /// Takes out a mapping, if it is there, and unmaps it.
    ///
    /// # Safety
    ///
    /// It must be mapped.
    pub(in super::super) unsafe fn unmap(&self, mapping: &Arc<Mapping>) {
        let mut list = self.list.lock();

        list.retain(|other| !Arc::ptr_eq(other, mapping));
        // SAFETY: By the safety requirements.
        unsafe { mapping.unmap() };
    }

    pub(super) fn begin_cpu_access(&self) {
        for mapping in self.list.lock().iter() {
            // SAFETY: By the type invariants.
            unsafe { mapping.sync_for_cpu() };
        }
    }

    pub(super) fn end_cpu_access(&self) {
        for mapping in self.list.lock().iter() {
            // SAFETY: By the type invariants.
            unsafe { mapping.sync_for_device() };
        }
    }

    /// Calls `f` for each mapping.
    #[cfg(CONFIG_KUNIT = "y")]
    pub(super) fn for_each(&self, f: impl FnMut(&Arc<Mapping>)) {
        self.list.lock().iter().for_each(f);
    }
}
