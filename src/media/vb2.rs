// SPDX-License-Identifier: GPL-2.0

//! Abstractions for videobuf2, the buffer queues of V4L2.
//!
//! C headers: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h),
//! [`include/media/videobuf2-v4l2.h`](srctree/include/media/videobuf2-v4l2.h)
//!
//! A driver implements [`Operations`] and embeds a [`Queue`]. Buffers that user space has queued
//! wait in the queue until the driver takes them with [`Queue::next`]; an owned [`Buffer`] is then
//! its own to fill, and [`Buffer::done`] gives it back. What the driver does not give back, the
//! queue takes: a dropped buffer waits for the next taker, and when streaming stops (or fails to
//! start) all of them return to user space. No driver can leave one behind.
//!
//! The memory of the buffers is the same for every driver: pages of our own for
//! `V4L2_MEMORY_MMAP`, user pages for `V4L2_MEMORY_USERPTR`, and attachments to other devices'
//! memory for `V4L2_MEMORY_DMABUF`.

mod buffer;
mod cache;
mod config;
mod context;
mod engine;
mod fence;
mod limit;
mod list;
mod memory;
mod ops;
mod queue;
mod segments;
#[cfg(CONFIG_KUNIT = "y")]
mod tests;
mod userptr;

pub use self::{
    buffer::{
        Buffer,
        FrameInfo,
        IdleBuffer,
        PlaneAccess, //
    },
    config::{
        Config,
        IoMode,
        TimestampSource, //
    },
    context::{
        ActiveContext,
        Context, //
    },
    engine::{
        Cpu,
        Dma,
        Engine, //
    },
    ops::{
        Operations,
        PlaneSizes, //
    },
    queue::{
        Queue,
        Waiting, //
    },
    segments::{
        Segment,
        Segments, //
    },
};
