// SPDX-License-Identifier: GPL-2.0

//! Memory that a driver lends to others.

#[cfg(CONFIG_KUNIT = "y")]
mod tests;

use super::{
    direction,
    DmaBuf,
    MappedSgTable,
    ResvLocked, //
};
use crate::{
    bindings,
    iosys_map::Map, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    device,
    dma::DataDirection,
    error::{
        from_err_ptr,
        from_result,
        VTABLE_DEFAULT_ERROR, //
    },
    ffi::c_int,
    mm::virt::VmaNew,
    module::this_module,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
    types::ForeignOwnable, //
};

/// Memory that can be exported.
///
/// Corresponds to the C `struct dma_buf_ops`. What is not implemented is not there for importers
/// either. Errors reach the importer as they are.
///
/// The owner of the memory that was given to [`export`] is dropped when the dma-buf is released:
/// after the last importer, which may be long after the driver has lost interest.
#[vtable]
pub trait Exporter: Send + Sync + 'static {
    /// What is kept for each device that is attached. It is dropped when the device is detached.
    type Attachment: Send + Sync + 'static;

    /// A device wants to use the memory. Fail if it cannot.
    fn attach(&self, dev: &device::Device) -> Result<Self::Attachment>;

    /// Maps the memory for the device of `attachment`, a mapping of its own for every call.
    ///
    /// The memory must be cleared of anything that is not the importer's business by then.
    fn map(
        &self,
        attachment: &Self::Attachment,
        dir: DataDirection,
        resv: &ResvLocked<'_>,
    ) -> Result<Arc<MappedSgTable>>;

    /// The device has no more use for `table`, which came from [`Exporter::map`].
    fn unmap(
        &self,
        attachment: &Self::Attachment,
        table: Arc<MappedSgTable>,
        resv: &ResvLocked<'_>,
    );

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

    /// The last user of `dmabuf` is gone, and it is about to go as well.
    fn release(&self, dmabuf: *const DmaBuf) {
        let _ = dmabuf;
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// Makes a dma-buf of memory that `owner` keeps.
///
/// `flags` are those of open(2), of which the access mode counts: it says what can be done with
/// file descriptors of the dma-buf. The dma-buf keeps the module loaded.
pub fn export<T, P>(owner: P, size: usize, flags: u32) -> Result<ARef<DmaBuf>>
where
    T: Exporter,
    P: ForeignOwnable + Send + 'static,
    for<'a> P::Borrowed<'a>: Deref<Target = T>,
{
    let owner = owner.into_foreign();
    let info = bindings::dma_buf_export_info {
        // SAFETY: This only returns a constant.
        exp_name: unsafe { bindings::modname() },
        owner: this_module::<T::OwnerModule>().as_ptr(),
        ops: &VTable::<T, P>::OPS,
        size,
        flags: flags as c_int,
        resv: core::ptr::null_mut(),
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

/// The operations of the dma-bufs that [`export`] makes.
///
/// In the safety requirements of the callbacks, a dma-buf or an attachment "of ours" is one that
/// has these operations. Its `priv` is a `P` turned foreign, until it is released. Importers have
/// references to it, also where they only map it for the CPU.
struct VTable<T, P>(PhantomData<(T, P)>);

impl<T, P> VTable<T, P>
where
    T: Exporter,
    P: ForeignOwnable + Send + 'static,
    for<'a> P::Borrowed<'a>: Deref<Target = T>,
{
    const OPS: bindings::dma_buf_ops = bindings::dma_buf_ops {
        attach: Some(Self::attach_callback),
        detach: Some(Self::detach_callback),
        map_dma_buf: Some(Self::map_callback),
        unmap_dma_buf: Some(Self::unmap_callback),
        release: Some(Self::release_callback),
        begin_cpu_access: if T::HAS_BEGIN_CPU_ACCESS {
            Some(Self::begin_cpu_access_callback)
        } else {
            None
        },
        end_cpu_access: if T::HAS_END_CPU_ACCESS {
            Some(Self::end_cpu_access_callback)
        } else {
            None
        },
        mmap: if T::HAS_MMAP {
            Some(Self::mmap_callback)
        } else {
            None
        },
        vmap: if T::HAS_VMAP {
            Some(Self::vmap_callback)
        } else {
            None
        },
        vunmap: if T::HAS_VUNMAP {
            Some(Self::vunmap_callback)
        } else {
            None
        },
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// `dmabuf` must be a dma-buf of ours, and not be released during the call of `f`.
    unsafe fn with<R>(dmabuf: *mut bindings::dma_buf, f: impl FnOnce(&T) -> R) -> R {
        // SAFETY: By the safety requirements; nobody borrows mutably.
        let owner = unsafe { P::borrow((*dmabuf).priv_) };
        f(&owner)
    }

    /// # Safety
    ///
    /// `dmabuf` must be a dma-buf of ours, `attachment` what is about to become its attachment.
    unsafe extern "C" fn attach_callback(
        dmabuf: *mut bindings::dma_buf,
        attachment: *mut bindings::dma_buf_attachment,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements; the device is set.
            let dev = unsafe { &*(*attachment).dev.cast::<device::Device>() };
            // SAFETY: By the safety requirements.
            let data = unsafe { Self::with(dmabuf, |exporter| exporter.attach(dev)) }?;
            let data = KBox::new(data, GFP_KERNEL)?;

            // SAFETY: The field is the exporter's to use.
            unsafe { (*attachment).priv_ = KBox::into_raw(data).cast() };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `attachment` must be an attachment of ours, and not be used afterwards.
    unsafe extern "C" fn detach_callback(
        _dmabuf: *mut bindings::dma_buf,
        attachment: *mut bindings::dma_buf_attachment,
    ) {
        // SAFETY: By the safety requirements; `attach_callback()` has put a box there.
        drop(unsafe { KBox::from_raw((*attachment).priv_.cast::<T::Attachment>()) });
    }

    /// # Safety
    ///
    /// `attachment` must be an attachment of ours; the dma-buf's lock must be held.
    unsafe extern "C" fn map_callback(
        attachment: *mut bindings::dma_buf_attachment,
        dir: bindings::dma_data_direction,
    ) -> *mut bindings::sg_table {
        // SAFETY: By the safety requirements; `attach_callback()` has put the data there.
        let result = unsafe {
            let data = &*(*attachment).priv_.cast::<T::Attachment>();
            let dev = device::Device::from_raw((*attachment).dev);
            let dmabuf = (*attachment).dmabuf;
            let resv = ResvLocked::held(DmaBuf::from_raw(dmabuf));

            Self::with(dmabuf, |exporter| {
                let table = exporter.map(data, direction(dir), &resv)?;

                // An importer goes by the size of the dma-buf, and gives the addresses to its
                // device.
                if !table.is_for(dev, (*dmabuf).size) {
                    exporter.unmap(data, table, &resv);
                    return Err(EINVAL);
                }
                Ok(table)
            })
        };

        result.map_or_else(|e| e.to_ptr(), MappedSgTable::into_raw)
    }

    /// # Safety
    ///
    /// `attachment` must be an attachment of ours, `sgt` what mapping it has returned, which is not
    /// used afterwards; the dma-buf's lock must be held.
    unsafe extern "C" fn unmap_callback(
        attachment: *mut bindings::dma_buf_attachment,
        sgt: *mut bindings::sg_table,
        _dir: bindings::dma_data_direction,
    ) {
        // SAFETY: By the safety requirements; this is what `map_callback()` has returned, and
        // `attach_callback()` has put the data there.
        unsafe {
            let table = MappedSgTable::from_raw(sgt);
            let data = &*(*attachment).priv_.cast::<T::Attachment>();
            let dmabuf = (*attachment).dmabuf;
            let resv = ResvLocked::held(DmaBuf::from_raw(dmabuf));
            Self::with(dmabuf, |exporter| exporter.unmap(data, table, &resv));
        }
    }

    /// # Safety
    ///
    /// `dmabuf` must be a dma-buf of ours, and not be used afterwards.
    unsafe extern "C" fn release_callback(dmabuf: *mut bindings::dma_buf) {
        if T::HAS_RELEASE {
            // SAFETY: By the safety requirements.
            unsafe { Self::with(dmabuf, |exporter| exporter.release(dmabuf.cast())) };
        }
        // SAFETY: By the safety requirements; the owner was turned foreign in `export()`.
        drop(unsafe { P::from_foreign((*dmabuf).priv_) });
    }

    /// # Safety
    ///
    /// `dmabuf` must be a dma-buf of ours.
    unsafe extern "C" fn begin_cpu_access_callback(
        dmabuf: *mut bindings::dma_buf,
        dir: bindings::dma_data_direction,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            unsafe { Self::with(dmabuf, |exporter| exporter.begin_cpu_access(direction(dir))) }?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `dmabuf` must be a dma-buf of ours.
    unsafe extern "C" fn end_cpu_access_callback(
        dmabuf: *mut bindings::dma_buf,
        dir: bindings::dma_data_direction,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            unsafe { Self::with(dmabuf, |exporter| exporter.end_cpu_access(direction(dir))) }?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `dmabuf` must be a dma-buf of ours, `vma` a mapping that is being set up.
    unsafe extern "C" fn mmap_callback(
        dmabuf: *mut bindings::dma_buf,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            unsafe { Self::with(dmabuf, |exporter| exporter.mmap(VmaNew::from_raw(vma))) }?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `dmabuf` must be a dma-buf of ours whose lock is held, `raw` writable.
    unsafe extern "C" fn vmap_callback(
        dmabuf: *mut bindings::dma_buf,
        raw: *mut bindings::iosys_map,
    ) -> c_int {
        from_result(|| {
            // The map is borrowed from the exporter, which lasts until the dma-buf is released.
            //
            // SAFETY: By the safety requirements.
            unsafe {
                Self::with(dmabuf, |exporter| {
                    let resv = ResvLocked::held(DmaBuf::from_raw(dmabuf));
                    let map = exporter.vmap(&resv)?;
                    if map.len() < (*dmabuf).size {
                        if T::HAS_VUNMAP {
                            exporter.vunmap(&resv);
                        }
                        return Err(EINVAL);
                    }
                    raw.write(map.as_raw());
                    Ok(0)
                })
            }
        })
    }

    /// # Safety
    ///
    /// `dmabuf` must be a dma-buf of ours whose lock is held; the map is not used afterwards.
    unsafe extern "C" fn vunmap_callback(
        dmabuf: *mut bindings::dma_buf,
        _raw: *mut bindings::iosys_map,
    ) {
        // SAFETY: By the safety requirements.
        unsafe {
            let resv = ResvLocked::held(DmaBuf::from_raw(dmabuf));
            Self::with(dmabuf, |exporter| exporter.vunmap(&resv));
        }
    }
}
