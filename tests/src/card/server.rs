// SPDX-License-Identifier: GPL-2.0

//! Answers QEMU's requests.

use super::engine;
use super::irq;
use super::link::lock;
use super::link::Link;
use super::link::Message;
use super::pci;
use super::protocol;
use super::protocol::Request;
use super::Card;

use crate::sys;

use std::io;
use std::os::fd::OwnedFd;
use std::thread;

/// Regions by their numbers in vfio: six BARs, the ROM, configuration space, VGA.
mod region {
    pub const BAR0: u32 = 0;
    pub const CONFIG: u32 = 7;
    pub const COUNT: u32 = 9;
}

/// Serves until QEMU hangs up.
pub fn serve(card: &Card) -> io::Result<()> {
    thread::scope(|scope| {
        scope.spawn(|| engine::run(card));
        let result = answer_all(card);
        card.end();
        result
    })
}

fn answer_all(card: &Card) -> io::Result<()> {
    let link: &Link = &card.link;
    while let Some(message) = link.receive()? {
        if message.header.is_reply() {
            link.complete(message);
            continue;
        }
        let Message { header, body, fds } = message;
        let answer =
            Request::parse(header.command, &body).and_then(|request| answer(card, request, fds));
        link.reply(&header, &answer)?;
    }
    Ok(())
}

/// Does what is asked for, without waiting for anything of QEMU's.
fn answer(card: &Card, request: Request, fds: Vec<OwnedFd>) -> Result<Vec<u8>, i32> {
    let now = sys::monotonic();
    match request {
        Request::Version { major: 0, .. } => Ok(protocol::version()),
        Request::Version { .. } => Err(libc::EINVAL),
        Request::DmaMap {
            flags,
            offset,
            iova,
            size,
        } => {
            let is_writable = flags & Request::MAP_WRITE != 0;
            let fd = fds.into_iter().next();
            card.space
                .map(iova, size, is_writable, fd, offset)
                .map(|()| Vec::new())
        }
        Request::DmaUnmap { all: true, .. } => {
            card.space.unmap_all();
            Ok(protocol::dma_unmap(0, 0))
        }
        Request::DmaUnmap { iova, size, .. } => card
            .space
            .unmap(iova, size)
            .map(|()| protocol::dma_unmap(iova, size)),
        Request::DeviceInfo => Ok(protocol::device_info(region::COUNT, irq::Kind::COUNT)),
        Request::RegionInfo { index } => match index {
            region::BAR0 => Ok(protocol::region_info(index, pci::BAR_SIZE as u64)),
            region::CONFIG => Ok(protocol::region_info(index, pci::SIZE as u64)),
            0..region::COUNT => Ok(protocol::region_info(index, 0)),
            _ => Err(libc::EINVAL),
        },
        Request::IrqInfo { index } => {
            let kind = irq::Kind::from_index(index).ok_or(libc::EINVAL)?;
            let (flags, count) = kind.info();
            Ok(protocol::irq_info(index, flags, count))
        }
        Request::SetIrqs {
            flags,
            index,
            count,
        } => {
            let kind = irq::Kind::from_index(index).ok_or(libc::EINVAL)?;
            let mut chip = lock(&card.chip);
            chip.irq.set(kind, flags, count, fds).map(|()| Vec::new())
        }
        Request::RegionRead {
            offset,
            region,
            count,
        } => {
            let mut chip = lock(&card.chip);
            let data = match region {
                region::BAR0 => chip.read_bar(offset, count as usize, now),
                region::CONFIG => chip
                    .read_config(offset, count as usize)
                    .ok_or(libc::EINVAL)?,
                _ => return Err(libc::EINVAL),
            };
            Ok(protocol::region_access(offset, region, count, &data))
        }
        Request::RegionWrite {
            offset,
            region,
            data,
        } => {
            let mut chip = lock(&card.chip);
            match region {
                region::BAR0 => chip.write_bar(offset, &data, now),
                region::CONFIG => chip.write_config(offset, &data).ok_or(libc::EINVAL)?,
                _ => return Err(libc::EINVAL),
            }
            let count = data.len() as u32;
            Ok(protocol::region_access(offset, region, count, &[]))
        }
        Request::Reset => {
            let mut chip = lock(&card.chip);
            chip.config.reset();
            chip.reset();
            Ok(Vec::new())
        }
    }
}

#[cfg(test)]
#[path = "server/tests.rs"]
mod tests;
