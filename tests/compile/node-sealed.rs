// SPDX-License-Identifier: GPL-2.0

//! There is no node but VideoDevice.

include!("common/driver.rs");

struct Mine;

#[cfg(illegal)]
impl v4l2::Node<Device> for Mine {} //~ error[E0277]: the trait bound `Mine: v4l2::video_device::private::Sealed` is not satisfied
                                    //~? error[E0046]: not all trait items implemented, missing: `register`, `unregister`
