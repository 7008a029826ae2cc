// SPDX-License-Identifier: GPL-2.0

//! What the code of all drivers has in common knows of a queue.

use super::super::{
    buffer::RawBuffer,
    cache::Cache,
    limit::Limit, //
};
use crate::{
    bindings,
    stats::Stats, //
};
use core::{
    ffi::c_void,
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::{
    build_assert::const_assert,
    prelude::*,
    sync::{
        atomic::Atomic,
        Arc, //
    },
    types::Opaque, //
};

/// The part of a [`Queue`] that is the same for every driver.
///
/// # Invariants
///
/// `queue` is initialized once the [`Queue`] is, and lies in front.
#[repr(C)]
#[pin_data]
pub(in super::super) struct RawQueue {
    #[pin]
    pub(super) queue: Opaque<bindings::vb2_queue>,
    /// The driver's, which owns what is exported.
    pub(super) module: &'static ThisModule,
    /// Whether memory is mapped for the device.
    pub(super) is_dma: bool,
    /// [`Config::max_segments`](super::Config::max_segments).
    pub(super) max_segments: usize,
    /// [`Queue::recall_callback`].
    pub(super) recall: unsafe fn(NonNull<c_void>),
    /// [`Queue::cleanup_callback`].
    pub(super) cleanup: unsafe fn(NonNull<RawBuffer>),
    /// Nothing is allocated or started any more, whoever comes.
    pub(super) is_shut: Atomic<bool>,
    pub(super) stats: Arc<Stats>,
    pub(super) limit: Arc<Limit>,
    #[pin]
    pub(super) cache: Cache,
}

impl RawQueue {
    /// # Safety
    ///
    /// `q` must be the queue of a live [`Queue`].
    pub(in super::super) unsafe fn from_vb2<'a>(q: *mut bindings::vb2_queue) -> &'a Self {
        const_assert!(offset_of!(RawQueue, queue) == 0);

        // SAFETY: By the safety requirements and the type invariants.
        unsafe { &*q.cast::<Self>() }
    }

    /// The counters of the queue.
    pub(in super::super) fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Whether memory is mapped for the device.
    pub(in super::super) fn is_dma(&self) -> bool {
        self.is_dma
    }

    /// Whether the device takes a buffer in one segment only.
    pub(in super::super) fn is_contiguous(&self) -> bool {
        self.is_dma && self.max_segments == 1
    }

    /// What takes a buffer, of which it is given a pointer, from the device.
    pub(in super::super) fn recall(&self) -> unsafe fn(NonNull<c_void>) {
        self.recall
    }

    /// Drops what is kept with a buffer for the memory that it has.
    ///
    /// videobuf2 gives up memory without the driver's `buf_cleanup` where what user space brings
    /// next is refused.
    ///
    /// # Safety
    ///
    /// It must be a buffer of this queue, which nobody uses, nor waits for its fences.
    pub(in super::super) unsafe fn cleanup(&self, buffer: NonNull<RawBuffer>) {
        // SAFETY: By the safety requirements.
        unsafe { (self.cleanup)(buffer) };
    }

    /// The driver's module.
    pub(in super::super) fn module(&self) -> &'static ThisModule {
        self.module
    }

    /// How much memory the buffers may have.
    pub(in super::super) fn limit(&self) -> &Arc<Limit> {
        &self.limit
    }

    /// The imports that are kept.
    pub(in super::super) fn cache(&self) -> &Cache {
        &self.cache
    }
}
