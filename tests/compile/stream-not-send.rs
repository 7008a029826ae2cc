// SPDX-License-Identifier: GPL-2.0

//! What runs while the queue streams is stopped by whoever stops it.

include!("common/driver.rs");

#[cfg(not(illegal))]
type Stream = ();
#[cfg(illegal)]
type Stream = kernel::types::NotThreadSafe;
//~? error[E0277]: `*mut ()` cannot be sent between threads safely

fn start(_cx: &Context<'_, Camera>) -> Result<Stream> {
    Err(ENODEV)
}
