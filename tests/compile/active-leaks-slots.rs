// SPDX-License-Identifier: GPL-2.0

//! No reference to the slots leaves `with_active()`.

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    current: Option<Buffer<'q, Camera>>,
}

fn count(camera: &VideoDevice<Camera>) -> bool {
    #[cfg(illegal)]
    camera.queue().with_active(|_, slots| slots);
    //~^ error: lifetime may not live long enough
    camera
        .queue()
        .with_active(|_, slots| slots.current.is_some())
}
