// SPDX-License-Identifier: GPL-2.0

//! Memory that devices share.
//!
//! An importer goes from a [`DmaBuf`] to an [`Attachment`], and from there to a
//! [`MappedAttachment`] if it is a device that does DMA, or to a [`VMap`] if its engine is the CPU;
//! each owns the one before, so that they are released in the right order. The CPU writes within a
//! [`CpuAccess`]. A [`DynamicImport`] is all of that for memory that its exporter may move or
//! revoke at any time.
//!
//! An exporter implements [`Exporter`] and makes a [`DmaBuf`] with [`export()`]. [`Pages`] is one.
//!
//! # Locking
//!
//! Every dma-buf has a reservation lock, that of its [`Resv`], which several may share. Importers
//! call the functions of this module without it; those that need it take it. The callbacks of an
//! exporter that are called with the lock held are given a [`ResvLocked`], and must not call
//! functions of importers on the same dma-buf.
//!
//! A [`DynamicImport`] has a lock of its own, which is taken with the reservation lock held or
//! alone, and under which no other is taken but by the exporter that maps and unmaps. Where a
//! device writes the memory, an exporter that takes it back waits with the reservation lock held
//! until the device has left: completing a frame takes neither that lock nor one that is held while
//! it is taken, such as that of a videobuf2 queue.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)

use crate::bindings;
use core::ptr::NonNull;
use kernel::{
    dma::DataDirection,
    error::from_err_ptr,
    fs::file::{
        self,
        File, //
    },
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};

mod attach;
mod export;
mod fence;
mod import;
mod pages;
mod resv;
mod table;
#[cfg(CONFIG_KUNIT = "y")]
pub(crate) mod tests;
mod vmap;

pub use self::{
    attach::{
        Attachment,
        MappedAttachment, //
    },
    export::{
        export,
        Exporter,
        Importer, //
    },
    import::{
        DynamicImport,
        ImportAccess, //
    },
    pages::{
        Pages,
        PagesAccess, //
    },
    resv::{
        Resv,
        ResvLocked, //
    },
    table::MappedSgTable,
    vmap::{
        CpuAccess,
        VMap, //
    },
};
pub(crate) use self::{fence::Waiter, import::User, table::DeviceMapping};

/// A buffer that several devices can use.
///
/// # Invariants
///
/// Instances are always reference-counted, through the file that stands for the buffer. (The memory
/// of the `struct dma_buf` goes with the dentry, which may stay for longer.)
#[repr(transparent)]
pub struct DmaBuf(Opaque<bindings::dma_buf>);

// SAFETY: A dma-buf may be released on any thread.
unsafe impl Send for DmaBuf {}

// SAFETY: What can be done with a shared reference is protected by the dma-buf's own locks, or
// does not change.
unsafe impl Sync for DmaBuf {}

impl DmaBuf {
    /// Looks up the dma-buf that a file descriptor of the current process stands for.
    ///
    /// `EBADF` if there is no such descriptor, `EINVAL` if it is something else.
    pub fn from_fd(fd: i32) -> Result<ARef<Self>> {
        // SAFETY: Any number may be asked for.
        let dmabuf = from_err_ptr(unsafe { bindings::dma_buf_get(fd) })?;

        // SAFETY: On success a reference was taken, which is ours.
        Ok(unsafe { Self::from_owned(dmabuf) })
    }

    /// # Safety
    ///
    /// `ptr` must be a valid dma-buf, and the caller gives up a reference to it.
    unsafe fn from_owned(ptr: *mut bindings::dma_buf) -> ARef<Self> {
        // SAFETY: By the safety requirements; the type is transparent.
        unsafe { ARef::from_raw(NonNull::new_unchecked(ptr.cast())) }
    }

    /// # Safety
    ///
    /// `ptr` must be a valid dma-buf, to which there are references for `'a`.
    unsafe fn from_raw<'a>(ptr: *mut bindings::dma_buf) -> &'a Self {
        // SAFETY: By the safety requirements; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    pub(crate) fn as_raw(&self) -> *mut bindings::dma_buf {
        self.0.get()
    }

    /// Tells importers that the memory moves, as an exporter does. They may ask for new mappings.
    ///
    /// Corresponds to the C `dma_buf_invalidate_mappings()`: when this returns, devices may still
    /// use the memory, until their fences are signalled and it is unmapped. A [`DynamicImport`]
    /// does not.
    #[cfg(CONFIG_KUNIT = "y")]
    pub(crate) fn invalidate_mappings(&self) {
        // SAFETY: The dma-buf is valid, and its lock is held.
        self.with_resv_lock(|_| unsafe { bindings::dma_buf_invalidate_mappings(self.as_raw()) });
    }

    /// The reservation object.
    #[inline]
    pub(crate) fn resv(&self) -> &Resv {
        // SAFETY: The dma-buf is valid, and has an object for as long as it is.
        unsafe { Resv::from_raw((*self.as_raw()).resv) }
    }

    /// Calls `f` with the reservation lock held.
    fn with_resv_lock<R>(&self, f: impl FnOnce(&ResvLocked<'_>) -> R) -> R {
        self.resv().with_lock(|| {
            // SAFETY: The lock is held for as long as `f` has the token.
            f(&unsafe { ResvLocked::held(self) })
        })
    }

    /// The size in bytes, which never changes.
    pub fn size(&self) -> usize {
        // SAFETY: The dma-buf is valid, and the field does not change.
        unsafe { (*self.as_raw()).size }
    }

    /// Whether the memory may be written: its file was opened for that.
    pub fn is_writable(&self) -> bool {
        // SAFETY: The dma-buf is valid, and keeps its file, which has no position to race for.
        let file = unsafe { File::from_raw_file((*self.as_raw()).file) };

        file.flags() & file::flags::O_ACCMODE != file::flags::O_RDONLY
    }
}

// SAFETY: A dma-buf lives for as long as there are references to its file at least, which is what
// is counted here.
unsafe impl AlwaysRefCounted for DmaBuf {
    fn inc_ref(&self) {
        // SAFETY: The reference shows that the count is not zero.
        unsafe { bindings::get_dma_buf(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the safety requirements there is a reference to give up.
        unsafe { bindings::dma_buf_put(obj.as_ptr().cast()) };
    }
}

/// The direction that C means.
fn direction(dir: bindings::dma_data_direction) -> DataDirection {
    match dir {
        dir if dir == DataDirection::Bidirectional.into() => DataDirection::Bidirectional,
        dir if dir == DataDirection::ToDevice.into() => DataDirection::ToDevice,
        dir if dir == DataDirection::FromDevice.into() => DataDirection::FromDevice,
        _ => DataDirection::None,
    }
}
