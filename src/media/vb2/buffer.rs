// SPDX-License-Identifier: GPL-2.0

//! Buffers in the hands of the driver.
//!
//! C header: [`include/media/videobuf2-v4l2.h`](srctree/include/media/videobuf2-v4l2.h)

use super::{
    engine::{
        Cpu,
        Dma, //
    },
    fence::Fences,
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
    stats::Counter, //
};
use core::{
    cell::UnsafeCell,
    mem::{
        offset_of,
        ManuallyDrop, //
    },
    ptr::NonNull, //
};
use kernel::{
    build_assert::const_assert,
    prelude::*,
    types::Opaque, //
};

/// What videobuf2 allocates for each buffer of a [`Queue`].
#[repr(C)]
pub(super) struct RawBuffer {
    vbuf: Opaque<bindings::vb2_v4l2_buffer>,
    next: UnsafeCell<*mut RawBuffer>,
    /// What the buffer is given back as, while it is parked.
    state: UnsafeCell<bindings::vb2_buffer_state>,
    fences: Fences,
}

impl RawBuffer {
    /// # Safety
    ///
    /// `vb` must be a buffer of a [`Queue`].
    pub(super) unsafe fn from_vb(vb: *mut bindings::vb2_buffer) -> NonNull<Self> {
        const_assert!(offset_of!(RawBuffer, vbuf) == 0);
        const_assert!(offset_of!(bindings::vb2_v4l2_buffer, vb2_buf) == 0);

        // SAFETY: The queue allocates its buffers in the size of this struct, which begins with
        // the `vb2_buffer`; a buffer is never at address zero.
        unsafe { NonNull::new_unchecked(vb.cast()) }
    }

    fn vbuf(&self) -> *mut bindings::vb2_v4l2_buffer {
        self.vbuf.get()
    }

    pub(super) fn vb(&self) -> *mut bindings::vb2_buffer {
        self.vbuf().cast()
    }

    /// What the buffer waits for.
    pub(super) fn fences(&self) -> &Fences {
        &self.fences
    }

    /// # Safety
    ///
    /// The caller holds the lock of the list that the buffer is in, or owns the buffer.
    pub(super) unsafe fn next(&self) -> *mut RawBuffer {
        // SAFETY: By the safety requirements nobody writes it now.
        unsafe { *self.next.get() }
    }

    /// # Safety
    ///
    /// The caller holds the lock of the list that the buffer is in, or owns the buffer.
    pub(super) unsafe fn set_next(&self, next: *mut RawBuffer) {
        // SAFETY: By the safety requirements nobody else uses it now.
        unsafe { *self.next.get() = next };
    }

    /// Gives the buffer back to videobuf2, in any context.
    ///
    /// # Safety
    ///
    /// The buffer must be active, and in nobody else's hands; it is not used any more.
    pub(super) unsafe fn done(&self, state: bindings::vb2_buffer_state) {
        // SAFETY: By the safety requirements.
        unsafe { bindings::vb2_buffer_done(self.vb(), state) };
    }

    /// Gives the buffer back as what it was parked with.
    ///
    /// # Safety
    ///
    /// As for [`done`](Self::done); the buffer was parked.
    pub(super) unsafe fn unpark(&self) {
        // SAFETY: By the safety requirements.
        unsafe { self.done(*self.state.get()) };
    }

    /// # Safety
    ///
    /// The caller owns the buffer.
    pub(super) unsafe fn park(&self, state: bindings::vb2_buffer_state) {
        // SAFETY: By the safety requirements nobody else uses it now.
        unsafe { *self.state.get() = state };
    }
}

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

    /// Gives the buffer back as a complete frame, with `bytesused` bytes in each of its planes.
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

    /// Ends the access, and tells whether what was written reached the memory.
    pub fn end(self) -> Result {
        self.access.end()
    }
}
