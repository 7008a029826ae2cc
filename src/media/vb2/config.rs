// SPDX-License-Identifier: GPL-2.0

//! What a driver says of its queue.

use crate::bindings;

/// A way in which user space may bring buffers to a queue.
///
/// Corresponds to the C `enum vb2_io_modes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum IoMode {
    /// Buffers of the driver's own, mapped into user space (`V4L2_MEMORY_MMAP`).
    Mmap = bindings::vb2_io_modes_VB2_MMAP,
    /// Memory of the caller (`V4L2_MEMORY_USERPTR`).
    UserPtr = bindings::vb2_io_modes_VB2_USERPTR,
    /// The `read()` system call.
    Read = bindings::vb2_io_modes_VB2_READ,
    /// Memory that another device exports (`V4L2_MEMORY_DMABUF`).
    DmaBuf = bindings::vb2_io_modes_VB2_DMABUF,
}

/// The moment in the making of a frame that its timestamp tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum TimestampSource {
    /// When its last pixel was received (`V4L2_BUF_FLAG_TSTAMP_SRC_EOF`).
    EndOfFrame = bindings::V4L2_BUF_FLAG_TSTAMP_SRC_EOF,
    /// When its exposure began (`V4L2_BUF_FLAG_TSTAMP_SRC_SOE`).
    StartOfExposure = bindings::V4L2_BUF_FLAG_TSTAMP_SRC_SOE,
}

/// How a [`Queue`](super::Queue) is set up. Timestamps are those of the monotonic clock.
pub struct Config {
    /// How user space may bring buffers.
    pub io_modes: &'static [IoMode],
    /// How many buffers VIDIOC_REQBUFS makes at least.
    pub min_reqbufs_allocation: u32,
    /// How many buffers must be queued before streaming starts: as many as the hardware has slots
    /// for, if it cannot run with fewer.
    pub min_queued_buffers: u32,
    /// How many buffers there may be at once.
    pub max_num_buffers: u32,
    /// How many bytes of memory they may have at once: those that the queue allocates, and those of
    /// processes that are pinned for it. `min_reqbufs_allocation` buffers of the current format
    /// there may be in any case.
    pub max_bytes: usize,
    /// How many segments a plane may have, where the engine is a device ([`Dma`](super::Dma)). More
    /// of them are refused with `EINVAL` when a buffer is queued.
    pub max_segments: usize,
    /// How many bytes a segment may have there: exporters and the DMA API are told
    /// (`dma_set_max_seg_size()`), and longer ones are refused with `EINVAL`.
    pub max_segment_size: u32,
}

impl Config {
    /// Buffers that are mapped (`V4L2_MEMORY_MMAP`): two at least and 32 at most, in up to 256 MiB
    /// of memory.
    pub const DEFAULT: Self = Self {
        io_modes: &[IoMode::Mmap],
        min_reqbufs_allocation: 2,
        min_queued_buffers: 0,
        max_num_buffers: bindings::VB2_MAX_FRAME,
        max_bytes: 256 << 20,
        max_segments: usize::MAX,
        max_segment_size: u32::MAX,
    };

    /// Refuses what videobuf2 would warn of, at compile time: to be used in a `const`.
    pub(super) const fn check(&self) {
        // As `vb2_core_queue_init()` and `vb2_core_reqbufs()` ask for.
        assert!(
            self.max_num_buffers >= bindings::VB2_MAX_FRAME,
            "a queue has room for VB2_MAX_FRAME buffers at least"
        );
        assert!(
            self.min_reqbufs_allocation <= self.max_num_buffers
                && self.min_queued_buffers < self.max_num_buffers,
            "more buffers would be allocated than there may be"
        );

        let mut i = 0;
        while i < self.io_modes.len() {
            // On a multi-planar node, read() does not count.
            if !matches!(self.io_modes[i], IoMode::Read) {
                return;
            }
            i += 1;
        }
        panic!("a queue needs a way to stream");
    }

    /// The ways that there are with buffers of a type: read() knows of one plane only.
    pub(crate) fn io_modes(&self, buf_type: u32) -> impl Iterator<Item = &IoMode> {
        let is_multiplanar = buf_type == bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

        self.io_modes
            .iter()
            .filter(move |mode| !is_multiplanar || **mode != IoMode::Read)
    }
}
