// SPDX-License-Identifier: GPL-2.0

//! What is in the hardware's slots does not use the queue while that is dropped.
//!
//! The slots are dropped as a field of the queue; what is dropped last would find the first gone.

//@ compiles: with_active() lends the queue for all of 'q, the drop of its slots included

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    number: Option<KBox<u32>>,
    last: Option<Last<'q>>,
}

struct Last<'q>(&'q vb2::Queue<Camera>);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        #[cfg(illegal)]
        self.0.with_active(|_, slots| {
            pr_info!("{:?}\n", slots.number.as_deref());
        });
    }
}

fn keep(camera: &VideoDevice<Camera>) {
    camera.queue().with_active(|queue, slots| {
        slots.last = Some(Last(queue));
    });
}
