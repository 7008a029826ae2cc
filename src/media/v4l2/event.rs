// SPDX-License-Identifier: GPL-2.0

//! Events that user space can subscribe to.
//!
//! C header: [`include/media/v4l2-event.h`](srctree/include/media/v4l2-event.h)

use super::{
    capture::Capture,
    ioctl::{
        input,
        VTable, //
    },
    video_device::VideoDevice, //
};
use crate::bindings;
use core::ptr::null;
use kernel::{
    error::to_result,
    ffi::c_int,
    prelude::*,
    types::Opaque, //
};

/// How many frame-sync events may wait for a slow reader before the oldest is lost.
const FRAME_SYNC_DEPTH: u32 = 8;

impl<T: Capture> VideoDevice<T> {
    /// Tells those who have subscribed that frame `sequence` begins (`V4L2_EVENT_FRAME_SYNC`), in
    /// any context. Nobody is told of a node that is not registered.
    pub fn queue_frame_sync(&self, sequence: u32) {
        let mut event = bindings::v4l2_event {
            type_: bindings::V4L2_EVENT_FRAME_SYNC,
            ..Default::default()
        };
        event.u.frame_sync.frame_sequence = sequence;
        self.queue_event(&event);
    }

    /// Tells those who have subscribed that the signal of `input` is another one: that it has come
    /// or gone, or that its standard or size has changed (`V4L2_EVENT_SOURCE_CHANGE` with
    /// `V4L2_EVENT_SRC_CH_RESOLUTION`). In any context. Nobody is told of a node that is not
    /// registered.
    ///
    /// Of several such events that a user has not dequeued, one is left.
    pub fn queue_source_change(&self, input: u32) {
        const {
            assert!(
                T::SOURCE_CHANGES,
                "nobody can subscribe to these: see Capture::SOURCE_CHANGES"
            )
        };
        let mut event = bindings::v4l2_event {
            type_: bindings::V4L2_EVENT_SOURCE_CHANGE,
            id: input,
            ..Default::default()
        };
        event.u.src_change.changes = bindings::V4L2_EVENT_SRC_CH_RESOLUTION;
        self.queue_event(&event);
    }

    fn queue_event(&self, event: &bindings::v4l2_event) {
        // SAFETY: The list of files that is walked exists once the node was registered; the event
        // is copied.
        unsafe {
            if bindings::video_is_registered(self.as_raw()) {
                bindings::v4l2_event_queue(self.as_raw(), event);
            }
        }
    }

    /// Waits until the handle of `file` has an event. Sleeps.
    ///
    /// `ENODEV` once the device is unregistered, which wakes all handles; `ERESTARTSYS` for a
    /// signal.
    ///
    /// # Safety
    ///
    /// `file` must be an open file of the device's node.
    pub(super) unsafe fn wait_for_event(&self, file: *mut bindings::file) -> Result {
        // SAFETY: By the safety requirements the file has a handle, which stays as long as it.
        let fh = unsafe { bindings::file_to_v4l2_fh(file) };
        let entry = Opaque::<bindings::wait_queue_entry>::uninit();

        // SAFETY: The entry is memory for one, and leaves the queue before it goes.
        unsafe { bindings::init_wait_entry(entry.get(), 0) };
        let result = loop {
            // SAFETY: The entry was initialized above, and the queue is the handle's.
            let ret = unsafe {
                bindings::prepare_to_wait_event(
                    &raw mut (*fh).wait,
                    entry.get(),
                    bindings::TASK_INTERRUPTIBLE as c_int,
                )
            };

            // SAFETY: The node and the handle are valid.
            let (is_registered, pending) = unsafe {
                (
                    bindings::video_is_registered(self.as_raw()),
                    bindings::v4l2_event_pending(fh),
                )
            };
            if !is_registered {
                break Err(ENODEV);
            }
            if pending != 0 {
                break Ok(());
            }
            if ret != 0 {
                break to_result(ret as c_int);
            }
            // SAFETY: The state was set above, and the caller may sleep.
            unsafe { bindings::schedule() };
        };

        // SAFETY: The entry was initialized above.
        unsafe { bindings::finish_wait(&raw mut (*fh).wait, entry.get()) };
        result
    }
}

impl<T: Capture> VTable<T> {
    /// # Safety
    ///
    /// The V4L2 core calls this with an open file handle of a [`VideoDevice<T>`], and with a
    /// subscription. The node's lock is held.
    pub(super) unsafe extern "C" fn subscribe_callback(
        fh: *mut bindings::v4l2_fh,
        sub: *const bindings::v4l2_event_subscription,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (type_, id) = unsafe { ((*sub).type_, (*sub).id) };

        // SAFETY: By the safety requirements; the node is registered, and this is a callback.
        let cx = unsafe { VideoDevice::<T>::from_raw((*fh).vdev).context() };

        // SAFETY: By the safety requirements.
        unsafe {
            match type_ {
                bindings::V4L2_EVENT_CTRL => bindings::v4l2_ctrl_subscribe_event(fh, sub),
                // There is one source of these; each id more would be memory for nothing.
                bindings::V4L2_EVENT_FRAME_SYNC if id == 0 => {
                    bindings::v4l2_event_subscribe(fh, sub, FRAME_SYNC_DEPTH, null())
                }
                bindings::V4L2_EVENT_SOURCE_CHANGE
                    if T::SOURCE_CHANGES && input(&cx, id).is_some() =>
                {
                    bindings::v4l2_src_change_event_subscribe(fh, sub)
                }
                _ => EINVAL.to_errno(),
            }
        }
    }
}
