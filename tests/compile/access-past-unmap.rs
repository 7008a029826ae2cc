// SPDX-License-Identifier: GPL-2.0

//! The CPU's access ends before the memory is unmapped.

include!("common/driver.rs");

use kernel::{
    device::{self, Bound},
    dma::DataDirection,
    sync::Arc,
};
use media::{
    dma_buf::{Attachment, CpuAccess, DmaBuf, MappedAttachment, VMap},
    stats::Stats,
};

fn write(mut vmap: VMap<'_>) -> Result {
    let access = vmap.begin_cpu_access()?;
    access.map().write(0, b"grey")?;
    #[cfg(not(illegal))]
    access.end()?;
    let _attachment = vmap.unmap(); //~ error[E0505]: cannot move out of `vmap` because it is borrowed
    #[cfg(illegal)]
    access.end()?;
    Ok(())
}
