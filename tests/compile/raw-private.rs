// SPDX-License-Identifier: GPL-2.0

//! A driver does not get at the C structures behind the types.

include!("common/driver.rs");

fn evict_unused(cx: &Context<'_, Camera>) -> bool {
    cx.queue().is_busy()
}

#[cfg(illegal)]
fn raw(cx: &Context<'_, Camera>) {
    let _ = cx.queue().as_raw(); //~ error[E0624]: method `as_raw` is private
    let _ = cx.queue().lock(); //~ error[E0624]: method `lock` is private
    cx.queue().shut(); //~ error[E0624]: method `shut` is private
}
