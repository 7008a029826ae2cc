// SPDX-License-Identifier: GPL-2.0

//! Interrupts.

use super::{
    card::Card,
    chip::Side,
    regs,
    standard::Lines, //
};
use kernel::irq::IrqReturn;
use media::{
    v4l2::{
        self,
        RegistrationContext, //
    },
    vb2,
};

/// The handler of the chip's one interrupt.
pub(crate) struct Interrupt;

impl v4l2::IrqHandler<Card> for Interrupt {
    fn handle(cx: &RegistrationContext<'_, Card>) -> IrqReturn {
        let hw = cx.registration_data();
        let status = hw.regs.read::<regs::INT_STATUS>();
        let fifo = hw.regs.read::<regs::VIDEO_FIFO_STATUS>();

        if status.into_raw() == regs::GONE {
            hw.note_gone(cx);
            return IrqReturn::None;
        }
        let enabled = hw.engine.lock().enabled();
        let errors = (fifo.overflow() | fifo.bad_pointer()) & enabled;
        if status.into_raw() == 0 && errors.is_empty() {
            return IrqReturn::None;
        }
        if status.dma_timeout() {
            hw.reset(cx, enabled);
            return IrqReturn::Handled;
        }

        // Without a signal there are errors that say nothing.
        let lost = fifo.no_signal();
        let mut resets = errors.without(lost);
        let complete = (status.video() & enabled).without(resets);
        let before = vb2::now();
        let sides = hw.regs.read::<regs::PB_STATUS>().video();
        let asked = before..vb2::now();

        for channel in cx.channels.iter().filter(|c| complete.contains(c.id)) {
            let (id, side) = (channel.id, Side::of(sides.contains(channel.id)));
            let is_lost = lost.contains(id);

            if let Some(input) = is_lost.then(|| channel.note_loss()).flatten() {
                channel.queue_source_change(input);
            }
            let is_to_be_reset = channel.queue().with_active(|waiting, slots| {
                if slots.progress.has_recovered(!is_lost) {
                    return true;
                }
                slots.exchange(hw, id, side, &asked, waiting).is_err()
            });
            if is_to_be_reset {
                resets = resets | id.into();
            }
        }

        // Tables were exchanged while the engine did not use them, if it does not use them now. It
        // may have used them and be back where it was, but not within a frame.
        let since = hw.regs.read::<regs::PB_STATUS>().video() ^ sides;
        let was_long = vb2::now() - before >= Lines::L525.frame_nanos() / 10 * 9;
        let complete = complete.without(resets);
        for channel in cx.channels.iter().filter(|c| complete.contains(c.id)) {
            let is_in_time = !was_long && !since.contains(channel.id);
            channel
                .queue()
                .with_active(|_, slots| slots.done(is_in_time));
        }
        hw.reset(cx, resets & enabled);
        IrqReturn::Handled
    }
}
