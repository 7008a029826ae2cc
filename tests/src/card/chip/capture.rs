// SPDX-License-Identifier: GPL-2.0

//! Frames of a channel: what its registers say of them, how they begin and end; errors on demand.

use super::Chip;

use super::super::frame::Geometry;
use super::super::frame::Mode;
use super::super::frame::Plan;
use super::super::regs;
use super::super::regs::index;
use super::super::regs::Slot;
use super::super::report::Fault;

use crate::reader::picture::Pattern;
use crate::reader::picture::PictureParams;

use std::time::Duration;

impl Chip {
    /// How the picture of a channel is to look.
    pub fn look(&self, n: usize) -> PictureParams {
        let decoder = |offset| self.regs[index::decoder(n, offset)] as u8;
        PictureParams {
            pattern: match self.signal(n) {
                Some(_) => Pattern::Bars75,
                None => Pattern::SolidBlue,
            },
            // Signed on the chip.
            brightness: decoder(1) ^ 0x80,
            contrast: decoder(2),
            saturation: decoder(4),
            hue: decoder(6) as i8,
            ..PictureParams::default()
        }
    }

    /// A field begins: what is to be done with the frame that it is the first of, if anything.
    pub fn begin(&mut self, n: usize, field: u32) -> Option<Plan> {
        self.channels[n].is_second_field = field % 2 != 0;
        let is_idle = {
            let channel = &self.channels[n];
            !channel.is_enabled || channel.is_stalled || channel.is_filling
        };
        if is_idle || field % 2 != 0 || !self.is_there() || !self.is_captured(n, field) {
            return None;
        }
        if !self.config.is_bus_master() {
            self.counters
                .fault(Fault::NotBusMaster, || format!("channel {n}"));
            return None;
        }
        let slot = self.channels[n].slot;
        let mode = match self.mode(n, slot) {
            Ok(mode) => mode,
            Err(fault) => {
                self.counters
                    .fault(fault, || format!("channel {n} slot {slot:?}"));
                return None;
            }
        };
        let Some(geometry) = Geometry::of(self.config(n), self.expects_625(n)) else {
            let config = self.config(n);
            self.counters
                .fault(Fault::BadMode, || format!("channel {n} config {config:#x}"));
            return None;
        };
        let whp = self.regs[index::whp(n, false)];
        if !geometry.is_whp(whp) {
            self.counters.fault(Fault::SizeMismatch, || {
                format!("channel {n} whp {whp:#x} for {geometry:?}")
            });
        }
        let channel = &mut self.channels[n];
        channel.is_filling = true;
        Some(Plan {
            generation: channel.generation,
            slot,
            mode,
            geometry,
        })
    }

    /// Where a frame goes to.
    fn mode(&self, n: usize, slot: Slot) -> Result<Mode, Fault> {
        let address = |index: usize| match self.regs[index] {
            0 => Err(Fault::NoAddress),
            address => Ok(u64::from(address)),
        };
        match (self.regs[index::PHASE_REF] >> (16 + 2 * n)) & 3 {
            0 => {
                let config = self.config(n);
                let (first, last) = (config & 0x3ff, (config >> 10) & 0x3ff);
                if last < first {
                    return Err(Fault::NoDescriptor);
                }
                let table = if self.kind.has_shared_tables() { 0 } else { n };
                Ok(Mode::Table {
                    address: address(index::page_table(table, slot))? + u64::from(first) * 8,
                    count: (last - first + 1) as usize,
                })
            }
            2 => Ok(Mode::Frame {
                address: address(index::address(n, slot, false))?,
                pitch: (self.regs[index::whp(n, false)] >> 11) & 0x7ff,
            }),
            3 => Ok(Mode::Fields {
                first: address(index::address(n, slot, false))?,
                second: match self.regs[index::whp(n, true)] {
                    0 => None,
                    _ => Some(address(index::address(n, slot, true))?),
                },
            }),
            _ => Err(Fault::BadMode),
        }
    }

    /// Whether the fields from this one on are not left out to lower the rate.
    ///
    /// The bits of the register stand for fields, and begin anew after half a second; a frame goes
    /// by its second field.
    pub(super) fn is_captured(&self, n: usize, field: u32) -> bool {
        let control = self.regs[index::field_ctrl(n)];
        let period = if self.expects_625(n) { 25 } else { 30 };
        control >> 31 == 0 || (control >> ((field + 1) % period)) & 1 != 0
    }

    /// Whether a frame that was begun is still wanted.
    pub fn is_current(&self, n: usize, generation: u32) -> bool {
        let channel = &self.channels[n];
        channel.generation == generation && !channel.is_stalled && self.is_there()
    }

    /// A frame could not be begun after all.
    pub fn give_up(&mut self, n: usize, generation: u32) {
        let channel = &mut self.channels[n];
        if channel.generation == generation {
            channel.is_filling = false;
        }
    }

    /// A frame is complete: the other slot is next. `memory` says where it went.
    pub fn complete(
        &mut self,
        n: usize,
        plan: &Plan,
        memory: Vec<u8>,
        is_trash: bool,
        now: Duration,
    ) {
        if !self.is_current(n, plan.generation) {
            self.give_up(n, plan.generation);
            return;
        }
        let is_blue = self.signal(n).is_none();
        let channel = &mut self.channels[n];
        let counts = &mut self.counters.channels[n];
        counts.frames += 1;
        counts.blue += u64::from(is_blue);
        channel.unasked += 1;
        if is_trash {
            counts.trash += 1;
        } else if channel.last[plan.slot as usize] == memory {
            counts.reused += 1;
        }
        channel.last[plan.slot as usize] = memory;
        channel.is_filling = false;
        channel.slot = plan.slot.other();
        if std::mem::take(&mut channel.lose) {
            return;
        }
        self.pb_status = self.pb_status & !(1 << n) | ((plan.slot as u32) << n);
        self.int_status |= 1 << n;
        self.update_line(now);
    }

    /// A FIFO error of a channel, which does nothing from then on.
    pub fn fail_fifo(&mut self, n: usize, is_overflow: bool, now: Duration) {
        let bit = if is_overflow { 24 } else { 16 };
        self.fifo_errors |= 1 << (bit + n);
        self.channels[n].is_stalled = true;
        self.channels[n].is_filling = false;
        self.is_fifo_news = true;
        self.update_line(now);
    }

    /// The engine has waited too long, and all channels do nothing from then on.
    pub fn time_out(&mut self, now: Duration) {
        for channel in &mut self.channels {
            channel.is_stalled = channel.is_enabled;
            channel.is_filling = false;
        }
        self.int_status |= regs::INT_DMA_TIMEOUT;
        self.update_line(now);
    }

    /// The link goes down, or comes up: then the chip has forgotten everything.
    pub fn set_link(&mut self, is_up: bool) {
        if is_up == self.is_link_down {
            self.is_link_down = !is_up;
            if is_up {
                self.config.reset();
                self.reset();
            } else {
                self.irq.set_line(false);
            }
        }
    }
}
