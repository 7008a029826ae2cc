// SPDX-License-Identifier: GPL-2.0

//! Numbers of the driver's own controls are not those of standard ones.

include!("common/driver.rs");

use media::v4l2::ctrl::Id;

const FIRST: Id = Id::driver(0x1000);
const LAST: Id = Id::driver(0xf6ff);
#[cfg(illegal)]
const STANDARD: Id = Id::driver(0x900);
#[cfg(illegal)]
const NEXT_CLASS: Id = Id::driver(0xf700);
//~? the evaluated program panicked at 'assertion failed: number >= 0x1000 && number <= 0xf6ff'
