// SPDX-License-Identifier: GPL-2.0

//! Pages of a process that stay where they are.

use crate::{
    bindings,
    gfp::__GFP_RETRY_MAYFAIL,
    stats::{
        Counter,
        Stats, //
    },
};
use kernel::{
    device,
    error::to_result,
    mm::virt,
    page::PAGE_SHIFT,
    prelude::*,
    sync::Arc, //
};

/// Pages that are pinned.
///
/// # Invariants
///
/// Each of the pages is pinned (`FOLL_PIN`) for writing.
pub(super) struct PinnedPages {
    pub(super) list: KVVec<*mut bindings::page>,
    /// Whether a device may have written them.
    pub(super) is_dirty: bool,
    stats: Arc<Stats>,
}

impl PinnedPages {
    /// Room for `count` pages, for which the caller's memory cgroup is charged.
    pub(super) fn new(count: usize, stats: &Arc<Stats>) -> Result<Self> {
        // INVARIANT: There is no page yet.
        Ok(Self {
            list: KVVec::with_capacity(count, GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL)?,
            is_dirty: false,
            stats: stats.clone(),
        })
    }

    /// Pins at least one more of the `count` pages at `first` of the calling process.
    pub(super) fn extend(&mut self, first: usize, count: usize) -> Result {
        let done = self.list.len();
        if count > self.list.capacity() || done >= count {
            return Err(EINVAL);
        }
        // SAFETY: There is room for the rest of the pages behind those that are there.
        let got = unsafe {
            bindings::pin_user_pages_fast(
                first + (done << PAGE_SHIFT),
                i32::try_from(count - done)?,
                bindings::FOLL_WRITE | bindings::FOLL_LONGTERM,
                self.list.as_mut_ptr().add(done),
            )
        };
        to_result(got)?;
        let got = usize::try_from(got)?;
        if got == 0 {
            return Err(EFAULT);
        }
        // INVARIANT: These were pinned just now.
        //
        // SAFETY: The call has set that many elements, and not more than there is room for.
        unsafe { self.list.inc_len(got) };
        self.stats.add(Counter::PagesPinned, got);
        Ok(())
    }
}

impl Drop for PinnedPages {
    fn drop(&mut self) {
        self.stats.sub(Counter::PagesPinned, self.list.len());
        // SAFETY: By the type invariants.
        unsafe {
            bindings::unpin_user_pages_dirty_lock(
                self.list.as_mut_ptr(),
                self.list.len(),
                self.is_dirty,
            );
        }
    }
}

/// Refuses memory that is not the calling process's own.
pub(super) fn check_vmas(dev: &device::Device, first: usize, end: usize, stats: &Stats) -> Result {
    let task = kernel::current!();
    let guard = task.mm().ok_or(EINVAL)?.mmap_read_lock();
    let mut addr = first;

    while addr < end {
        let Some(vma) = guard.vma_lookup(addr) else {
            stats.inc(Counter::RefusedAddress);
            return Err(EINVAL);
        };
        if is_device_memory(vma) {
            stats.inc(Counter::RefusedDeviceMemory);
            log_device_memory(dev);
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
fn log_device_memory(dev: &device::Device) {
    // SAFETY: The helper only reads a state of its own and the device's name.
    if unsafe { bindings::userptr_ratelimit() } {
        dev.pr_info(fmt!(
            "USERPTR is for memory of user space; import the memory of a device as a DMABUF\n"
        ));
    }
}
