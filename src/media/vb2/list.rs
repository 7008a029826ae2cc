// SPDX-License-Identifier: GPL-2.0

//! The buffers that videobuf2 has given to a driver (`VB2_BUF_STATE_ACTIVE`).

use super::buffer::RawBuffer;
use core::ptr::{
    null_mut,
    NonNull, //
};

/// A singly linked list of buffers.
///
/// It can be appended to and popped from in interrupt context, without an allocation. A buffer is
/// in one list at most, so that one link in each is enough.
///
/// # Invariants
///
/// Each buffer in the list is alive, and nobody else's. `tail` is the last of them, or null.
pub(super) struct List {
    head: *mut RawBuffer,
    tail: *mut RawBuffer,
}

impl List {
    pub(super) const fn new() -> Self {
        Self {
            head: null_mut(),
            tail: null_mut(),
        }
    }

    /// # Safety
    ///
    /// The buffer must be alive, and belongs to the list from here on.
    pub(super) unsafe fn push_back(&mut self, raw: NonNull<RawBuffer>) {
        // SAFETY: By the safety requirements the buffer is the caller's.
        unsafe { raw.as_ref().set_next(null_mut()) };
        match NonNull::new(self.tail) {
            // SAFETY: By the type invariants.
            Some(tail) => unsafe { tail.as_ref().set_next(raw.as_ptr()) },
            None => self.head = raw.as_ptr(),
        }
        self.tail = raw.as_ptr();
    }

    /// # Safety
    ///
    /// As for [`push_back`](Self::push_back).
    pub(super) unsafe fn push_front(&mut self, raw: NonNull<RawBuffer>) {
        // SAFETY: By the safety requirements the buffer is the caller's.
        unsafe { raw.as_ref().set_next(self.head) };
        self.head = raw.as_ptr();
        if self.tail.is_null() {
            self.tail = raw.as_ptr();
        }
    }

    /// Takes out the first buffer, which is the caller's from here on.
    pub(super) fn pop_front(&mut self) -> Option<NonNull<RawBuffer>> {
        let raw = NonNull::new(self.head)?;

        // SAFETY: By the type invariants.
        self.head = unsafe { raw.as_ref().next() };
        if self.head.is_null() {
            self.tail = null_mut();
        }
        Some(raw)
    }
}

/// The buffers of a queue that are active.
pub(super) struct ActiveList {
    /// Those that wait for the driver, in the order in which they were queued.
    pub(super) list: List,
    /// Those that the driver has completed before streaming has started.
    pub(super) parked: List,
    /// The number of buffers that the driver has taken and not given back.
    pub(super) taken: usize,
}

// SAFETY: The buffers in the lists belong to them; they are not tied to a thread.
unsafe impl Send for ActiveList {}

impl ActiveList {
    pub(super) const fn new() -> Self {
        Self {
            list: List::new(),
            parked: List::new(),
            taken: 0,
        }
    }
}
