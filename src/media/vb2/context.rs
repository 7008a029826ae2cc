// SPDX-License-Identifier: GPL-2.0

//! What a driver's callbacks are given.

use super::{
    ops::Operations,
    queue::Queue, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    prelude::*,
    types::NotThreadSafe, //
};

/// A queue whose lock (`vb2_queue.lock`) is held by the calling thread, in a callback of a driver.
///
/// [`Deref`] gives the object that embeds the queue. On a V4L2 node there is more to be had, as the
/// node is registered meanwhile: see [`Context::device`], [`Context::parent`] and
/// [`Context::registration_data`].
///
/// `'a` stands for the time until the queue is shut: what has this lifetime may be kept in what
/// lives as long, and no longer. No shorter one can be taken for it.
///
/// # Invariants
///
/// - The queue's lock is held by this thread as long as this exists.
/// - `owner` embeds `queue`, and both are alive for `'a`.
/// - The queue is not shut, or is being shut by this thread.
pub struct Context<'a, T: Operations> {
    queue: &'a Queue<T>,
    owner: &'a T::Owner,
    _invariant: PhantomData<fn(&'a ()) -> &'a ()>,
    _lock: NotThreadSafe,
}

impl<'a, T: Operations> Context<'a, T> {
    /// # Safety
    ///
    /// The invariants must hold for as long as the result is used.
    pub(crate) unsafe fn new(queue: &'a Queue<T>, owner: &'a T::Owner) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            queue,
            owner,
            _invariant: PhantomData,
            _lock: NotThreadSafe,
        }
    }

    /// The queue.
    pub fn queue(&self) -> &'a Queue<T> {
        self.queue
    }

    /// The object that embeds the queue.
    pub fn owner(&self) -> &'a T::Owner {
        self.owner
    }

    /// See [`Queue::revoke_exports`].
    pub fn revoke_exports(&self, is_revoked: bool) -> Result {
        // SAFETY: By the type invariants the lock is held.
        unsafe { self.queue.revoke_exports_locked(is_revoked) }
    }
}

impl<T: Operations> Deref for Context<'_, T> {
    type Target = T::Owner;

    fn deref(&self) -> &T::Owner {
        self.owner
    }
}

/// A queue of which the driver has a buffer, and whose lock is not held by the calling thread: what
/// [`Operations::invalidate_mappings`] is given.
///
/// [`Deref`] and the rest are as for [`Context`].
///
/// # Invariants
///
/// - `owner` embeds `queue`, and both are alive for `'a`.
/// - The queue is not shut, or who shuts it waits for this to go.
pub struct ActiveContext<'a, T: Operations> {
    queue: &'a Queue<T>,
    owner: &'a T::Owner,
    _invariant: PhantomData<fn(&'a ()) -> &'a ()>,
}

impl<'a, T: Operations> ActiveContext<'a, T> {
    /// # Safety
    ///
    /// The invariants must hold for as long as the result is used.
    pub(super) unsafe fn new(queue: &'a Queue<T>, owner: &'a T::Owner) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            queue,
            owner,
            _invariant: PhantomData,
        }
    }

    /// The queue.
    pub fn queue(&self) -> &'a Queue<T> {
        self.queue
    }

    /// The object that embeds the queue.
    pub fn owner(&self) -> &'a T::Owner {
        self.owner
    }
}

impl<T: Operations> Deref for ActiveContext<'_, T> {
    type Target = T::Owner;

    fn deref(&self) -> &T::Owner {
        self.owner
    }
}
