// SPDX-License-Identifier: GPL-2.0

//! A buffer of another queue cannot be put into the hardware's slots.

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    current: Option<Buffer<'q, Camera>>,
}

fn next(camera: &VideoDevice<Camera>, other: &VideoDevice<Camera>) {
    camera.queue().with_active(|queue, slots| {
        #[cfg(not(illegal))]
        let _ = other;
        #[cfg(illegal)]
        let queue = other.queue();
        slots.current = queue.next(); //~ error: lifetime may not live long enough
    });
}
