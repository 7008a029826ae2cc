// SPDX-License-Identifier: GPL-2.0

//! What the hardware of one queue has does not become that of another.

include!("common/driver.rs");

#[derive(Default)]
struct Slots<'q> {
    current: Option<Buffer<'q, Camera>>,
}

fn swap(one: &VideoDevice<Camera>, two: &VideoDevice<Camera>) {
    one.queue().with_active(|_, of_one| {
        two.queue().with_active(|_, of_two| {
            let _ = (&of_one, &of_two);
            #[cfg(illegal)]
            core::mem::swap(of_one, of_two); //~ error[E0521]: borrowed data escapes outside of closure
        });
    });
}
