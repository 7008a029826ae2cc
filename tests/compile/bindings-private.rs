// SPDX-License-Identifier: GPL-2.0

//! A driver does not get at the C structures that the crate wraps.

include!("common/driver.rs");

type Type = media::v4l2::BufType;

#[cfg(illegal)]
type Raw = media::bindings::v4l2_device; //~ error[E0603]: module `bindings` is private
