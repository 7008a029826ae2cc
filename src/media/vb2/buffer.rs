// SPDX-License-Identifier: GPL-2.0

//! Buffers in the hands of the driver.
//!
//! C header: [`include/media/videobuf2-v4l2.h`](srctree/include/media/videobuf2-v4l2.h)

mod idle;
mod raw;

pub use self::idle::IdleBuffer;
pub(super) use self::raw::{
    DriverBuffer,
    RawBuffer, //
};

use super::{
    engine::{
        Cpu,
        Dma, //
    },
    memory::{
        Access,
        Memory, //
    },
    ops::Operations,
    queue::Queue,
    segments::Segments, //
};
use crate::{
    bindings,
    iosys_map,
    stats::Counter, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// What is known of a frame once it is complete.
#[derive(Clone, Copy, Debug)]
pub struct FrameInfo {
    /// The number of the frame; dropped frames leave gaps.
    pub sequence: u32,
    /// When the frame was taken, in nanoseconds of the clock that the queue's flags name.
    pub timestamp: u64,
    /// The order of the fields, a `V4L2_FIELD_*`.
    pub field: u32,
}

impl FrameInfo {
    /// Of a progressive frame.
    pub const fn new(sequence: u32, timestamp: u64) -> Self {
        Self {
            sequence,
            timestamp,
            field: bindings::v4l2_field_V4L2_FIELD_NONE,
        }
    }
}

/// A buffer that belongs to the driver.
///
/// Dropping it without [`done`](Self::done) puts it back into the queue, as the next to be taken.
///
/// # Invariants
///
/// The buffer is in the state `VB2_BUF_STATE_ACTIVE`, in no list, counted as taken by `queue`, and
/// no other [`Buffer`] is the same.
pub struct Buffer<'q, T: Operations> {
    queue: &'q Queue<T>,
    raw: NonNull<RawBuffer>,
}

// SAFETY: The buffer belongs to whoever has the `Buffer`, in whatever thread.
unsafe impl<T: Operations> Send for Buffer<'_, T> {}

impl<'q, T: Operations> Buffer<'q, T> {
    /// # Safety
    ///
    /// The buffer must just have been taken from the queue's list, and counted as taken.
    pub(super) unsafe fn new(queue: &'q Queue<T>, raw: NonNull<RawBuffer>) -> Self {
        // INVARIANT: By the safety requirements.
        Self { queue, raw }
    }

    fn vb(&self) -> *mut bindings::vb2_buffer {
        // SAFETY: By the type invariants the buffer is alive.
        unsafe { self.raw.as_ref() }.vb()
    }

    /// The buffer's number in its queue.
    pub fn index(&self) -> u32 {
        // SAFETY: As in `vb()`; the index never changes.
        unsafe { (*self.vb()).index }
    }

    /// What the driver keeps with the buffer.
    pub fn data(&self) -> &T::BufferData {
        // SAFETY: By the type invariants nobody else has the buffer, which was initialized when it
        // got its memory.
        unsafe { &*self.raw.cast::<DriverBuffer<T>>().as_ref().data() }
    }

    /// What the driver keeps with the buffer.
    pub fn data_mut(&mut self) -> &mut T::BufferData {
        // SAFETY: As above.
        unsafe { &mut *self.raw.cast::<DriverBuffer<T>>().as_ref().data() }
    }

    fn plane_raw(&self, plane: usize) -> Result<(&Memory, usize)> {
        // SAFETY: As in `vb()`; the planes do not change while the driver has the buffer.
        let (planes, count) = unsafe { (&(*self.vb()).planes, (*self.vb()).num_planes as usize) };
        let raw = planes
            .get(..count)
            .and_then(|p| p.get(plane))
            .ok_or(EINVAL)?;

        // SAFETY: The operations of `memory` are where the private data of planes comes from, and
        // it stays until videobuf2 has the buffer back, for longer than `self` is borrowed.
        let memory = unsafe { Memory::from_priv(raw.mem_priv) };
        Ok((memory, raw.length as usize))
    }

    /// Whether an exporter has taken memory of the buffer back, and waits until the engine has left
    /// it: it is to be given back as soon as may be, however. In any context.
    pub fn is_invalidated(&self) -> bool {
        // SAFETY: By the type invariants.
        !unsafe { self.queue.is_there(self.raw) }
    }

    /// Gives the buffer back as a complete frame, with `bytesused` bytes in each of its planes. One
    /// that [`is_invalidated`](Self::is_invalidated) has an error.
    pub fn done(self, info: &FrameInfo, bytesused: &[u32]) {
        self.give_back(
            info,
            bytesused,
            bindings::vb2_buffer_state_VB2_BUF_STATE_DONE,
        );
    }

    /// Gives the buffer back as one whose contents are not to be trusted
    /// (`V4L2_BUF_FLAG_ERROR`).
    pub fn error(self, info: &FrameInfo) {
        self.give_back(info, &[], bindings::vb2_buffer_state_VB2_BUF_STATE_ERROR);
    }

    fn give_back(self, info: &FrameInfo, bytesused: &[u32], state: bindings::vb2_buffer_state) {
        let this = ManuallyDrop::new(self);
        let vb = this.vb();
        let state = if this.is_invalidated() {
            bindings::vb2_buffer_state_VB2_BUF_STATE_ERROR
        } else {
            state
        };

        // SAFETY: By the type invariants the buffer is alive and the driver's: nobody else writes
        // these fields until it is given back, which is the last that is done to it. User space
        // may ask for them at any time (VIDIOC_QUERYBUF), so that there are no references.
        unsafe {
            let vbuf = this.raw.as_ref().vbuf();
            (*vbuf).sequence = info.sequence;
            (*vbuf).field = info.field;
            (*vb).timestamp = info.timestamp;
            let planes = (&raw mut (*vb).planes).cast::<bindings::vb2_plane>();
            for (i, used) in bytesused.iter().enumerate().take((*vb).num_planes as usize) {
                let plane = planes.add(i);
                (*plane).bytesused = (*used).min((*plane).length);
            }
            this.queue.give_back(this.raw, state);
        }

        let stats = this.queue.stats();
        stats.inc(Counter::Frames);
        if state == bindings::vb2_buffer_state_VB2_BUF_STATE_ERROR {
            stats.inc(Counter::Errors);
        }
    }
}

impl<T: Operations> Drop for Buffer<'_, T> {
    fn drop(&mut self) {
        // SAFETY: This is the last use of the buffer.
        unsafe { self.queue.requeue(self.raw) };
    }
}

impl<T: Operations<Engine = Cpu>> Buffer<'_, T> {
    /// Begins to write the memory of a plane with the CPU. May sleep.
    ///
    /// The access ends when what is returned is dropped, or by [`PlaneAccess::end`], which tells
    /// whether that worked. `EINVAL` where there is no such plane; an exporter's error is handed
    /// on.
    pub fn begin_cpu_access(&mut self, plane: usize) -> Result<PlaneAccess<'_>> {
        let (memory, length) = self.plane_raw(plane)?;

        Ok(PlaneAccess {
            access: memory.begin_cpu_access()?,
            length,
        })
    }
}

impl<T: Operations<Engine = Dma>> Buffer<'_, T> {
    /// Where the device finds the memory of a plane, in any context. `EINVAL` where there is no
    /// such plane.
    ///
    /// The device may use the addresses until it was told not to, and the buffer is given back
    /// afterwards. There are [`Config::max_segments`](super::Config::max_segments) at most.
    pub fn segments(&self, plane: usize) -> Result<Segments<'_>> {
        let (memory, length) = self.plane_raw(plane)?;

        // SAFETY: The buffer is prepared, and stays so until videobuf2 has it back. With this
        // engine its memory is mapped.
        Ok(unsafe { Segments::new(memory.sg_table(), length) })
    }
}

/// A plane of a [`Buffer`], while the CPU writes it.
///
/// There are no references to the memory itself, since devices and user space may use it at the
/// same time: it is only copied into.
pub struct PlaneAccess<'a> {
    access: Access<'a>,
    length: usize,
}

impl PlaneAccess<'_> {
    /// The length of the plane in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the plane has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Copies `data` to `offset`; `EINVAL` where that is not within the plane.
    #[inline]
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        match offset.checked_add(data.len()) {
            Some(end) if end <= self.length => self.access.write(offset, data),
            _ => Err(EINVAL),
        }
    }

    /// Copies `line` to `count` lines, of which the first begins at `offset`, and each of the
    /// others `stride` bytes after the one before; `EINVAL` where these are not within the plane.
    #[inline]
    pub fn write_lines(
        &mut self,
        offset: usize,
        stride: usize,
        count: usize,
        line: &[u8],
    ) -> Result {
        let Some(last) = iosys_map::last_line(offset, stride, count).map_err(|_| EINVAL)? else {
            return Ok(());
        };

        match last.checked_add(line.len()) {
            Some(end) if end <= self.length => self.access.write_lines(offset, stride, count, line),
            _ => Err(EINVAL),
        }
    }

    /// Ends the access, and tells whether what was written reached the memory.
    pub fn end(self) -> Result {
        self.access.end()
    }
}
