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
        Descriptor, //
    },
    registers::Registers, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    dma::Coherent,
    io::io_write,
    prelude::*, //
};

/// The tables of all channels, and a page for what is to be thrown away.
///
/// They are there as long as the device is registered, whatever becomes of formats. A table is
/// written by whoever has the lock of the channel's slots.
pub(crate) struct Tables {
    /// Of P and B, for each channel; or one pair, in which all have a part.
    pairs: KVec<[Coherent<[u64]>; 2]>,
    is_shared: bool,
    /// Where a frame goes that nobody has a buffer for.
    trash: Coherent<[u8]>,
}

impl Tables {
    pub(crate) fn new(chip: &Chip, dev: &Device<Bound>) -> Result<Self> {
        let pair = |count: usize| -> Result<[Coherent<[u64]>; 2]> {
            let count = count * descriptors::COUNT;

            Ok([
                Coherent::zeroed_slice(dev, count, GFP_KERNEL)?,
                Coherent::zeroed_slice(dev, count, GFP_KERNEL)?,
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
                let address = pair[side.index()].dma_address();
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

    /// Writes the table of a channel, which the chip must not be using.
    pub(crate) fn write(
        &self,
        id: ChannelId,
        side: Side,
        descriptors: impl Iterator<Item = Descriptor>,
    ) -> Result {
        let pair = if self.is_shared { 0 } else { id.index() };
        let table = &self.pairs.get(pair).ok_or(EINVAL)?[side.index()];
        let all = Iterator::chain(descriptors, core::iter::repeat(Descriptor::END));

        for (i, descriptor) in (self.start(id)..).zip(all.take(descriptors::COUNT)) {
            io_write!(table, [try: i], descriptor.to_le());
        }
        Ok(())
    }

    /// Lets the chip throw the next frame away.
    pub(crate) fn write_trash(&self, id: ChannelId, side: Side, bytes: usize) -> Result {
        let page = self.trash.dma_address();

        self.write(id, side, Descriptor::trash(page, bytes))
    }
}
