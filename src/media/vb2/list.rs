// SPDX-License-Identifier: GPL-2.0

//! Lists of buffers.

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

    /// Takes out a buffer, which is the caller's from here on; whether it was there.
    ///
    /// # Safety
    ///
    /// The buffer must be alive.
    pub(super) unsafe fn remove(&mut self, raw: NonNull<RawBuffer>) -> bool {
        let mut before: *mut RawBuffer = null_mut();
        let mut at = self.head;

        while let Some(buffer) = NonNull::new(at) {
            // SAFETY: By the type invariants.
            let next = unsafe { buffer.as_ref().next() };

            if buffer != raw {
                (before, at) = (at, next);
                continue;
            }
            match NonNull::new(before) {
                // SAFETY: As above.
                Some(before) => unsafe { before.as_ref().set_next(next) },
                None => self.head = next,
            }
            if next.is_null() {
                self.tail = before;
            }
            return true;
        }
        false
    }
}
