// SPDX-License-Identifier: GPL-2.0

//! A bound parent is not kept for longer than the registration.

include!("common/driver.rs");

use kernel::device::Bound;

fn parent<'a>(cx: &Context<'a, Camera>) -> &'a faux::Device<Bound> {
    cx.parent()
}

#[cfg(illegal)]
fn parent_for_ever(cx: &Context<'_, Camera>) -> &'static faux::Device<Bound> {
    cx.parent() //~ error: lifetime may not live long enough
}
