// SPDX-License-Identifier: GPL-2.0

//! Where a device finds the memory of a plane.

use super::Config;
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    dma::DmaAddress,
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

        while let Some(segment) = self.next() {
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
        let (addr, len) = unsafe {
            (
                bindings::sg_dma_address(self.sg),
                bindings::sg_dma_len(self.sg) as usize,
            )
        };
        let len = len.min(self.left);

        self.left -= len;
        self.entries -= 1;
        if self.entries > 0 {
            // SAFETY: As above; it is not the last entry.
            self.sg = unsafe { bindings::sg_next(self.sg) };
        }
        Some(Segment { addr, len })
    }
}
