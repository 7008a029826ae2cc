// SPDX-License-Identifier: GPL-2.0

//! A buffer that comes through a counted device is no longer there than the count.

include!("common/driver.rs");

fn first(device: ARef<v4l2::Device<Device>>, meta: &vb2::FrameInfo) {
    if let Some(buffer) = device.camera.queue().next() {
        buffer.error(meta);
    }
}

#[cfg(illegal)]
fn take<'a>(device: ARef<v4l2::Device<Device>>) -> Option<Buffer<'a, Camera>> {
    device.camera.queue().next() //~ error[E0515]: cannot return value referencing function parameter `device`
}
