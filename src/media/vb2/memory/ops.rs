// SPDX-License-Identifier: GPL-2.0

//! What videobuf2 calls for the memory of buffers.
//!
//! C header: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h)

use super::{
    super::{
        ops::device,
        queue::RawQueue,
        userptr::UserPages, //
    },
    import_with,
    pin,
    Memory,
    OUT_OF_MEMORY, //
};
use crate::{
    bindings,
    dma_buf::{
        self,
        DeviceMapping,
        DmaBuf, //
    },
    stats::Counter, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
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

/// Turns the outcome of an operation into what C takes: a pointer, or an error in its place.
fn into_ptr(f: impl FnOnce() -> Result<*mut c_void>) -> *mut c_void {
    f().unwrap_or_else(|e| e.to_ptr())
}

/// The operations of a [`Queue`](super::super::Queue) whose engine is the CPU.
pub(in super::super) static OPS: bindings::vb2_mem_ops = COMMON;

/// Those of one whose engine is a device.
pub(in super::super) static OPS_DMA: bindings::vb2_mem_ops = bindings::vb2_mem_ops {
    prepare: Some(prepare_callback),
    finish: Some(finish_callback),
    ..COMMON
};

const COMMON: bindings::vb2_mem_ops = bindings::vb2_mem_ops {
    alloc: Some(alloc_callback),
    put: Some(release_callback),
    get_dmabuf: Some(get_dmabuf_callback),
    get_userptr: Some(get_userptr_callback),
    put_userptr: Some(release_callback),
    // A CPU brackets its access, and knows whether there is one.
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
    dev: *mut bindings::device,
    size: c_ulong,
) -> *mut c_void {
    // SAFETY: By the safety requirements.
    let queue = unsafe { RawQueue::from_vb2((*vb).vb2_queue) };

    into_ptr(|| {
        let pages = allocate(queue, size)?;
        let device = if queue.is_dma() {
            // SAFETY: The memory owns the pages, and is freed before the device is unbound.
            let mapping = unsafe {
                DeviceMapping::new(pages.as_raw(), 0, pages.size(), device(dev))
                //
            }?;
            Some(mapping)
        } else {
            None
        };
        Memory::Mmap { device, pages }.into_priv()
    })
}

/// Pages for a buffer. Where the device needs them in one piece and there is none, an IOMMU may
/// make one of them.
fn allocate(queue: &RawQueue, size: usize) -> Result<ARef<dma_buf::Pages>> {
    let stats = || queue.stats().clone();

    if queue.is_contiguous() {
        if let Ok(pages) = dma_buf::Pages::contiguous(size, GFP_KERNEL_ACCOUNT, stats()) {
            return Ok(pages);
        }
    }
    dma_buf::Pages::new(size, GFP_KERNEL_ACCOUNT, stats())
}

/// # Safety
///
/// `mem_priv` must come from these operations, and its buffer be prepared, to be given to the
/// driver.
unsafe extern "C" fn prepare_callback(mem_priv: *mut c_void) {
    // SAFETY: By the safety requirements.
    if let Some(device) = unsafe { Memory::from_priv(mem_priv).device() } {
        device.sync_for_device();
    }
}

/// # Safety
///
/// `mem_priv` must come from these operations, and its buffer be prepared, and come from the
/// driver. In any context.
unsafe extern "C" fn finish_callback(mem_priv: *mut c_void) {
    // SAFETY: By the safety requirements.
    if let Some(device) = unsafe { Memory::from_priv(mem_priv).device() } {
        device.sync_for_cpu();
    }
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
/// `vb` must be a buffer of a queue, and `mem_priv` come from these operations.
unsafe extern "C" fn get_dmabuf_callback(
    vb: *mut bindings::vb2_buffer,
    mem_priv: *mut c_void,
    flags: c_ulong,
) -> *mut bindings::dma_buf {
    // SAFETY: By the safety requirements.
    let (memory, queue) = unsafe {
        (
            Memory::from_priv(mem_priv),
            RawQueue::from_vb2((*vb).vb2_queue),
        )
    };

    match memory
        .pages()
        .and_then(|pages| pages.export(flags as u32, queue.module()))
    {
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
    let (queue, dev) = unsafe { (RawQueue::from_vb2((*vb).vb2_queue), device(dev)) };
    let stats = queue.stats();

    let is_there =
        |memory: &Memory| matches!(memory, Memory::User(pages, _) if pages.is_at(vaddr, size));
    if let Some(memory) = queue.cache().take(vaddr, is_there) {
        stats.inc(Counter::CacheHits);
        memory.set_user(NonNull::new(vb));
        return KBox::into_raw(memory).cast();
    }
    stats.inc(Counter::CacheMisses);

    into_ptr(|| {
        pin(queue, || {
            let pages = UserPages::pin(dev, vaddr, size, queue)?;
            let memory = Memory::User(pages, queue.into()).into_box()?;

            memory.set_user(NonNull::new(vb));
            Ok(KBox::into_raw(memory).cast())
        })
    })
}

fn import(
    queue: &RawQueue,
    dmabuf: &DmaBuf,
    dev: &'static Device<Bound>,
    size: usize,
) -> Result<KBox<Memory>> {
    let stats = queue.stats();

    if dmabuf.size() < size {
        stats.inc(Counter::RefusedSize);
        return Err(EINVAL);
    }
    // A frame is written: a descriptor that was opened for reading alone does not allow that.
    if !dmabuf.is_writable() {
        stats.inc(Counter::RefusedReadOnly);
        log_read_only(dev);
        return Err(EINVAL);
    }
    import_with(queue, || {
        // SAFETY: The memory is released before the device is unbound.
        let import = unsafe {
            dma_buf::DynamicImport::new_for(dmabuf, dev, queue.is_dma(), stats.clone())
            //
        }?;
        Memory::Import(import, queue.into()).into_box()
    })
}

/// Says, now and then, what to do instead.
fn log_read_only(dev: &Device) {
    // SAFETY: The helper only reads a state of its own.
    if unsafe { bindings::dmabuf_ratelimit() } {
        dev.pr_info(fmt!(
            "DMABUF was exported read-only; export it with O_RDWR, as in VIDIOC_EXPBUF\n"
        ));
    }
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
        let is_same =
            |memory: &Memory| memory.dma_buf().is_some_and(|other| ptr::eq(other, dmabuf));
        if let Some(memory) = queue.cache().take(ptr::from_ref(dmabuf).addr(), is_same) {
            queue.stats().inc(Counter::CacheHits);
            memory.set_user(NonNull::new(vb));
            return KBox::into_raw(memory).cast();
        }
    }
    queue.stats().inc(Counter::CacheMisses);

    // SAFETY: By the safety requirements; what is mapped for it goes before it is unbound.
    let dev = unsafe { device(dev) };
    import(queue, dmabuf, dev, size)
        .inspect(|memory| memory.set_user(NonNull::new(vb)))
        .or_else(|e| Memory::Refused(e).into_box())
        .map_or(ptr::from_ref(&OUT_OF_MEMORY).cast_mut(), KBox::into_raw)
        .cast()
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
/// `mem_priv` must come from these operations, or be null: vb2_mmap() does not take the queue's
/// lock, and finds buffers whose memory is being allocated. `vma` must be a mapping that is being
/// set up.
unsafe extern "C" fn mmap_callback(
    mem_priv: *mut c_void,
    vma: *mut bindings::vm_area_struct,
) -> c_int {
    from_result(|| {
        if mem_priv.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: By the safety requirements.
        let (memory, vma) = unsafe { (Memory::from_priv(mem_priv), VmaNew::from_raw(vma)) };

        memory.pages()?.mmap(vma)?;
        Ok(0)
    })
}
