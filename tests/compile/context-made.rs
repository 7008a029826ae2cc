// SPDX-License-Identifier: GPL-2.0

//! A driver does not make a Context.

include!("common/driver.rs");

fn look(cx: &Context<'_, Camera>) -> bool {
    cx.queue().is_busy()
}

#[cfg(illegal)]
fn make(camera: &VideoDevice<Camera>) -> bool {
    look(&Context::new(camera.queue(), camera)) //~ error[E0624]: associated function `new` is private
}
