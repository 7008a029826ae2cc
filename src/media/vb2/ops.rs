// SPDX-License-Identifier: GPL-2.0

//! The callbacks of a queue.
//!
//! C header: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h)

use super::{
    buffer::RawBuffer,
    config::{
        Config,
        TimestampSource, //
    },
    context::Context,
    engine::Engine,
    limit,
    memory::Memory,
    queue::{
        Queue,
        RawQueue, //
    },
    segments::Segments, //
};
use crate::{
    bindings,
    stats::Counter, //
};
use core::marker::PhantomData;
use kernel::{
    device,
    error::from_result,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

/// The planes of a buffer, and the bytes that each needs: what `queue_setup()` in C is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneSizes {
    sizes: [u32; bindings::VB2_MAX_PLANES as usize],
    planes: usize,
}

impl PlaneSizes {
    /// As many planes as there are `sizes`, `EINVAL` if videobuf2 cannot carry them:
    /// none, too many, or one without a byte.
    pub fn new(sizes: &[u32]) -> Result<Self> {
        let mut all = [0; bindings::VB2_MAX_PLANES as usize];

        if sizes.is_empty() || sizes.contains(&0) {
            return Err(EINVAL);
        }
        all.get_mut(..sizes.len())
            .ok_or(EINVAL)?
            .copy_from_slice(sizes);

        Ok(Self {
            sizes: all,
            planes: sizes.len(),
        })
    }

    /// The size in bytes of each plane.
    pub fn sizes(&self) -> &[u32] {
        &self.sizes[..self.planes]
    }

    /// Whether planes of these sizes are large enough.
    fn fits(&self, sizes: &[u32]) -> bool {
        sizes.len() == self.planes && self.sizes().iter().zip(sizes).all(|(need, is)| is >= need)
    }
}

/// What a driver does with its [`Queue`].
///
/// All of these are called with the queue's lock held, and may sleep. They correspond to the
/// callbacks of `struct vb2_ops` with the same names.
#[vtable]
pub trait Operations: Sized + 'static {
    /// The object that embeds the queue, which [`Context`] gives to every callback.
    type Owner: Send + Sync + 'static;

    /// What fills the buffers: [`Cpu`](super::Cpu) or [`Dma`](super::Dma).
    type Engine: Engine;

    /// The buffers that the hardware has, where it works by itself: usually a struct with an
    /// `Option<Buffer<'q, Self>>` for each of its slots. `()` for a driver without.
    ///
    /// It belongs to the queue, see [`Queue::with_active`]: what is in there when streaming stops
    /// is taken back.
    type Active<'q>: Default + Send + Unpin;

    /// What runs while the queue streams, such as a thread; dropping it stops it. `()` where it is
    /// the hardware that runs.
    type Stream: Send;

    /// How the queue is set up.
    const CONFIG: Config;

    /// The buffers that the current format needs, which does not change while there are buffers.
    fn queue_setup(cx: &Context<'_, Self>) -> Result<PlaneSizes>;

    /// What timestamps tell, which does not change while there are buffers either.
    fn timestamp_source(_cx: &Context<'_, Self>) -> TimestampSource {
        TimestampSource::EndOfFrame
    }

    /// Starts to consume the buffers of the queue, of which there are
    /// [`Config::min_queued_buffers`] at least.
    ///
    /// When this fails, those that are queued stay queued, and so do those that the driver has
    /// taken, whatever it has done with them.
    fn start_streaming(cx: &Context<'_, Self>) -> Result<Self::Stream>;

    /// Stops to consume buffers.
    ///
    /// When this returns, nothing of the driver or of the hardware uses a buffer any more; those in
    /// [`Active`](Self::Active) need not be given back. The queue waits for each
    /// [`Buffer`](super::Buffer) that is elsewhere.
    fn stop_streaming(_cx: &Context<'_, Self>, stream: Self::Stream) {
        drop(stream);
    }
}

/// The table of callbacks for a `T`.
pub(super) struct VTable<T: Operations>(PhantomData<T>);

impl<T: Operations> VTable<T> {
    pub(super) const OPS: bindings::vb2_ops = bindings::vb2_ops {
        queue_setup: Some(Self::queue_setup_callback),
        buf_out_validate: None,
        buf_init: None,
        buf_prepare: Some(Self::buf_prepare_callback),
        buf_finish: None,
        buf_cleanup: Some(buf_cleanup_callback),
        prepare_streaming: None,
        start_streaming: Some(Self::start_streaming_callback),
        stop_streaming: Some(Self::stop_streaming_callback),
        unprepare_streaming: None,
        buf_queue: Some(Self::buf_queue_callback),
        buf_request_complete: None,
    };

    /// # Safety
    ///
    /// `q` must be the queue of a live [`Queue<T>`], whose lock is held, and the arrays be as long
    /// as videobuf2 has them.
    unsafe extern "C" fn queue_setup_callback(
        q: *mut bindings::vb2_queue,
        num_buffers: *mut c_uint,
        num_planes: *mut c_uint,
        sizes: *mut c_uint,
        _alloc_devs: *mut *mut bindings::device,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            let queue = unsafe { Queue::<T>::from_raw(q) };
            if queue.is_shut() {
                return Err(ENODEV);
            }
            // SAFETY: As above; the queue is not shut, and its lock is held.
            let cx = unsafe { Queue::<T>::context(q) };
            let planes = T::queue_setup(&cx)?;
            let flags =
                bindings::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | T::timestamp_source(&cx) as u32;

            // Of a single-planar buffer user space knows one plane, and could never get at others.
            //
            // SAFETY: The queue is initialized.
            let is_multiplanar = unsafe { (*q).is_multiplanar() } != 0;
            if !is_multiplanar && planes.planes != 1 {
                return Err(EINVAL);
            }

            // SAFETY: As above; the queue's lock is held, under which buffers are told of.
            unsafe { (*q).timestamp_flags = flags };
            queue.limit().set_layout(&planes);

            // SAFETY: videobuf2 passes valid pointers, which only this call uses; `sizes` has
            // `VB2_MAX_PLANES` elements, and `num_planes` of them are set.
            let (num_buffers, num_planes, sizes) = unsafe {
                (
                    &mut *num_buffers,
                    &mut *num_planes,
                    core::slice::from_raw_parts_mut(sizes, bindings::VB2_MAX_PLANES as usize),
                )
            };

            // VIDIOC_CREATE_BUFS brings sizes of its own.
            if *num_planes != 0 {
                let sizes = sizes.get(..*num_planes as usize).ok_or(EINVAL)?;
                if !planes.fits(sizes) {
                    return Err(EINVAL);
                }
            } else {
                sizes[..planes.planes].copy_from_slice(planes.sizes());
                *num_planes = planes.planes as c_uint;
            }

            // SAFETY: The queue is initialized, and its lock held.
            if unsafe { (*q).memory } == bindings::vb2_memory_VB2_MEMORY_MMAP {
                // SAFETY: The lock is held.
                let used = unsafe { queue.pages() };
                let each = limit::pages(sizes[..planes.planes].iter().copied());
                let most = queue.limit().buffers(used, each);

                // Of none, videobuf2 makes ENOMEM. If it could allocate some only, it asks again,
                // when they are in use already; then any number up to theirs accepts them.
                *num_buffers = c_uint::try_from(most).map_or(*num_buffers, |n| n.min(*num_buffers));
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `vb` must be a buffer of a live [`Queue<T>`].
    unsafe extern "C" fn buf_prepare_callback(vb: *mut bindings::vb2_buffer) -> c_int {
        from_result(|| {
            // SAFETY: `vb` is valid, and nobody else changes its planes while it is prepared.
            let (memory, planes, count) =
                unsafe { ((*vb).memory, &(*vb).planes, (*vb).num_planes as usize) };
            // Memory of our own is always there.
            if memory == bindings::vb2_memory_VB2_MEMORY_MMAP && !T::Engine::IS_DMA {
                return Ok(0);
            }

            for (i, plane) in planes.iter().take(count).enumerate() {
                // One plane would overwrite the other: in a capture, there is no offset that user
                // space could give.
                if !plane.dbuf.is_null()
                    && planes.iter().take(i).any(|other| other.dbuf == plane.dbuf)
                {
                    // SAFETY: As for `vb`.
                    unsafe { RawQueue::from_vb2((*vb).vb2_queue) }
                        .stats()
                        .inc(Counter::RefusedSamePlane);
                    return Err(EINVAL);
                }
                // SAFETY: `memory::OPS` is where the private data of planes comes from; it stays
                // while the buffer is prepared.
                let memory = unsafe { Memory::from_priv(plane.mem_priv) };
                memory.prepare()?;

                if T::Engine::IS_DMA {
                    // SAFETY: This is part of preparing the buffer; with this engine its memory is
                    // mapped by now.
                    let segments =
                        unsafe { Segments::new(memory.sg_table(), plane.length as usize) };
                    if !segments.are_within(T::CONFIG.max_segments) {
                        // SAFETY: As for `vb`.
                        unsafe { RawQueue::from_vb2((*vb).vb2_queue) }
                            .stats()
                            .inc(Counter::RefusedSegments);
                        return Err(EINVAL);
                    }
                }
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `vb` must be a buffer of a live [`Queue<T>`], which videobuf2 gives to the driver, and whose
    /// lock is held.
    unsafe extern "C" fn buf_queue_callback(vb: *mut bindings::vb2_buffer) {
        // SAFETY: By the safety requirements; every buffer of such a queue is a `RawBuffer`.
        unsafe {
            Queue::<T>::from_raw((*vb).vb2_queue).push_back_when_idle(RawBuffer::from_vb(vb))
        };
    }

    /// # Safety
    ///
    /// `q` must be the queue of a live [`Queue<T>`], whose lock is held.
    unsafe extern "C" fn start_streaming_callback(
        q: *mut bindings::vb2_queue,
        _count: c_uint,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            let queue = unsafe { Queue::<T>::from_raw(q) };
            if queue.is_shut() {
                // SAFETY: The lock is held.
                unsafe {
                    queue.return_all_buffers(bindings::vb2_buffer_state_VB2_BUF_STATE_QUEUED)
                };
                return Err(ENODEV);
            }
            // SAFETY: As above; the queue is not shut, and its lock is held.
            let cx = unsafe { Queue::<T>::context(q) };

            let stream = queue
                .cache()
                .enable()
                .and_then(|()| T::start_streaming(&cx))
                .inspect_err(|_| {
                    // SAFETY: The lock is held.
                    unsafe {
                        queue.return_all_buffers(bindings::vb2_buffer_state_VB2_BUF_STATE_QUEUED)
                    };
                    queue.cache().disable();
                })?;
            // SAFETY: The queue's lock is held.
            unsafe { queue.set_stream(Some(stream)) };
            queue.end_start();
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `q` must be the queue of a live [`Queue<T>`], whose lock is held.
    unsafe extern "C" fn stop_streaming_callback(q: *mut bindings::vb2_queue) {
        // SAFETY: By the safety requirements. A queue that is shut does not stream: it is being
        // shut now, and by this thread.
        let (queue, cx) = unsafe { (Queue::<T>::from_raw(q), Queue::<T>::context(q)) };

        // SAFETY: The queue's lock is held.
        if let Some(stream) = unsafe { queue.set_stream(None) } {
            T::stop_streaming(&cx, stream);
        }
        // SAFETY: The lock is held.
        unsafe { queue.return_all_buffers(bindings::vb2_buffer_state_VB2_BUF_STATE_ERROR) };
        queue.cache().disable();
    }
}

/// # Safety
///
/// `vb` must be a buffer of a [`Queue`] that videobuf2 is about to free.
unsafe extern "C" fn buf_cleanup_callback(vb: *mut bindings::vb2_buffer) {
    // SAFETY: By the safety requirements; every buffer of such a queue is a `RawBuffer`.
    unsafe { RawBuffer::from_vb(vb).as_ref().fences().release() };
}

/// The device that buffers are mapped for.
///
/// # Safety
///
/// `dev` must be the device of a [`Queue`] that calls, and the reference be used in that call only.
pub(super) unsafe fn device<'a>(dev: *mut bindings::device) -> &'a device::Device<device::Bound> {
    // SAFETY: By the safety requirements of `Queue::new()` the device is held, and not unbound
    // before the queue has given up its memory.
    unsafe { device::Device::<device::Normal>::from_raw(dev).as_bound() }
}
