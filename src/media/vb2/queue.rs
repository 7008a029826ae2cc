// SPDX-License-Identifier: GPL-2.0

//! Buffer queues.
//!
//! C header: [`include/media/videobuf2-v4l2.h`](srctree/include/media/videobuf2-v4l2.h)

mod active;
mod raw;

pub use self::active::Waiting;
pub(super) use self::raw::RawQueue;

use self::active::ActiveList;
use super::{
    buffer::{
        DriverBuffer,
        RawBuffer, //
    },
    cache::Cache,
    context::Context,
    engine::Engine,
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
    compat::{
        owner_module,
        this_module,
        SpinLockIrq, //
    },
    stats::Stats, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomPinned,
    mem::{
        offset_of,
        size_of, //
    },
    ptr::NonNull, //
};
use kernel::{
    build_assert::const_assert,
    container_of,
    device::{
        self,
        Bound, //
    },
    error::to_result,
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        CondVar,
        LockClassKey, //
    },
    types::Opaque, //
};

/// A videobuf2 queue.
///
/// # Invariants
///
/// - The C queue in `raw` is initialized, its `lock` points to the field of that name, its
///   `drv_priv` to the `T::Owner` that embeds this queue, and its buffers are of the size of a
///   `DriverBuffer<T>`.
/// - Each buffer in the lists of `buffers` was given by `buf_queue` and not yet returned; each
///   buffer that is counted as taken there belongs to exactly one [`Buffer`](super::Buffer).
/// - What is in `active` borrows from this queue, whatever lifetime its type names.
#[pin_data(PinnedDrop)]
pub struct Queue<T: Operations> {
    /// Dropped before what its buffers are given back to.
    #[pin]
    active: SpinLockIrq<T::Active<'static>>,
    /// There while the queue streams; protected by `lock`.
    stream: UnsafeCell<Option<T::Stream>>,
    #[pin]
    raw: RawQueue,
    #[pin]
    lock: Opaque<bindings::mutex>,
    /// Of `lock`: the queues of different devices may be nested.
    #[pin]
    lock_class: LockClassKey,
    #[pin]
    buffers: SpinLockIrq<ActiveList>,
    /// Whether streaming has started: until then, what is completed has to wait. Changes with the
    /// lock of `buffers` held; is cleared while no buffer is taken.
    is_started: Atomic<bool>,
    #[pin]
    all_returned: CondVar,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The C queue has no ties to a thread, and what the driver has in it is `Send`.
unsafe impl<T: Operations> Send for Queue<T> {}

// SAFETY: The methods on shared references take the locks that they need.
unsafe impl<T: Operations> Sync for Queue<T> {}

impl<T: Operations> Queue<T> {
    /// Initializes a queue for buffers of `buf_type`, a `V4L2_BUF_TYPE_*`, which is a part of
    /// `owner`.
    ///
    /// # Safety
    ///
    /// The caller ensures that
    ///
    /// - the queue is a part of `owner`, and lives as long as it does;
    /// - `owner` is fully initialized, and [`set_device`](Self::set_device) has been called, before
    ///   the C queue is used.
    pub(crate) unsafe fn new(
        owner: NonNull<T::Owner>,
        buf_type: u32,
        stats: Arc<Stats>,
    ) -> impl PinInit<Self, Error> {
        const { T::CONFIG.check() };

        try_pin_init!(&this in Self {
            active <- SpinLockIrq::new(
                T::Active::default(),
                lock_name!("vb2::Queue::active"),
                static_lock_class!(),
            ),
            stream: UnsafeCell::new(None),
            lock_class <- LockClassKey::new_dynamic(),
            lock <- Opaque::ffi_init(|slot| {
                // SAFETY: The slot is memory for a mutex; the class is initialized, and stays for
                // longer than the mutex is used.
                unsafe {
                    bindings::__mutex_init(
                        slot,
                        lock_name!("vb2::Queue::lock").as_char_ptr(),
                        (*this.as_ptr()).lock_class.as_ptr(),
                    )
                }
            }),
            buffers <- SpinLockIrq::new(
                ActiveList::new(),
                lock_name!("vb2::Queue::buffers"),
                static_lock_class!(),
            ),
            is_started: Atomic::new(false),
            all_returned <- CondVar::new(
                lock_name!("vb2::Queue::all_returned"),
                static_lock_class!(),
            ),
            raw <- try_pin_init!(RawQueue {
                cache <- Cache::new(stats.clone()),
                limit: Limit::new(&T::CONFIG)?,
                stats,
                module: this_module::<owner_module!(T as Operations)>(),
                is_dma: T::Engine::IS_DMA,
                max_segments: T::CONFIG.max_segments,
                recall: Self::recall_callback,
                cleanup: Self::cleanup_callback,
                is_shut: Atomic::new(false),
                queue <- Opaque::try_ffi_init(move |q: *mut bindings::vb2_queue| {
                    let config = &T::CONFIG;

                    // SAFETY: The slot is memory for a `vb2_queue`, for which all zeroes is the
                    // state that C code starts from; `this` points to the struct that is being
                    // initialized.
                    unsafe {
                        q.write_bytes(0, 1);
                        (*q).type_ = buf_type;
                        (*q).io_modes = config
                            .io_modes(buf_type)
                            .fold(0, |all, mode| all | *mode as u32);
                        (*q).lock = Opaque::cast_into(&raw const (*this.as_ptr()).lock);
                        (*q).ops = &VTable::<T>::OPS;
                        (*q).mem_ops = if T::Engine::IS_DMA {
                            &memory::OPS_DMA
                        } else {
                            &memory::OPS
                        };
                        (*q).drv_priv = owner.as_ptr().cast();
                        (*q).buf_struct_size = size_of::<DriverBuffer<T>>() as u32;
                        (*q).timestamp_flags = bindings::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
                        (*q).min_reqbufs_allocation = config.min_reqbufs_allocation;
                        (*q).min_queued_buffers = config.min_queued_buffers;
                        (*q).max_num_buffers = config.max_num_buffers;
                    }
                    // SAFETY: All that the core asks for is set above.
                    to_result(unsafe { bindings::vb2_queue_init(q) })
                }),
            }),
            _pin: PhantomPinned,
        })
    }

    /// Sets the device that the memory of buffers is mapped for: `EIO` if that is the engine, and
    /// has no DMA mask.
    ///
    /// # Safety
    ///
    /// The queue is not used yet. Its buffers are freed before `dev` is unbound.
    pub(crate) unsafe fn set_device(&self, dev: &device::Device<Bound>) -> Result {
        let dev: &device::Device = dev;
        let dev = core::ptr::from_ref(dev)
            .cast_mut()
            .cast::<bindings::device>();

        if T::Engine::IS_DMA {
            // SAFETY: The device is valid, and its mask and its parameters, if there are any, are
            // set before it is bound, or by its driver.
            let (mask, params) = unsafe { ((*dev).dma_mask, (*dev).dma_parms) };

            if mask.is_null() {
                return Err(EIO);
            }
            if !params.is_null() {
                // SAFETY: There are parameters, and its driver maps nothing for the device
                // meanwhile: a word that all of its queues set alike.
                unsafe { bindings::dma_set_max_seg_size(dev, T::CONFIG.max_segment_size) };
            }
        }
        // SAFETY: By the safety requirements nobody else uses the field.
        unsafe { (*self.as_raw()).dev = dev };
        Ok(())
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
    /// `q` must be the queue of a live `Self`, and the invariants of [`Context`] hold.
    pub(super) unsafe fn context<'a>(q: *mut bindings::vb2_queue) -> Context<'a, T> {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe { Context::new(Self::from_raw(q), &*(*q).drv_priv.cast::<T::Owner>()) }
    }

    /// Drops what is kept with a buffer: what the driver has, and fences.
    ///
    /// # Safety
    ///
    /// `raw` must be a buffer of a live `Self`, which nobody uses, nor waits for its fences.
    pub(super) unsafe fn cleanup_callback(raw: NonNull<RawBuffer>) {
        // SAFETY: By the safety requirements; every buffer of such a queue is a `DriverBuffer`.
        unsafe {
            DriverBuffer::<T>::from_vb(raw.as_ref().vb())
                .as_ref()
                .cleanup();
            raw.as_ref().fences().release();
        }
    }

    /// From now on nothing is allocated or started any more: what the ioctls and read() ask for
    /// fails with `ENODEV`. What streams goes on until the queue is released.
    ///
    /// File operations test whether their node is registered before they wait for the queue's lock,
    /// and do not test again; who has missed this holds the lock, and is stopped by the release.
    pub(crate) fn shut(&self) {
        self.raw.is_shut.store(true, Relaxed);
    }

    pub(super) fn is_shut(&self) -> bool {
        self.raw.is_shut.load(Relaxed)
    }

    /// Tells user space that the hardware is dead, in any context: those who wait are woken, and
    /// all that needs buffers fails with `EIO` until streaming is stopped.
    ///
    /// Corresponds to `vb2_queue_error()`.
    pub fn error(&self) {
        // SAFETY: The queue is initialized; the call sets a flag, and wakes.
        unsafe { bindings::vb2_queue_error(self.as_raw()) };
    }

    /// What happens to the memory of the queue's buffers, in numbers.
    pub fn stats(&self) -> &Stats {
        &self.raw.stats
    }

    pub(super) fn raw(&self) -> &RawQueue {
        &self.raw
    }

    /// Takes the exported buffers of the queue back from importers, or lets them have them again;
    /// see [`Pages::revoke`](crate::dma_buf::Pages::revoke).
    ///
    /// Sleeps, and takes the queue's lock, which the callbacks of a driver hold: there it is
    /// [`Context::revoke_exports`].
    pub fn revoke_exports(&self, is_revoked: bool) -> Result {
        // SAFETY: The mutex is initialized.
        unsafe { bindings::mutex_lock(self.lock()) };
        // SAFETY: It is held.
        let result = unsafe { self.revoke_exports_locked(is_revoked) };
        // SAFETY: It was locked above.
        unsafe { bindings::mutex_unlock(self.lock()) };
        result
    }

    /// # Safety
    ///
    /// The queue's lock must be held.
    pub(super) unsafe fn revoke_exports_locked(&self, is_revoked: bool) -> Result {
        // SAFETY: By the safety requirements.
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
        results.fold(Ok(()), Result::and)
    }

    /// The buffers that there are.
    ///
    /// # Safety
    ///
    /// The queue's lock must be held for as long as the result is used.
    pub(super) unsafe fn buffers(&self) -> impl Iterator<Item = *mut bindings::vb2_buffer> + '_ {
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

    /// Exchanges what runs while the queue streams.
    ///
    /// # Safety
    ///
    /// The queue's lock must be held.
    pub(super) unsafe fn set_stream(&self, stream: Option<T::Stream>) -> Option<T::Stream> {
        // SAFETY: By the safety requirements nobody else uses it now.
        unsafe { self.stream.get().replace(stream) }
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for Queue<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The mutex is initialized; with the last reference its last user is gone.
        unsafe { bindings::mutex_destroy(self.lock.get()) };
    }
}
