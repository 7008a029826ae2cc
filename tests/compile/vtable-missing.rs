// SPDX-License-Identifier: GPL-2.0

//! An implementation without `#[vtable]`, whose optional methods nobody would call, is refused.

include!("common/driver.rs");

use media::kthread;

struct Sensor<T>(T);

#[cfg_attr(not(illegal), vtable)]
impl<T: Send + 'static> kthread::Function for Sensor<T> {
    //~^ error[E0046]: not all trait items implemented, missing: `USE_VTABLE_ATTR`
    fn run(&mut self, _context: &kthread::Context) {}
}
