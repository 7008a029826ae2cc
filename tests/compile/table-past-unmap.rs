// SPDX-License-Identifier: GPL-2.0

//! The addresses of a mapping are not used after it has ended.

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

fn map(mapped: MappedAttachment<'_>) {
    let table = mapped.sg_table();
    #[cfg(not(illegal))]
    pr_info!("{}\n", table.iter().count());
    let _attachment = mapped.unmap(); //~ error[E0505]: cannot move out of `mapped` because it is borrowed
    #[cfg(illegal)]
    pr_info!("{}\n", table.iter().count());
}
