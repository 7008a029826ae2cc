// SPDX-License-Identifier: GPL-2.0

//! What is attached for a device is detached before that is unbound.

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

fn attach(dmabuf: ARef<DmaBuf>, dev: &device::Device<Bound>, stats: Arc<Stats>) -> Result {
    let _attachment = Attachment::new(dmabuf, dev, stats)?;
    Ok(())
}

#[cfg(illegal)]
fn attach_for_ever(
    dmabuf: ARef<DmaBuf>,
    dev: &device::Device<Bound>,
    stats: Arc<Stats>,
) -> Result<Attachment<'static>> {
    Attachment::new(dmabuf, dev, stats)
    //~? error: lifetime may not live long enough
}
