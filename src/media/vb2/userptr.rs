// SPDX-License-Identifier: GPL-2.0

//! Memory of the process that queues a buffer.
//!
//! `V4L2_MEMORY_USERPTR` is for pages that belong to a process: anonymous memory, huge pages,
//! files in shared memory (memfds), private mappings of files. Shared mappings of files that are
//! written back to a disk cannot be pinned for long. What another device has mapped into the
//! process is not that: its pages are not the process's to lend, and nothing would tell the
//! exporter of their use. It is refused, and a dma-buf is the way.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

mod pinned;

use self::pinned::{
    check_vmas,
    PinnedPages, //
};
use super::{
    limit::{
        Charge,
        Limit, //
    },
    queue::RawQueue, //
};
use crate::{
    bindings,
    dma_buf::DeviceMapping,
    iosys_map,
    mm::IntervalNotifier,
    stats::{
        Counter,
        Stats, //
    },
};
use core::{
    cell::UnsafeCell,
    ffi::c_void,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    device::{
        self,
        Bound, //
    },
    page::{
        PAGE_MASK,
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    static_lock_class,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
};

/// Memory of a process, pinned for as long as a device may write it, and mapped into the kernel.
///
/// The mutex is held while the CPU copies. No other lock is taken under it.
///
/// The process may put other memory at the address at any time. What is pinned stays what it is
/// then, for a device may be writing it; [`prepare`](Self::prepare), which comes before the device
/// does, takes the memory that is there at that time.
#[pin_data]
pub(super) struct UserPages {
    dev: ARef<device::Device>,
    addr: usize,
    len: usize,
    limit: Arc<Limit>,
    stats: Arc<Stats>,
    is_dma: bool,
    #[pin]
    pinned: Mutex<Option<PinnedMapping>>,
    /// The mapping for the device in `pinned`, or null. Changes with the queue's lock held, while
    /// the buffer is not prepared.
    device: UnsafeCell<*const DeviceMapping>,
}

// SAFETY: Pinned pages are not tied to a thread.
unsafe impl Send for UserPages {}

// SAFETY: What changes is behind the mutex, or as `device` says.
unsafe impl Sync for UserPages {}

impl UserPages {
    /// Pins the `len` bytes at `addr` of the calling process.
    ///
    /// `EINVAL` where there is no memory, where it cannot be written, and where it is a device's;
    /// `EDQUOT` where it is more than `limit` allows.
    ///
    /// As with every V4L2 driver, it does not count as locked by the process (`RLIMIT_MEMLOCK`),
    /// whose default is less than two frames of 1080p.
    pub(super) fn pin(
        dev: &device::Device<Bound>,
        addr: usize,
        len: usize,
        queue: &RawQueue,
    ) -> Result<Pin<KBox<Self>>> {
        let this = KBox::pin_init(
            pin_init!(Self {
                dev: dev.into(),
                addr,
                len,
                limit: queue.limit().clone(),
                stats: queue.stats().clone(),
                is_dma: queue.is_dma(),
                pinned <- Mutex::new(
                    None,
                    lock_name!("vb2::UserPages::pinned"),
                    static_lock_class!(),
                ),
                device: UnsafeCell::new(ptr::null()),
            }),
            GFP_KERNEL,
        )?;

        this.renew()?;
        Ok(this)
    }

    /// Pins what the calling process has at the address. The buffer is not prepared.
    fn renew(&self) -> Result {
        let new = PinnedMapping::new(self)?;

        // SAFETY: The buffer is not prepared, so that nobody looks; the queue's lock is held.
        unsafe { *self.device.get() = new.device.as_deref().map_or(ptr::null(), ptr::from_ref) };
        *self.pinned.lock() = Some(new);
        Ok(())
    }

    /// The mapping for the device, if that is the engine.
    ///
    /// # Safety
    ///
    /// The buffer must be prepared for as long as the reference is used.
    #[inline]
    pub(super) unsafe fn device(&self) -> Option<&DeviceMapping> {
        // SAFETY: By the safety requirements the pointer does not change, and by the type
        // invariants it is to what `pinned` has, which does not change either.
        unsafe { (*self.device.get()).as_ref() }
    }

    /// Sees to it that what is pinned is what the calling process has at the address now.
    ///
    /// videobuf2 does not ask for memory again when a buffer comes back with the same address,
    /// whoever's it is and whatever was done to it meanwhile.
    pub(super) fn prepare(&self) -> Result {
        let is_good = |pinned: &Option<PinnedMapping>| {
            pinned.as_ref().is_some_and(PinnedMapping::is_current_mm)
        };
        if is_good(&self.pinned.lock()) {
            return Ok(());
        }

        // First the old pages, so that only the new ones count. Without the lock, since both take
        // locks of the process; the queue's keeps others away.
        //
        // SAFETY: The buffer is being prepared, so that nobody looks; the queue's lock is held.
        unsafe { *self.device.get() = ptr::null() };
        let old = self.pinned.lock().take();
        drop(old);
        self.renew()
    }

    /// The address in the process.
    pub(super) fn addr(&self) -> usize {
        self.addr
    }

    /// Whether what is pinned may not be the memory of its process any more.
    pub(super) fn is_stale(&self) -> bool {
        self.pinned
            .lock()
            .as_ref()
            .is_none_or(PinnedMapping::is_stale)
    }

    /// Whether the memory of the calling process at this address was pinned, and still is there.
    pub(super) fn is_at(&self, addr: usize, len: usize) -> bool {
        self.addr == addr
            && self.len == len
            && self
                .pinned
                .lock()
                .as_ref()
                .is_some_and(PinnedMapping::is_current_mm)
    }

    /// Copies `data` to `offset`.
    ///
    /// `EIO` where the memory could not be pinned: such a buffer does not get to a driver.
    #[inline]
    pub(super) fn write(&self, offset: usize, data: &[u8]) -> Result {
        // It stays pinned for as long as this is locked.
        match self.pinned.lock().as_ref().map(|pinned| &pinned.map) {
            Some(Some(map)) => map.write(offset, data),
            _ => Err(EIO),
        }
    }
}

/// Pinned pages, and their mapping for the engine.
///
/// # Invariants
///
/// `map` is a mapping of the pages, in their order, that begins at `base`; these are there if the
/// engine is the CPU.
struct PinnedMapping {
    base: Option<NonNull<c_void>>,
    map: Option<iosys_map::Map>,
    // Dropped in this order: what is mapped is pinned, and what is pinned is charged for.
    device: Option<KBox<DeviceMapping>>,
    _pages: PinnedPages,
    _charge: Charge,
    watch: Pin<KBox<IntervalNotifier>>,
}

// SAFETY: Pinned pages and their mapping are not tied to a thread.
unsafe impl Send for PinnedMapping {}

impl PinnedMapping {
    fn new(of: &UserPages) -> Result<Self> {
        let (dev, len, limit, stats) = (&of.dev, of.len, &of.limit, &of.stats);

        if len == 0 {
            return Err(EINVAL);
        }
        // SAFETY: Tags are all that this looks at.
        let addr = unsafe { bindings::untagged_addr(of.addr) };
        let offset = addr & !PAGE_MASK;
        let first = addr & PAGE_MASK;
        let end = addr.checked_add(len).ok_or(EINVAL)?;
        let count = (end - first).div_ceil(PAGE_SIZE);

        // Before the pages are looked up, so that no change to them is missed.
        let watch = IntervalNotifier::new(first, count << PAGE_SHIFT)?;

        // Pinning may wait for user space (userfaultfd, FUSE), which may need the lock of its own
        // memory: look before and after. What comes between is the process's own doing, and the
        // pages that it gets are pinned by the rules of its memory in any case.
        check_vmas(dev, first, end, stats)?;
        let charge = Charge::new(limit, count)?;
        let mut pages = PinnedPages::new(count, stats)?;

        while pages.list.len() < count {
            match pages.extend(first, count) {
                Ok(()) => {}
                // EFAULT is for the address of an argument; of a buffer's address VIDIOC_QBUF
                // says EINVAL.
                Err(e) if e == ENOMEM => return Err(ENOMEM),
                Err(_) => {
                    stats.inc(Counter::RefusedAddress);
                    return Err(EINVAL);
                }
            }
        }
        check_vmas(dev, first, end, stats)?;
        pages.is_dirty = true;

        let mut this = Self {
            base: None,
            map: None,
            device: None,
            _pages: pages,
            _charge: charge,
            watch,
        };
        let pages = this._pages.list.as_mut_slice();
        if of.is_dma {
            // SAFETY: The pages are pinned for longer. The device is bound as long as the queue has
            // memory, of which this is.
            let mapping = unsafe { DeviceMapping::new(pages, offset, len, dev.as_bound()) }?;
            this.device = Some(KBox::new(mapping, GFP_KERNEL)?);
            return Ok(this);
        }

        // SAFETY: The array holds `count` valid pages.
        let base = unsafe { bindings::vmap(pages.as_mut_ptr(), count as u32) };
        let base = NonNull::new(base).ok_or(ENOMEM)?;
        // INVARIANT: This is the mapping of the pages.
        this.base = Some(base);
        // SAFETY: `offset` is within the first page of the mapping; `len` bytes from there on are
        // mapped, until `drop()`.
        this.map = Some(unsafe { iosys_map::Map::from_vaddr(base.byte_add(offset), len) });
        Ok(this)
    }

    fn is_stale(&self) -> bool {
        self.watch.is_invalidated()
    }

    fn is_current_mm(&self) -> bool {
        !self.is_stale() && self.watch.is_current_mm()
    }
}

impl Drop for PinnedMapping {
    fn drop(&mut self) {
        if let Some(base) = self.base {
            // SAFETY: By the type invariants; nothing uses the mapping any more.
            unsafe { bindings::vunmap(base.as_ptr()) };
        }
    }
}
