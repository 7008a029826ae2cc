// SPDX-License-Identifier: GPL-2.0

//! A device is registered with a parent on the bus of its driver.

include!("common/driver.rs");

use kernel::{device::Bound, platform};

#[cfg(not(illegal))]
type Parent = faux::Device<Bound>;
#[cfg(illegal)]
type Parent = platform::Device<Bound>;

fn register(device: &v4l2::Device<Device>, parent: &Parent) -> Result {
    device.register(parent) //~ error[E0308]: mismatched types
}
