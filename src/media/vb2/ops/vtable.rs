// SPDX-License-Identifier: GPL-2.0

//! What videobuf2 calls for a queue.

use super::{
    super::{
        buffer::{
            DriverBuffer,
            IdleBuffer,
            RawBuffer, //
        },
        engine::Engine,
        limit,
        memory::Memory,
        queue::{
            Queue,
            RawQueue, //
        },
    },
    Operations, //
};
use crate::{
    bindings,
    stats::Counter, //
};
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

/// The table of callbacks for a `T`.
pub(in super::super) struct VTable<T: Operations>(PhantomData<T>);

impl<T: Operations> VTable<T> {
    pub(in super::super) const OPS: bindings::vb2_ops = bindings::vb2_ops {
        queue_setup: Some(Self::queue_setup_callback),
        buf_out_validate: None,
        buf_init: Some(Self::buf_init_callback),
        buf_prepare: Some(Self::buf_prepare_callback),
        buf_finish: if T::HAS_BUF_FINISH {
            Some(Self::buf_finish_callback)
        } else {
            None
        },
        buf_cleanup: Some(Self::buf_cleanup_callback),
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
            queue.raw().limit().set_layout(&planes);

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
                for (size, needed) in sizes.iter_mut().zip(planes.sizes()) {
                    *size = *needed;
                }
                *num_planes = planes.planes as c_uint;
            }

            // SAFETY: The queue is initialized, and its lock held.
            if unsafe { (*q).memory } == bindings::vb2_memory_VB2_MEMORY_MMAP {
                // SAFETY: The lock is held.
                let used = unsafe { queue.pages() };
                let each = limit::pages(sizes[..planes.planes].iter().copied());
                let most = queue.raw().limit().buffers(used, each);

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
            let (q, memory, planes, count) = unsafe {
                let vb = &*vb;
                (vb.vb2_queue, vb.memory, &vb.planes, vb.num_planes as usize)
            };
            // Memory of our own is always there.
            if memory == bindings::vb2_memory_VB2_MEMORY_MMAP
                && !T::Engine::IS_DMA
                && !T::HAS_BUF_PREPARE
            {
                return Ok(0);
            }
            // SAFETY: It is the queue of a buffer of ours.
            let stats = unsafe { RawQueue::from_vb2(q) }.stats();

            for (i, plane) in planes.iter().take(count).enumerate() {
                // One plane would overwrite the other: in a capture, there is no offset that user
                // space could give.
                if !plane.dbuf.is_null()
                    && planes.iter().take(i).any(|other| other.dbuf == plane.dbuf)
                {
                    stats.inc(Counter::RefusedSamePlane);
                    return Err(EINVAL);
                }
                // SAFETY: `memory::OPS` is where the private data of planes comes from; it stays
                // while the buffer is prepared.
                let memory = unsafe { Memory::from_priv(plane.mem_priv) };
                memory.prepare()?;

                if T::Engine::IS_DMA {
                    let len = plane.length as usize;
                    // SAFETY: The buffer is being prepared.
                    if !unsafe { memory.check_segments(len, &T::CONFIG) }? {
                        stats.inc(Counter::RefusedSegments);
                        return Err(EINVAL);
                    }
                }
            }
            if T::HAS_BUF_PREPARE {
                // SAFETY: The queue's lock is held; nobody else has the buffer meanwhile.
                unsafe {
                    if Queue::<T>::from_raw(q).is_shut() {
                        return Err(ENODEV);
                    }
                    T::buf_prepare(&Queue::<T>::context(q), &mut IdleBuffer::new(vb))?;
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
            let start = || {
                if queue.is_shut() {
                    return Err(ENODEV);
                }
                queue.raw().cache().enable()?;
                // SAFETY: As above; the queue is not shut, and its lock is held.
                T::start_streaming(&unsafe { Queue::<T>::context(q) })
            };

            let stream = start().inspect_err(|_| {
                // SAFETY: The lock is held.
                unsafe {
                    queue.return_all_buffers(bindings::vb2_buffer_state_VB2_BUF_STATE_QUEUED)
                };
                queue.raw().cache().disable();
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
        queue.raw().cache().disable();
    }

    /// # Safety
    ///
    /// `vb` must be a buffer of a live [`Queue<T>`] that has got its memory.
    unsafe extern "C" fn buf_init_callback(vb: *mut bindings::vb2_buffer) -> c_int {
        // SAFETY: By the safety requirements nobody uses it yet.
        unsafe { DriverBuffer::<T>::from_vb(vb).as_ref().init() };
        0
    }

    /// # Safety
    ///
    /// `vb` must be a buffer of a live [`Queue<T>`], which the driver has given back.
    unsafe extern "C" fn buf_finish_callback(vb: *mut bindings::vb2_buffer) {
        // SAFETY: By the safety requirements; the owner embeds the queue, and nobody else has the
        // buffer meanwhile.
        unsafe {
            let owner = &*(*(*vb).vb2_queue).drv_priv.cast::<T::Owner>();
            T::buf_finish(owner, &mut IdleBuffer::new(vb));
        }
    }

    /// # Safety
    ///
    /// `vb` must be a buffer of a live [`Queue<T>`] whose memory videobuf2 is about to give up.
    unsafe extern "C" fn buf_cleanup_callback(vb: *mut bindings::vb2_buffer) {
        // SAFETY: By the safety requirements nobody uses it any more, nor waits for its fences.
        unsafe { Queue::<T>::cleanup_callback(RawBuffer::from_vb(vb)) };
    }
}
