// SPDX-License-Identifier: GPL-2.0

//! What dma-buf calls of an exporter.

use super::{
    super::{
        direction,
        DmaBuf,
        MappedSgTable,
        ResvLocked, //
    },
    Exporter,
    Importer, //
};
use crate::bindings;
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    error::from_result,
    ffi::c_int,
    mm::virt::VmaNew,
    prelude::*,
    types::ForeignOwnable, //
};

/// The operations of the dma-bufs that [`export`](super::export) makes.
///
/// In the safety requirements of the callbacks, a dma-buf or an attachment "of ours" is one that
/// has these operations. Its `priv` is a `P` turned foreign, until it is released. Importers have
/// references to it, also where they only map it for the CPU.
pub(super) struct VTable<T, P>(PhantomData<(T, P)>);

impl<T, P> VTable<T, P>
where
    T: Exporter,
    P: ForeignOwnable + Send + 'static,
    for<'a> P::Borrowed<'a>: Deref<Target = T>,
{
    pub(super) const OPS: bindings::dma_buf_ops = bindings::dma_buf_ops {
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
            let importer = unsafe { Importer::from_raw(attachment) };
            // SAFETY: By the safety requirements.
            let data = unsafe { Self::with(dmabuf, |exporter| exporter.attach(&importer)) }?;
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
        // SAFETY: By the safety requirements; `attach_callback()` has put the data there. The lock
        // is held.
        let result = unsafe {
            let data = &*(*attachment).priv_.cast::<T::Attachment>();
            let importer = Importer::from_raw(attachment);
            let dmabuf = (*attachment).dmabuf;
            let resv = ResvLocked::held(DmaBuf::from_raw(dmabuf));

            Self::with(dmabuf, |exporter| {
                let table = exporter.map_dma_buf(data, &importer, direction(dir), &resv)?;

                // An importer goes by the size of the dma-buf. What it does not get is unmapped.
                let result = if table.size() < (*dmabuf).size {
                    drop(table);
                    Err(EINVAL)
                } else {
                    table.into_raw()
                };
                if result.is_err() && T::HAS_UNMAP_DMA_BUF {
                    exporter.unmap_dma_buf(data, &resv);
                }
                result
            })
        };

        result.unwrap_or_else(|e| e.to_ptr())
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
        // Not left to the exporter: the importer's device may go after this.
        //
        // SAFETY: By the safety requirements; this is what `map_callback()` has returned.
        drop(unsafe { MappedSgTable::from_raw(sgt) });

        if T::HAS_UNMAP_DMA_BUF {
            // SAFETY: By the safety requirements; `attach_callback()` has put the data there. The
            // lock is held.
            unsafe {
                let data = &*(*attachment).priv_.cast::<T::Attachment>();
                let dmabuf = (*attachment).dmabuf;
                let resv = ResvLocked::held(DmaBuf::from_raw(dmabuf));
                Self::with(dmabuf, |exporter| exporter.unmap_dma_buf(data, &resv));
            }
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
