// SPDX-License-Identifier: GPL-2.0

//! The driver's data of a node is used by several threads at once.

include!("common/driver.rs");

use core::cell::Cell;

#[derive(Default)]
struct Own(#[cfg(illegal)] Cell<u32>);
//~? error[E0277]: `Cell<u32>` cannot be shared between threads safely
