// SPDX-License-Identifier: GPL-2.0

//! Where the memory of [`Pages`](super::Pages) comes from.
//!
//! C header: [`include/linux/gfp.h`](srctree/include/linux/gfp.h)

use crate::{
    bindings,
    gfp::{
        self,
        __GFP_DIRECT_RECLAIM,
        __GFP_NORETRY,
        __GFP_RETRY_MAYFAIL, //
    },
    iosys_map::Map,
    stats::{
        Counter,
        Stats, //
    },
};
use core::{
    cmp,
    ptr::NonNull, //
};
use kernel::{
    alloc::Flags,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

/// Single pages.
///
/// # Invariants
///
/// - Each is a page of order 0, with a reference that is this type's.
/// - Pages and segments are counted by `stats`. Once made, there is at least one page.
pub(super) struct Allocation {
    pages: KVVec<*mut bindings::page>,
    segments: usize,
    stats: Arc<Stats>,
}

impl Allocation {
    /// Tries the largest orders first: few segments make the work of devices easy. What is not free
    /// at once, or not at once within the limit of a memory cgroup, is not worth waiting for, as
    /// smaller ones will do. With the smallest it fails rather than have a process killed.
    pub(super) fn new(count: usize, gfp: Flags, stats: Arc<Stats>) -> Result<Self> {
        let gfp = gfp | __GFP_NOWARN | __GFP_RETRY_MAYFAIL;
        let page = gfp | __GFP_ZERO;
        let pages = page & !(__GFP_RETRY_MAYFAIL | __GFP_DIRECT_RECLAIM) | __GFP_NORETRY;
        let mut this = Self::empty(count, gfp, stats)?;
        let mut order = bindings::MAX_PAGE_ORDER;

        while this.pages.len() < count {
            // SAFETY: A task may ask about itself.
            if unsafe { bindings::fatal_signal_pending(bindings::get_current()) } != 0 {
                return Err(EINTR);
            }

            let left = count - this.pages.len();
            order = cmp::min(order, left.ilog2());

            let gfp = gfp::as_raw(if order > 0 { pages } else { page });
            if !this.extend(order, gfp) {
                order = order.checked_sub(1).ok_or(ENOMEM)?;
            }
        }
        Ok(this)
    }

    /// Pages that are adjacent: `ENOMEM` if there are no such, and always for more than the page
    /// allocator has in one piece (`MAX_PAGE_ORDER`).
    pub(super) fn contiguous(count: usize, gfp: Flags, stats: Arc<Stats>) -> Result<Self> {
        let gfp = gfp | __GFP_NOWARN | __GFP_RETRY_MAYFAIL;
        let mut this = Self::empty(count, gfp, stats)?;
        let order = count.next_power_of_two().ilog2();

        if order > bindings::MAX_PAGE_ORDER || !this.extend(order, gfp::as_raw(gfp | __GFP_ZERO)) {
            return Err(ENOMEM);
        }
        Ok(this)
    }

    /// None yet, with room for `count`.
    fn empty(count: usize, gfp: Flags, stats: Arc<Stats>) -> Result<Self> {
        if count == 0 {
            return Err(EINVAL);
        }
        // What can never be had is not worth emptying the caches for.
        //
        // SAFETY: This only reads a counter.
        if count > unsafe { bindings::totalram_pages() } {
            return Err(ENOMEM);
        }

        // INVARIANT: Filled by who calls this, with what is allocated.
        Ok(Self {
            pages: KVVec::with_capacity(count, gfp)?,
            segments: 0,
            stats,
        })
    }

    /// Allocates pages of this order, and keeps those for which there is room; whether there were
    /// any.
    fn extend(&mut self, order: u32, gfp: bindings::gfp_t) -> bool {
        // SAFETY: Any flags and orders may be asked for.
        let first = unsafe { bindings::alloc_pages(gfp, order) };
        if first.is_null() {
            return false;
        }

        // Each page is to have a count of its own, as user space maps them one by one; it takes its
        // charge with it, which goes when it is freed.
        //
        // SAFETY: The pages were just allocated, and are not a compound page.
        unsafe { bindings::split_page(first, order) };

        let mut kept = 0;
        for i in 0..1 << order {
            // SAFETY: There are that many pages, and there is a `struct page` for each.
            let page = unsafe { first.add(i) };

            if self.pages.push_within_capacity(page).is_ok() {
                kept += 1;
            } else {
                // SAFETY: It is ours, and nobody has it.
                unsafe { bindings::__free_pages(page, 0) };
            }
        }
        self.count(kept);
        true
    }

    /// Counts the last `count` pages, which are adjacent.
    fn count(&mut self, count: usize) {
        let first = self.pages.len() - count;
        let is_new = match (
            first.checked_sub(1).map(|i| self.pages[i]),
            self.pages[first],
        ) {
            // SAFETY: Both are valid pages.
            (Some(before), page) => unsafe {
                bindings::page_to_pfn(before) + 1 != bindings::page_to_pfn(page)
            },
            _ => true,
        };

        self.segments += usize::from(is_new);
        self.stats.add(Counter::PagesAllocated, count);
        self.stats.add(Counter::Segments, usize::from(is_new));
    }

    pub(super) fn as_slice(&self) -> &[*mut bindings::page] {
        &self.pages
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        for page in &self.pages {
            // SAFETY: By the type invariants.
            unsafe { bindings::__free_pages(*page, 0) };
        }
        self.stats.sub(Counter::PagesAllocated, self.pages.len());
        self.stats.sub(Counter::Segments, self.segments);
    }
}

/// A mapping of all pages of an [`Allocation`], one after the other.
///
/// # Invariants
///
/// The map was made by `vmap()`, and the pages outlive it.
pub(super) struct KernelMapping(Map);

impl KernelMapping {
    pub(super) fn new(pages: &Allocation) -> Result<Self> {
        let count = u32::try_from(pages.pages.len())?;

        // SAFETY: The array holds that many pages, and is only read.
        let vaddr = unsafe { bindings::vmap(pages.pages.as_ptr().cast_mut(), count) };
        let vaddr = NonNull::new(vaddr).ok_or(ENOMEM)?;

        // INVARIANT: Made by the call above.
        //
        // SAFETY: The pages are mapped until this is dropped.
        Ok(Self(unsafe {
            Map::from_vaddr(vaddr, pages.pages.len() * PAGE_SIZE)
        }))
    }

    pub(super) fn map(&self) -> &Map {
        &self.0
    }
}

impl Drop for KernelMapping {
    fn drop(&mut self) {
        if let Some(vaddr) = self.0.vaddr() {
            // SAFETY: By the type invariants; nobody uses the map any more.
            unsafe { bindings::vunmap(vaddr.as_ptr()) };
        }
    }
}
