// SPDX-License-Identifier: GPL-2.0

//! What the tests of queues share: a driver that leaves its buffers to the test, and user space,
//! which is played by calling videobuf2 as the ioctls do.

mod dma;
mod fences;
mod given_up;
mod imports;
mod limits;
mod queueing;
mod revoke;
mod stopping;
mod user;

pub(super) use self::user::{
    Fd,
    Plane,
    User, //
};

use super::{
    ActiveContext,
    Buffer,
    Config,
    Context,
    Cpu,
    Dma,
    Engine,
    FrameInfo,
    IdleBuffer,
    IoMode,
    Operations,
    PlaneSizes,
    Queue,
    TimestampSource, //
};
use crate::{
    bindings,
    dma_buf::{
        tests::{
            flush_delayed_fput,
            Device, //
        },
        DmaBuf, //
    },
    stats::{
        Counter,
        Stats, //
    },
};
use core::ptr::null_mut;
use kernel::{
    error::to_result,
    fs::file::flags::O_RDWR,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

pub(super) const MMAP: u32 = bindings::v4l2_memory_V4L2_MEMORY_MMAP;
pub(super) const USERPTR: u32 = bindings::v4l2_memory_V4L2_MEMORY_USERPTR;
pub(super) const DMABUF: u32 = bindings::v4l2_memory_V4L2_MEMORY_DMABUF;

/// A driver without an engine: tests take its buffers, and give them back.
#[pin_data]
pub(super) struct Camera<E: Look = Cpu> {
    #[pin]
    pub(super) queue: Queue<Self>,
    planes: PlaneSizes,
    /// The error with which streaming does not start, or 0.
    pub(super) start_error: Atomic<i32>,
    /// Whether a frame is complete before streaming has started.
    pub(super) is_early: Atomic<bool>,
    /// How often an exporter has wanted memory back that was taken.
    pub(super) invalidations: Atomic<u32>,
    /// The number of buffers with a [`Mark`].
    pub(super) marks: Arc<Atomic<i32>>,
}

/// What a driver with this engine finds in a buffer that is prepared.
pub(super) trait Look: Engine {
    fn look(buffer: &mut IdleBuffer<'_, Camera<Self>>) -> Result
    where
        Self: Sized;
}

impl Look for Cpu {
    fn look(_buffer: &mut IdleBuffer<'_, Camera<Self>>) -> Result {
        Ok(())
    }
}

impl Look for Dma {
    fn look(buffer: &mut IdleBuffer<'_, Camera<Self>>) -> Result {
        buffer.with_segments(0, |mark, segments| {
            mark.len = segments.map(|segment| segment.len).sum();
        })
    }
}

/// What the driver keeps with a buffer.
#[derive(Default)]
pub(super) struct Mark {
    pub(super) prepared: u32,
    pub(super) finished: u32,
    /// The bytes that the device was told of, when the buffer was prepared.
    pub(super) len: usize,
    count: Option<Arc<Atomic<i32>>>,
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(count) = &self.count {
            count.fetch_sub(1, Relaxed);
        }
    }
}

#[vtable]
impl<E: Look> Operations for Camera<E> {
    type Owner = Self;
    type Engine = E;
    type Active<'q> = Option<Buffer<'q, Self>>;
    type Stream = ();
    type BufferData = Mark;

    const CONFIG: Config = Config {
        io_modes: &[IoMode::Mmap, IoMode::UserPtr, IoMode::DmaBuf],
        min_reqbufs_allocation: 1,
        min_queued_buffers: 0,
        max_num_buffers: 32,
        max_bytes: user::MAX_PAGES * PAGE_SIZE,
        max_segments: MAX_SEGMENTS,
        max_segment_size: MAX_SEGMENT_SIZE,
    };

    fn queue_setup(cx: &Context<'_, Self>) -> Result<PlaneSizes> {
        Ok(cx.planes)
    }

    fn timestamp_source(_cx: &Context<'_, Self>) -> TimestampSource {
        TimestampSource::StartOfExposure
    }

    fn buf_prepare(cx: &Context<'_, Self>, buffer: &mut IdleBuffer<'_, Self>) -> Result {
        let mark = buffer.data_mut();

        mark.prepared += 1;
        if mark.count.is_none() {
            cx.marks.fetch_add(1, Relaxed);
            mark.count = Some(cx.marks.clone());
        }
        E::look(buffer)
    }

    fn buf_finish(_camera: &Self, buffer: &mut IdleBuffer<'_, Self>) {
        buffer.data_mut().finished += 1;
    }

    fn invalidate_mappings(cx: &ActiveContext<'_, Self>) {
        cx.invalidations.fetch_add(1, Relaxed);
    }

    fn start_streaming(cx: &Context<'_, Self>) -> Result {
        match cx.start_error.load(Relaxed) {
            0 => {
                if cx.is_early.load(Relaxed) {
                    if let Some(buffer) = cx.queue().next() {
                        buffer.done(&META, &[]);
                    }
                }
                Ok(())
            }
            e => {
                // One that is taken before the start fails must not be lost either, nor one that is
                // complete, nor one in a slot of the hardware.
                if let Some(buffer) = cx.queue().next() {
                    buffer.done(&META, &[]);
                }
                drop(cx.queue().next());
                cx.queue()
                    .with_active(|waiting, slot| *slot = waiting.next());
                Err(Error::from_errno(-e))
            }
        }
    }
}

/// How many segments the device can take.
pub(super) const MAX_SEGMENTS: usize = 8;

/// How long each of them may be.
pub(super) const MAX_SEGMENT_SIZE: u32 = 8 * PAGE_SIZE as u32;

/// What a frame is given back with, where a test does not look at it.
pub(super) const META: FrameInfo = FrameInfo {
    sequence: 0,
    timestamp: 0,
    field: bindings::v4l2_field_V4L2_FIELD_NONE,
};
