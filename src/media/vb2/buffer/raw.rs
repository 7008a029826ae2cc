// SPDX-License-Identifier: GPL-2.0

//! What videobuf2 allocates for each buffer.

use super::super::{
    fence::Fences,
    memory::Memory,
    ops::Operations, //
};
use crate::bindings;
use core::{
    cell::{
        Cell,
        UnsafeCell, //
    },
    mem::{
        align_of,
        offset_of,
        size_of,
        MaybeUninit, //
    },
    ptr::NonNull, //
};
use kernel::{
    build_assert::const_assert,
    sync::atomic::{
        Acquire,
        Atomic,
        Release, //
    },
    types::Opaque, //
};

/// What is the same in the buffers of every [`Queue`](super::super::Queue).
#[repr(C)]
pub(in super::super) struct RawBuffer {
    vbuf: Opaque<bindings::vb2_v4l2_buffer>,
    next: UnsafeCell<*mut RawBuffer>,
    /// What the buffer is given back as, while it is parked.
    state: UnsafeCell<bindings::vb2_buffer_state>,
    /// Whether there is a [`Buffer`](super::Buffer).
    is_taken: Atomic<bool>,
    fences: Fences,
}

impl RawBuffer {
    /// # Safety
    ///
    /// `vb` must be a buffer of a [`Queue`](super::super::Queue).
    pub(in super::super) unsafe fn from_vb(vb: *mut bindings::vb2_buffer) -> NonNull<Self> {
        const_assert!(offset_of!(RawBuffer, vbuf) == 0);
        const_assert!(offset_of!(bindings::vb2_v4l2_buffer, vb2_buf) == 0);

        // SAFETY: The queue allocates its buffers in the size of this struct, which begins with
        // the `vb2_buffer`; a buffer is never at address zero.
        unsafe { NonNull::new_unchecked(vb.cast()) }
    }

    pub(super) fn vbuf(&self) -> *mut bindings::vb2_v4l2_buffer {
        self.vbuf.get()
    }

    pub(in super::super) fn vb(&self) -> *mut bindings::vb2_buffer {
        self.vbuf().cast()
    }

    /// What the buffer waits for.
    pub(in super::super) fn fences(&self) -> &Fences {
        &self.fences
    }

    /// The memory of the planes.
    ///
    /// # Safety
    ///
    /// The buffer must have its memory for as long as the result is used: the driver has it, or it
    /// is being prepared.
    #[inline]
    pub(in super::super) unsafe fn memory(&self) -> impl Iterator<Item = &Memory> {
        // SAFETY: By the safety requirements; the planes do not change meanwhile. There are no
        // references to them: a driver writes `bytesused`.
        let (planes, count) = unsafe {
            (
                (&raw const (*self.vb()).planes).cast::<bindings::vb2_plane>(),
                (*self.vb()).num_planes as usize,
            )
        };

        // SAFETY: As above; `memory::OPS` is where the private data of planes comes from.
        (0..count).map(move |i| unsafe { Memory::from_priv((*planes.add(i)).mem_priv) })
    }

    pub(in super::super) fn is_taken(&self) -> bool {
        self.is_taken.load(Acquire)
    }

    pub(in super::super) fn set_taken(&self, is_taken: bool) {
        self.is_taken.store(is_taken, Release);
    }

    /// # Safety
    ///
    /// The caller holds the lock of the list that the buffer is in, or owns the buffer.
    pub(in super::super) unsafe fn next(&self) -> *mut RawBuffer {
        // SAFETY: By the safety requirements nobody writes it now.
        unsafe { *self.next.get() }
    }

    /// # Safety
    ///
    /// The caller holds the lock of the list that the buffer is in, or owns the buffer.
    pub(in super::super) unsafe fn set_next(&self, next: *mut RawBuffer) {
        // SAFETY: By the safety requirements nobody else uses it now.
        unsafe { *self.next.get() = next };
    }

    /// Gives the buffer back to videobuf2, in any context.
    ///
    /// # Safety
    ///
    /// The buffer must be active, and in nobody else's hands; it is not used any more.
    pub(in super::super) unsafe fn done(&self, state: bindings::vb2_buffer_state) {
        // SAFETY: By the safety requirements.
        unsafe { bindings::vb2_buffer_done(self.vb(), state) };
    }

    /// Gives the buffer back as what it was parked with.
    ///
    /// # Safety
    ///
    /// As for [`done`](Self::done); the buffer was parked.
    pub(in super::super) unsafe fn unpark(&self) {
        // SAFETY: By the safety requirements.
        unsafe { self.done(*self.state.get()) };
    }

    /// # Safety
    ///
    /// The caller owns the buffer.
    pub(in super::super) unsafe fn park(&self, state: bindings::vb2_buffer_state) {
        // SAFETY: By the safety requirements nobody else uses it now.
        unsafe { *self.state.get() = state };
    }
}

/// A buffer of a [`Queue<T>`](super::super::Queue), with what the driver keeps with it. All zeroes
/// is one without.
///
/// # Invariants
///
/// `data` is initialized if `is_init`.
#[repr(C)]
pub(in super::super) struct DriverBuffer<T: Operations> {
    raw: RawBuffer,
    is_init: Cell<bool>,
    data: UnsafeCell<MaybeUninit<T::BufferData>>,
}

impl<T: Operations> DriverBuffer<T> {
    /// # Safety
    ///
    /// `vb` must be a buffer of a [`Queue<T>`](super::super::Queue).
    pub(in super::super) unsafe fn from_vb(vb: *mut bindings::vb2_buffer) -> NonNull<Self> {
        const_assert!(offset_of!(DriverBuffer<T>, raw) == 0);
        // As much as kmalloc() sees to, on any machine.
        const { assert!(align_of::<Self>() <= align_of::<u64>()) };
        // videobuf2 has the size in 32 bits.
        const { assert!(size_of::<Self>() <= u32::MAX as usize) };

        // SAFETY: By the safety requirements; the queue allocates its buffers in the size of this.
        unsafe { RawBuffer::from_vb(vb) }.cast()
    }

    /// What the driver keeps. It is there from [`init`](Self::init) on.
    #[inline]
    pub(super) fn data(&self) -> *mut T::BufferData {
        self.data.get().cast()
    }

    /// Makes what the driver keeps.
    ///
    /// # Safety
    ///
    /// Nobody else uses the buffer.
    pub(in super::super) unsafe fn init(&self) {
        // SAFETY: By the safety requirements.
        unsafe { self.cleanup() };
        // INVARIANT: Initialized.
        //
        // SAFETY: As above.
        unsafe { self.data().write(T::BufferData::default()) };
        self.is_init.set(true);
    }

    /// Drops what the driver keeps, if it is there.
    ///
    /// # Safety
    ///
    /// Nobody else uses the buffer.
    pub(in super::super) unsafe fn cleanup(&self) {
        if self.is_init.replace(false) {
            // SAFETY: By the type invariants and the safety requirements.
            unsafe { self.data().drop_in_place() };
        }
    }
}
