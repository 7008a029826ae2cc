// SPDX-License-Identifier: GPL-2.0

//! The register map, as far as it is used.
//!
//! Registers are words of BAR 0. Those of the decoders have eight bits.

use super::chip::ChannelSet;
use kernel::io::register;

/// How much of the BAR is used.
pub(crate) const SIZE: usize = 0xc00;

/// What any register reads as when the chip is not there any more.
pub(crate) const GONE: u32 = u32::MAX;

register! {
    /// Why there was an interrupt. Reading clears it.
    pub(crate) INT_STATUS(u32) @ 0x000 {
        /// The engine has waited too long for the bus.
        17:17 dma_timeout => bool;
        /// Channels that have completed a buffer.
        7:0 video => ChannelSet;
    }

    /// The buffer that each channel has completed last: P, or B where the bit is set.
    pub(crate) PB_STATUS(u32) @ 0x004 {
        7:0 video => ChannelSet;
    }

    /// Starts the engine.
    pub(crate) DMA_CMD(u32) @ 0x008 {
        31:31 enable => bool;
        7:0 video => ChannelSet;
    }

    /// What is wrong with channels; not a part of `INT_STATUS`.
    pub(crate) VIDEO_FIFO_STATUS(u32) @ 0x00c {
        31:24 overflow => ChannelSet;
        23:16 bad_pointer => ChannelSet;
        7:0 no_signal => ChannelSet;
    }

    /// Resets what has a bit that is set.
    pub(crate) SYS_SOFT_RST(u32) @ 0x018 {
        3:0 all;
    }

    /// Where the first channel finds the descriptors of its P buffer, or all do.
    pub(crate) DMA_PAGE_TABLE0_P(u32) @ 0x020 {
        31:0 address;
    }

    /// The same of the B buffer.
    pub(crate) DMA_PAGE_TABLE0_B(u32) @ 0x024 {
        31:0 address;
    }

    /// Channels that may do DMA.
    pub(crate) DMA_CHANNEL_ENABLE(u32) @ 0x028 {
        7:0 video => ChannelSet;
    }

    /// What the engine checks.
    pub(crate) DMA_CONFIG(u32) @ 0x02c {
        31:0 value;
    }

    /// The least time between two interrupts, in a unit that the data sheet does not name.
    pub(crate) DMA_TIMER_INTERVAL(u32) @ 0x030 {
        31:0 value;
    }

    /// How long the engine waits.
    pub(crate) DMA_CHANNEL_TIMEOUT(u32) @ 0x034 {
        31:0 value;
    }

    /// What a channel captures.
    pub(crate) VDMA_CHANNEL_CONFIG(u32)[8] @ 0x040 {
        /// The input.
        31:30 input;
        24:24 half_height => bool;
        23:23 half_width => bool;
        22:20 pixels;
        /// The last descriptor, in the table.
        19:10 end;
        /// The first.
        9:0 start;
    }

    /// What the system does.
    pub(crate) VIDEO_CONTROL1(u32) @ 0x0a8 {
        /// Channels whose signal has 625 lines.
        20:13 lines_625 => ChannelSet;
    }

    /// The clock, and the mode of each channel: scatter-gather where its two bits are clear.
    pub(crate) PHASE_REF(u32) @ 0x0b8 {
        31:16 modes;
        15:0 phase;
    }

    /// Which fields of a second are captured: all of them where it is zero.
    pub(crate) VIDEO_FIELD_CTRL(u32)[8] @ 0x0e4 {
        31:0 fields;
    }

    /// The size of a picture, where it is not that of the standard.
    pub(crate) VIDEO_SIZE(u32)[8] @ 0x128 {
        31:0 value;
    }

    /// The size of a field in memory.
    pub(crate) VDMA_WHP(u32)[8, stride = 0x20] @ 0x204 {
        31:22 lines;
        /// From one line to the next, in bytes.
        21:11 pitch;
        /// Of a line, in bytes.
        10:0 width;
    }

    /// As `DMA_PAGE_TABLE0_P`, of the other channels.
    pub(crate) DMA_PAGE_TABLE_P(u32)[7, stride = 8] @ 0x340 {
        31:0 address;
    }

    /// As `DMA_PAGE_TABLE0_B`, of the other channels.
    pub(crate) DMA_PAGE_TABLE_B(u32)[7, stride = 8] @ 0x344 {
        31:0 address;
    }

    /// What a decoder sees.
    pub(crate) VIDSTAT(u32)[20, stride = 0x40] @ 0x400 {
        /// There is no signal.
        7:7 loss => bool;
        /// It is locked to the lines.
        6:6 h_lock => bool;
        /// It is locked to the fields.
        3:3 v_lock => bool;
        /// There are 50 fields a second, and not 60.
        0:0 fields_50 => bool;
    }

    pub(crate) BRIGHT(u32)[20, stride = 0x40] @ 0x404 {
        7:0 value;
    }

    pub(crate) CONTRAST(u32)[20, stride = 0x40] @ 0x408 {
        7:0 value;
    }

    pub(crate) SAT_U(u32)[20, stride = 0x40] @ 0x410 {
        7:0 value;
    }

    pub(crate) SAT_V(u32)[20, stride = 0x40] @ 0x414 {
        7:0 value;
    }

    pub(crate) HUE(u32)[20, stride = 0x40] @ 0x418 {
        7:0 value;
    }

    /// The first line of a picture.
    pub(crate) VDELAY_LO(u32)[20, stride = 0x40] @ 0x420 {
        7:0 value;
    }

    /// The width of a picture, less what `CROP_HI` says.
    pub(crate) HACTIVE_LO(u32)[20, stride = 0x40] @ 0x42c {
        7:0 value;
    }

    /// The standard of a decoder.
    pub(crate) SDT(u32)[20, stride = 0x40] @ 0x438 {
        /// It is still looking.
        7:7 busy => bool;
        /// What it has found.
        6:4 detected;
        /// What it is set to.
        2:0 standard;
    }

    /// Which standards a decoder looks for.
    pub(crate) SDT_EN(u32)[20, stride = 0x40] @ 0x43c {
        7:7 start => bool;
        6:0 standards;
    }

    /// Resets the decoders of a bank.
    pub(crate) SRST(u32)[2, stride = 0x400] @ 0x600 {
        5:0 all;
    }

    pub(crate) VCTRL1(u32)[2, stride = 0x400] @ 0x63c {
        7:0 value;
    }

    pub(crate) LOOP(u32)[2, stride = 0x400] @ 0x654 {
        7:0 value;
    }

    pub(crate) MISC2(u32)[2, stride = 0x400] @ 0x658 {
        7:0 value;
    }
}

/// A register that each channel has one of.
pub(crate) trait PerChannel:
    register::RegisterArray<Storage = u32> + register::Array + From<u32>
{
}

impl PerChannel for VDMA_CHANNEL_CONFIG {}
impl PerChannel for VDMA_WHP {}
impl PerChannel for VIDEO_FIELD_CTRL {}
impl PerChannel for VIDEO_SIZE {}

/// A register that each decoder has one of.
pub(crate) trait PerDecoder:
    register::RegisterArray<Storage = u32> + register::Array + From<u32>
{
}

impl PerDecoder for VIDSTAT {}
impl PerDecoder for BRIGHT {}
impl PerDecoder for CONTRAST {}
impl PerDecoder for SAT_U {}
impl PerDecoder for SAT_V {}
impl PerDecoder for HUE {}
impl PerDecoder for VDELAY_LO {}
impl PerDecoder for HACTIVE_LO {}
impl PerDecoder for SDT {}
impl PerDecoder for SDT_EN {}

/// A register that each bank of decoders has one of.
pub(crate) trait PerBank:
    register::RegisterArray<Storage = u32> + register::Array + From<u32>
{
}

impl PerBank for SRST {}
impl PerBank for VCTRL1 {}
impl PerBank for LOOP {}
impl PerBank for MISC2 {}
