// SPDX-License-Identifier: GPL-2.0

//! Where a device finds the memory of a plane.

use super::Config;
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    dma::DmaAddress,
    ffi::c_ulong,
    prelude::*,
    scatterlist::SGTable, //
};

/// A piece of memory, as the device addresses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The DMA address.
    pub addr: DmaAddress,
    /// The number of bytes.
    pub len: usize,
}

/// The segments of a plane, in order. They have as many bytes as the plane, which may be fewer than
/// its memory has.
///
/// # Invariants
///
/// The table is mapped, and does not change for `'a`.
#[derive(Clone)]
pub struct Segments<'a> {
    sg: *mut bindings::scatterlist,
    entries: u32,
    left: usize,
    _p: PhantomData<&'a SGTable>,
}

// SAFETY: The table is only read, by whatever thread.
unsafe impl Send for Segments<'_> {}

impl<'a> Segments<'a> {
    /// # Safety
    ///
    /// `sgt` must be a table that is mapped and does not change for `'a`.
    pub(super) unsafe fn new(sgt: *const bindings::sg_table, len: usize) -> Self {
        // INVARIANT: By the safety requirements.
        //
        // SAFETY: As above.
        unsafe {
            Self {
                sg: (*sgt).sgl,
                entries: (*sgt).nents,
                left: len,
                _p: PhantomData,
            }
        }
    }

    /// Whether there are no more of them than the driver wants, none is longer, and they have as
    /// many bytes as the plane.
    pub(super) fn are_within(mut self, config: &Config) -> bool {
        let mut count = 0;

        for segment in self.by_ref() {
            if segment.len > config.max_segment_size as usize {
                return false;
            }
            count += 1;
        }
        count <= config.max_segments && self.left == 0
    }

    /// The number of bytes that are left.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether there is nothing left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The one segment that the plane is in; `EINVAL` if there are several.
    ///
    /// Corresponds to `vb2_dma_contig_plane_dma_addr()`.
    pub fn contiguous(mut self) -> Result<Segment> {
        match (self.next(), self.next()) {
            (Some(segment), None) => Ok(segment),
            _ => Err(EINVAL),
        }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        if self.left == 0 || self.entries == 0 {
            return None;
        }
        // SAFETY: By the type invariants, there being an entry.
        let (addr, len) = unsafe { ((*self.sg).dma_address, dma_len(self.sg)) };
        let len = len.min(self.left);

        self.left -= len;
        self.entries -= 1;
        if self.entries > 0 {
            // SAFETY: As above; it is not the last entry.
            self.sg = unsafe { next(self.sg) };
        }
        Some(Segment { addr, len })
    }
}

/// Corresponds to `sg_next()`, with a call only where another part of the table begins: there may
/// be hundreds of segments.
///
/// # Safety
///
/// `sg` must be an entry of a table, and not its last one.
#[inline]
unsafe fn next(sg: *mut bindings::scatterlist) -> *mut bindings::scatterlist {
    // SAFETY: By the safety requirements there is an entry behind it, which may be a link.
    unsafe {
        let next = sg.add(1);

        if (*next).page_link & bindings::SG_CHAIN as c_ulong == 0 {
            next
        } else {
            bindings::sg_next(sg)
        }
    }
}

/// Corresponds to `sg_dma_len()`, without a call.
///
/// # Safety
///
/// `sg` must be valid.
#[inline]
unsafe fn dma_len(sg: *const bindings::scatterlist) -> usize {
    #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
    // SAFETY: By the safety requirements.
    let len = unsafe { (*sg).dma_length };
    #[cfg(not(CONFIG_NEED_SG_DMA_LENGTH))]
    // SAFETY: As above.
    let len = unsafe { (*sg).length };

    len as usize
}
