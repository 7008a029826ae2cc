// SPDX-License-Identifier: GPL-2.0

//! The buffers that videobuf2 has given to a driver (`VB2_BUF_STATE_ACTIVE`): those that wait for
//! it, those that it has taken, and those that the hardware has.

use super::{
    super::{
        buffer::{
            Buffer,
            RawBuffer, //
        },
        context::ActiveContext,
        engine::Engine,
        list::List,
        memory::Memory,
        ops::{
            self,
            Operations, //
        },
    },
    Queue, //
};
use crate::bindings;
use core::{
    ffi::c_void,
    ptr::NonNull, //
};
use kernel::{
    device,
    prelude::*,
    sync::{
        atomic::Relaxed,
        CondVarTimeoutResult, //
    },
    time::msecs_to_jiffies, //
};

/// How long a driver may keep buffers that it is to give back, in milliseconds, before it is named.
const PATIENCE: u32 = 10_000;

/// The buffers of a queue that are active.
pub(in super::super) struct ActiveList {
    /// Those that wait for the driver, in the order in which they were queued.
    pub(in super::super) list: List,
    /// Those that the driver has completed before streaming has started.
    pub(in super::super) parked: List,
    /// The number of buffers that the driver has taken and not given back.
    pub(in super::super) taken: usize,
    /// Streaming stops: there is nothing for the driver any more, such as a late interrupt.
    pub(in super::super) is_stopping: bool,
}

// SAFETY: The buffers in the lists belong to them; they are not tied to a thread.
unsafe impl Send for ActiveList {}

impl ActiveList {
    pub(in super::super) const fn new() -> Self {
        Self {
            list: List::new(),
            parked: List::new(),
            taken: 0,
            is_stopping: false,
        }
    }
}

impl<T: Operations> Queue<T> {
    /// Takes the buffer that has waited longest, if there is one. In any context.
    ///
    /// There is none from when `stop_streaming` has returned, or `start_streaming` has failed.
    pub fn next(&self) -> Option<Buffer<'_, T>> {
        let mut buffers = self.buffers.lock();
        if buffers.is_stopping {
            return None;
        }
        let raw = buffers.list.pop_front()?;

        buffers.taken += 1;
        // SAFETY: By the type invariants the buffer is alive.
        unsafe { raw.as_ref() }.set_taken(true);
        drop(buffers);

        // SAFETY: It is not in the list any more, and counted.
        Some(unsafe { Buffer::new(self, raw) })
    }

    /// Calls `f` with what the hardware has, in any context; interrupts are off meanwhile.
    ///
    /// What [`Waiting::next`] gives can be put into the hardware's slots, and lives there until it
    /// is taken out or streaming stops. `f` is not given the queue itself: what is in the slots
    /// must not be able to get at them while it is dropped.
    pub fn with_active<R>(
        &self,
        f: impl for<'q> FnOnce(&Waiting<'q, T>, &mut T::Active<'q>) -> R,
    ) -> R {
        let mut active = self.active.lock();
        // The lifetime in a type changes nothing of its layout. For `f` it can be any, so that
        // there is nothing with a shorter one than that of the queue that it could put in.
        let active = core::ptr::from_mut(&mut *active).cast();

        // SAFETY: By the type invariants what is in there borrows from this queue.
        f(&Waiting(self), unsafe { &mut *active })
    }

    /// Appends a buffer, unless its memory is not there any more: then it is given back.
    ///
    /// # Safety
    ///
    /// videobuf2 must just have given the buffer to the driver.
    pub(in super::super) unsafe fn push_back(&self, raw: NonNull<RawBuffer>) {
        let mut buffers = self.buffers.lock();

        // SAFETY: By the safety requirements.
        unsafe {
            if self.is_there(raw) {
                buffers.list.push_back(raw);
                return;
            }
            buffers.taken += 1;
            drop(buffers);
            self.give_back(raw, bindings::vb2_buffer_state_VB2_BUF_STATE_ERROR);
        }
    }

    /// Takes back a buffer that was not filled, to the head of the list: it is the first to be
    /// taken again, if its memory is still there.
    ///
    /// # Safety
    ///
    /// The buffer must be that of a [`Buffer`] of this queue which is not used any more.
    pub(in super::super) unsafe fn requeue(&self, raw: NonNull<RawBuffer>) {
        let mut buffers = self.buffers.lock();

        // SAFETY: By the safety requirements.
        unsafe {
            if !self.is_there(raw) {
                drop(buffers);
                return self.give_back(raw, bindings::vb2_buffer_state_VB2_BUF_STATE_ERROR);
            }
            raw.as_ref().set_taken(false);
            buffers.list.push_front(raw);
        }
        buffers.taken -= 1;
        self.all_returned.notify_all();
    }

    /// Whether all memory of a buffer is still there for the engine: the exporter of some may have
    /// taken it back. With `buffers` locked, [`recall`](Self::recall) comes after that.
    ///
    /// # Safety
    ///
    /// The buffer must be the driver's.
    #[inline]
    pub(in super::super) unsafe fn is_there(&self, raw: NonNull<RawBuffer>) -> bool {
        // An access of the CPU finds out by itself.
        if !T::Engine::IS_DMA {
            return true;
        }
        // SAFETY: By the safety requirements.
        unsafe { raw.as_ref().memory() }.all(Memory::is_mapped)
    }

    /// Gives the buffer of a [`Buffer`], or one that is counted as taken, back to videobuf2, in any
    /// context; before streaming has started, when it has.
    ///
    /// Where a start fails, videobuf2 keeps buffers queued, and must not have been given one as
    /// complete.
    ///
    /// # Safety
    ///
    /// The buffer must be counted as taken, and not be used any more.
    pub(in super::super) unsafe fn give_back(
        &self,
        raw: NonNull<RawBuffer>,
        state: bindings::vb2_buffer_state,
    ) {
        // The engine has left it. For those who wait for that, this comes first: once it is given
        // back, it may be queued and taken anew.
        //
        // SAFETY: By the safety requirements the buffer is alive.
        unsafe { raw.as_ref() }.set_taken(false);

        if !self.is_started.load(Relaxed) {
            let mut buffers = self.buffers.lock();

            if !self.is_started.load(Relaxed) {
                // SAFETY: By the safety requirements.
                unsafe {
                    raw.as_ref().park(state);
                    buffers.parked.push_back(raw);
                }
                buffers.taken -= 1;
                return self.all_returned.notify_all();
            }
        }

        // SAFETY: By the safety requirements.
        unsafe { raw.as_ref().done(state) };

        // Who waits for this may free the queue.
        let mut buffers = self.buffers.lock();
        buffers.taken -= 1;
        self.all_returned.notify_all();
    }

    /// An exporter takes memory of a buffer back: sees to it that the engine does not use it any
    /// more. Called with the reservation lock of the memory held; sleeps until the engine has left.
    ///
    /// # Safety
    ///
    /// `raw` must be a buffer of a live `Self`, which stays until this returns; the memory is not
    /// mapped any more, for those who ask.
    pub(in super::super) unsafe fn recall_callback(raw: NonNull<c_void>) {
        let raw = raw.cast::<RawBuffer>();
        // SAFETY: By the safety requirements.
        let (buffer, this) = unsafe {
            let buffer = raw.as_ref();
            (buffer, Self::from_raw((*buffer.vb()).vb2_queue))
        };

        let mut buffers = this.buffers.lock();
        // SAFETY: The buffer is alive.
        if unsafe { buffers.list.remove(raw) } {
            buffers.taken += 1;
            drop(buffers);
            // SAFETY: It is counted, and out of the list it is ours.
            unsafe { this.give_back(raw, bindings::vb2_buffer_state_VB2_BUF_STATE_ERROR) };
            return;
        }
        if !buffer.is_taken() {
            return;
        }
        drop(buffers);

        if T::HAS_INVALIDATE_MAPPINGS {
            // SAFETY: The buffer was taken while the queue streamed. Who stops and shuts it since
            // frees the buffer before it ends, and gives up its memory first, for which it needs
            // the reservation lock that is held.
            let cx = unsafe {
                let owner = &*(*this.as_raw()).drv_priv.cast::<T::Owner>();
                ActiveContext::new(this, owner)
            };
            T::invalidate_mappings(&cx);
        }
        this.wait_until_returned(|_| usize::from(buffer.is_taken()));
    }

    /// Streaming has started: completes what had to wait.
    pub(in super::super) fn end_start(&self) {
        let mut buffers = self.buffers.lock();

        // In the order in which they came: what is completed from here on comes after these.
        while let Some(raw) = buffers.parked.pop_front() {
            // SAFETY: It was parked, and out of the list it is ours.
            unsafe { raw.as_ref().unpark() };
        }
        self.is_started.store(true, Relaxed);
    }

    /// Gives all buffers back to videobuf2 in `state`, and waits for those that are taken.
    ///
    /// # Safety
    ///
    /// The queue's lock must be held.
    pub(in super::super) unsafe fn return_all_buffers(&self, state: bindings::vb2_buffer_state) {
        // SAFETY: By the safety requirements.
        unsafe { self.cancel_fences(state) };

        self.buffers.lock().is_stopping = true;
        // What is in the hardware's slots goes back to the list. Not dropped under the lock.
        let active = core::mem::take(&mut *self.active.lock());
        drop(active);

        self.wait_until_returned(|buffers| {
            while let Some(raw) = buffers
                .parked
                .pop_front()
                .or_else(|| buffers.list.pop_front())
            {
                // SAFETY: By the type invariants the buffer is in the driver's hands.
                unsafe { raw.as_ref().done(state) };
            }
            buffers.taken
        });
        self.is_started.store(false, Relaxed);
        self.buffers.lock().is_stopping = false;
    }

    /// Waits until the driver has given back those buffers that `count` counts.
    fn wait_until_returned(&self, mut count: impl FnMut(&mut ActiveList) -> usize) {
        let mut buffers = self.buffers.lock();
        let mut patience = Some(msecs_to_jiffies(PATIENCE));

        loop {
            let left = count(&mut buffers);
            if left == 0 {
                break;
            }

            let Some(jiffies) = patience else {
                self.all_returned.wait(&mut buffers);
                continue;
            };
            patience = match self
                .all_returned
                .wait_interruptible_timeout(&mut buffers, jiffies)
            {
                CondVarTimeoutResult::Woken { jiffies } => Some(jiffies),
                // The memory is still written to: a signal cannot end the wait.
                CondVarTimeoutResult::Signal { .. } => None,
                CondVarTimeoutResult::Timeout => {
                    self.warn(left);
                    None
                }
            };
        }
    }

    /// Names a driver that keeps buffers.
    fn warn(&self, count: usize) {
        // SAFETY: The device is held, and bound as long as there are buffers.
        let dev = unsafe { ops::device((*self.as_raw()).dev) };
        let dev: &device::Device = dev;

        dev.pr_warn(fmt!(
            "the driver has not given {count} buffers back, which are waited for\n"
        ));
    }
}

/// The buffers of a [`Queue`] that wait for the driver, for [`Queue::with_active`].
pub struct Waiting<'q, T: Operations>(&'q Queue<T>);

impl<'q, T: Operations> Waiting<'q, T> {
    /// As [`Queue::next`].
    pub fn next(&self) -> Option<Buffer<'q, T>> {
        self.0.next()
    }
}
