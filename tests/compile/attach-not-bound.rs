// SPDX-License-Identifier: GPL-2.0

//! A device that may be unbound attaches nothing.

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

#[cfg(not(illegal))]
type State = Bound;
#[cfg(illegal)]
type State = kernel::device::Normal;

fn attach(dmabuf: ARef<DmaBuf>, dev: &device::Device<State>, stats: Arc<Stats>) -> Result {
    let _attachment = Attachment::new(dmabuf, dev, stats)?; //~ error[E0308]: mismatched types
    Ok(())
}
