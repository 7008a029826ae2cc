// SPDX-License-Identifier: GPL-2.0

//! The queue: which buffers the camera needs, and when it works.

use super::{
    device::Camera,
    format, //
};
use kernel::prelude::*;
use media::{
    v4l2,
    vb2, //
};

#[vtable]
impl vb2::Operations for Camera {
    type Context = v4l2::Device<Self>;

    fn layout(dev: &v4l2::Device<Self>) -> Result<vb2::Layout> {
        let layout = dev.settings.lock().layout;
        let mut sizes = [0; format::MAX_PARTS];
        let mut count = 0;

        for (size, part) in sizes.iter_mut().zip(layout.parts()) {
            *size = part.sizeimage;
            count += 1;
        }
        vb2::Layout::new(sizes.get(..count).unwrap_or(&[]))
    }

    fn timestamp_source(dev: &v4l2::Device<Self>) -> vb2::TimestampSource {
        dev.settings.lock().timestamps
    }

    fn start_streaming(dev: &v4l2::Device<Self>) -> Result {
        dev.stream.start(dev)
    }

    fn stop_streaming(dev: &v4l2::Device<Self>) {
        dev.stream.stop();
    }
}
