// SPDX-License-Identifier: GPL-2.0

//! Devices that use a dma-buf.

use super::{
    DmaBuf,
    ResvLocked,
    VMap, //
};
use crate::{
    bindings,
    stats::{
        Counter,
        Stats, //
    },
};
use core::{
    ffi::c_void,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    device,
    dma::DataDirection,
    error::from_err_ptr,
    prelude::*,
    scatterlist::SGTable,
    sync::{
        aref::ARef,
        Arc, //
    },
};

/// A device that is attached to a dma-buf. Corresponds to the C `struct dma_buf_attachment`.
///
/// Dropping it detaches the device. `'a` is how long that is bound: exporters may undo what they
/// have mapped for it when it is detached. One that is leaked leaves the mapping and the memory.
///
/// # Invariants
///
/// - `ptr` is an attachment of `_dev` to `dmabuf`, which is this type's to detach.
/// - The device is bound for `'a`, or nothing is mapped for it.
pub struct Attachment<'a> {
    ptr: NonNull<bindings::dma_buf_attachment>,
    dmabuf: ARef<DmaBuf>,
    _dev: ARef<device::Device>,
    stats: Arc<Stats>,
    _bound: PhantomData<&'a device::Device<device::Bound>>,
}

// SAFETY: Attachments are not tied to a thread.
unsafe impl Send for Attachment<'_> {}

// SAFETY: Nothing that a shared reference can do changes the attachment.
unsafe impl Sync for Attachment<'_> {}

impl<'a> Attachment<'a> {
    /// Attaches `dev` to `dmabuf`, whose exporter has to keep the memory where it is mapped.
    ///
    /// The exporter may refuse, with an error of its own. May sleep.
    pub fn new(
        dmabuf: ARef<DmaBuf>,
        dev: &'a device::Device<device::Bound>,
        stats: Arc<Stats>,
    ) -> Result<Self> {
        // SAFETY: Without operations, nothing is asked of the importer. The device is bound.
        unsafe { Self::new_dynamic(dmabuf, dev, stats, ptr::null(), ptr::null_mut()) }
    }

    /// Attaches `dev` to `dmabuf`, as an importer whose `ops` are called with `importer`.
    /// Corresponds to the C `dma_buf_dynamic_attach()`.
    ///
    /// # Safety
    ///
    /// - `ops` may be called, and be given `importer`, until this is dropped.
    /// - `dev` must be bound for `'a`, or [`map`](Self::map) not be called.
    pub(super) unsafe fn new_dynamic(
        dmabuf: ARef<DmaBuf>,
        dev: &device::Device,
        stats: Arc<Stats>,
        ops: *const bindings::dma_buf_attach_ops,
        importer: *mut c_void,
    ) -> Result<Self> {
        // `device::Device` is a transparent wrapper.
        let raw_dev: *const device::Device = dev;

        // SAFETY: The dma-buf and the device are valid; the references below keep them so until
        // they are detached. The rest is by the safety requirements.
        let ptr = from_err_ptr(unsafe {
            bindings::dma_buf_dynamic_attach(
                dmabuf.as_raw(),
                raw_dev.cast_mut().cast(),
                ops,
                importer,
            )
        })?;

        // INVARIANT: The device was just attached; the rest is by the safety requirements.
        let this = Self {
            ptr: NonNull::new(ptr).ok_or(ENOMEM)?,
            dmabuf,
            _dev: dev.into(),
            stats,
            _bound: PhantomData,
        };
        this.stats.inc(Counter::Attaches);
        Ok(this)
    }

    /// The attached dma-buf, valid as long as `self`.
    pub fn dma_buf(&self) -> &DmaBuf {
        &self.dmabuf
    }

    /// Maps the memory for the device. Corresponds to the C `dma_buf_map_attachment_unlocked()`.
    ///
    /// `dir` must cover every use that is made of the memory, and not be `DMA_NONE` (`EINVAL`).
    /// When the exporter fails, its error comes back together with the attachment. May sleep.
    pub fn map(self, dir: DataDirection) -> Result<MappedAttachment<'a>, (Error, Self)> {
        let dmabuf = self.dmabuf.clone();

        dmabuf.with_resv_lock(|resv| self.map_locked(dir, resv))
    }

    /// As [`map`](Self::map), with the reservation lock of the dma-buf held. Corresponds to the C
    /// `dma_buf_map_attachment()`.
    pub(super) fn map_locked(
        self,
        dir: DataDirection,
        _resv: &ResvLocked<'_>,
    ) -> Result<MappedAttachment<'a>, (Error, Self)> {
        // Exporters hand it on to the DMA API, which takes that for a bug (`BUG_ON()`).
        if dir == DataDirection::None {
            return Err((EINVAL, self));
        }

        // SAFETY: By the type invariants. The lock is held.
        let sgt = from_err_ptr(unsafe {
            bindings::dma_buf_map_attachment(self.ptr.as_ptr(), dir.into())
        })
        .and_then(|sgt| NonNull::new(sgt).ok_or(ENOMEM));

        match sgt {
            Ok(sgt) => {
                self.stats.inc(Counter::Maps);
                // INVARIANT: The memory was just mapped.
                Ok(MappedAttachment {
                    sgt,
                    dir,
                    attachment: self,
                })
            }
            Err(e) => Err((e, self)),
        }
    }

    /// Maps the memory for the CPU, for a device whose engine that is, and not for the device.
    ///
    /// When the exporter fails, its error comes back together with the attachment. May sleep.
    pub fn vmap(self) -> Result<VMap<'a>, (Error, Self)> {
        let dmabuf = self.dmabuf.clone();

        dmabuf.with_resv_lock(|resv| VMap::new_locked(self, resv))
    }

    pub(super) fn stats(&self) -> &Stats {
        &self.stats
    }
}

impl Drop for Attachment<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; a mapping would own this, so there is none.
        unsafe { bindings::dma_buf_detach(self.dmabuf.as_raw(), self.ptr.as_ptr()) };
        self.stats.inc(Counter::Detaches);
    }
}

/// A dma-buf that is mapped for a device.
///
/// Dropping it unmaps the memory and detaches the device.
///
/// # Invariants
///
/// `sgt` is what mapping `attachment` in the direction `dir` returned, which is this type's to
/// unmap.
pub struct MappedAttachment<'a> {
    sgt: NonNull<bindings::sg_table>,
    dir: DataDirection,
    attachment: Attachment<'a>,
}

// SAFETY: Mappings are not tied to a thread.
unsafe impl Send for MappedAttachment<'_> {}

// SAFETY: Nothing that a shared reference can do changes the mapping.
unsafe impl Sync for MappedAttachment<'_> {}

impl<'a> MappedAttachment<'a> {
    /// Where the device finds the memory.
    pub fn sg_table(&self) -> &SGTable {
        // SAFETY: By the type invariants the table is valid, and nobody changes it, until it is
        // unmapped, for which the reference has to be gone.
        unsafe { SGTable::from_raw(self.sgt.as_ptr()) }
    }

    pub(crate) fn as_raw(&self) -> *mut bindings::sg_table {
        self.sgt.as_ptr()
    }

    /// The direction that the memory was mapped for.
    pub fn direction(&self) -> DataDirection {
        self.dir
    }

    /// The attached dma-buf, valid as long as `self`.
    pub fn dma_buf(&self) -> &DmaBuf {
        self.attachment.dma_buf()
    }

    /// Unmaps the memory; the device stays attached.
    pub fn unmap(self) -> Attachment<'a> {
        let dmabuf = self.attachment.dmabuf.clone();

        dmabuf.with_resv_lock(|resv| self.unmap_locked(resv))
    }

    /// As [`unmap`](Self::unmap), with the reservation lock of the dma-buf held.
    pub(super) fn unmap_locked(self, _resv: &ResvLocked<'_>) -> Attachment<'a> {
        let mut this = ManuallyDrop::new(self);

        // SAFETY: `this` is not used again, nor dropped, so that the table is unmapped once and
        // the attachment has one owner. The lock is held.
        unsafe {
            this.release();
            ptr::read(&this.attachment)
        }
    }

    /// # Safety
    ///
    /// The reservation lock must be held, and the table not be used afterwards.
    unsafe fn release(&mut self) {
        // SAFETY: By the type invariants this is what was mapped, and in which direction; by the
        // safety requirements nobody will do so again.
        unsafe {
            bindings::dma_buf_unmap_attachment(
                self.attachment.ptr.as_ptr(),
                self.sgt.as_ptr(),
                self.dir.into(),
            );
        };
        self.attachment.stats.inc(Counter::Unmaps);
    }
}

impl Drop for MappedAttachment<'_> {
    fn drop(&mut self) {
        let dmabuf = self.attachment.dmabuf.clone();

        // SAFETY: The fields are about to be dropped; `Attachment` does not know of the table. The
        // lock is held.
        dmabuf.with_resv_lock(|_| unsafe { self.release() });
    }
}
