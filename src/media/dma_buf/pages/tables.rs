// SPDX-License-Identifier: GPL-2.0

//! The mappings of some pages for importers.

use super::super::table::Mapping;
use crate::bindings;
use core::mem;
use kernel::{
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        CondVar,
        Mutex, //
    },
};

/// Accesses of the CPU that the driver has begun and not ended.
///
/// While there is one, the CPU's caches have the only copy of what it has written, and nothing may
/// be done that would overwrite them with what devices see. Others' accesses are not counted: user
/// space need not end what it begins (`DMA_BUF_IOCTL_SYNC`).
#[derive(Default)]
struct Accesses {
    count: usize,
    /// Whether somebody else has begun one meanwhile, who has not seen what devices wrote.
    is_deferred: bool,
}

impl Accesses {
    /// Begins one: whether to sync for the CPU.
    fn begin(&mut self) -> bool {
        self.count += 1;
        self.count == 1
    }

    /// Begins one of somebody else: whether to sync for the CPU.
    fn begin_other(&mut self) -> bool {
        self.is_deferred |= self.count > 0;
        self.count == 0
    }

    /// Ends one: whether to sync for the CPU, once it is synced for devices.
    fn end(&mut self) -> bool {
        self.count -= 1;
        self.count == 0 && mem::take(&mut self.is_deferred)
    }

    /// What the DMA API is to do when a mapping is undone, a `DMA_ATTR_*`.
    fn unmap_attrs(&self) -> usize {
        if self.count > 0 {
            bindings::DMA_ATTR_SKIP_CPU_SYNC as usize
        } else {
            0
        }
    }
}

/// What [`Tables`] locks.
struct Inner {
    list: KVec<Arc<Mapping>>,
    accesses: Accesses,
}

/// The mappings of importers, which accesses of the CPU sync.
///
/// # Invariants
///
/// What is in the list is mapped.
#[pin_data]
pub(in super::super) struct Tables {
    /// The lock is taken with a reservation lock held, and not the other way round.
    #[pin]
    inner: Mutex<Inner>,
    /// Notified when a mapping is gone.
    #[pin]
    unmapped: CondVar,
}

impl Tables {
    pub(super) fn new() -> impl PinInit<Self> {
        let inner = Inner {
            list: KVec::new(),
            accesses: Accesses::default(),
        };

        pin_init!(Self {
            inner <- Mutex::new(
                inner,
                lock_name!("dma_buf::Tables::inner"),
                static_lock_class!(),
            ),
            unmapped <- CondVar::new(lock_name!("dma_buf::Tables::unmapped"), static_lock_class!()),
        })
    }

    /// Adds a mapping. An access of the CPU that has begun ends with a sync of this one, too.
    ///
    /// # Safety
    ///
    /// It must be mapped until it is given to [`unmap`](Self::unmap).
    pub(in super::super) unsafe fn add(&self, mapping: &Arc<Mapping>) -> Result {
        // INVARIANT: By the safety requirements.
        Ok(self.inner.lock().list.push(mapping.clone(), GFP_KERNEL)?)
    }

    /// Takes out a mapping, if it is there, and unmaps it.
    ///
    /// # Safety
    ///
    /// It must be mapped.
    pub(in super::super) unsafe fn unmap(&self, mapping: &Arc<Mapping>) {
        let mut inner = self.inner.lock();

        inner.list.retain(|other| !Arc::ptr_eq(other, mapping));
        // SAFETY: By the safety requirements.
        unsafe { mapping.unmap(inner.accesses.unmap_attrs()) };
        self.unmapped.notify_all();
    }

    /// Waits until revocable importers have no mapping any more: `ERESTARTSYS` if a signal comes.
    ///
    /// The reservation lock must not be held, which they need for that.
    pub(super) fn wait_for_revocable(&self) -> Result {
        let mut inner = self.inner.lock();

        while inner.list.iter().any(|mapping| mapping.is_revocable()) {
            if self.unmapped.wait_interruptible(&mut inner) {
                return Err(ERESTARTSYS);
            }
        }
        Ok(())
    }

    /// Begins an access of the driver's CPU.
    pub(super) fn begin_cpu_access(&self) {
        let mut inner = self.inner.lock();

        if inner.accesses.begin() {
            inner.sync_for_cpu();
        }
    }

    /// Ends an access of the driver's CPU.
    pub(super) fn end_cpu_access(&self) {
        let mut inner = self.inner.lock();

        inner.sync_for_device();
        if inner.accesses.end() {
            inner.sync_for_cpu();
        }
    }

    /// Begins an access of somebody else, who may never end it.
    pub(super) fn begin_other_cpu_access(&self) {
        let mut inner = self.inner.lock();

        if inner.accesses.begin_other() {
            inner.sync_for_cpu();
        }
    }

    /// Ends an access of somebody else, who may not have begun it.
    pub(super) fn end_other_cpu_access(&self) {
        self.inner.lock().sync_for_device();
    }

    /// Calls `f` for each mapping.
    #[cfg(CONFIG_KUNIT = "y")]
    pub(super) fn for_each(&self, f: impl FnMut(&Arc<Mapping>)) {
        self.inner.lock().list.iter().for_each(f);
    }
}

impl Inner {
    fn sync_for_cpu(&self) {
        for mapping in &self.list {
            // SAFETY: By the invariants of `Tables`.
            unsafe { mapping.sync_for_cpu() };
        }
    }

    fn sync_for_device(&self) {
        for mapping in &self.list {
            // SAFETY: By the invariants of `Tables`.
            unsafe { mapping.sync_for_device() };
        }
    }
}

#[kunit_tests(vireo_tables)]
mod tests {
    use super::*;

    const SKIP: usize = bindings::DMA_ATTR_SKIP_CPU_SYNC as usize;

    #[test]
    fn nothing_overwrites_what_the_cpu_writes() {
        let mut accesses = Accesses::default();

        assert_eq!(accesses.unmap_attrs(), 0);
        assert!(accesses.begin());
        assert_eq!(accesses.unmap_attrs(), SKIP);
        assert!(!accesses.begin());
        assert!(!accesses.end());
        assert_eq!(accesses.unmap_attrs(), SKIP);
        assert!(!accesses.end());
        assert_eq!(accesses.unmap_attrs(), 0);
    }

    #[test]
    fn others_see_what_devices_write_once_it_is_written() {
        let mut accesses = Accesses::default();

        assert!(accesses.begin_other());
        assert!(accesses.begin());
        assert!(!accesses.begin_other());
        assert!(accesses.end());
        assert!(accesses.begin());
        assert!(!accesses.end());
    }
}
