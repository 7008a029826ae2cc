// SPDX-License-Identifier: GPL-2.0

//! Counters of what happens to memory.
//!
//! Each is counted where the thing itself is done, by the type that does it, so that what does not
//! balance is a leak and not a slip of the books.

use kernel::{
    alloc::Flags,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

macro_rules! counters {
    ($($(#[$doc:meta])* $counter:ident = $name:literal,)*) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Counter {
            $($(#[$doc])* $counter,)*
        }

        impl Counter {
            /// Every counter, with the name that user space sees.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$counter, $name),)*];
        }
    };
}

counters! {
    /// Buffers that were given back filled, or with the error flag.
    Frames = "frames",
    /// Of these, those with the error flag.
    Errors = "errors",
    /// Frames that were due without a buffer to go to.
    Drops = "drops",
    /// Devices that were attached to a dma-buf.
    Attaches = "attaches",
    /// Devices that were detached.
    Detaches = "detaches",
    /// Mappings of dma-bufs for the device.
    Maps = "maps",
    /// Mappings for the device that were undone.
    Unmaps = "unmaps",
    /// Mappings of dma-bufs for the CPU.
    VMaps = "vmaps",
    /// Mappings for the CPU that were undone.
    VUnmaps = "vunmaps",
    /// Imports, and pinned memory of processes, that were found in the cache.
    CacheHits = "cache_hits",
    /// What was not.
    CacheMisses = "cache_misses",
    /// What had to leave the cache before streaming ended.
    CacheEvictions = "cache_evictions",
    /// Mappings that their exporter took back.
    Invalidations = "invalidations",
    /// Bytes that the CPU copied from one buffer to another.
    BytesCopied = "bytes_copied",
    /// Pages of processes that are pinned now.
    PagesPinned = "pages_pinned",
    /// Pages that are allocated now.
    PagesAllocated = "pages_allocated",
    /// Runs of adjacent pages that these consist of.
    Segments = "segments",
    /// Exported dma-bufs that are alive now.
    Exports = "exports",
    /// USERPTR: memory of a device.
    RefusedDeviceMemory = "refused_device_memory",
    /// USERPTR: no memory there, or none that may be written.
    RefusedAddress = "refused_address",
    /// USERPTR: more than may be pinned for a queue.
    RefusedMaxBytes = "refused_max_bytes",
    /// DMABUF: may not be written.
    RefusedReadOnly = "refused_read_only",
    /// DMABUF: smaller than the plane.
    RefusedSize = "refused_size",
    /// DMABUF: the same memory for two planes.
    RefusedSamePlane = "refused_same_plane",
    /// Memory in more segments than the device can take.
    RefusedSegments = "refused_segments",
    /// DMABUF: the exporter did not want to.
    RefusedByExporter = "refused_by_exporter",
}

/// The counters of one device.
///
/// They outlive it where its memory does.
pub struct Stats {
    values: [Atomic<u64>; Counter::ALL.len()],
}

impl Stats {
    /// Counters that stand at 0; `ENOMEM` if there is no room for them.
    pub fn new(gfp: Flags) -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                values: [const { Atomic::new(0) }; Counter::ALL.len()],
            },
            gfp,
        )?)
    }

    /// Counts `by` more.
    #[inline]
    pub fn add(&self, counter: Counter, by: usize) {
        self.values[counter as usize].add(by as u64, Relaxed);
    }

    /// Counts one more.
    #[inline]
    pub fn inc(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts `by` less, of what there is now.
    #[inline]
    pub fn sub(&self, counter: Counter, by: usize) {
        // In the width of the counter, which `usize` need not have.
        self.values[counter as usize].add((by as u64).wrapping_neg(), Relaxed);
    }

    /// The value of a counter.
    pub fn get(&self, counter: Counter) -> u64 {
        self.values[counter as usize].load(Relaxed)
    }
}
