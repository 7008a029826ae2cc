// SPDX-License-Identifier: GPL-2.0

//! What is mapped for a device is unmapped before that is unbound.

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

fn map<'a>(attachment: Attachment<'a>) -> Result<MappedAttachment<'a>> {
    attachment
        .map(DataDirection::FromDevice)
        .map_err(|(error, _)| error)
}

#[cfg(illegal)]
fn map_for_ever<'a>(attachment: Attachment<'a>) -> Result<MappedAttachment<'static>> {
    attachment //~ error: lifetime may not live long enough
        .map(DataDirection::FromDevice)
        .map_err(|(error, _)| error)
}
