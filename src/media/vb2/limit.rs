// SPDX-License-Identifier: GPL-2.0

//! How much memory the buffers of a queue may have.
//!
//! videobuf2 bounds the number of buffers, and user space decides how large they are: by the
//! format, by the size that it gives to VIDIOC_CREATE_BUFS, and by the length of a USERPTR.

use super::{
    config::Config,
    ops::PlaneSizes, //
};
use crate::compat::edquot;
use core::cmp;
use kernel::{
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// How many pages planes of these sizes need.
pub(super) fn pages(sizes: impl Iterator<Item = u32>) -> usize {
    sizes.map(|size| (size as usize).div_ceil(PAGE_SIZE)).sum()
}

/// The bound of a queue: [`Config::max_bytes`], or as many buffers of the current format as
/// VIDIOC_REQBUFS makes at least, whichever is more.
pub(super) struct Limit {
    /// [`Config::max_bytes`], in pages.
    base: usize,
    min_buffers: usize,
    max: Atomic<usize>,
    /// Pages that are pinned for the queue, those that its cache keeps included.
    pinned: Atomic<usize>,
}

impl Limit {
    pub(super) fn new(config: &Config) -> Result<Arc<Self>> {
        let base = config.max_bytes >> PAGE_SHIFT;

        Ok(Arc::new(
            Self {
                base,
                min_buffers: config.min_reqbufs_allocation as usize,
                max: Atomic::new(base),
                pinned: Atomic::new(0),
            },
            GFP_KERNEL,
        )?)
    }

    /// Sets the format of the buffers.
    pub(super) fn set_layout(&self, planes: &PlaneSizes) {
        // The memory of a process need not begin where a page does.
        let buffer = pages(planes.sizes().iter().copied()) + planes.sizes().len();

        self.max
            .store(cmp::max(self.base, self.min_buffers * buffer), Relaxed);
    }

    /// How many buffers of so many pages there may be besides those that have `used` pages.
    pub(super) fn buffers(&self, used: usize, pages: usize) -> usize {
        self.max
            .load(Relaxed)
            .saturating_sub(used)
            .checked_div(pages)
            .unwrap_or(0)
    }
}

/// What is pinned for a queue.
///
/// # Invariants
///
/// `count` pages are charged for in `limit`.
pub(super) struct Charge {
    limit: Arc<Limit>,
    count: usize,
}

impl Charge {
    /// Charges for `count` pages that are to be pinned, `EDQUOT` if that is more than there may be.
    pub(super) fn new(limit: &Arc<Limit>, count: usize) -> Result<Self> {
        let pinned = limit.pinned.fetch_add(count, Relaxed) + count;
        // INVARIANT: Charged for just now.
        let this = Self {
            limit: limit.clone(),
            count,
        };

        if pinned > limit.max.load(Relaxed) {
            return Err(edquot());
        }
        Ok(this)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.limit.pinned.fetch_sub(self.count, Relaxed);
    }
}
