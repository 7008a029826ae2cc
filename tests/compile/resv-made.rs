// SPDX-License-Identifier: GPL-2.0

//! A driver does not make the token that says that the reservation lock is held.

include!("common/driver.rs");

use media::dma_buf::{DmaBuf, ResvLocked};

fn needs_lock(_resv: &ResvLocked<'_>) {}

fn callback(resv: &ResvLocked<'_>) {
    needs_lock(resv);
}

#[cfg(illegal)]
fn make(dmabuf: &DmaBuf) {
    needs_lock(&ResvLocked::held(dmabuf)); //~ error[E0624]: associated function `held` is private
    let made = ResvLocked(dmabuf, kernel::types::NotThreadSafe);
    //~^ error[E0423]: cannot initialize a tuple struct which contains private fields
    needs_lock(&made);
}
