// SPDX-License-Identifier: GPL-2.0

//! Tests of devices: what those of their parts have in common.

mod nodes;
mod registration;
mod source;

use super::{
    ctrl,
    ioctl,
    BufType,
    Capture,
    Device,
    Driver,
    FmtDesc,
    Nodes,
    PixFormat,
    RegistrationData,
    VideoDevice, //
};
use crate::{
    bindings,
    compat::{
        faux,
        new_spinlock_irq,
        SpinLockIrq, //
    },
    vb2::{
        self,
        Buffer,
        Config,
        Context,
        IoMode,
        Operations,
        PlaneSizes, //
    },
};
use core::ptr;
use kernel::{
    device::{
        self,
        Bound,
        DeviceContext, //
    },
    error::to_result,
    new_mutex,
    prelude::*,
    str::CString,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

const FORMAT: PixFormat = PixFormat::packed(64, 4, super::fourcc(b"GREY"), 64);

/// A name for a parent. One of its own for each: a test that fails leaves its device behind.
fn next_name() -> Result<CString> {
    static COUNT: Atomic<u32> = Atomic::new(0);

    CString::try_from_fmt(fmt!("vireo-kunit-{}", COUNT.fetch_add(1, Relaxed)))
}

/// Calls `f` as an ioctl does: with the node's lock held.
fn ioctl_of<T: Capture>(
    queue: &vb2::Queue<T>,
    f: impl FnOnce(*mut bindings::vb2_queue) -> i32,
) -> Result {
    // SAFETY: The mutex is initialized, and not held by this thread.
    unsafe { bindings::mutex_lock(queue.lock()) };
    let result = to_result(f(queue.as_raw()));
    // SAFETY: It was locked above.
    unsafe { bindings::mutex_unlock(queue.lock()) };
    result
}

fn request<T: Capture>(queue: &vb2::Queue<T>, count: u32) -> Result {
    let mut request = bindings::v4l2_requestbuffers {
        count,
        type_: BufType::VideoCapture as u32,
        memory: bindings::v4l2_memory_V4L2_MEMORY_MMAP,
        ..Default::default()
    };

    // SAFETY: The queue is initialized, and its lock held.
    ioctl_of(queue, |q| unsafe { bindings::vb2_reqbufs(q, &mut request) })
}

fn raw_buffer(index: u32) -> bindings::v4l2_buffer {
    bindings::v4l2_buffer {
        index,
        type_: BufType::VideoCapture as u32,
        memory: bindings::v4l2_memory_V4L2_MEMORY_MMAP,
        ..Default::default()
    }
}

/// Allocates two buffers, queues them, and starts to stream.
fn stream<T: Capture>(queue: &vb2::Queue<T>) -> Result {
    request(queue, 2)?;
    for index in 0..2 {
        let mut buffer = raw_buffer(index);
        // SAFETY: The queue is initialized, and its lock held.
        ioctl_of(queue, |q| unsafe {
            bindings::vb2_qbuf(q, ptr::null_mut(), &mut buffer)
        })?;
    }
    // SAFETY: As above.
    ioctl_of(queue, |q| unsafe {
        bindings::vb2_streamon(q, BufType::VideoCapture as u32)
    })
}

/// The index of the next complete buffer, if there is one.
fn dequeue<T: Capture>(queue: &vb2::Queue<T>) -> Result<u32> {
    let mut buffer = raw_buffer(0);

    // SAFETY: The queue is initialized, and its lock held.
    ioctl_of(queue, |q| unsafe {
        bindings::vb2_dqbuf(q, &mut buffer, true)
    })?;
    Ok(buffer.index)
}
