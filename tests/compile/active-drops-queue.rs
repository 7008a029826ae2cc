// SPDX-License-Identifier: GPL-2.0

//! What is in the hardware's slots does not use the queue while that is dropped.
//!
//! The slots are dropped as a field of the queue; what is dropped last would find the first gone.

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    last: Option<Last<'q>>,
}

struct Last<'q>(&'q vb2::Waiting<'q, Camera>);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        drop(self.0.next());
    }
}

fn insert(camera: &VideoDevice<Camera>) {
    camera.queue().with_active(|waiting, slots| {
        #[cfg(illegal)]
        {
            slots.last = Some(Last(waiting)); //~ error: lifetime may not live long enough
        }
        #[cfg(not(illegal))]
        drop((waiting.next(), slots.last.take()));
    });
}
