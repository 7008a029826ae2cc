// SPDX-License-Identifier: GPL-2.0

//! What the hardware has does not leave `with_active()`.

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    current: Option<Buffer<'q, Camera>>,
}

fn complete(camera: &VideoDevice<Camera>, meta: &vb2::FrameInfo) {
    camera.queue().with_active(|_, slots| {
        if let Some(buffer) = slots.current.take() {
            buffer.done(meta, &[4]);
        }
    });
    #[cfg(illegal)]
    camera.queue().with_active(|_, slots| slots.current.take());
    //~^ error: lifetime may not live long enough
}
