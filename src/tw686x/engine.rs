// SPDX-License-Identifier: GPL-2.0

//! The DMA engine: which channels run.
//!
//! Chips have been seen to freeze a machine whose channels were enabled soon after one another, so
//! a channel is enabled some time after the last one was started or reset, and all that wait
//! together.

use super::{
    chip::{
        ChannelId,
        ChannelSet, //
    },
    registers::Registers,
    regs, //
};
use kernel::prelude::*;

/// How long channels wait before they are enabled, in nanoseconds.
pub(crate) const DELAY: u64 = 100_000_000;

/// The state of the engine, which all channels share.
#[derive(Default)]
pub(crate) struct Engine {
    /// Channels that do DMA.
    enabled: ChannelSet,
    /// Channels that stream.
    wanted: ChannelSet,
    /// When channels may be enabled.
    due: u64,
    /// Channels whose standard has 625 lines.
    lines_625: ChannelSet,
    /// The system is about to be suspended.
    is_suspended: bool,
}

impl Engine {
    pub(crate) fn enabled(&self) -> ChannelSet {
        self.enabled
    }

    /// A channel starts to stream.
    pub(crate) fn start(&mut self, id: ChannelId, now: u64) {
        self.wanted = self.wanted | id.into();
        self.due = now + DELAY;
    }

    /// A channel streams no more. When this returns, it does no DMA.
    pub(crate) fn stop(&mut self, id: ChannelId, regs: &Registers<'_>) {
        self.wanted = self.wanted.without(id.into());
        self.disable(id.into(), regs);
    }

    /// Channels do no DMA, until they are enabled again.
    pub(crate) fn reset(&mut self, channels: ChannelSet, now: u64, regs: &Registers<'_>) {
        self.disable(channels, regs);
        self.due = now + DELAY;
    }

    /// The channels that may be enabled now.
    pub(crate) fn due(&self, now: u64) -> ChannelSet {
        if self.is_suspended || now < self.due {
            ChannelSet::EMPTY
        } else {
            self.wanted.without(self.enabled)
        }
    }

    /// How long it takes until channels may be enabled, where some wait for that.
    pub(crate) fn wait(&self, now: u64) -> Option<u64> {
        let waits = !self.wanted.without(self.enabled).is_empty();

        (waits && !self.is_suspended).then(|| self.due.saturating_sub(now))
    }

    /// Enables those of these channels that still stream.
    pub(crate) fn enable(&mut self, channels: ChannelSet, regs: &Registers<'_>) {
        let enabled = self.enabled | (channels & self.wanted);

        if enabled != self.enabled && !self.is_suspended {
            self.enabled = enabled;
            self.write(regs);
        }
    }

    fn disable(&mut self, channels: ChannelSet, regs: &Registers<'_>) {
        let enabled = self.enabled.without(channels);

        if enabled == self.enabled {
            return;
        }
        self.enabled = enabled;
        self.write(regs);
        // Reading lets what was written arrive, and what the chip has written before that.
        regs.read::<regs::DMA_CMD>();
    }

    fn write(&self, regs: &Registers<'_>) {
        regs.write(regs::DMA_CHANNEL_ENABLE::zeroed().with_video(self.enabled));
        regs.write(
            regs::DMA_CMD::zeroed()
                .with_enable(!self.enabled.is_empty())
                .with_video(self.enabled),
        );
    }

    /// Sets how many lines the standard of a channel has.
    pub(crate) fn set_lines_625(&mut self, id: ChannelId, is_625: bool, regs: &Registers<'_>) {
        self.lines_625 = if is_625 {
            self.lines_625 | id.into()
        } else {
            self.lines_625.without(id.into())
        };
        let control = regs.read::<regs::VIDEO_CONTROL1>();
        regs.write(control.with_lines_625(self.lines_625));
    }

    /// The engine stops, and nothing is enabled until it is resumed.
    pub(crate) fn suspend(&mut self, regs: &Registers<'_>) {
        self.is_suspended = true;
        self.disable(self.enabled, regs);
    }

    /// The chip was initialized anew.
    pub(crate) fn resume(&mut self, now: u64) {
        self.is_suspended = false;
        self.due = now + DELAY;
    }
}
