// SPDX-License-Identifier: GPL-2.0

//! The CPU's use of a dma-buf.

use super::{
    Attachment,
    DmaBuf,
    ResvLocked, //
};
use crate::{
    bindings,
    iosys_map::Map,
    stats::Counter, //
};
use core::{
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    dma::DataDirection,
    error::to_result,
    prelude::*,
    sync::aref::ARef, //
};

/// The direction of every access of the CPU: it may read and write.
///
/// `DMA_FROM_DEVICE` would be for one that only reads. The dma-buf core does not wait for readers
/// before such a one, and exporters need not flush what it has written.
pub(super) const DIRECTION: DataDirection = DataDirection::Bidirectional;

/// A dma-buf that is mapped for the CPU, which is the engine of the device that is attached.
///
/// The memory is reached through [`VMap::begin_cpu_access`] and in no other way. Dropping this
/// unmaps it and detaches the device.
///
/// # Invariants
///
/// `map` is what mapping the dma-buf of `attachment` for the CPU returned, which is this type's to
/// unmap.
pub struct VMap<'a> {
    map: Map,
    attachment: Attachment<'a>,
}

impl<'a> VMap<'a> {
    /// Maps the memory. Corresponds to the C `dma_buf_vmap()`: `resv` is that of the dma-buf.
    pub(super) fn new_locked(
        attachment: Attachment<'a>,
        _resv: &ResvLocked<'_>,
    ) -> Result<Self, (Error, Attachment<'a>)> {
        let dmabuf = attachment.dma_buf();
        let mut raw: bindings::iosys_map = pin_init::zeroed();

        // SAFETY: The dma-buf is valid, and its lock is held.
        match to_result(unsafe { bindings::dma_buf_vmap(dmabuf.as_raw(), &mut raw) }) {
            Ok(()) => {
                attachment.stats().inc(Counter::VMaps);
                // INVARIANT: The memory was just mapped.
                Ok(Self {
                    // SAFETY: By the contract of the C function all of the dma-buf is mapped now,
                    // and it stays so until `release()`.
                    map: unsafe { Map::from_raw(raw, dmabuf.size()) },
                    attachment,
                })
            }
            Err(e) => Err((e, attachment)),
        }
    }

    /// The memory, for those who have begun an access.
    #[inline]
    pub(super) fn map(&self) -> &Map {
        &self.map
    }

    /// The attached dma-buf, valid as long as `self`.
    pub fn dma_buf(&self) -> &DmaBuf {
        self.attachment.dma_buf()
    }

    /// Waits until the CPU may read and write the memory, and makes it see what devices have
    /// written. Corresponds to the C `dma_buf_begin_cpu_access()`, with `DMA_BIDIRECTIONAL`.
    pub fn begin_cpu_access(&mut self) -> Result<CpuAccess<'_, 'a>> {
        // SAFETY: The dma-buf is valid, and its lock is not held.
        to_result(unsafe {
            bindings::dma_buf_begin_cpu_access(self.dma_buf().as_raw(), DIRECTION.into())
        })?;

        // INVARIANT: The access has just begun.
        Ok(CpuAccess { vmap: self })
    }

    /// Undoes the mapping; the device stays attached.
    pub fn unmap(self) -> Attachment<'a> {
        let dmabuf: ARef<DmaBuf> = self.dma_buf().into();

        dmabuf.with_resv_lock(|resv| self.unmap_locked(resv))
    }

    /// As [`unmap`](Self::unmap), with the reservation lock of the dma-buf held.
    pub(super) fn unmap_locked(self, _resv: &ResvLocked<'_>) -> Attachment<'a> {
        let mut this = ManuallyDrop::new(self);

        // SAFETY: `this` is not used again, nor dropped, so that the memory is unmapped once and
        // `attachment` has one owner. The lock is held.
        unsafe {
            this.release();
            ptr::read(&this.attachment)
        }
    }

    /// # Safety
    ///
    /// The reservation lock must be held, and the memory not be used afterwards.
    unsafe fn release(&mut self) {
        let mut raw = self.map.as_raw();

        // SAFETY: By the type invariants this is what was mapped; by the safety requirements
        // nobody uses it any more, and the lock is held.
        unsafe { bindings::dma_buf_vunmap(self.dma_buf().as_raw(), &mut raw) };
        self.attachment.stats().inc(Counter::VUnmaps);
    }
}

impl Drop for VMap<'_> {
    fn drop(&mut self) {
        let dmabuf: ARef<DmaBuf> = self.dma_buf().into();

        // SAFETY: The map is about to be dropped, and `Attachment` does not know of it. The lock is
        // held.
        dmabuf.with_resv_lock(|_| unsafe { self.release() });
    }
}

/// The CPU has the memory, until this ends or is dropped.
///
/// # Invariants
///
/// An access to the memory of `vmap` in `DIRECTION` has begun and not ended.
pub struct CpuAccess<'v, 'a> {
    vmap: &'v mut VMap<'a>,
}

impl CpuAccess<'_, '_> {
    /// The memory.
    #[inline]
    pub fn map(&self) -> &Map {
        &self.vmap.map
    }

    /// Hands the memory back to devices.
    ///
    /// On an error of the exporter, what was written may not have reached them.
    pub fn end(self) -> Result {
        let mut this = ManuallyDrop::new(self);

        // SAFETY: `this` is not used again, nor dropped.
        unsafe { this.release() }
    }

    /// # Safety
    ///
    /// Must be called once at most.
    unsafe fn release(&mut self) -> Result {
        // SAFETY: The dma-buf is valid, and by the type invariant and the safety requirements
        // there is an access to end. The lock is not held.
        to_result(unsafe {
            bindings::dma_buf_end_cpu_access(self.vmap.dma_buf().as_raw(), DIRECTION.into())
        })
    }
}

impl Drop for CpuAccess<'_, '_> {
    fn drop(&mut self) {
        // Who cares for the outcome calls `end()`.
        //
        // SAFETY: This is the last use.
        let _ = unsafe { self.release() };
    }
}
