// SPDX-License-Identifier: GPL-2.0

//! One access of the CPU at a time.

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
    let first = vmap.begin_cpu_access()?;
    #[cfg(not(illegal))]
    first.end()?;
    let second = vmap.begin_cpu_access()?; //~ error[E0499]: cannot borrow `vmap` as mutable more than once at a time
    #[cfg(illegal)]
    first.end()?;
    second.end()
}
