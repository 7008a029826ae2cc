// SPDX-License-Identifier: GPL-2.0

//! A buffer does not outlive its queue.

include!("common/driver.rs");

fn take<'a>(cx: &Context<'a, Camera>) -> Option<Buffer<'a, Camera>> {
    cx.queue().next()
}

#[cfg(illegal)]
fn take_for_ever(cx: &Context<'_, Camera>) -> Option<Buffer<'static, Camera>> {
    cx.queue().next() //~ error: lifetime may not live long enough
}
