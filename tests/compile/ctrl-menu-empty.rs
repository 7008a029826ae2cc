// SPDX-License-Identifier: GPL-2.0

//! A menu has entries.

include!("common/driver.rs");

use media::v4l2::ctrl::Menu;

static COLOURS: Menu<2> = Menu::new([c"Grey", c"Black"]);
#[cfg(illegal)]
static NOTHING: Menu<0> = Menu::new([]);
//~? the evaluated program panicked at 'assertion failed: N >= 1 && N <= 256'
