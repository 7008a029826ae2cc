// SPDX-License-Identifier: GPL-2.0

//! Interrupts.

use super::{
    card::Card,
    chip::Side,
    hardware::Hardware,
    regs, //
};
use kernel::irq::IrqReturn;
use media::{
    time,
    v4l2::{
        self,
        RegistrationContext, //
    },
};

/// The handler of the chip's one interrupt.
pub(crate) struct Interrupt;

/// How often the handler looks whether there is more to do: more than that cannot be, unless the
/// chip has gone mad.
const ROUNDS: usize = 8;

impl v4l2::IrqHandler<Card> for Interrupt {
    fn handle(cx: &RegistrationContext<'_, Card>) -> IrqReturn {
        let hw = cx.registration_data();
        let mut status = hw.regs.read::<regs::INT_STATUS>();

        if status.into_raw() == regs::GONE {
            hw.note_gone(cx);
            return IrqReturn::None;
        }
        for round in 0..ROUNDS {
            status = match serve(cx, hw, status) {
                Some(status) if status.into_raw() == 0 => break,
                Some(status) => status,
                None if round == 0 => return IrqReturn::None,
                None => break,
            };
        }
        IrqReturn::Handled
    }
}

/// Does what the chip has interrupted for, if it has. Returns what has come meanwhile, which
/// interrupts no more once it was read.
fn serve(
    cx: &RegistrationContext<'_, Card>,
    hw: &Hardware<'_>,
    status: regs::INT_STATUS,
) -> Option<regs::INT_STATUS> {
    let fifo = hw.regs.read::<regs::VIDEO_FIFO_STATUS>();
    let enabled = hw.engine.lock().enabled();
    let errors = (fifo.overflow() | fifo.bad_pointer()) & enabled;

    if status.into_raw() == 0 && errors.is_empty() {
        return None;
    }
    if status.dma_timeout() {
        hw.reset(cx, enabled);
        return Some(hw.regs.read::<regs::INT_STATUS>());
    }

    // Without a signal there are errors that say nothing.
    let lost = fifo.no_signal();
    let mut resets = errors.without(lost);
    let complete = (status.video() & enabled).without(resets);
    let sides = hw.regs.read::<regs::PB_STATUS>().video();
    let now = time::now();

    for channel in cx.channels.iter().filter(|c| complete.contains(c.id)) {
        let (id, side) = (channel.id, Side::of(sides.contains(channel.id)));
        let is_lost = lost.contains(id);

        if let Some(input) = is_lost.then(|| channel.note_loss()).flatten() {
            channel.queue_source_change(input);
        }
        let is_to_be_reset = channel.queue().with_active(|waiting, slots| {
            slots.progress.has_recovered(!is_lost)
                || slots.exchange(hw, id, side, now, waiting).is_err()
        });
        if is_to_be_reset {
            resets = resets | id.into();
        }
    }

    // A table was exchanged in time if the engine has not come to it since: then there would be
    // another frame complete.
    let since = hw.regs.read::<regs::INT_STATUS>();
    let complete = complete.without(resets);
    for channel in cx.channels.iter().filter(|c| complete.contains(c.id)) {
        let was_there = since.video().contains(channel.id);
        channel
            .queue()
            .with_active(|_, slots| slots.done(was_there));
    }
    hw.reset(cx, resets & enabled);
    Some(since)
}
