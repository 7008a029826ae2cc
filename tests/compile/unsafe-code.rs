// SPDX-License-Identifier: GPL-2.0

//! A driver that forbids unsafe code has none, and a part of it cannot allow it again.

include!("common/driver.rs");

fn zero() -> u32 {
    #[cfg(illegal)]
    return unsafe { core::mem::zeroed() }; //~ error: usage of an `unsafe` block
    0
}

#[cfg(illegal)]
#[allow(unsafe_code)] //~ error[E0453]: allow(unsafe_code) incompatible with previous forbid
fn again() {}
