// SPDX-License-Identifier: GPL-2.0

//! Pages of a driver, for user space and for other devices.

use super::{
    export::export_for,
    DmaBuf,
    Exporter,
    Importer,
    MappedSgTable,
    Resv,
    ResvLocked, //
};
use crate::{
    bindings,
    compat::ForeignARef,
    iosys_map::Map,
    stats::{
        Counter,
        Stats, //
    },
};
use core::ptr::NonNull;
use kernel::{
    alloc::Flags,
    dma::DataDirection,
    ffi::c_void,
    mm::virt::VmaNew,
    page::{
        page_align,
        PAGE_SHIFT, //
    },
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        Arc,
        Refcount, //
    },
};

mod alloc;
mod exports;
mod mmap;
mod tables;
#[cfg(CONFIG_KUNIT = "y")]
mod tests;

use alloc::{
    Allocation,
    KernelMapping, //
};
use exports::Exports;
use tables::Tables;

/// Pages, zeroed when they are allocated, and mapped for the CPU.
///
/// The memory lives until its last user is gone: those who hold an [`ARef`], mappings of processes,
/// and dma-bufs. Devices that import it have a mapping each, and each is synced when the CPU
/// accesses the memory.
///
/// # Invariants
///
/// - Instances are always reference-counted, and allocated as a `KBox`.
/// - `map` is a mapping of all of `pages`.
#[pin_data]
pub struct Pages {
    refs: Refcount,
    // Dropped in this order.
    map: KernelMapping,
    pages: Allocation,
    #[pin]
    resv: Resv,
    #[pin]
    tables: Tables,
    #[pin]
    exports: Exports,
    stats: Arc<Stats>,
}

// SAFETY: Pages are not tied to a thread.
unsafe impl Send for Pages {}

// SAFETY: What changes is behind locks, or is the memory itself, to which there are no references.
unsafe impl Sync for Pages {}

impl Pages {
    /// Allocates at least `size` bytes, rounded up to whole pages.
    ///
    /// With `GFP_KERNEL_ACCOUNT`, the memory cgroup of the calling process is charged for them
    /// until they are freed, whoever holds them by then. No process is killed for them: `ENOMEM`
    /// where they are not to be had.
    pub fn new(size: usize, gfp: Flags, stats: Arc<Stats>) -> Result<ARef<Self>> {
        Self::from_pages(
            Allocation::new(page_count(size)?, gfp, stats.clone())?,
            stats,
        )
    }

    /// As [`new`](Self::new), in one piece, of a few MiB at most.
    pub fn contiguous(size: usize, gfp: Flags, stats: Arc<Stats>) -> Result<ARef<Self>> {
        Self::from_pages(
            Allocation::contiguous(page_count(size)?, gfp, stats.clone())?,
            stats,
        )
    }

    fn from_pages(pages: Allocation, stats: Arc<Stats>) -> Result<ARef<Self>> {
        let map = KernelMapping::new(&pages)?;

        let this = KBox::pin_init(
            pin_init!(Self {
                refs: Refcount::new(1),
                map,
                pages,
                resv <- Resv::new(),
                tables <- Tables::new(),
                exports <- Exports::new(),
                stats,
            }),
            GFP_KERNEL,
        )?;

        // SAFETY: Nothing moves out of the box, which `dec_ref()` frees.
        let this = KBox::into_raw(unsafe { Pin::into_inner_unchecked(this) });
        // SAFETY: A box is not null, and the reference that was counted is this one.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(this)) })
    }

    /// The number of bytes.
    pub fn size(&self) -> usize {
        self.map.map().len()
    }

    /// How many references there are, the caller's, those of mappings of processes and those of
    /// dma-bufs included.
    pub fn users(&self) -> u32 {
        let users = self
            .refs
            .as_atomic()
            .load(kernel::sync::atomic::ordering::Relaxed);
        users.unsigned_abs()
    }

    pub(crate) fn as_raw(&self) -> &[*mut bindings::page] {
        self.pages.as_slice()
    }

    /// Where the CPU finds the memory.
    pub(crate) fn vaddr(&self) -> *mut c_void {
        self.map()
            .vaddr()
            .map_or(core::ptr::null_mut(), NonNull::as_ptr)
    }

    /// The memory, for those who see to the caches themselves.
    pub fn map(&self) -> &Map {
        self.map.map()
    }

    /// Begins an access of the CPU, as [`VMap::begin_cpu_access`](super::VMap::begin_cpu_access)
    /// does for an importer.
    ///
    /// Waits for the fences of all importers, of whatever export, those that read included:
    /// `ERESTARTSYS` if a signal comes. May sleep.
    pub fn begin_cpu_access(&self) -> Result<PagesAccess<'_>> {
        self.resv
            .wait(bindings::dma_resv_usage_DMA_RESV_USAGE_READ)?;
        self.tables.begin_cpu_access();
        Ok(PagesAccess(self))
    }

    /// The reservation object of all dma-bufs that are made of the memory.
    pub(crate) fn resv(&self) -> &Resv {
        &self.resv
    }

    /// The mappings of importers.
    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Makes a dma-buf of the memory. `flags` are those of open(2), whose access mode counts.
    ///
    /// `module` cannot be unloaded before the dma-buf is released.
    pub fn export(&self, flags: u32, module: &'static ThisModule) -> Result<ARef<DmaBuf>> {
        let dmabuf =
            export_for::<Self, ForeignARef<Self>>(self.into(), self.size(), flags, module)?;

        self.exports.add(&dmabuf)?;
        self.stats.inc(Counter::Exports);
        Ok(dmabuf)
    }

    /// Takes the memory back from importers, or lets them have it again.
    ///
    /// When this returns, importers that implement `invalidate_mappings()` have no mapping any
    /// more, and no device of theirs uses the memory: their fences are signalled. Whoever attaches
    /// or maps meanwhile gets `ENODEV`. Importers without that callback, and processes, keep what
    /// they have mapped; so does the exporter.
    ///
    /// May sleep, for as long as importers need. `ERESTARTSYS` if a signal comes: then the memory
    /// is revoked, but may still be in use.
    pub fn revoke(&self, is_revoked: bool) -> Result {
        self.exports.revoke(&self.resv, is_revoked)?;
        if is_revoked {
            self.tables.wait_for_revocable()?;
        }
        Ok(())
    }
}

// SAFETY: The memory is freed when the count reaches zero, and not before.
unsafe impl AlwaysRefCounted for Pages {
    fn inc_ref(&self) {
        self.refs.inc();
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the safety requirements there is a reference to give up.
        if unsafe { obj.as_ref() }.refs.dec_and_test() {
            // SAFETY: That was the last one, and by the type invariants this is a box.
            drop(unsafe { KBox::from_raw(obj.as_ptr()) });
        }
    }
}

#[vtable]
impl Exporter for Pages {
    type Attachment = ();

    fn attach(&self, _importer: &Importer<'_>) -> Result {
        self.exports.check()
    }

    fn map_dma_buf<'a>(
        &self,
        _attachment: &(),
        importer: &'a Importer<'_>,
        dir: DataDirection,
        _resv: &ResvLocked<'_>,
    ) -> Result<MappedSgTable<'a>> {
        // Who revokes the memory takes the lock that is held here afterwards.
        self.exports.check()?;
        MappedSgTable::new(self, importer, dir)
    }

    // Each mapping has a direction of its own, and the DMA API wants that one.

    fn begin_cpu_access(&self, _dir: DataDirection) -> Result {
        self.tables.begin_other_cpu_access();
        Ok(())
    }

    fn end_cpu_access(&self, _dir: DataDirection) -> Result {
        self.tables.end_other_cpu_access();
        Ok(())
    }

    fn mmap(&self, vma: &VmaNew) -> Result {
        Pages::mmap(self, vma)
    }

    fn vmap(&self, resv: &ResvLocked<'_>) -> Result<&Map> {
        // An error would be taken for a bug of ours. So whoever was being attached when the memory
        // was revoked is told now, and attaches anew.
        if self.exports.check().is_err() {
            resv.invalidate_mappings();
        }
        Ok(Pages::map(self))
    }

    fn resv(&self) -> Option<&Resv> {
        Some(&self.resv)
    }

    fn release(&self, dmabuf: *const DmaBuf) {
        if self.exports.remove(dmabuf) {
            self.stats.sub(Counter::Exports, 1);
        }
    }
}

/// The CPU has the memory, until this is dropped.
pub struct PagesAccess<'a>(&'a Pages);

impl PagesAccess<'_> {
    /// The memory.
    #[inline]
    pub fn map(&self) -> &Map {
        self.0.map()
    }
}

impl Drop for PagesAccess<'_> {
    fn drop(&mut self) {
        self.0.tables.end_cpu_access();
    }
}

/// How many pages have room for `size` bytes.
fn page_count(size: usize) -> Result<usize> {
    Ok(page_align(size).ok_or(ENOMEM)? >> PAGE_SHIFT)
}
