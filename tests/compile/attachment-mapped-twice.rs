// SPDX-License-Identifier: GPL-2.0

//! An attachment is mapped once at a time.

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

fn map(attachment: Attachment<'_>) -> Result {
    let mapped = attachment
        .map(DataDirection::FromDevice)
        .map_err(|(error, _)| error)?;
    #[cfg(not(illegal))]
    let attachment = mapped.unmap();
    let _twice = attachment.vmap().map_err(|(error, _)| error)?; //~ error[E0382]: use of moved value: `attachment`
    Ok(())
}
