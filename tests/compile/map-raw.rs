// SPDX-License-Identifier: GPL-2.0

//! A driver does not make memory of an address.

include!("common/driver.rs");

use media::iosys_map::Map;

fn fill(map: &Map) -> Result {
    map.fill(0, 4, 0)
}

#[cfg(illegal)]
fn of(address: core::ptr::NonNull<kernel::ffi::c_void>) -> Map {
    Map::from_vaddr(address, 4) //~ error[E0133]: call to unsafe function
}
