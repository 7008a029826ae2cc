// SPDX-License-Identifier: GPL-2.0

//! No shorter lifetime stands for that of a Context.

include!("common/driver.rs");

fn same<'a, 'c>(cx: &'c Context<'a, Camera>) -> &'c Context<'a, Camera> {
    cx
}

#[cfg(illegal)]
fn shorter<'a, 'c>(cx: &'c Context<'a, Camera>) -> &'c Context<'c, Camera> {
    cx //~ error: lifetime may not live long enough
}
