// SPDX-License-Identifier: GPL-2.0

//! The queue: which buffers the camera needs, and when it works.

use super::device::Camera;
use kernel::prelude::*;
use media::{
    v4l2,
    vb2, //
};

#[vtable]
impl vb2::Operations for Camera {
    type Context = v4l2::Device<Self>;

    fn layout(dev: &v4l2::Device<Self>) -> Result<vb2::Layout> {
        vb2::Layout::new(&[dev.settings.lock().layout.sizeimage])
    }

    fn start_streaming(dev: &v4l2::Device<Self>) -> Result {
        dev.stream.start(dev)
    }

    fn stop_streaming(dev: &v4l2::Device<Self>) {
        dev.stream.stop();
    }
}
