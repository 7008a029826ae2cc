// SPDX-License-Identifier: GPL-2.0

//! Memory that a driver lends to others.

#[cfg(CONFIG_KUNIT = "y")]
mod tests;
mod vtable;

use self::vtable::VTable;

use super::{
    DmaBuf,
    MappedSgTable,
    Resv,
    ResvLocked, //
};
use crate::{
    bindings,
    compat::{
        owner_module,
        this_module, //
    },
    iosys_map::Map, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    device,
    dma::DataDirection,
    error::{
        from_err_ptr,
        VTABLE_DEFAULT_ERROR, //
    },
    ffi::c_int,
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef,
    types::ForeignOwnable, //
};

/// A device that uses, or is about to use, exported memory.
///
/// Corresponds to the C `struct dma_buf_attachment`, as the exporter sees it.
///
/// # Invariants
///
/// An attachment with its device, valid for `'a`. Where the exporter is asked to map the memory,
/// the device is bound until it is unmapped: that is what dma-buf asks of importers.
pub struct Importer<'a>(
    NonNull<bindings::dma_buf_attachment>,
    PhantomData<&'a bindings::dma_buf_attachment>,
);

impl Importer<'_> {
    /// # Safety
    ///
    /// The type invariants must hold of `ptr`.
    unsafe fn from_raw(ptr: *mut bindings::dma_buf_attachment) -> Self {
        // INVARIANT: By the safety requirements.
        //
        // SAFETY: By the safety requirements it is valid, and not null.
        Self(unsafe { NonNull::new_unchecked(ptr) }, PhantomData)
    }

    /// The device.
    pub fn dev(&self) -> &device::Device {
        // SAFETY: By the type invariants; the device does not change.
        unsafe { device::Device::from_raw((*self.0.as_ptr()).dev) }
    }

    /// Whether it implements `invalidate_mappings()` (`dma_buf_attach_revocable()`): the memory may
    /// be moved or revoked while it is mapped.
    pub fn is_revocable(&self) -> bool {
        // SAFETY: By the type invariants.
        unsafe { bindings::dma_buf_attach_revocable(self.0.as_ptr()) }
    }

    /// Whether it can do with memory of a device that has no pages.
    pub fn is_peer2peer(&self) -> bool {
        // SAFETY: By the type invariants; only exporters change it, when they attach.
        unsafe { (*self.0.as_ptr()).peer2peer }
    }
}

/// Memory that can be exported.
///
/// Corresponds to the C `struct dma_buf_ops`. What is not implemented is not there for importers
/// either. Errors reach the importer as they are. All of these may sleep.
///
/// The owner of the memory that was given to [`export()`] is dropped when the dma-buf is released:
/// after the last importer, which may be long after the driver has lost interest.
#[vtable]
pub trait Exporter: Send + Sync + 'static {
    /// What is kept for each device that is attached. It is dropped when the device is detached.
    type Attachment: Send + Sync + 'static;

    /// A device wants to use the memory. Fail if it cannot.
    fn attach(&self, importer: &Importer<'_>) -> Result<Self::Attachment>;

    /// Maps the memory for `importer`, a mapping of its own for every call.
    ///
    /// The memory must be cleared of anything that is not the importer's business by then. The
    /// mapping is undone when the importer unmaps it, whatever the exporter does.
    fn map_dma_buf<'a>(
        &self,
        attachment: &Self::Attachment,
        importer: &'a Importer<'_>,
        dir: DataDirection,
        resv: &ResvLocked<'_>,
    ) -> Result<MappedSgTable<'a>>;

    /// A mapping that [`Exporter::map_dma_buf`] has made is gone.
    fn unmap_dma_buf(&self, attachment: &Self::Attachment, resv: &ResvLocked<'_>) {
        let _ = (attachment, resv);
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Before the CPU accesses the memory: make it see what devices have written.
    ///
    /// Accesses may overlap, those of the kernel and those of user space.
    fn begin_cpu_access(&self, dir: DataDirection) -> Result {
        let _ = dir;
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// After the CPU has accessed the memory: make devices see what it has written.
    fn end_cpu_access(&self, dir: DataDirection) -> Result {
        let _ = dir;
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Maps the memory into a process. The offset into the memory is that of `vma`, and was
    /// checked against the size.
    fn mmap(&self, vma: &VmaNew) -> Result {
        let _ = vma;
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Maps all of the memory for the CPU.
    ///
    /// Not called again before [`Exporter::vunmap`], which is when the last user is gone. The map
    /// is used until then.
    fn vmap(&self, resv: &ResvLocked<'_>) -> Result<&Map> {
        let _ = resv;
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Nobody uses the map any more.
    fn vunmap(&self, resv: &ResvLocked<'_>) {
        let _ = resv;
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The reservation object of each dma-buf that is made of the memory, always the same.
    ///
    /// Without one, each has its own.
    fn resv(&self) -> Option<&Resv> {
        None
    }

    /// The last user of `dmabuf` is gone, and it is about to go as well.
    fn release(&self, dmabuf: *const DmaBuf) {
        let _ = dmabuf;
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// Makes a dma-buf of memory that `owner` keeps.
///
/// `flags` are those of open(2), of which the access mode counts: it says what can be done with
/// file descriptors of the dma-buf. The dma-buf keeps the module of `T` loaded.
pub fn export<T, P>(owner: P, size: usize, flags: u32) -> Result<ARef<DmaBuf>>
where
    T: Exporter,
    P: ForeignOwnable + Send + 'static,
    for<'a> P::Borrowed<'a>: Deref<Target = T>,
{
    export_for::<T, P>(
        owner,
        size,
        flags,
        this_module::<owner_module!(T as Exporter)>(),
    )
}

/// As [`export`], and keeps `module` loaded, which is that of `T` or one that needs it.
pub(super) fn export_for<T, P>(
    owner: P,
    size: usize,
    flags: u32,
    module: &'static ThisModule,
) -> Result<ARef<DmaBuf>>
where
    T: Exporter,
    P: ForeignOwnable + Send + 'static,
    for<'a> P::Borrowed<'a>: Deref<Target = T>,
{
    let owner = owner.into_foreign();
    // It is used until the dma-buf is released, which is when the owner is dropped.
    let resv = {
        // SAFETY: `owner` came from `into_foreign()`, and nobody borrows mutably.
        let borrowed = unsafe { P::borrow(owner) };
        let exporter: &T = &borrowed;

        exporter.resv().map_or(core::ptr::null_mut(), Resv::as_raw)
    };
    let info = bindings::dma_buf_export_info {
        // SAFETY: This only returns a constant.
        exp_name: unsafe { bindings::modname() },
        owner: module.as_ptr(),
        ops: &VTable::<T, P>::OPS,
        size,
        flags: flags as c_int,
        resv,
        priv_: owner,
    };

    // SAFETY: `info` is complete: the operations are for what `owner` is, they stay for as long as
    // the module, and that for as long as the dma-buf.
    match from_err_ptr(unsafe { bindings::dma_buf_export(&info) }) {
        // SAFETY: The only reference to the new dma-buf is ours.
        Ok(dmabuf) => Ok(unsafe { DmaBuf::from_owned(dmabuf) }),
        Err(e) => {
            // SAFETY: `owner` came from `into_foreign()`, and without a dma-buf nobody has it.
            drop(unsafe { P::from_foreign(owner) });
            Err(e)
        }
    }
}
