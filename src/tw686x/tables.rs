// SPDX-License-Identifier: GPL-2.0

//! The tables of descriptors, in memory that the chip reads.

use super::{
    chip::{
        ChannelId,
        Chip,
        Side, //
    },
    descriptors::{
        self,
        List, //
    },
    registers::Registers, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    dma::Coherent,
    prelude::*, //
};
use media::compat::coherent;

/// The tables of all channels, and a page for what is to be thrown away.
///
/// They are there as long as the device is registered, whatever becomes of formats. A table is
/// written by whoever has the lock of the channel's slots.
pub(crate) struct Tables {
    /// Of P and B, for each channel; or one pair, in which all have a part.
    pairs: KVec<[Coherent<[u8]>; 2]>,
    is_shared: bool,
    /// Where a frame goes that nobody has a buffer for.
    trash: Coherent<[u8]>,
}

impl Tables {
    pub(crate) fn new(chip: &Chip, dev: &Device<Bound>) -> Result<Self> {
        let pair = |count: usize| -> Result<[Coherent<[u8]>; 2]> {
            let bytes = count * descriptors::COUNT * descriptors::SIZE;

            Ok([
                Coherent::zeroed_slice(dev, bytes, GFP_KERNEL)?,
                Coherent::zeroed_slice(dev, bytes, GFP_KERNEL)?,
            ])
        };
        let mut pairs = KVec::new();

        if chip.has_own_tables {
            for _ in chip.channels() {
                pairs.push(pair(1)?, GFP_KERNEL)?;
            }
        } else {
            pairs.push(pair(chip.channels.into())?, GFP_KERNEL)?;
        }
        Ok(Self {
            pairs,
            is_shared: !chip.has_own_tables,
            trash: Coherent::zeroed_slice(dev, descriptors::MAX_LEN, GFP_KERNEL)?,
        })
    }

    /// Tells the chip where the tables are.
    pub(crate) fn program(&self, chip: &Chip, regs: &Registers<'_>) -> Result {
        // Where there is one pair, it is the first channel that has it.
        for (id, pair) in chip.channels().zip(&self.pairs) {
            for side in Side::BOTH {
                let address = coherent::dma_address(&pair[side.index()]);
                regs.set_table(id, side, u32::try_from(address)?);
            }
        }
        Ok(())
    }

    /// The number of a channel's first descriptor in its table.
    pub(crate) fn start(&self, id: ChannelId) -> usize {
        if self.is_shared {
            id.index() * descriptors::COUNT
        } else {
            0
        }
    }

    /// Writes the table of a channel, which the chip must not be using. In any context.
    pub(crate) fn write(&self, id: ChannelId, side: Side, list: &List) -> Result {
        let pair = if self.is_shared { 0 } else { id.index() };
        let table = &self.pairs.get(pair).ok_or(EINVAL)?[side.index()];

        coherent::write(table, self.start(id) * descriptors::SIZE, list.as_bytes())
    }

    /// What lets the chip throw a frame of so many bytes away. May sleep.
    pub(crate) fn trash(&self, bytes: usize) -> Result<List> {
        List::trash(coherent::dma_address(&self.trash), bytes)
    }
}
