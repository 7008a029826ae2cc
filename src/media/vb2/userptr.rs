// SPDX-License-Identifier: GPL-2.0

//! Memory of the process that queues a buffer.
//!
//! `V4L2_MEMORY_USERPTR` is for pages that belong to a process: anonymous memory, huge pages,
//! memfds, page cache. What another device has mapped into the process is not that: its pages are
//! not the process's to lend, and nothing would tell the exporter of their use. It is refused, and
//! a dma-buf is the way.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use crate::{
    bindings,
    iosys_map, //
};
use core::{
    ffi::c_void,
    ptr::NonNull, //
};
use kernel::{
    device,
    mm::virt,
    page::{
        PAGE_MASK,
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// Pages of a process, pinned for as long as a device may write them, and mapped into the kernel.
///
/// # Invariants
///
/// - Each of `pages` is pinned (`FOLL_PIN`) for writing.
/// - `map` is a mapping of `pages`, in their order, beginning at `offset` in the first.
pub(super) struct UserPages {
    pages: KVVec<*mut bindings::page>,
    base: NonNull<c_void>,
    map: iosys_map::Map,
}

// SAFETY: Pinned pages and their mapping are not tied to a thread.
unsafe impl Send for UserPages {}

// SAFETY: There is nothing that a shared reference can change.
unsafe impl Sync for UserPages {}

impl UserPages {
    /// Pins the `len` bytes at `addr` of the calling process.
    ///
    /// `EINVAL` where there is no memory, where it cannot be written, and where it is a device's.
    pub(super) fn pin(dev: &device::Device, addr: usize, len: usize) -> Result<Self> {
        if len == 0 {
            return Err(EINVAL);
        }
        // SAFETY: Tags are all that this looks at.
        let addr = unsafe { bindings::untagged_addr(addr) };
        let offset = addr & !PAGE_MASK;
        let first = addr & PAGE_MASK;
        let end = addr.checked_add(len).ok_or(EINVAL)?;
        let count = (end - first).div_ceil(PAGE_SIZE);

        // Pinning may wait for user space (userfaultfd, FUSE), which may need the lock of its own
        // memory: look before and after. What comes between is the process's own doing, and the
        // pages that it gets are pinned by the rules of its memory in any case.
        check(dev, first, end)?;
        let mut pages = Pinned(KVVec::with_capacity(count, GFP_KERNEL)?);

        while pages.0.len() < count {
            let done = pages.0.len();
            // SAFETY: There is room for the rest of the pages behind those that are there.
            let got = unsafe {
                bindings::pin_user_pages_fast(
                    first + (done << PAGE_SHIFT),
                    i32::try_from(count - done)?,
                    bindings::FOLL_WRITE | bindings::FOLL_LONGTERM,
                    pages.0.as_mut_ptr().add(done),
                )
            };
            match usize::try_from(got) {
                Ok(got) if got > 0 => {
                    // SAFETY: The call has set that many elements, and not more than there is
                    // room for.
                    unsafe { pages.0.inc_len(got) }
                }
                // EFAULT is for the address of an argument; of a buffer's address VIDIOC_QBUF
                // says EINVAL.
                _ if got == ENOMEM.to_errno() => return Err(ENOMEM),
                _ => return Err(EINVAL),
            }
        }
        check(dev, first, end)?;

        // SAFETY: The array holds `count` valid pages.
        let base = unsafe { bindings::vmap(pages.0.as_mut_ptr(), count as u32) };
        let base = NonNull::new(base).ok_or(ENOMEM)?;
        // SAFETY: `offset` is within the first page of the mapping.
        let start = unsafe { base.byte_add(offset) };

        // INVARIANT: The pages were pinned above, and this is their mapping.
        Ok(Self {
            pages: pages.take(),
            base,
            // SAFETY: `len` bytes from `offset` on are mapped, until `drop()`.
            map: unsafe { iosys_map::Map::from_vaddr(start, len) },
        })
    }

    /// The kernel's mapping of the memory.
    pub(super) fn map(&self) -> &iosys_map::Map {
        &self.map
    }
}

impl Drop for UserPages {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; nothing uses the mapping any more. All of the memory may
        // have been written.
        unsafe {
            bindings::vunmap(self.base.as_ptr());
            bindings::unpin_user_pages_dirty_lock(self.pages.as_mut_ptr(), self.pages.len(), true);
        }
    }
}

/// Pages that were pinned and not written yet.
///
/// # Invariants
///
/// Each of the pages is pinned (`FOLL_PIN`).
struct Pinned(KVVec<*mut bindings::page>);

impl Pinned {
    /// Hands on the pages and the duty to unpin them.
    fn take(mut self) -> KVVec<*mut bindings::page> {
        core::mem::take(&mut self.0)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::unpin_user_pages(self.0.as_mut_ptr(), self.0.len()) };
    }
}

/// Refuses memory that is not the calling process's own.
fn check(dev: &device::Device, first: usize, end: usize) -> Result {
    let task = kernel::current!();
    let guard = task.mm().ok_or(EINVAL)?.mmap_read_lock();
    let mut addr = first;

    while addr < end {
        let vma = guard.vma_lookup(addr).ok_or(EINVAL)?;
        if is_device_memory(vma) {
            refuse(dev);
            return Err(EINVAL);
        }
        addr = vma.end();
    }
    Ok(())
}

fn is_device_memory(vma: &virt::VmaRef) -> bool {
    use virt::flags;

    if vma.flags() & (flags::IO | flags::PFNMAP | flags::MIXEDMAP) != 0 {
        return true;
    }

    // An exporter may have mapped its pages as if they were anybody's.
    //
    // SAFETY: The VMA is locked against changes, so its file stays, and a file has an inode, which
    // has a superblock.
    unsafe {
        let file = (*vma.as_ptr()).vm_file;
        !file.is_null() && (*(*(*file).f_inode).i_sb).s_magic == bindings::DMA_BUF_MAGIC as usize
    }
}

/// Says, now and then, what to do instead.
fn refuse(dev: &device::Device) {
    // SAFETY: The helper only reads a state of its own and the device's name.
    if unsafe { bindings::userptr_ratelimit() } {
        dev.pr_info(fmt!(
            "USERPTR is for memory of user space; import the memory of a device as a DMABUF\n"
        ));
    }
}
