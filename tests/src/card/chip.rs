// SPDX-License-Identifier: GPL-2.0

//! The chip as its driver sees it: registers, channels that are enabled and complete buffers,
//! interrupts.

use super::irq::Interrupts;
use super::pci::Config;
use super::pci::Effect;
use super::regs;
use super::regs::index;
use super::regs::Reg;
use super::regs::Slot;
use super::report::Counters;
use super::report::Fault;
use super::signal;
use super::signal::Inputs;
use super::signal::Standard;
use super::Kind;

use std::time::Duration;

#[path = "chip/capture.rs"]
mod capture;

/// How long a decoder looks for a standard.
const DETECTION: Duration = Duration::from_millis(80);

/// After how long an interrupt counts as ignored.
const IGNORED: Duration = Duration::from_secs(1);

/// A channel.
#[derive(Default)]
pub struct Channel {
    pub inputs: Inputs,
    pub is_enabled: bool,
    /// It does nothing until it is disabled.
    pub is_stalled: bool,
    /// The buffer that is filled, or will be next.
    pub slot: Slot,
    pub is_filling: bool,
    /// Counts how often it was enabled and disabled: what began before that is over.
    pub generation: u32,
    /// The next completion is not told of.
    pub lose: bool,
    /// How many frames are complete since somebody asked which slot it was.
    unasked: u32,
    /// Where the last frame in each slot went.
    last: [Vec<u8>; 2],
    /// When its decoder knows the standard.
    detected_at: Duration,
    detected: Option<Standard>,
    is_second_field: bool,
}

/// The chip.
pub struct Chip {
    pub kind: Kind,
    pub config: Config,
    pub irq: Interrupts,
    pub channels: Vec<Channel>,
    pub counters: Counters,
    /// Nobody answers on the bus any more.
    pub is_link_down: bool,
    regs: Vec<u32>,
    int_status: u32,
    pb_status: u32,
    fifo_errors: u32,
    /// A FIFO error has not been asked about.
    is_fifo_news: bool,
    raised_at: Option<Duration>,
}

impl Chip {
    pub fn new(kind: Kind) -> Self {
        let channels = kind.channels();
        let mut chip = Self {
            kind,
            config: Config::new(kind.device_id()),
            irq: Interrupts::default(),
            channels: Vec::new(),
            counters: Counters::new(channels),
            is_link_down: false,
            regs: Vec::new(),
            int_status: 0,
            pb_status: 0,
            fifo_errors: 0,
            is_fifo_news: false,
            raised_at: None,
        };
        chip.channels.resize_with(channels, || Channel {
            inputs: signal::INPUTS,
            ..Channel::default()
        });
        chip.reset();
        chip
    }

    /// All registers are what they are without a driver. What is plugged in stays.
    pub fn reset(&mut self) {
        self.regs = (0..regs::COUNT)
            .map(|n| Reg::at(n, self.kind).map_or(0, |reg| reg.default(n)))
            .collect();
        self.stop();
        for channel in &mut self.channels {
            channel.detected = None;
            channel.detected_at = Duration::ZERO;
        }
    }

    /// The engine stops, and forgets what it wanted to say.
    fn stop(&mut self) {
        self.regs[index::DMA_CMD] = 0;
        self.regs[index::CHANNEL_ENABLE] = 0;
        self.update_enabled();
        self.int_status = 0;
        self.pb_status = 0;
        self.fifo_errors = 0;
        self.is_fifo_news = false;
        self.raised_at = None;
        self.irq.set_line(false);
    }

    /// Whether registers can be reached.
    fn is_there(&self) -> bool {
        !self.is_link_down && self.config.has_power()
    }

    /// Reads configuration space; nothing where there is none.
    pub fn read_config(&self, offset: u64, count: usize) -> Option<Vec<u8>> {
        let bytes = self.config.read(offset, count)?;
        Some(match self.is_link_down {
            true => vec![0xff; count],
            false => bytes.to_vec(),
        })
    }

    pub fn write_config(&mut self, offset: u64, data: &[u8]) -> Option<()> {
        if self.is_link_down {
            return Some(());
        }
        if self.config.write(offset, data)? == Effect::Woken {
            self.reset();
        }
        Some(())
    }

    /// Reads from the BAR.
    pub fn read_bar(&mut self, offset: u64, count: usize, now: Duration) -> Vec<u8> {
        self.counters.reads += 1;
        if !self.is_there() {
            return vec![0xff; count];
        }
        if count != 4 || offset % 4 != 0 {
            self.counters.fault(Fault::BadAccess, || {
                format!("read of {count} at {offset:#x}")
            });
            return vec![0xff; count];
        }
        self.read((offset / 4) as usize, now).to_le_bytes().to_vec()
    }

    pub fn write_bar(&mut self, offset: u64, data: &[u8], now: Duration) {
        self.counters.writes += 1;
        if !self.is_there() {
            return;
        }
        match data.try_into() {
            Ok(word) if offset % 4 == 0 => {
                self.write((offset / 4) as usize, u32::from_le_bytes(word), now);
            }
            _ => {
                let count = data.len();
                self.counters.fault(Fault::BadAccess, || {
                    format!("write of {count} at {offset:#x}")
                });
            }
        }
    }

    /// Reads a register.
    pub fn read(&mut self, index: usize, now: Duration) -> u32 {
        let Some(reg) = Reg::at(index, self.kind) else {
            self.counters
                .fault(Fault::NoSuchRegister, || format!("read of {index:#x}"));
            return !0;
        };
        match reg {
            Reg::IntStatus => {
                if let Some(at) = self.raised_at.take() {
                    self.counters.answer(now.saturating_sub(at));
                }
                let status = std::mem::take(&mut self.int_status);
                self.update_line(now);
                status
            }
            Reg::PbStatus => {
                // The answer is that of the last one, which comes too late for the others.
                for (channel, counts) in self.channels.iter_mut().zip(&mut self.counters.channels) {
                    let unasked = std::mem::take(&mut channel.unasked);
                    counts.overruns += u64::from(unasked.saturating_sub(1));
                }
                self.pb_status
            }
            Reg::FifoStatus => {
                self.is_fifo_news = false;
                self.update_line(now);
                self.fifo_status()
            }
            Reg::VidStat(n) => signal::vidstat(self.signal(n), self.channels[n].is_second_field),
            Reg::Sdt(n) => self.sdt(n, now),
            Reg::Status => 0,
            _ => self.regs[index],
        }
    }

    /// Writes a register.
    pub fn write(&mut self, index: usize, value: u32, now: Duration) {
        let Some(reg) = Reg::at(index, self.kind) else {
            self.counters
                .fault(Fault::NoSuchRegister, || format!("write of {index:#x}"));
            return;
        };
        if reg.is_read_only() {
            self.counters
                .fault(Fault::ReadOnlyRegister, || format!("{index:#x}"));
            return;
        }
        let old = self.regs[index];
        self.check(reg, old, value);
        self.regs[index] = value & reg.mask(index);
        match reg {
            Reg::DmaCmd | Reg::ChannelEnable => self.update_enabled(),
            Reg::SoftReset => {
                self.regs[index] = 0;
                self.stop();
            }
            // Another input, or another standard.
            Reg::ChannelConfig(n) if (old ^ value) >> 30 != 0 => self.detect(n, now),
            Reg::Sdt(n) if old != self.regs[index] => self.detect(n, now),
            Reg::SdtEn(n) if value & regs::SDT_START != 0 => self.detect(n, now),
            _ => (),
        }
    }

    /// Finds fault with what is about to be written.
    fn check(&mut self, reg: Reg, old: u32, new: u32) {
        if old == new {
            return;
        }
        let enabled = |n: usize| self.channels[n].is_enabled;
        let in_use = |n: usize, slot| {
            let channel = &self.channels[n];
            channel.is_enabled && channel.is_filling && channel.slot == slot
        };
        let fault = match reg {
            Reg::ChannelConfig(n) | Reg::Whp(n, _) | Reg::FieldCtrl(n) => {
                enabled(n).then_some(Fault::ConfiguredWhileEnabled)
            }
            Reg::PhaseRef => (0..self.channels.len())
                .any(|n| enabled(n) && ((old ^ new) >> (16 + 2 * n)) & 3 != 0)
                .then_some(Fault::ConfiguredWhileEnabled),
            Reg::PageTable(n, slot) => {
                let any = self.kind.has_shared_tables();
                let mut users = (0..self.channels.len()).filter(|user| any || *user == n);
                users
                    .any(|user| in_use(user, slot))
                    .then_some(Fault::AddressWhileInUse)
            }
            Reg::Address(n, slot, _) => in_use(n, slot).then_some(Fault::AddressWhileInUse),
            _ => None,
        };
        if let Some(fault) = fault {
            self.counters.fault(fault, || format!("{reg:?}"));
        }
    }

    fn update_enabled(&mut self) {
        let command = self.regs[index::DMA_CMD];
        let enable = self.regs[index::CHANNEL_ENABLE];
        for (n, channel) in self.channels.iter_mut().enumerate() {
            let bit = 1 << n;
            let is_enabled = command & regs::DMA_CMD_ENABLE != 0 && command & enable & bit != 0;
            if is_enabled == channel.is_enabled {
                continue;
            }
            channel.is_enabled = is_enabled;
            channel.generation += 1;
            channel.unasked = 0;
            if is_enabled {
                channel.slot = Slot::P;
                self.counters.channels[n].starts += 1;
            } else {
                self.counters.channels[n].cut += u64::from(channel.is_filling);
                channel.is_stalled = false;
                self.fifo_errors &= !((bit << 16) | (bit << 24));
            }
            channel.is_filling = false;
        }
    }

    fn fifo_status(&self) -> u32 {
        let lost = (0..self.channels.len()).filter(|n| self.signal(*n).is_none());
        lost.fold(self.fifo_errors, |status, n| status | (1 << n))
    }

    fn update_line(&mut self, now: Duration) {
        let line = self.int_status != 0 || self.is_fifo_news;
        if line && !self.irq.line() {
            self.counters.interrupts += 1;
            self.raised_at = Some(now);
        } else if !line {
            self.raised_at = None;
        }
        let is_silent = self.config.is_intx_off() && !self.irq.is_msi();
        self.irq.set_line(line && !is_silent);
    }

    /// Counts an interrupt that nobody looks after.
    pub fn look_for_ignored(&mut self, now: Duration) {
        if self.raised_at.is_some_and(|at| now > at + IGNORED) {
            self.raised_at = None;
            self.counters.ignored += 1;
        }
    }

    fn config(&self, n: usize) -> u32 {
        self.regs[index::channel_config(n)]
    }

    /// The input that is chosen.
    pub fn input(&self, n: usize) -> usize {
        (self.config(n) >> 30) as usize
    }

    /// What comes in there.
    pub fn signal(&self, n: usize) -> Option<Standard> {
        self.channels[n].inputs[self.input(n)]
    }

    /// Whether the driver expects 625 lines.
    fn expects_625(&self, n: usize) -> bool {
        (self.regs[index::VIDEO_CONTROL1] >> (13 + n)) & 1 != 0
    }

    /// How long a field takes: what comes in says so, if anything does.
    pub fn field_period(&self, n: usize) -> Duration {
        let standard = self.signal(n);
        signal::field_period(standard.map_or(self.expects_625(n), Standard::is_625))
    }

    /// Plugs a camera in, or pulls it out.
    pub fn plug(&mut self, n: usize, input: usize, standard: Option<Standard>, now: Duration) {
        self.channels[n].inputs[input] = standard;
        self.detect(n, now);
    }

    /// A decoder begins to look for the standard.
    fn detect(&mut self, n: usize, now: Duration) {
        self.channels[n].detected_at = now + DETECTION;
    }

    /// What a decoder says about standards.
    fn sdt(&mut self, n: usize, now: Duration) -> u32 {
        let set = self.regs[index::decoder(n, 0xe)];
        let enables = self.regs[index::decoder(n, 0xf)];
        let chosen = Standard::from_code(set & 7);
        let (is_busy, standard) = match (chosen, self.signal(n)) {
            (Some(chosen), _) => (false, Some(chosen)),
            (None, None) => (true, self.channels[n].detected),
            (None, Some(signal)) => {
                let is_busy = now < self.channels[n].detected_at;
                if !is_busy {
                    let likely = match signal.is_625() {
                        true => Standard::Pal,
                        false => Standard::NtscM,
                    };
                    let found = signal.is_among(enables).then_some(signal);
                    self.channels[n].detected = Some(found.unwrap_or(likely));
                }
                (is_busy, self.channels[n].detected)
            }
        };
        let busy = if is_busy { regs::SDT_BUSY } else { 0 };
        set & 0xf | standard.map_or(0, |standard| (standard as u32) << 4) | busy
    }
}

#[cfg(test)]
#[path = "chip/tests.rs"]
mod tests;
