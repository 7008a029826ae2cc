// SPDX-License-Identifier: GPL-2.0

//! Buffer queues.
//!
//! C header: [`include/media/videobuf2-v4l2.h`](srctree/include/media/videobuf2-v4l2.h)

use super::{
    buffer::{
        Buffer,
        RawBuffer, //
    },
    cache::Cache,
    config::Config,
    limit::{
        self,
        Limit, //
    },
    memory::{
        self,
        Memory, //
    },
    ops::{
        Operations,
        VTable, //
    },
};
use crate::{
    bindings,
    stats::Stats, //
};
use core::{
    marker::{
        PhantomData,
        PhantomPinned, //
    },
    mem::{
        offset_of,
        size_of, //
    },
    ptr::{
        null_mut,
        NonNull, //
    },
};
use kernel::{
    build_assert::const_assert,
    container_of,
    device,
    error::to_result,
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        CondVar,
        SpinLockIrq, //
    },
    types::Opaque, //
};

/// The buffers that wait for the driver, in the order in which they were queued.
struct Ready {
    head: *mut RawBuffer,
    tail: *mut RawBuffer,
    /// How many buffers the driver has taken and not given back.
    out: usize,
}

// SAFETY: The buffers in the list belong to it; they are not tied to a thread.
unsafe impl Send for Ready {}

/// The part of a [`Queue`] that is the same for every driver.
///
/// # Invariants
///
/// `queue` is initialized once the [`Queue`] is, and lies in front.
#[repr(C)]
#[pin_data]
pub(super) struct RawQueue {
    #[pin]
    queue: Opaque<bindings::vb2_queue>,
    stats: Arc<Stats>,
    limit: Arc<Limit>,
    #[pin]
    cache: Cache,
}

impl RawQueue {
    /// # Safety
    ///
    /// `q` must be the queue of a live [`Queue`].
    pub(super) unsafe fn from_vb2<'a>(q: *mut bindings::vb2_queue) -> &'a Self {
        const_assert!(offset_of!(RawQueue, queue) == 0);

        // SAFETY: By the safety requirements and the type invariants.
        unsafe { &*q.cast::<Self>() }
    }

    /// What is counted.
    pub(super) fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// How much memory the buffers may have.
    pub(super) fn limit(&self) -> &Arc<Limit> {
        &self.limit
    }

    /// The imports that are kept.
    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }
}

/// A videobuf2 queue.
///
/// # Invariants
///
/// - The C queue in `raw` is initialized, its `lock` points to the field of that name, its
///   `drv_priv` to the `T::Context` that embeds this queue, and its buffers are of the size of a
///   [`RawBuffer`].
/// - Each buffer in `ready` was given by `buf_queue` and not yet returned; each buffer that is out
///   belongs to exactly one [`Buffer`].
#[pin_data(PinnedDrop)]
pub struct Queue<T: Operations> {
    #[pin]
    raw: RawQueue,
    #[pin]
    lock: Opaque<bindings::mutex>,
    #[pin]
    ready: SpinLockIrq<Ready>,
    #[pin]
    idle: CondVar,
    #[pin]
    _pin: PhantomPinned,
    _p: PhantomData<T>,
}

// SAFETY: The C queue has no ties to a thread.
unsafe impl<T: Operations> Send for Queue<T> {}

// SAFETY: The methods on shared references take the locks that they need.
unsafe impl<T: Operations> Sync for Queue<T> {}

impl<T: Operations> Queue<T> {
    /// Initializes a queue for buffers of `buf_type`, a `V4L2_BUF_TYPE_*`, whose callbacks get
    /// `context`, and whose memory is mapped for `dev`.
    ///
    /// # Safety
    ///
    /// The caller ensures that
    ///
    /// - the queue is a part of `context`, and lives as long as it does;
    /// - `context` is fully initialized before the queue is used;
    /// - `context` holds `dev`, and the queue's buffers are freed before `dev` is unbound.
    pub(crate) unsafe fn new<'a>(
        dev: &'a device::Device,
        context: NonNull<T::Context>,
        buf_type: u32,
        config: &'a Config,
        stats: Arc<Stats>,
    ) -> impl PinInit<Self, Error> + 'a
    where
        T: 'a,
    {
        let dev: *const device::Device = dev;

        try_pin_init!(&this in Self {
            lock <- Opaque::ffi_init(|slot| {
                // SAFETY: The slot is memory for a mutex.
                unsafe { bindings::mutex_init(slot) }
            }),
            ready <- SpinLockIrq::new(
                Ready { head: null_mut(), tail: null_mut(), out: 0 },
                lock_name!("vb2::Queue::ready"),
                static_lock_class!(),
            ),
            idle <- CondVar::new(lock_name!("vb2::Queue::idle"), static_lock_class!()),
            raw <- try_pin_init!(RawQueue {
                cache <- Cache::new(stats.clone()),
                limit: Limit::new(config)?,
                stats,
                queue <- Opaque::try_ffi_init(move |q: *mut bindings::vb2_queue| {
                    // SAFETY: The slot is memory for a `vb2_queue`, for which all zeroes is the
                    // state that C code starts from; `this` points to the struct that is being
                    // initialized.
                    unsafe {
                        q.write_bytes(0, 1);
                        (*q).type_ = buf_type;
                        (*q).io_modes = config
                            .io_modes(buf_type)
                            .fold(0, |all, mode| all | *mode as u32);
                        (*q).dev = dev.cast_mut().cast();
                        (*q).lock = Opaque::cast_into(&raw const (*this.as_ptr()).lock);
                        (*q).ops = &VTable::<T>::OPS;
                        (*q).mem_ops = &memory::OPS;
                        (*q).drv_priv = context.as_ptr().cast();
                        (*q).buf_struct_size = size_of::<RawBuffer>() as u32;
                        (*q).timestamp_flags = bindings::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
                        (*q).min_reqbufs_allocation = config.min_reqbufs_allocation;
                        (*q).max_num_buffers = config.max_num_buffers;
                    }
                    // SAFETY: All that the core asks for is set above.
                    to_result(unsafe { bindings::vb2_queue_init(q) })
                }),
            }),
            _pin: PhantomPinned,
            _p: PhantomData,
        })
    }

    /// The C queue.
    pub(crate) fn as_raw(&self) -> *mut bindings::vb2_queue {
        self.raw.queue.get()
    }

    /// The mutex that serializes the queue's ioctls.
    pub(crate) fn lock(&self) -> *mut bindings::mutex {
        self.lock.get()
    }

    /// # Safety
    ///
    /// `q` must be the queue of a live `Self`.
    pub(super) unsafe fn from_raw<'a>(q: *mut bindings::vb2_queue) -> &'a Self {
        const_assert!(offset_of!(RawQueue, queue) == 0);

        // SAFETY: By the safety requirements and the type invariants of `RawQueue`. The pointer is
        // not taken from a reference to the part of it.
        unsafe { &*container_of!(q.cast::<RawQueue>(), Self, raw) }
    }

    /// # Safety
    ///
    /// `q` must be the queue of a live `Self`.
    pub(super) unsafe fn context<'a>(q: *mut bindings::vb2_queue) -> &'a T::Context {
        // SAFETY: By the type invariants.
        unsafe { &*(*q).drv_priv.cast::<T::Context>() }
    }

    /// What happens to the memory of the queue's buffers, in numbers.
    pub fn stats(&self) -> &Stats {
        &self.raw.stats
    }

    /// How much memory the buffers may have.
    pub(super) fn limit(&self) -> &Limit {
        &self.raw.limit
    }

    /// The imports that are kept.
    pub(super) fn cache(&self) -> &Cache {
        &self.raw.cache
    }

    /// Takes the exported buffers of the queue back from importers, or lets them have them again;
    /// see [`Pages::revoke`](crate::dma_buf::Pages::revoke).
    pub fn revoke_exports(&self, is_revoked: bool) -> Result {
        // SAFETY: The mutex is initialized.
        unsafe { bindings::mutex_lock(self.lock()) };
        // SAFETY: The lock keeps the buffers where they are.
        let planes = unsafe { self.planes() };
        let results = planes.map(|plane| {
            // SAFETY: The plane of a buffer that is there, under the lock of whose queue its memory
            // stays, which is of `memory::OPS`.
            let pages = unsafe {
                let mem_priv = (*plane).mem_priv;
                if mem_priv.is_null() {
                    return Ok(());
                }
                Memory::from_priv(mem_priv).pages()
            };
            pages.map_or(Ok(()), |pages| pages.revoke(is_revoked))
        });
        // All of them, though a signal may have ended the wait for one.
        let result = results.fold(Ok(()), Result::and);
        // SAFETY: It was locked above.
        unsafe { bindings::mutex_unlock(self.lock()) };
        result
    }

    /// The buffers that there are.
    ///
    /// # Safety
    ///
    /// The queue's lock must be held for as long as the result is used.
    unsafe fn buffers(&self) -> impl Iterator<Item = *mut bindings::vb2_buffer> + '_ {
        // SAFETY: The queue is initialized.
        let max = unsafe { (*self.as_raw()).max_num_buffers };

        (0..max)
            .map(|index| {
                // SAFETY: By the safety requirements; any index may be asked for.
                unsafe { bindings::vb2_get_buffer(self.as_raw(), index) }
            })
            .filter(|vb| !vb.is_null())
    }

    /// The planes of all buffers. There are no references to them: a driver writes `bytesused` of
    /// those that it has.
    ///
    /// # Safety
    ///
    /// The queue's lock must be held for as long as the result is used.
    unsafe fn planes(&self) -> impl Iterator<Item = *mut bindings::vb2_plane> + '_ {
        // SAFETY: By the safety requirements.
        unsafe { self.buffers() }.flat_map(|vb| {
            // SAFETY: A buffer that is there has its planes, whose number does not change.
            let (planes, count) = unsafe { (&raw mut (*vb).planes, (*vb).num_planes as usize) };

            (0..count).map(move |i| planes.cast::<bindings::vb2_plane>().wrapping_add(i))
        })
    }

    /// How many pages the buffers have, if these are the queue's own.
    ///
    /// # Safety
    ///
    /// The queue's lock must be held.
    pub(super) unsafe fn pages(&self) -> usize {
        // SAFETY: By the safety requirements.
        let planes = unsafe { self.planes() };

        // SAFETY: Their buffers are there, by the lock, and lengths do not change meanwhile.
        limit::pages(planes.map(|plane| unsafe { (*plane).length }))
    }

    /// Whether buffers are allocated, so that the format cannot change.
    pub fn is_busy(&self) -> bool {
        // SAFETY: The queue is initialized.
        unsafe { bindings::vb2_is_busy(self.as_raw()) }
    }

    /// Takes the buffer that has waited longest, if there is one.
    pub fn next(&self) -> Option<Buffer<'_, T>> {
        let mut ready = self.ready.lock();
        let raw = NonNull::new(ready.head)?;

        // SAFETY: By the type invariants the buffers in the list are alive and ours.
        ready.head = unsafe { raw.as_ref().next() };
        if ready.head.is_null() {
            ready.tail = null_mut();
        }
        ready.out += 1;
        drop(ready);

        // SAFETY: It is not in the list any more, and counted.
        Some(unsafe { Buffer::new(self, raw) })
    }

    /// Appends a buffer.
    ///
    /// # Safety
    ///
    /// videobuf2 must just have given the buffer to the driver.
    pub(super) unsafe fn put(&self, raw: NonNull<RawBuffer>) {
        let mut ready = self.ready.lock();

        // SAFETY: The buffer is alive, and belongs to the list from here on.
        unsafe { raw.as_ref().set_next(null_mut()) };
        match NonNull::new(ready.tail) {
            // SAFETY: By the type invariants.
            Some(tail) => unsafe { tail.as_ref().set_next(raw.as_ptr()) },
            None => ready.head = raw.as_ptr(),
        }
        ready.tail = raw.as_ptr();
    }

    /// Takes back a buffer that was not filled: it is the first to be taken again.
    ///
    /// # Safety
    ///
    /// The buffer must be that of a [`Buffer`] of this queue which is not used any more.
    pub(super) unsafe fn untake(&self, raw: NonNull<RawBuffer>) {
        let mut ready = self.ready.lock();

        // SAFETY: The buffer is alive, and belongs to the list from here on.
        unsafe { raw.as_ref().set_next(ready.head) };
        ready.head = raw.as_ptr();
        if ready.tail.is_null() {
            ready.tail = raw.as_ptr();
        }
        ready.out -= 1;
        drop(ready);
        self.idle.notify_all();
    }

    /// Notes that a [`Buffer`] was given back to videobuf2.
    pub(super) fn returned(&self) {
        self.ready.lock().out -= 1;
        self.idle.notify_all();
    }

    /// Gives all buffers back to videobuf2 in `state`, and waits for those that are out.
    pub(super) fn drain(&self, state: bindings::vb2_buffer_state) {
        let mut ready = self.ready.lock();

        loop {
            while let Some(raw) = NonNull::new(ready.head) {
                // SAFETY: By the type invariants the buffer is alive and in the driver's hands;
                // `vb2_buffer_done()` may be called in any context.
                unsafe {
                    ready.head = raw.as_ref().next();
                    bindings::vb2_buffer_done(raw.as_ref().vb(), state);
                }
            }
            ready.tail = null_mut();

            if ready.out == 0 {
                return;
            }
            self.idle.wait(&mut ready);
        }
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for Queue<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The mutex is initialized; with the last reference its last user is gone.
        unsafe { bindings::mutex_destroy(self.lock.get()) };
    }
}
