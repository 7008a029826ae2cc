// SPDX-License-Identifier: GPL-2.0

//! Buffers whose memory is still in use elsewhere.
//!
//! User space may queue a buffer that a GPU or a display still reads, of another exporter or of
//! the queue's own: the fences in its reservation object say so. Such a buffer is given to the
//! driver when they are signalled, and holds up nothing else until then: neither the buffers that
//! were queued after it, nor whoever stops streaming.

use super::{
    buffer::RawBuffer,
    engine::Engine,
    memory::Memory,
    ops::Operations,
    queue::Queue, //
};
use crate::{
    bindings,
    dma_buf::{
        Resv,
        Waiter, //
    },
};
use core::ptr::NonNull;
use kernel::sync::atomic::{
    Atomic,
    Full,
    Relaxed, //
};

/// One of the planes of a buffer.
#[repr(C)]
struct Plane {
    waiter: Waiter,
    /// The buffer that it is a plane of.
    buffer: *mut RawBuffer,
}

/// What a buffer waits for. All zeroes is nothing.
///
/// # Invariants
///
/// `count` is the number of planes whose fence is not signalled yet, and one more while callbacks
/// are added. Whoever makes it zero has the buffer.
pub(super) struct Fences {
    count: Atomic<u32>,
    planes: [Plane; bindings::VB2_MAX_PLANES as usize],
}

impl<T: Operations> Queue<T> {
    /// Appends a buffer when nobody else uses its memory any more, which may be now.
    ///
    /// # Safety
    ///
    /// videobuf2 must just have given the buffer to the driver; the queue's lock is held.
    #[inline]
    pub(super) unsafe fn push_back_when_idle(&self, raw: NonNull<RawBuffer>) {
        // SAFETY: The buffer is alive, and the driver's.
        let has_fences = unsafe { raw.as_ref().memory() }
            .filter_map(Memory::resv)
            .any(Resv::has_fences);

        // SAFETY: By the safety requirements.
        unsafe {
            if has_fences {
                self.wait_and_push_back(raw);
            } else {
                self.push_back(raw);
            }
        }
    }

    /// # Safety
    ///
    /// As for [`push_back_when_idle`](Self::push_back_when_idle).
    #[cold]
    #[inline(never)]
    unsafe fn wait_and_push_back(&self, raw: NonNull<RawBuffer>) {
        // SAFETY: The buffer is alive.
        let buffer = unsafe { raw.as_ref() };
        let fences = buffer.fences();
        // SAFETY: The buffer is the driver's.
        let memory = unsafe { buffer.memory() };
        let mut is_waiting = false;

        for (plane, memory) in fences.planes.iter().zip(memory) {
            // SAFETY: Nobody uses it: the buffer was given back since its callback was called, or
            // cancelled.
            unsafe { plane.waiter.release() };
            let Some(resv) = memory.resv() else {
                continue;
            };

            let fence = match resv.pending_fence() {
                Ok(Some(fence)) => fence,
                Ok(None) => continue,
                Err(_) => {
                    // There is no memory for one. An access of the CPU waits by itself.
                    if T::Engine::IS_DMA {
                        resv.wait_for_fences();
                    }
                    continue;
                }
            };
            if !is_waiting {
                // INVARIANT: Callbacks are added.
                fences.count.store(1, Relaxed);
                is_waiting = true;
            }
            fences.count.fetch_add(1, Relaxed);
            // SAFETY: The buffer is ours until the callbacks were called. It stays until it was
            // given back, and the waiter with it; stopping cancels it.
            let will_be_called = unsafe {
                (&raw const plane.buffer).cast_mut().write(raw.as_ptr());
                plane.waiter.wait(fence, Self::signalled_callback)
            };
            if !will_be_called {
                fences.count.fetch_sub(1, Relaxed);
            }
        }

        if !is_waiting || fences.count.fetch_sub(1, Full) == 1 {
            // SAFETY: By the safety requirements; nobody waits for it.
            unsafe { self.push_back(raw) };
        }
    }

    /// # Safety
    ///
    /// `cb` must be that of a [`Plane`] of a buffer of a live `Self`.
    unsafe extern "C" fn signalled_callback(
        _fence: *mut bindings::dma_fence,
        cb: *mut bindings::dma_fence_cb,
    ) {
        // SAFETY: By the safety requirements.
        let raw = unsafe { NonNull::new_unchecked((*Waiter::from_raw(cb).cast::<Plane>()).buffer) };
        // SAFETY: The buffer is alive: it is not given back before this.
        let buffer = unsafe { raw.as_ref() };

        if buffer.fences().count.fetch_sub(1, Full) == 1 {
            // SAFETY: By the type invariants the buffer is ours; its queue lives for longer.
            unsafe { Self::from_raw((*buffer.vb()).vb2_queue).push_back(raw) };
        }
    }

    /// Takes all buffers that wait from their fences, and gives them back in `state`.
    ///
    /// # Safety
    ///
    /// The queue's lock must be held.
    pub(super) unsafe fn cancel_fences(&self, state: bindings::vb2_buffer_state) {
        // SAFETY: By the safety requirements.
        for vb in unsafe { self.buffers() } {
            // SAFETY: It is a buffer of this queue.
            let raw = unsafe { RawBuffer::from_vb(vb) };
            // SAFETY: The buffer is alive.
            let fences = unsafe { raw.as_ref() }.fences();
            let mut is_ours = false;

            for plane in &fences.planes {
                // SAFETY: With the queue's lock held, nobody else uses it but the callback.
                if unsafe { plane.waiter.cancel() } {
                    is_ours |= fences.count.fetch_sub(1, Full) == 1;
                }
            }
            if is_ours {
                // SAFETY: By the type invariants the buffer is active, and in nobody else's hands.
                unsafe { raw.as_ref().done(state) };
            }
        }
    }
}

impl Fences {
    /// Gives up what was waited for, before the buffer is freed.
    ///
    /// # Safety
    ///
    /// The buffer must not be active.
    pub(super) unsafe fn release(&self) {
        for plane in &self.planes {
            // SAFETY: By the safety requirements; the callback was called, or cancelled.
            unsafe { plane.waiter.release() };
        }
    }
}
