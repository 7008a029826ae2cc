// SPDX-License-Identifier: GPL-2.0

//! File operations that differ from videobuf2's.

use super::{
    super::{
        capture::Capture,
        video_device::VideoDevice, //
    },
    VTable, //
};
use crate::bindings;
use kernel::{
    ffi::{
        c_char,
        c_long,
        c_uint,
        c_ulong, //
    },
    prelude::*, //
};

/// The requested and returned events of poll() that stand for a frame: `EPOLLIN | EPOLLRDNORM`.
const FRAME_EVENTS: bindings::__poll_t = 0x0001 | 0x0040;

/// Type and number of VIDIOC_DQEVENT. Its variants (32 bit, 32-bit times) differ in size alone.
const DQEVENT: c_uint = (b'V' as c_uint) << 8 | 89;

/// The bits of an ioctl's code that are its type and number.
const TYPE_AND_NR: c_uint = 0xffff;

impl<T: Capture> VTable<T> {
    /// `vb2_fop_read()`, which goes on to the next frame where one has the error flag.
    ///
    /// Such a frame has no bytes, and read() would end as at the end of a file.
    ///
    /// # Safety
    ///
    /// As for the whole table, but that the lock is not held; `buffer` is user memory.
    pub(super) unsafe extern "C" fn read_callback(
        file: *mut bindings::file,
        buffer: *mut c_char,
        count: usize,
        offset: *mut bindings::loff_t,
    ) -> isize {
        loop {
            // SAFETY: By the safety requirements.
            let ret = unsafe { bindings::vb2_fop_read(file, buffer, count, offset) };

            // SAFETY: As above.
            if unsafe { Self::is_gone(file, ret) } {
                return ENODEV.to_errno() as isize;
            }
            if ret != 0 || count == 0 {
                return ret;
            }
        }
    }

    /// `vb2_fop_poll()`, which does not start to read().
    ///
    /// Programs poll a file before they choose how to capture, and have not decided for read()
    /// by that. As long as nobody captures the file can be read, though that may block.
    ///
    /// # Safety
    ///
    /// As for the whole table, but that the lock is not held.
    pub(super) unsafe extern "C" fn poll_callback(
        file: *mut bindings::file,
        wait: *mut bindings::poll_table_struct,
    ) -> bindings::__poll_t {
        // SAFETY: By the safety requirements.
        let queue = unsafe { VideoDevice::<T>::from_file(file) }.queue();
        let q = queue.as_raw();
        // Without a table, C takes every event for requested.
        let mut all = bindings::poll_table_struct {
            _qproc: None,
            _key: !0,
        };
        let wait = if wait.is_null() { &mut all } else { wait };

        // SAFETY: The mutex is initialized.
        if unsafe { bindings::mutex_lock_interruptible(queue.lock()) } != 0 {
            return bindings::POLLERR;
        }

        // SAFETY: The queue's lock is held. Nobody else uses the table, whose key is what the
        // caller asks for; without the events of a frame videobuf2 only adds its wait queues.
        let events = unsafe {
            let reads = (*q).io_modes & bindings::vb2_io_modes_VB2_READ != 0;

            if reads && !queue.is_busy() {
                let key = (*wait)._key;
                (*wait)._key = key & !FRAME_EVENTS;
                let events = bindings::vb2_poll(q, file, wait);
                (*wait)._key = key;
                events | key & FRAME_EVENTS
            } else {
                bindings::vb2_poll(q, file, wait)
            }
        };

        // SAFETY: It was locked above.
        unsafe { bindings::mutex_unlock(queue.lock()) };
        events
    }

    /// `video_ioctl2()`, with a VIDIOC_DQEVENT that ends when the device goes.
    ///
    /// # Safety
    ///
    /// As for the whole table, but that the lock is not held, and that `arg` is user memory.
    pub(super) unsafe extern "C" fn ioctl_callback(
        file: *mut bindings::file,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_long {
        // SAFETY: By the safety requirements.
        unsafe {
            if cmd & TYPE_AND_NR == DQEVENT {
                Self::dequeue_event(file, cmd, arg)
            } else {
                bindings::video_ioctl2(file, cmd, arg)
            }
        }
    }

    /// # Safety
    ///
    /// As for [`ioctl_callback`](Self::ioctl_callback).
    #[cold]
    #[inline(never)]
    unsafe fn dequeue_event(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
        let dequeue = || {
            // SAFETY: By the safety requirements.
            unsafe { bindings::video_ioctl2(file, cmd, arg) }
        };

        // SAFETY: By the safety requirements.
        if unsafe { (*file).f_flags } & bindings::O_NONBLOCK != 0 {
            return dequeue();
        }

        // SAFETY: By the safety requirements.
        let node = unsafe { VideoDevice::<T>::from_file(file) };
        loop {
            // SAFETY: As above.
            if let Err(e) = unsafe { node.wait_for_event(file) } {
                return e.to_errno() as c_long;
            }

            // Another thread may have taken the event; the core would wait for the next one.
            let _guard = node.dequeue_event.lock();
            // SAFETY: The file of a node has a handle.
            if unsafe { bindings::v4l2_event_pending(bindings::file_to_v4l2_fh(file)) } != 0 {
                return dequeue();
            }
        }
    }
}
