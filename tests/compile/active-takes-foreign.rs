// SPDX-License-Identifier: GPL-2.0

//! A buffer that may be gone before the queue cannot be put into the hardware's slots.

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    current: Option<Buffer<'q, Camera>>,
}

fn next(camera: &VideoDevice<Camera>) {
    #[cfg(illegal)]
    let buffer = camera.queue().next();

    camera.queue().with_active(|queue, slots| {
        #[cfg(not(illegal))]
        let buffer = queue.next();
        slots.current = buffer;
    });
    //~? error[E0521]: borrowed data escapes outside of function
}
