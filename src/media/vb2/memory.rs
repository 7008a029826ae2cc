// SPDX-License-Identifier: GPL-2.0

//! The memory of buffers, for every way in which user space may bring it.
//!
//! This implements `struct vb2_mem_ops` for engines that reach memory through the CPU as well as
//! through DMA. Each kind of memory is one variant of [`Memory`], and what it owns says what is
//! released, and in which order.
//!
//! C header: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h)

mod ops;

pub(super) use self::ops::{
    OPS,
    OPS_DMA, //
};

use super::{
    buffer::RawBuffer,
    queue::RawQueue,
    segments::Segments,
    userptr::UserPages,
    Config, //
};
use crate::{
    bindings,
    compat::edquot,
    dma_buf::{
        self,
        DeviceMapping, //
    },
    stats::Counter, //
};
use core::{
    cell::Cell,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    ffi::c_void,
    prelude::*,
    sync::aref::ARef, //
};

/// Whom memory that user space has brought is for.
pub(super) struct User {
    /// The queue, which outlives its buffers and what it keeps of them.
    queue: NonNull<RawQueue>,
    /// The buffer, unless the memory is only kept; changes with the queue's lock held.
    buffer: Cell<Option<NonNull<bindings::vb2_buffer>>>,
}

impl From<&RawQueue> for User {
    fn from(queue: &RawQueue) -> Self {
        Self {
            queue: queue.into(),
            buffer: Cell::new(None),
        }
    }
}

impl User {
    fn queue(&self) -> &RawQueue {
        // SAFETY: The queue outlives its buffers.
        unsafe { self.queue.as_ref() }
    }
}

/// The memory of one plane.
pub(super) enum Memory {
    /// Pages of our own (`V4L2_MEMORY_MMAP`), which others may have imported.
    Mmap {
        /// Their mapping for the device, if that is the engine. Dropped first.
        device: Option<DeviceMapping>,
        pages: ARef<dma_buf::Pages>,
    },
    /// Pages of a process (`V4L2_MEMORY_USERPTR`).
    User(Pin<KBox<UserPages>>, User),
    /// Memory of an exporter (`V4L2_MEMORY_DMABUF`).
    Import(Pin<KBox<dma_buf::DynamicImport>>, User),
    /// Not to be had, for this reason.
    ///
    /// When attaching or mapping fails, videobuf2 loses references to the dma-bufs of the planes,
    /// and the memory with them for ever; when preparing the buffer fails it does not. So it is
    /// told then.
    Refused(Error),
}

// SAFETY: No kind of memory is tied to a thread.
unsafe impl Send for Memory {}

// SAFETY: Each kind may be shared, and a queue as well; of the buffer, only who holds the queue's
// lock asks.
unsafe impl Sync for Memory {}

/// Stands for memory that was refused when there was not even memory to say so.
static OUT_OF_MEMORY: Memory = Memory::Refused(ENOMEM);

/// The CPU's access to the memory of a plane, which ends when this is dropped.
pub(super) enum Access<'a> {
    Mmap(dma_buf::PagesAccess<'a>),
    User(&'a UserPages),
    Import(dma_buf::ImportAccess<'a>),
}

impl Access<'_> {
    /// Copies `data` to `offset`.
    #[inline]
    pub(super) fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        match self {
            Access::Mmap(access) => access.map().write(offset, data),
            Access::User(pages) => pages.write(offset, data),
            Access::Import(access) => access.write(offset, data),
        }
    }

    /// Copies `line` to `count` places, the first at `offset`, and `stride` bytes apart.
    ///
    /// The last of them is within what can be written.
    #[inline]
    pub(super) fn write_lines(
        &mut self,
        offset: usize,
        stride: usize,
        count: usize,
        line: &[u8],
    ) -> Result {
        if let Access::Mmap(access) = self {
            return access.map().write_lines(offset, stride, count, line);
        }
        // Who takes memory back waits for a line at most.
        (0..count).try_for_each(|n| self.write(offset + n * stride, line))
    }

    /// Ends the access, and tells whether that worked.
    pub(super) fn end(self) -> Result {
        match self {
            Access::Mmap(_) | Access::User(_) => Ok(()),
            Access::Import(access) => access.end(),
        }
    }
}

/// Calls `f`. If it fails, and `is_shortage` of the error, empties the queue's cache and calls `f`
/// once more.
///
/// Nothing fails because of memory that is only kept, whatever that takes: memory of the machine,
/// what may be pinned for the queue, or what an exporter has for its importers.
///
/// Called with the queue's lock held, and no lock that is taken after it.
fn without_cache<T>(
    queue: &RawQueue,
    f: impl Fn() -> Result<T>,
    is_shortage: impl Fn(Error) -> bool,
) -> Result<T> {
    match f() {
        Err(e) if is_shortage(e) && queue.cache().evict() => f(),
        result => result,
    }
}

/// Pins memory of a process by `f`.
fn pin<T>(queue: &RawQueue, f: impl Fn() -> Result<T>) -> Result<T> {
    without_cache(queue, f, |e| e == ENOMEM || e == edquot()).map_err(|e| match e {
        e if e == edquot() => {
            queue.stats().inc(Counter::RefusedMaxBytes);
            ENOMEM
        }
        e => e,
    })
}

/// Attaches to a dma-buf, or maps it, by `f`.
///
/// Any error of an exporter may be for what it lacks: some have one for everything. `ERESTARTSYS`
/// is a signal's, after which the same call comes again.
fn import_with<T>(queue: &RawQueue, f: impl Fn() -> Result<T>) -> Result<T> {
    without_cache(queue, f, |e| e != ERESTARTSYS)
        .inspect_err(|_| queue.stats().inc(Counter::RefusedByExporter))
}

impl Memory {
    fn into_box(self) -> Result<KBox<Self>> {
        Ok(KBox::new(self, GFP_KERNEL)?)
    }

    /// Turns the memory into the private data of a plane.
    fn into_priv(self) -> Result<*mut c_void> {
        Ok(KBox::into_raw(self.into_box()?).cast())
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

        let (Memory::Import(_, user) | Memory::User(_, user)) = &*memory else {
            return;
        };
        // SAFETY: The queue outlives its buffers, and what is kept of them.
        let queue = unsafe { user.queue.as_ref() };
        let buffer = user.buffer.get();

        memory.set_user(None);
        if let Some(vb) = buffer {
            // SAFETY: It is a buffer of the queue, which nobody uses: its memory is given up.
            unsafe { queue.cleanup(RawBuffer::from_vb(vb.as_ptr())) };
        }
        queue.cache().insert(memory);
    }

    /// Sees to it that the memory is there for the engine.
    #[inline]
    pub(super) fn prepare(&self) -> Result {
        match self {
            Memory::Mmap { .. } => Ok(()),
            Memory::User(pages, user) => pin(user.queue(), || pages.prepare()),
            Memory::Import(import, user) => import_with(user.queue(), || import.map()),
            Memory::Refused(e) => Err(*e),
        }
    }

    /// Begins an access of the CPU. May sleep.
    ///
    /// No lock is held until it ends.
    pub(super) fn begin_cpu_access(&self) -> Result<Access<'_>> {
        Ok(match self {
            Memory::Mmap { pages, .. } => Access::Mmap(pages.begin_cpu_access()?),
            Memory::User(pages, _) => Access::User(pages),
            Memory::Import(import, _) => Access::Import(import.begin_cpu_access()?),
            Memory::Refused(e) => return Err(*e),
        })
    }

    /// Calls `f` with the segments that `len` bytes are in, where the device is the engine:
    /// `ENODEV` if an exporter has just taken them back.
    ///
    /// # Safety
    ///
    /// The buffer is neither the driver's nor user space's.
    pub(super) unsafe fn with_segments<R>(
        &self,
        len: usize,
        f: impl FnOnce(Segments<'_>) -> R,
    ) -> Result<R> {
        // SAFETY: The table is there, and does not change: either it is not an exporter's, or its
        // reservation lock is held.
        let f = |sgt: *mut bindings::sg_table| f(unsafe { Segments::new(sgt, len) });

        match self {
            Memory::Import(import, _) => import.with_sg_table(f),
            // SAFETY: By the safety requirements.
            _ => NonNull::new(unsafe { self.sg_table() })
                .map(|sgt| f(sgt.as_ptr()))
                .ok_or(ENODEV),
        }
    }

    /// Whether the first `len` bytes are in such segments as the driver wants, where the device is
    /// the engine; `ENODEV` as above.
    ///
    /// # Safety
    ///
    /// The buffer is being prepared.
    pub(super) unsafe fn check_segments(&self, len: usize, config: &Config) -> Result<bool> {
        let import = self.import();

        if import.is_some_and(|import| import.checked() == len) {
            return Ok(true);
        }
        // SAFETY: By the safety requirements.
        let is_good = unsafe {
            self.with_segments(len, |segments| {
                let is_good = segments.are_within(config);
                if let (true, Some(import)) = (is_good, import) {
                    import.set_checked(len);
                }
                is_good
            })
        }?;
        Ok(is_good)
    }

    /// Whether the memory is still there for the engine, since it was prepared: its exporter may
    /// have taken it back.
    #[inline]
    pub(super) fn is_mapped(&self) -> bool {
        self.import().is_none_or(dma_buf::DynamicImport::is_mapped)
    }

    /// Says which buffer the memory is of, if any, and so with which one the device is given it.
    ///
    /// Called with the queue's lock held.
    fn set_user(&self, vb: Option<NonNull<bindings::vb2_buffer>>) {
        let (Memory::Import(_, user) | Memory::User(_, user)) = self else {
            return;
        };
        let queue = user.queue();

        user.buffer.set(vb);
        if !queue.is_dma() {
            return;
        }
        if let Some(import) = self.import() {
            let user = vb.map(|vb| dma_buf::User {
                recall: queue.recall(),
                data: vb.cast(),
            });
            // SAFETY: videobuf2 gives up memory before the buffer.
            unsafe { import.set_user(user) };
        }
    }

    /// What the fences of the memory are in. A process synchronizes with itself.
    #[inline]
    pub(super) fn resv(&self) -> Option<&dma_buf::Resv> {
        match self {
            Memory::Mmap { pages, .. } => Some(pages.resv()),
            Memory::Import(import, _) => Some(import.dma_buf().resv()),
            Memory::User(..) | Memory::Refused(_) => None,
        }
    }

    /// The mapping for the device, if that is the engine and it is ours to sync: an exporter syncs
    /// its own.
    ///
    /// # Safety
    ///
    /// The buffer must be prepared for as long as the reference is used.
    #[inline]
    unsafe fn device(&self) -> Option<&DeviceMapping> {
        match self {
            Memory::Mmap { device, .. } => device.as_ref(),
            // SAFETY: By the safety requirements.
            Memory::User(pages, _) => unsafe { pages.device() },
            _ => None,
        }
    }

    /// Where the device finds the memory; null if that is not the engine.
    ///
    /// # Safety
    ///
    /// The buffer must be prepared for as long as the pointer is used, and its memory not be an
    /// exporter's, or else the driver must have the buffer.
    #[inline]
    pub(super) unsafe fn sg_table(&self) -> *mut bindings::sg_table {
        match self {
            Memory::Import(import, _) => import.sg_table(),
            // SAFETY: By the safety requirements.
            _ => unsafe { self.device() }.map_or(ptr::null_mut(), |device| device.as_raw()),
        }
    }

    /// The dma-buf that the memory is of.
    fn dma_buf(&self) -> Option<&dma_buf::DmaBuf> {
        self.import().map(dma_buf::DynamicImport::dma_buf)
    }

    fn import(&self) -> Option<&dma_buf::DynamicImport> {
        match self {
            Memory::Import(import, _) => Some(import),
            _ => None,
        }
    }

    /// What the memory is looked for by when it comes back, if it may: the address of the dma-buf,
    /// or that in the process.
    pub(super) fn key(&self) -> Option<usize> {
        match self {
            Memory::User(pages, _) if !pages.is_stale() => Some(pages.addr()),
            _ => self.dma_buf().map(|dmabuf| ptr::from_ref(dmabuf).addr()),
        }
    }

    /// See [`dma_buf::DynamicImport::set_cached`].
    pub(super) fn set_cached(&self, is_idle: bool) {
        if let Some(import) = self.import() {
            import.set_cached(is_idle);
        }
    }

    /// Whether nobody else has the memory any more.
    pub(super) fn should_evict(&self) -> bool {
        match self {
            Memory::Import(import, _) => import.has_no_other_users(),
            Memory::User(pages, _) => pages.is_stale(),
            _ => false,
        }
    }

    pub(super) fn pages(&self) -> Result<&ARef<dma_buf::Pages>> {
        match self {
            Memory::Mmap { pages, .. } => Ok(pages),
            _ => Err(EINVAL),
        }
    }
}
