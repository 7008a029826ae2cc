// SPDX-License-Identifier: GPL-2.0

//! The inputs of a channel, and the detection of what comes in.

use super::{
    chip::ChannelId,
    hardware::Hardware,
    regs,
    standard::{
        Lines,
        Standard, //
    },
};
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use media::v4l2::{
    InputFault,
    InputStatus,
    Std, //
};

const NAMES: [&CStr; 4] = [
    c"Composite 0",
    c"Composite 1",
    c"Composite 2",
    c"Composite 3",
];

/// How often a decoder is asked whether it knows the standard, ten milliseconds apart.
const TRIES: u32 = 50;

/// The name of the input with this index, if there is one.
pub(crate) fn name(index: u32) -> Option<&'static CStr> {
    NAMES.get(index as usize).copied()
}

/// What a decoder sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// There is none.
    Lost,
    /// There is one with so many lines.
    There(Lines),
}

impl Hardware<'_> {
    /// What the decoder of a channel sees. `ENODEV` where it does not answer.
    pub(crate) fn signal(&self, id: ChannelId) -> Result<Signal> {
        let status = self.regs.decoder::<regs::VIDSTAT>(id);

        if status.into_raw() == regs::GONE {
            Err(ENODEV)
        } else if status.loss() {
            Ok(Signal::Lost)
        } else if status.fields_50() {
            Ok(Signal::There(Lines::L625))
        } else {
            Ok(Signal::There(Lines::L525))
        }
    }

    /// What is wrong with the current input of a channel.
    pub(crate) fn input_status(&self, id: ChannelId) -> InputStatus {
        let decoder = self.regs.decoder::<regs::VIDSTAT>(id);
        let mut status = InputStatus::empty();

        if decoder.loss() {
            status |= InputFault::NoSignal;
        }
        if !decoder.h_lock() {
            status |= InputFault::NoHLock;
        }
        status
    }

    /// Lets the decoder of a channel find out the standard of its signal; it is set to `current`
    /// afterwards. Sleeps.
    pub(crate) fn detect(&self, id: ChannelId, current: Standard) -> Result<Std> {
        if self.engine.lock().enabled().contains(id) {
            return Err(EBUSY);
        }
        if self.signal(id)? == Signal::Lost {
            return Ok(Std::UNKNOWN);
        }
        self.regs.set_decoder(
            id,
            regs::SDT::zeroed().with_const_standard::<{ Standard::AUTO }>(),
        );
        self.regs.set_decoder(
            id,
            regs::SDT_EN::zeroed()
                .with_start(true)
                .with_const_standards::<0x7f>(),
        );

        let mut found = None;
        for _ in 0..TRIES {
            fsleep(Delta::from_millis(10));
            let sdt = self.regs.decoder::<regs::SDT>(id);
            if !sdt.busy() {
                found = Standard::from_code(sdt.detected().get());
                break;
            }
        }
        self.program_standard(id, current);
        Ok(found.map_or(Std::UNKNOWN, Standard::set))
    }
}
