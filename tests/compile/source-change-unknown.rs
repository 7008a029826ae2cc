// SPDX-License-Identifier: GPL-2.0

//! A driver that tells of changes of the source lets users subscribe to them.

//@ codegen

include!("common/driver.rs");

#[cfg(not(illegal))]
pub fn tell(camera: &VideoDevice<Camera>) {
    camera.queue_frame_sync(0);
}

#[cfg(illegal)]
pub fn tell(camera: &VideoDevice<Camera>) {
    camera.queue_source_change(0);
    //~? nobody can subscribe to these: see Capture::SOURCE_CHANGES
}
