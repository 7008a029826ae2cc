// SPDX-License-Identifier: GPL-2.0

//! The memory of buffers, for every way in which user space may bring it.
//!
//! This implements `struct vb2_mem_ops` for engines that reach memory through the CPU as well as
//! through DMA. Each kind of memory is one variant of [`Memory`], and what it owns says what is
//! released, and in which order.
//!
//! C header: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h)

use super::{
    ops,
    userptr::UserPages, //
};
use crate::{
    bindings,
    dma_buf::{
        self,
        DmaBuf, //
    },
    iosys_map, //
};
use core::cell::UnsafeCell;
use kernel::{
    device,
    dma::DataDirection,
    error::from_result,
    ffi::{
        c_int,
        c_uint,
        c_ulong,
        c_void, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::aref::ARef, //
};

/// The memory of one plane.
pub(super) enum Memory {
    /// Pages of our own (`V4L2_MEMORY_MMAP`), which others may have imported.
    Mmap(ARef<dma_buf::Pages>),
    /// Pages of a process (`V4L2_MEMORY_USERPTR`).
    User(UserPages),
    /// Memory of an exporter (`V4L2_MEMORY_DMABUF`).
    ///
    /// videobuf2 maps and unmaps it while nobody has the buffer, and the driver accesses it while
    /// it has the buffer, so that there is one user at any time.
    Import(UnsafeCell<Import>, DataDirection),
}

/// How far an imported dma-buf has come.
pub(super) enum Import {
    /// Not to be had, for this reason.
    ///
    /// When attaching fails, videobuf2 loses its reference to the dma-buf, and the memory with it
    /// for ever; when mapping fails it does not. So it is told when it maps.
    Refused(Error),
    Attached(dma_buf::Attachment),
    Mapped(dma_buf::VMap),
    /// Only seen while one state becomes another.
    Changing,
}

/// The CPU's access to the memory of a plane, which ends when this is dropped.
pub(super) enum Access<'a> {
    Mmap(dma_buf::PagesAccess<'a>),
    User(&'a iosys_map::Map),
    Import(dma_buf::CpuAccess<'a>),
}

impl Access<'_> {
    /// What may be written.
    #[inline]
    pub(super) fn map(&self) -> &iosys_map::Map {
        match self {
            Access::Mmap(access) => access.map(),
            Access::User(map) => map,
            Access::Import(access) => access.map(),
        }
    }

    /// Ends the access, and tells whether that worked.
    pub(super) fn end(self) -> Result {
        match self {
            Access::Mmap(_) | Access::User(_) => Ok(()),
            Access::Import(access) => access.end(),
        }
    }
}

impl Memory {
    /// Turns the memory into the private data of a plane.
    fn into_priv(self) -> Result<*mut c_void> {
        Ok(KBox::into_raw(KBox::new(self, GFP_KERNEL)?).cast())
    }

    /// # Safety
    ///
    /// `mem_priv` must be the private data of a plane whose memory is [`OPS`], and stay for as
    /// long as the reference does.
    pub(super) unsafe fn from_priv<'a>(mem_priv: *mut c_void) -> &'a Self {
        // SAFETY: All that the operations hand out comes from `into_priv()`.
        unsafe { &*mem_priv.cast::<Self>() }
    }

    /// # Safety
    ///
    /// `mem_priv` must be the private data of a plane whose memory is [`OPS`], which videobuf2
    /// does not use any more.
    unsafe fn release(mem_priv: *mut c_void) {
        // SAFETY: All that the operations hand out comes from `into_priv()`.
        drop(unsafe { KBox::from_raw(mem_priv.cast::<Self>()) });
    }

    /// Begins an access of the CPU.
    ///
    /// # Safety
    ///
    /// The driver must have the buffer that the memory belongs to, and no other access to it, for
    /// as long as the [`Access`] lasts.
    pub(super) unsafe fn begin_cpu_access(&self) -> Result<Access<'_>> {
        Ok(match self {
            Memory::Mmap(pages) => Access::Mmap(pages.begin_cpu_access()),
            Memory::User(pages) => Access::User(pages.map()),
            // SAFETY: By the safety requirements, and since videobuf2 leaves a buffer alone that
            // the driver has, there is no other user.
            Memory::Import(import, _) => match unsafe { &mut *import.get() } {
                Import::Mapped(vmap) => Access::Import(vmap.begin_cpu_access()?),
                _ => return Err(EIO),
            },
        })
    }

    fn pages(&self) -> Result<&ARef<dma_buf::Pages>> {
        match self {
            Memory::Mmap(pages) => Ok(pages),
            _ => Err(EINVAL),
        }
    }
}

/// The direction in which the buffers of `vb`'s queue are mapped.
///
/// # Safety
///
/// `vb` must be a buffer of a queue.
unsafe fn direction(vb: *mut bindings::vb2_buffer) -> DataDirection {
    // SAFETY: By the safety requirements; the direction is set when the queue is made.
    match unsafe { (*(*vb).vb2_queue).dma_dir } {
        dir if dir == DataDirection::ToDevice.into() => DataDirection::ToDevice,
        dir if dir == DataDirection::FromDevice.into() => DataDirection::FromDevice,
        _ => DataDirection::Bidirectional,
    }
}

/// Turns the outcome of an operation into what C takes: a pointer, or an error in its place.
fn into_ptr(f: impl FnOnce() -> Result<*mut c_void>) -> *mut c_void {
    f().unwrap_or_else(|e| e.to_ptr())
}

/// The operations of every [`Queue`](super::Queue).
pub(super) static OPS: bindings::vb2_mem_ops = bindings::vb2_mem_ops {
    alloc: Some(alloc_callback),
    put: Some(release_callback),
    get_dmabuf: Some(get_dmabuf_callback),
    get_userptr: Some(get_userptr_callback),
    put_userptr: Some(release_callback),
    // The bracket is around the engine's access, which knows whether there is one.
    prepare: None,
    finish: None,
    attach_dmabuf: Some(attach_dmabuf_callback),
    detach_dmabuf: Some(release_callback),
    map_dmabuf: Some(map_dmabuf_callback),
    unmap_dmabuf: Some(unmap_dmabuf_callback),
    vaddr: Some(vaddr_callback),
    cookie: None,
    num_users: Some(num_users_callback),
    mmap: Some(mmap_callback),
};

/// # Safety
///
/// None but that of C: what the arguments point to is not used.
unsafe extern "C" fn alloc_callback(
    _vb: *mut bindings::vb2_buffer,
    _dev: *mut bindings::device,
    size: c_ulong,
) -> *mut c_void {
    into_ptr(|| Memory::Mmap(dma_buf::Pages::new(size)?).into_priv())
}

/// # Safety
///
/// `mem_priv` must come from these operations; videobuf2 gives it up.
unsafe extern "C" fn release_callback(mem_priv: *mut c_void) {
    // SAFETY: By the safety requirements.
    unsafe { Memory::release(mem_priv) };
}

/// # Safety
///
/// `mem_priv` must come from these operations.
unsafe extern "C" fn get_dmabuf_callback(
    _vb: *mut bindings::vb2_buffer,
    mem_priv: *mut c_void,
    flags: c_ulong,
) -> *mut bindings::dma_buf {
    // SAFETY: By the safety requirements.
    let memory = unsafe { Memory::from_priv(mem_priv) };

    match memory.pages().and_then(|pages| pages.export(flags as u32)) {
        Ok(dmabuf) => ARef::into_raw(dmabuf).as_ptr().cast(),
        Err(e) => e.to_ptr(),
    }
}

/// # Safety
///
/// `dev` must be a device; called by the process whose address `vaddr` is.
unsafe extern "C" fn get_userptr_callback(
    _vb: *mut bindings::vb2_buffer,
    dev: *mut bindings::device,
    vaddr: c_ulong,
    size: c_ulong,
) -> *mut c_void {
    into_ptr(|| {
        // SAFETY: By the safety requirements.
        let dev = unsafe { ops::device(dev) };
        Memory::User(UserPages::pin(dev, vaddr, size)?).into_priv()
    })
}

fn attach(
    dmabuf: &DmaBuf,
    dev: &device::Device<device::Bound>,
    dir: DataDirection,
    size: usize,
) -> Result<dma_buf::Attachment> {
    // A frame is written: a descriptor that was opened for reading alone does not allow that.
    if dmabuf.size() < size || (dir != DataDirection::ToDevice && !dmabuf.is_writable()) {
        return Err(EINVAL);
    }
    dma_buf::Attachment::new(dmabuf.into(), dev)
}

/// # Safety
///
/// `vb` must be a buffer of a queue, `dev` a device, `dbuf` a dma-buf that `vb` holds.
unsafe extern "C" fn attach_dmabuf_callback(
    vb: *mut bindings::vb2_buffer,
    dev: *mut bindings::device,
    dbuf: *mut bindings::dma_buf,
    size: c_ulong,
) -> *mut c_void {
    into_ptr(|| {
        // SAFETY: By the safety requirements.
        let (dmabuf, dev, dir) =
            unsafe { (&*dbuf.cast::<DmaBuf>(), ops::device(dev), direction(vb)) };
        let import = attach(dmabuf, dev, dir, size).map_or_else(Import::Refused, Import::Attached);

        Memory::Import(UnsafeCell::new(import), dir).into_priv()
    })
}

/// Moves an import from one state to the next, or back to where it was.
///
/// # Safety
///
/// `mem_priv` must come from [`attach_dmabuf_callback`], and the driver not have its buffer.
unsafe fn change(
    mem_priv: *mut c_void,
    f: impl FnOnce(Import, DataDirection) -> (Import, Result),
) -> Result {
    // SAFETY: By the safety requirements.
    let Memory::Import(import, dir) = (unsafe { Memory::from_priv(mem_priv) }) else {
        return Err(EINVAL);
    };

    // SAFETY: By the safety requirements videobuf2 is the only user, and serializes its calls.
    let import = unsafe { &mut *import.get() };
    let (next, result) = f(core::mem::replace(import, Import::Changing), *dir);
    *import = next;
    result
}

/// # Safety
///
/// `mem_priv` must come from [`attach_dmabuf_callback`].
unsafe extern "C" fn map_dmabuf_callback(mem_priv: *mut c_void) -> c_int {
    from_result(|| {
        // SAFETY: By the safety requirements; a buffer is mapped before the driver gets it.
        unsafe {
            change(mem_priv, |import, dir| match import {
                Import::Attached(attachment) => match attachment.map(dir) {
                    Ok(mapped) => match mapped.vmap() {
                        Ok(vmap) => (Import::Mapped(vmap), Ok(())),
                        Err((e, mapped)) => (Import::Attached(mapped.unmap()), Err(e)),
                    },
                    Err((e, attachment)) => (Import::Attached(attachment), Err(e)),
                },
                Import::Refused(e) => (Import::Refused(e), Err(e)),
                other => (other, Err(EBUSY)),
            })
        }?;
        Ok(0)
    })
}

/// # Safety
///
/// `mem_priv` must come from [`attach_dmabuf_callback`].
unsafe extern "C" fn unmap_dmabuf_callback(mem_priv: *mut c_void) {
    // What is not mapped needs no unmapping.
    //
    // SAFETY: By the safety requirements; a buffer is unmapped when the driver has given it back.
    let _ = unsafe {
        change(mem_priv, |import, _| match import {
            Import::Mapped(vmap) => (Import::Attached(vmap.unmap().unmap()), Ok(())),
            other => (other, Ok(())),
        })
    };
}

/// # Safety
///
/// `mem_priv` must come from these operations.
unsafe extern "C" fn vaddr_callback(
    _vb: *mut bindings::vb2_buffer,
    mem_priv: *mut c_void,
) -> *mut c_void {
    // SAFETY: By the safety requirements.
    let memory = unsafe { Memory::from_priv(mem_priv) };

    // This is for read(), which copies out of pages of our own.
    memory
        .pages()
        .map_or(core::ptr::null_mut(), |pages| pages.vaddr())
}

/// # Safety
///
/// `mem_priv` must come from these operations.
unsafe extern "C" fn num_users_callback(mem_priv: *mut c_void) -> c_uint {
    // SAFETY: By the safety requirements.
    let memory = unsafe { Memory::from_priv(mem_priv) };

    memory.pages().map_or(1, |pages| pages.users())
}

/// # Safety
///
/// `mem_priv` must come from these operations, and `vma` be a mapping that is being set up.
unsafe extern "C" fn mmap_callback(
    mem_priv: *mut c_void,
    vma: *mut bindings::vm_area_struct,
) -> c_int {
    from_result(|| {
        // SAFETY: By the safety requirements.
        let (memory, vma) = unsafe { (Memory::from_priv(mem_priv), VmaNew::from_raw(vma)) };

        memory.pages()?.mmap(vma)?;
        Ok(0)
    })
}
