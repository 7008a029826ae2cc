// SPDX-License-Identifier: GPL-2.0

//! The registers, and which of them a chip has.
//!
//! A register is a word of BAR 0. Those of the video decoders have eight bits.

use super::Kind;

/// How many words BAR 0 has.
pub const COUNT: usize = super::pci::BAR_SIZE / 4;

/// Bit 31 of [`Reg::DmaCmd`]: the engine as a whole.
pub const DMA_CMD_ENABLE: u32 = 1 << 31;

/// Bit 17 of [`Reg::IntStatus`]: the engine had to wait too long.
pub const INT_DMA_TIMEOUT: u32 = 1 << 17;

/// Of [`Reg::Sdt`]: detection is under way.
pub const SDT_BUSY: u32 = 1 << 7;

/// Of [`Reg::SdtEn`]: begin to detect.
pub const SDT_START: u32 = 1 << 7;

/// The standard in [`Reg::Sdt`] that stands for detection.
pub const SDT_AUTO: u32 = 7;

/// The two buffers of a channel, which take turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot {
    #[default]
    P,
    B,
}

impl Slot {
    pub fn other(self) -> Self {
        match self {
            Self::P => Self::B,
            Self::B => Self::P,
        }
    }

    fn nth(n: usize) -> Self {
        match n {
            0 => Self::P,
            _ => Self::B,
        }
    }
}

/// What a register is, with the channel that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reg {
    /// A bit for each channel that has completed a buffer. Reading clears them.
    IntStatus,
    /// Which slot each channel has completed last.
    PbStatus,
    DmaCmd,
    /// Channels without a signal, with bad pointers, with overflows: a byte each, from bit 0, 16
    /// and 24 on.
    FifoStatus,
    SoftReset,
    ChannelEnable,
    /// The address of a descriptor table.
    PageTable(usize, Slot),
    /// Input, halving, pixel format, and the part of the table.
    ChannelConfig(usize),
    /// Two bits for each channel from bit 16 on: the [mode](super::frame::Mode).
    PhaseRef,
    /// Bit 13 on: which channels have 625 lines.
    VideoControl1,
    /// Which fields are captured.
    FieldCtrl(usize),
    /// The address of a buffer, if there is no table, of both fields or of the second alone.
    Address(usize, Slot, bool),
    /// The width, line and height of what is written there.
    Whp(usize, bool),
    /// The state of a decoder.
    VidStat(usize),
    Brightness(usize),
    Contrast(usize),
    SaturationU(usize),
    Hue(usize),
    /// The standard: that which is set, and that which has been detected.
    Sdt(usize),
    SdtEn(usize),
    /// Read only, and nothing is known of it.
    Status,
    /// It keeps what is written to it.
    Other,
}

impl Reg {
    /// What is at a word of the BAR, if there is anything.
    pub fn at(index: usize, kind: Kind) -> Option<Self> {
        let channels = kind.channels();
        let of = |n: usize| (n < channels).then_some(n);
        Some(match index {
            0x00 => Self::IntStatus,
            0x01 => Self::PbStatus,
            0x02 => Self::DmaCmd,
            0x03 => Self::FifoStatus,
            0x04 | 0x05 => Self::Status,
            0x06 => Self::SoftReset,
            0x08 | 0x09 => Self::PageTable(0, Slot::nth(index - 0x08)),
            0x0a => Self::ChannelEnable,
            0x0b..=0x0d => Self::Other,
            0x10..=0x17 => Self::ChannelConfig(of(index - 0x10)?),
            0x18..=0x27 => {
                of((index - 0x18) / 2)?;
                Self::Other
            }
            0x28 | 0x29 => Self::Other,
            0x2a => Self::VideoControl1,
            0x2b..=0x2d | 0x2f => Self::Other,
            0x2e => Self::PhaseRef,
            0x30..=0x37 => {
                of(index - 0x30)?;
                Self::Other
            }
            0x38 => Self::Other,
            0x39..=0x40 => Self::FieldCtrl(of(index - 0x39)?),
            0x42..=0x49 => {
                of(index - 0x42)?;
                Self::Other
            }
            0x4a..=0x51 => {
                of(index - 0x4a)?;
                Self::Other
            }
            0x52..=0x59 => {
                of(index - 0x52)?;
                Self::Other
            }
            0x60..=0x77 => {
                of((index - 0x60) % 8)?;
                Self::Other
            }
            0x80..=0xbf => {
                let channel = of((index - 0x80) / 8)?;
                let is_second = index & 4 != 0;
                match index & 3 {
                    0 => Self::Address(channel, Slot::P, is_second),
                    1 => Self::Whp(channel, is_second),
                    2 => Self::Address(channel, Slot::B, is_second),
                    _ => return None,
                }
            }
            0xd0..=0xdd => {
                let channel = 1 + (index - 0xd0) / 2;
                if kind.has_shared_tables() {
                    return None;
                }
                Self::PageTable(of(channel)?, Slot::nth(index % 2))
            }
            0xfe | 0xff => Self::Other,
            0x100..=0x2ff => return Self::of_decoder(index, channels),
            _ => return None,
        })
    }

    /// The registers of the decoders: two times four channels.
    fn of_decoder(index: usize, channels: usize) -> Option<Self> {
        let group = (index >> 8) - 1;
        if group * 4 >= channels {
            return None;
        }
        let low = index & 0xff;
        let channel = group * 4 + ((low >> 4) & 3);
        Some(match low {
            0x00..=0x3f => match low & 15 {
                0x0 => Self::VidStat(channel),
                0x1 => Self::Brightness(channel),
                0x2 => Self::Contrast(channel),
                0x4 => Self::SaturationU(channel),
                0x6 => Self::Hue(channel),
                0xd => Self::Status,
                0xe => Self::Sdt(channel),
                0xf => Self::SdtEn(channel),
                _ => Self::Other,
            },
            0x44..=0x7f if low & 15 >= 4 => Self::Other,
            0x80..=0x88 | 0x8f | 0x94..=0x97 | 0xce | 0xd0..=0xd3 => Self::Other,
            _ => return None,
        })
    }

    /// Whether writing it is a mistake.
    pub fn is_read_only(self) -> bool {
        matches!(
            self,
            Self::IntStatus | Self::PbStatus | Self::FifoStatus | Self::VidStat(_) | Self::Status
        )
    }

    /// The bits that it keeps.
    pub fn mask(self, index: usize) -> u32 {
        match (self, index) {
            // The low bits are the standard; the others say what is.
            (Self::Sdt(_), _) => 0xf,
            // The one that begins something does not stay.
            (Self::SdtEn(_), _) => 0x7f,
            (_, 0x100..) => 0xff,
            _ => !0,
        }
    }

    /// What it is after a reset.
    pub fn default(self, index: usize) -> u32 {
        match (self, index & 15) {
            (Self::Contrast(_), _) => 0x64,
            (Self::SaturationU(_), _) => 0x80,
            // That of V.
            (Self::Other, 5) if (0x100..0x240).contains(&index) && index & 0xff < 0x40 => 0x80,
            (Self::Sdt(_), _) => SDT_AUTO,
            (Self::SdtEn(_), _) => 0x7f,
            _ => 0,
        }
    }
}

/// Where the registers of a channel are that the chip itself looks at.
pub mod index {
    use super::Slot;

    pub const DMA_CMD: usize = 0x02;
    pub const CHANNEL_ENABLE: usize = 0x0a;
    pub const VIDEO_CONTROL1: usize = 0x2a;
    pub const PHASE_REF: usize = 0x2e;

    pub fn page_table(channel: usize, slot: Slot) -> usize {
        slot as usize
            + match channel {
                0 => 0x08,
                n => 0xd0 + 2 * (n - 1),
            }
    }

    pub fn channel_config(channel: usize) -> usize {
        0x10 + channel
    }

    pub fn field_ctrl(channel: usize) -> usize {
        0x39 + channel
    }

    pub fn address(channel: usize, slot: Slot, is_second: bool) -> usize {
        0x80 + 8 * channel + 2 * slot as usize + 4 * usize::from(is_second)
    }

    pub fn whp(channel: usize, is_second: bool) -> usize {
        0x81 + 8 * channel + 4 * usize::from(is_second)
    }

    /// Register `offset` of a decoder.
    pub fn decoder(channel: usize, offset: usize) -> usize {
        0x100 * (1 + channel / 4) + 0x10 * (channel % 4) + offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_where_they_are_looked_for() {
        for kind in [Kind::Tw6864, Kind::Tw6869] {
            for channel in 0..kind.channels() {
                let at = |index| Reg::at(index, kind);
                for slot in [Slot::P, Slot::B] {
                    if channel == 0 || !kind.has_shared_tables() {
                        assert_eq!(
                            at(index::page_table(channel, slot)),
                            Some(Reg::PageTable(channel, slot))
                        );
                    }
                    for second in [false, true] {
                        assert_eq!(
                            at(index::address(channel, slot, second)),
                            Some(Reg::Address(channel, slot, second))
                        );
                        assert_eq!(
                            at(index::whp(channel, second)),
                            Some(Reg::Whp(channel, second))
                        );
                    }
                }
                assert_eq!(
                    at(index::channel_config(channel)),
                    Some(Reg::ChannelConfig(channel))
                );
                assert_eq!(
                    at(index::field_ctrl(channel)),
                    Some(Reg::FieldCtrl(channel))
                );
                assert_eq!(at(index::decoder(channel, 0)), Some(Reg::VidStat(channel)));
                assert_eq!(at(index::decoder(channel, 15)), Some(Reg::SdtEn(channel)));
            }
        }
    }

    #[test]
    fn a_small_chip_has_fewer() {
        let count = |kind| (0..COUNT).filter(|n| Reg::at(*n, kind).is_some()).count();
        assert!(count(Kind::Tw6864) < count(Kind::Tw6869));
        for index in [0x14, 0xa0, 0xd0, 0x200, 0x280] {
            assert_eq!(Reg::at(index, Kind::Tw6864), None);
            assert!(Reg::at(index, Kind::Tw6869).is_some());
        }
        for index in [
            0x07, 0x0e, 0x41, 0x83, 0xc0, 0xde, 0x140, 0x189, 0x300, 0x3ff,
        ] {
            assert_eq!(Reg::at(index, Kind::Tw6869), None, "{index:#x}");
        }
    }
}
