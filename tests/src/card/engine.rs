// SPDX-License-Identifier: GPL-2.0

//! Time: fields of each channel, one after the other, and their way into memory.
//!
//! A field is written in parts while it lasts, as it comes from a camera.

use super::frame::Mode;
use super::frame::Plan;
use super::frame::Target;
use super::frame::DESCRIPTOR;
use super::link::lock;
use super::painter::device;
use super::painter::Painter;
use super::report::Fault;
use super::Card;

use crate::sys;

use std::time::Duration;

/// In how many parts a field is written.
const PARTS: u32 = 4;

/// How many fields a channel may be behind before it leaves some out.
const LATE: u32 = 2;

/// A frame on its way.
struct Frame {
    plan: Plan,
    target: Target,
    /// What tells this memory from other memory: the descriptors, or the address.
    memory: Vec<u8>,
    is_second: bool,
}

/// A channel and its clock. Cameras are not synchronous.
struct Clock {
    /// When the part that is on its way ends.
    next: Duration,
    period: Duration,
    part: u32,
    field: u32,
    frame: Option<Frame>,
    painter: Painter,
}

/// Makes fields until QEMU has gone.
pub fn run(card: &Card) {
    let channels = lock(&card.chip).channels.len() as u32;
    let start = sys::monotonic();
    let mut clocks: Vec<_> = (0..channels)
        .map(|n| {
            let period = lock(&card.chip).field_period(n as usize);
            Clock {
                next: start + period * n / channels,
                period,
                part: 0,
                field: 0,
                frame: None,
                painter: Painter::default(),
            }
        })
        .collect();
    while !card.is_over() {
        let Some((n, clock)) = clocks
            .iter_mut()
            .enumerate()
            .min_by_key(|(_, clock)| clock.next)
        else {
            return;
        };
        sys::sleep_until(clock.next);
        clock.step(card, n);
    }
}

impl Clock {
    /// A part has come in: writes it. With the last one the field ends, and the next begins.
    fn step(&mut self, card: &Card, n: usize) {
        let now = sys::monotonic();
        if now > self.next + self.period * LATE {
            if card.is_patient {
                self.next = now;
            } else {
                self.catch_up(card, n, now);
            }
        }
        self.write(card, n);
        self.part += 1;
        if self.part == PARTS {
            self.end(card, n, now);
            self.field = self.field.wrapping_add(1);
            self.part = 0;
            self.begin(card, n, now);
        }
        self.next += self.period / PARTS;
    }

    /// Leaves out what there was no time for, in whole frames.
    fn catch_up(&mut self, card: &Card, n: usize, now: Duration) {
        let behind = (now - self.next).as_nanos() / self.period.as_nanos();
        let fields = (behind as u32).next_multiple_of(2);
        let mut chip = lock(&card.chip);
        if chip.channels[n].is_enabled {
            chip.counters.channels[n].late += u64::from(fields);
        }
        if let Some(frame) = self.frame.take() {
            chip.give_up(n, frame.plan.generation);
        }
        self.field = self.field.wrapping_add(fields);
        self.next += self.period * fields;
    }

    /// A field begins.
    fn begin(&mut self, card: &Card, n: usize, now: Duration) {
        let (plan, look, input) = {
            let mut chip = lock(&card.chip);
            chip.look_for_ignored(now);
            self.period = chip.field_period(n);
            let plan = chip.begin(n, self.field);
            (plan, chip.look(n), chip.input(n))
        };
        if let Some(plan) = plan {
            self.frame = self.follow(card, n, plan);
        }
        if let Some(frame) = &self.frame {
            let device = device(n, input);
            let geometry = &frame.plan.geometry;
            self.painter
                .paint(geometry, look, device, self.field, self.next);
        }
    }

    /// Finds out where a frame goes.
    fn follow(&self, card: &Card, n: usize, plan: Plan) -> Option<Frame> {
        let geometry = &plan.geometry;
        let (target, memory, fault) = match plan.mode {
            Mode::Table { address, count } => {
                let mut table = vec![0; count * DESCRIPTOR];
                match card.dma_read(address, &mut table) {
                    Ok(()) => {
                        let (target, fault) = Target::from_table(&table, 2 * geometry.field());
                        table.truncate(target.table_bytes());
                        (target, table, fault)
                    }
                    Err(errno) => {
                        let mut chip = lock(&card.chip);
                        chip.give_up(n, plan.generation);
                        chip.counters.fault(Fault::DmaRefused, || {
                            format!("table of channel {n} at {address:#x}: errno {errno}")
                        });
                        return None;
                    }
                }
            }
            Mode::Frame { address, pitch } => {
                let target = Target::interlaced(address, pitch, geometry);
                (target, address.to_le_bytes().to_vec(), None)
            }
            Mode::Fields { first, second } => {
                let target = Target::fields(first, second, geometry);
                (target, first.to_le_bytes().to_vec(), None)
            }
        };
        if let Some(fault) = fault {
            let slot = plan.slot;
            let mut chip = lock(&card.chip);
            chip.counters
                .fault(fault, || format!("channel {n} slot {slot:?}"));
            if fault == Fault::NoDescriptor {
                chip.give_up(n, plan.generation);
                return None;
            }
        }
        Some(Frame {
            plan,
            target,
            memory,
            is_second: false,
        })
    }

    /// Writes the lines of a part.
    fn write(&mut self, card: &Card, n: usize) {
        let Some(frame) = &self.frame else {
            return;
        };
        let geometry = &frame.plan.geometry;
        let base = if frame.is_second { geometry.field() } else { 0 };
        let byte = |part| geometry.line() * (geometry.lines * part / PARTS) as usize;
        let range = base + byte(self.part)..base + byte(self.part + 1);
        let field = self.painter.field();
        let generation = frame.plan.generation;
        let is_wanted = frame.target.parts(range).all(|(address, part)| {
            let data = &field[part.start - base..part.end - base];
            card.dma_write(n, generation, address, data)
        });
        if !is_wanted {
            lock(&card.chip).give_up(n, generation);
            self.frame = None;
        }
    }

    /// A field ends, and a frame may be complete.
    fn end(&mut self, card: &Card, n: usize, now: Duration) {
        let Some(mut frame) = self.frame.take() else {
            return;
        };
        if !frame.is_second {
            frame.is_second = true;
            self.frame = Some(frame);
            return;
        }
        // Nobody may have written to the table meanwhile.
        let mut is_changed = false;
        if let Mode::Table { address, .. } = frame.plan.mode {
            let mut table = vec![0; frame.memory.len()];
            is_changed = card.dma_read(address, &mut table).is_err() || table != frame.memory;
        }
        let mut chip = lock(&card.chip);
        if is_changed && chip.is_current(n, frame.plan.generation) {
            let slot = frame.plan.slot;
            chip.counters.fault(Fault::TableWhileInUse, || {
                format!("channel {n} slot {slot:?}")
            });
        }
        let is_trash = frame.target.is_trash();
        chip.complete(n, &frame.plan, frame.memory, is_trash, now);
    }
}
