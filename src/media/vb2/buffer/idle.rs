// SPDX-License-Identifier: GPL-2.0

//! Buffers on their way to the driver, and back.

use super::{
    super::{
        engine::Dma,
        ops::Operations,
        segments::Segments, //
    },
    raw::DriverBuffer, //
};
use crate::bindings;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// A buffer that is neither the driver's nor user space's: it is being prepared
/// ([`Operations::buf_prepare`]), or finished ([`Operations::buf_finish`]).
///
/// # Invariants
///
/// The buffer is alive, has its memory and what the driver keeps with it, and nobody else uses
/// these for `'a`.
pub struct IdleBuffer<'a, T: Operations> {
    raw: NonNull<DriverBuffer<T>>,
    _p: PhantomData<&'a mut T::BufferData>,
}

impl<T: Operations> IdleBuffer<'_, T> {
    /// # Safety
    ///
    /// `vb` must be a buffer of a live queue of `T`, which the caller has for `'a`, with its
    /// memory.
    pub(in super::super) unsafe fn new(vb: *mut bindings::vb2_buffer) -> Self {
        // INVARIANT: By the safety requirements; videobuf2 initializes a buffer with its memory.
        Self {
            // SAFETY: By the safety requirements.
            raw: unsafe { DriverBuffer::from_vb(vb) },
            _p: PhantomData,
        }
    }

    fn vb(&self) -> *mut bindings::vb2_buffer {
        self.raw.cast().as_ptr()
    }

    /// The buffer's number in its queue.
    pub fn index(&self) -> u32 {
        // SAFETY: By the type invariants; the index never changes.
        unsafe { (*self.vb()).index }
    }

    /// What the driver keeps with the buffer.
    pub fn data_mut(&mut self) -> &mut T::BufferData {
        // SAFETY: By the type invariants.
        unsafe { &mut *self.raw.as_ref().data() }
    }
}

impl<T: Operations<Engine = Dma>> IdleBuffer<'_, T> {
    /// Calls `f` with what the driver keeps, and with where the device finds the memory of a plane,
    /// as in [`Buffer::segments`](super::Buffer::segments).
    ///
    /// `EINVAL` where there is no such plane, `ENODEV` where its exporter has just taken the memory
    /// back. May sleep; `f` is called with the reservation lock of the dma-buf held, if it is one.
    ///
    /// What `f` makes of the addresses is good until the buffer is prepared again: where memory was
    /// mapped anew meanwhile, that comes before the driver gets the buffer.
    pub fn with_segments<R>(
        &mut self,
        plane: usize,
        f: impl FnOnce(&mut T::BufferData, Segments<'_>) -> R,
    ) -> Result<R> {
        // SAFETY: By the type invariants the buffer has its memory.
        let memory = unsafe { self.raw.cast::<super::RawBuffer>().as_ref().memory() }
            .nth(plane)
            .ok_or(EINVAL)?;
        // SAFETY: There is such a plane.
        let len = unsafe { (*self.vb()).planes[plane].length } as usize;

        // SAFETY: By the type invariants; the memory is not a part of what the driver keeps.
        let data = unsafe { &mut *self.raw.as_ref().data() };
        // SAFETY: The buffer is idle.
        unsafe { memory.with_segments(len, |segments| f(data, segments)) }
    }
}
