// SPDX-License-Identifier: GPL-2.0

//! Access to the registers.

use super::{
    chip::{
        ChannelId,
        Chip,
        Side, //
    },
    regs::{
        self,
        PerBank,
        PerChannel,
        PerDecoder, //
    },
};
use kernel::{
    device::Bound,
    io::{
        register::{
            Array,
            FixedRegister,
            FixedRegisterLoc,
            RegisterArray,
            RegisterArrayLoc, //
        },
        Io, //
    },
    pci,
    prelude::*, //
};

/// The registers of a chip.
pub(crate) struct Registers<'a>(pci::Bar<'a, { regs::SIZE }>);

impl<'a> Registers<'a> {
    pub(crate) fn new(parent: &'a pci::Device<Bound>) -> Result<Self> {
        Ok(Self(parent.iomap_region_sized(0, c"tw686x_rust")?))
    }

    pub(crate) fn read<T: FixedRegister<Storage = u32>>(&self) -> T {
        self.0.read(FixedRegisterLoc::<T>::new())
    }

    pub(crate) fn write<T: FixedRegister<Storage = u32>>(&self, value: T) {
        self.0.write(FixedRegisterLoc::<T>::new(), value);
    }

    fn read_at<T: RegisterArray<Storage = u32> + From<u32>>(
        &self,
        at: Option<RegisterArrayLoc<T>>,
    ) -> T {
        match at {
            Some(at) => self.0.read(at),
            None => regs::GONE.into(),
        }
    }

    fn write_at<T: RegisterArray<Storage = u32>>(&self, at: Option<RegisterArrayLoc<T>>, value: T) {
        if let Some(at) = at {
            self.0.write(at, value);
        }
    }

    pub(crate) fn set_channel<T: PerChannel>(&self, id: ChannelId, value: T) {
        self.write_at(T::try_at(id.index()), value);
    }

    pub(crate) fn decoder<T: PerDecoder>(&self, id: ChannelId) -> T {
        self.read_at(T::try_at(id.decoder()))
    }

    pub(crate) fn set_decoder<T: PerDecoder>(&self, id: ChannelId, value: T) {
        self.write_at(T::try_at(id.decoder()), value);
    }

    /// Writes the same to all banks of decoders that the chip has.
    pub(crate) fn set_banks<T: PerBank>(&self, chip: &Chip, value: u32) {
        for bank in 0..chip.banks() {
            self.write_at(T::try_at(bank), value.into());
        }
    }

    /// Says where the table of a channel is; that of the first may be that of all.
    pub(crate) fn set_table(&self, id: ChannelId, side: Side, address: u32) {
        match (id.index().checked_sub(1), side) {
            (None, Side::P) => self.write(regs::DMA_PAGE_TABLE0_P::from(address)),
            (None, Side::B) => self.write(regs::DMA_PAGE_TABLE0_B::from(address)),
            (Some(n), Side::P) => self.write_at(
                regs::DMA_PAGE_TABLE_P::try_at(n),
                regs::DMA_PAGE_TABLE_P::from(address),
            ),
            (Some(n), Side::B) => self.write_at(
                regs::DMA_PAGE_TABLE_B::try_at(n),
                regs::DMA_PAGE_TABLE_B::from(address),
            ),
        }
    }
}
