// SPDX-License-Identifier: GPL-2.0

//! Events that user space can subscribe to.
//!
//! C header: [`include/media/v4l2-event.h`](srctree/include/media/v4l2-event.h)

use super::device::{
    Capture,
    Device, //
};
use crate::bindings;
use core::ptr::null;
use kernel::{
    ffi::c_int,
    prelude::*, //
};

/// How many frame-sync events may wait for a slow reader before the oldest is lost.
const FRAME_SYNC_DEPTH: u32 = 8;

impl<T: Capture> Device<T> {
    /// Tells those who have subscribed that frame `sequence` begins (`V4L2_EVENT_FRAME_SYNC`).
    pub fn frame_sync(&self, sequence: u32) {
        let mut event = bindings::v4l2_event {
            type_: bindings::V4L2_EVENT_FRAME_SYNC,
            ..Default::default()
        };
        event.u.frame_sync.frame_sequence = sequence;

        // SAFETY: The list of files that is walked exists once the node was registered; the event
        // is copied.
        unsafe {
            if bindings::video_is_registered(self.vdev()) {
                bindings::v4l2_event_queue(self.vdev(), &event);
            }
        }
    }
}

/// # Safety
///
/// The V4L2 core calls this with an open file handle and a subscription.
pub(super) unsafe extern "C" fn subscribe_callback(
    fh: *mut bindings::v4l2_fh,
    sub: *const bindings::v4l2_event_subscription,
) -> c_int {
    // SAFETY: By the safety requirements.
    unsafe {
        match (*sub).type_ {
            bindings::V4L2_EVENT_CTRL => bindings::v4l2_ctrl_subscribe_event(fh, sub),
            // There is one source of these; each id more would be memory for nothing.
            bindings::V4L2_EVENT_FRAME_SYNC if (*sub).id == 0 => {
                bindings::v4l2_event_subscribe(fh, sub, FRAME_SYNC_DEPTH, null())
            }
            _ => EINVAL.to_errno(),
        }
    }
}
