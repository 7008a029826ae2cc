// SPDX-License-Identifier: GPL-2.0

//! What `with_active()` takes buffers from does not leave it.

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    current: Option<Buffer<'q, Camera>>,
}

fn next(camera: &VideoDevice<Camera>) {
    let mut kept = None;

    camera.queue().with_active(|waiting, slots| {
        slots.current = waiting.next();
        #[cfg(illegal)]
        {
            kept = Some(waiting); //~ error[E0521]: borrowed data escapes outside of closure
        }
    });
    let _: Option<&vb2::Waiting<'_, Camera>> = kept.take();
}
