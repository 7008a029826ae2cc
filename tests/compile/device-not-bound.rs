// SPDX-License-Identifier: GPL-2.0

//! A device is registered with a parent that is bound.

include!("common/driver.rs");

use kernel::device::{Bound, Normal};

#[cfg(not(illegal))]
type State = Bound;
#[cfg(illegal)]
type State = Normal;

fn register(device: &v4l2::Device<Device>, parent: &faux::Device<State>) -> Result {
    device.register(parent) //~ error[E0308]: mismatched types
}
