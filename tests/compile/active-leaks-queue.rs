// SPDX-License-Identifier: GPL-2.0

//! The queue that `with_active()` gives does not leave it.

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    current: Option<Buffer<'q, Camera>>,
}

fn next(camera: &VideoDevice<Camera>) {
    let mut kept = None;

    camera.queue().with_active(|queue, slots| {
        slots.current = queue.next();
        #[cfg(illegal)]
        {
            kept = Some(queue); //~ error[E0521]: borrowed data escapes outside of closure
        }
    });
    let _: Option<&vb2::Queue<Camera>> = kept.take();
}
