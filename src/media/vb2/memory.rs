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
    queue::RawQueue,
    userptr::{
        UserAccess,
        UserPages, //
    },
};
use crate::{
    bindings,
    dma_buf::{
        self,
        DmaBuf, //
    },
    stats::Counter, //
};
use core::ptr::{
    self,
    NonNull, //
};
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
    /// Pages of a process (`V4L2_MEMORY_USERPTR`), and the queue that they were pinned for, which
    /// outlives its buffers and what it keeps of them.
    User(Pin<KBox<UserPages>>, NonNull<RawQueue>),
    /// Memory of an exporter (`V4L2_MEMORY_DMABUF`), and the queue as above.
    Import(Pin<KBox<dma_buf::Import>>, NonNull<RawQueue>),
    /// Not to be had, for this reason.
    ///
    /// When attaching or mapping fails, videobuf2 loses references to the dma-bufs of the planes,
    /// and the memory with them for ever; when preparing the buffer fails it does not. So it is
    /// told then.
    Refused(Error),
}

// SAFETY: No kind of memory is tied to a thread.
unsafe impl Send for Memory {}

// SAFETY: Each kind may be shared, and a queue as well.
unsafe impl Sync for Memory {}

/// Stands for memory that was refused when there was not even memory to say so.
static OUT_OF_MEMORY: Memory = Memory::Refused(ENOMEM);

/// The CPU's access to the memory of a plane, which ends when this is dropped.
pub(super) enum Access<'a> {
    Mmap(dma_buf::PagesAccess<'a>),
    User(UserAccess<'a>),
    Import(dma_buf::ImportAccess<'a>),
}

impl Access<'_> {
    /// Copies `data` to `offset`.
    #[inline]
    pub(super) fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        match self {
            Access::Mmap(access) => access.map().write(offset, data),
            Access::User(access) => access.write(offset, data),
            Access::Import(access) => access.write(offset, data),
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
        // SAFETY: All that the operations hand out comes from `into_priv()`, or is static.
        unsafe { &*mem_priv.cast::<Self>() }
    }

    /// # Safety
    ///
    /// `mem_priv` must be the private data of a plane whose memory is [`OPS`], which videobuf2
    /// does not use any more.
    unsafe fn release(mem_priv: *mut c_void) {
        if ptr::eq(mem_priv.cast(), &OUT_OF_MEMORY) {
            return;
        }
        // SAFETY: All else that the operations hand out comes from `into_priv()`.
        let memory = unsafe { KBox::from_raw(mem_priv.cast::<Self>()) };

        match &*memory {
            Memory::Import(_, queue) | Memory::User(_, queue) => {
                // SAFETY: The queue outlives its buffers.
                let queue = unsafe { queue.as_ref() };
                queue.cache().keep(memory);
            }
            _ => drop(memory),
        }
    }

    /// Sees to it that the memory is there for the engine.
    #[inline]
    pub(super) fn prepare(&self) -> Result {
        match self {
            Memory::Mmap(_) => Ok(()),
            Memory::User(pages, _) => pages.prepare(),
            Memory::Import(import, queue) => import.map().inspect_err(|_| {
                // SAFETY: The queue outlives its buffers.
                let queue = unsafe { queue.as_ref() };
                queue.stats().inc(Counter::RefusedExporter);
            }),
            Memory::Refused(e) => Err(*e),
        }
    }

    /// Begins an access of the CPU.
    ///
    /// There must not be another one of the same thread.
    pub(super) fn begin_cpu_access(&self) -> Result<Access<'_>> {
        Ok(match self {
            Memory::Mmap(pages) => Access::Mmap(pages.begin_cpu_access()),
            Memory::User(pages, _) => Access::User(pages.begin_cpu_access()?),
            Memory::Import(import, _) => Access::Import(import.begin_cpu_access()?),
            Memory::Refused(e) => return Err(*e),
        })
    }

    fn import(&self) -> Option<&dma_buf::Import> {
        match self {
            Memory::Import(import, _) => Some(import),
            _ => None,
        }
    }

    /// What the memory is looked for by when it comes back, if it may: the address of the dma-buf,
    /// or that in the process.
    pub(super) fn key(&self) -> Option<usize> {
        match self {
            Memory::Import(import, _) => Some(ptr::from_ref(import.dma_buf()).addr()),
            Memory::User(pages, _) if !pages.is_stale() => Some(pages.addr()),
            _ => None,
        }
    }

    /// See [`dma_buf::Import::set_idle`].
    pub(super) fn set_idle(&self, is_idle: bool) {
        if let Some(import) = self.import() {
            import.set_idle(is_idle);
        }
    }

    /// Whether nobody else has the memory any more.
    pub(super) fn is_forsaken(&self) -> bool {
        match self {
            Memory::Import(import, _) => import.is_forsaken(),
            Memory::User(pages, _) => pages.is_stale(),
            _ => false,
        }
    }

    pub(super) fn pages(&self) -> Result<&ARef<dma_buf::Pages>> {
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
/// `vb` must be a buffer of a queue.
unsafe extern "C" fn alloc_callback(
    vb: *mut bindings::vb2_buffer,
    _dev: *mut bindings::device,
    size: c_ulong,
) -> *mut c_void {
    // SAFETY: By the safety requirements.
    let queue = unsafe { RawQueue::from_vb2((*vb).vb2_queue) };

    into_ptr(|| Memory::Mmap(dma_buf::Pages::new(size, queue.stats().clone())?).into_priv())
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
/// `vb` must be a buffer of a queue, `dev` a device; called by the process whose address `vaddr`
/// is.
unsafe extern "C" fn get_userptr_callback(
    vb: *mut bindings::vb2_buffer,
    dev: *mut bindings::device,
    vaddr: c_ulong,
    size: c_ulong,
) -> *mut c_void {
    // SAFETY: By the safety requirements.
    let (queue, dev) = unsafe { (RawQueue::from_vb2((*vb).vb2_queue), ops::device(dev)) };
    let stats = queue.stats();

    let is_there =
        |memory: &Memory| matches!(memory, Memory::User(pages, _) if pages.is_at(vaddr, size));
    if let Some(memory) = queue.cache().take(vaddr, is_there) {
        stats.inc(Counter::CacheHits);
        return KBox::into_raw(memory).cast();
    }
    stats.inc(Counter::CacheMisses);

    into_ptr(|| Memory::User(UserPages::pin(dev, vaddr, size, stats)?, queue.into()).into_priv())
}

fn import(
    queue: &RawQueue,
    dmabuf: &DmaBuf,
    dev: &device::Device<device::Bound>,
    dir: DataDirection,
    size: usize,
) -> Result<Pin<KBox<dma_buf::Import>>> {
    let stats = queue.stats();

    if dmabuf.size() < size {
        stats.inc(Counter::RefusedSize);
        return Err(EINVAL);
    }
    // A frame is written: a descriptor that was opened for reading alone does not allow that.
    if dir != DataDirection::ToDevice && !dmabuf.is_writable() {
        stats.inc(Counter::RefusedReadOnly);
        return Err(EINVAL);
    }
    dma_buf::Import::new(dmabuf, dev, dir, stats.clone())
        .inspect_err(|_| stats.inc(Counter::RefusedExporter))
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
    // SAFETY: By the safety requirements.
    let (queue, dmabuf) = unsafe { (RawQueue::from_vb2((*vb).vb2_queue), &*dbuf.cast::<DmaBuf>()) };

    if dmabuf.size() >= size {
        let is_same = |memory: &Memory| {
            memory
                .import()
                .is_some_and(|import| ptr::eq(import.dma_buf(), dmabuf))
        };
        if let Some(memory) = queue.cache().take(ptr::from_ref(dmabuf).addr(), is_same) {
            queue.stats().inc(Counter::CacheHits);
            return KBox::into_raw(memory).cast();
        }
    }
    queue.stats().inc(Counter::CacheMisses);

    // SAFETY: By the safety requirements.
    let (dev, dir) = unsafe { (ops::device(dev), direction(vb)) };
    import(queue, dmabuf, dev, dir, size)
        .map_or_else(Memory::Refused, |import| {
            Memory::Import(import, queue.into())
        })
        .into_priv()
        .unwrap_or(ptr::from_ref(&OUT_OF_MEMORY).cast_mut().cast())
}

/// # Safety
///
/// None but that of C: what the argument points to is not used.
unsafe extern "C" fn map_dmabuf_callback(_mem_priv: *mut c_void) -> c_int {
    // Left to `Memory::prepare()`.
    0
}

/// # Safety
///
/// None but that of C: what the argument points to is not used.
unsafe extern "C" fn unmap_dmabuf_callback(_mem_priv: *mut c_void) {
    // The mappings last as long as the import.
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
