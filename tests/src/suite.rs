// SPDX-License-Identifier: GPL-2.0

//! The tests. Each runs in a process of its own, with a time limit, and the device is tried again
//! after each.

mod bench;

pub use bench::Bench;
