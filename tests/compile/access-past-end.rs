// SPDX-License-Identifier: GPL-2.0

//! The memory is not reached after the CPU's access has ended.

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
    let map = access.map();
    #[cfg(not(illegal))]
    map.write(0, b"grey")?;
    access.end()?; //~ error[E0505]: cannot move out of `access` because it is borrowed
    #[cfg(illegal)]
    map.write(0, b"grey")?;
    Ok(())
}
