// SPDX-License-Identifier: GPL-2.0

//! A channel: a node of the card.

use super::{
    card::Card,
    chip::{
        ChannelId,
        Chip, //
    },
    format::{
        Format,
        Pixels, //
    },
    input::{
        self,
        Signal, //
    },
    picture::Picture,
    standard::Standard, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};
use media::{
    compat::{
        new_spinlock_irq,
        SpinLockIrq, //
    },
    v4l2::{
        self,
        ctrl,
        FmtDesc,
        FrmSize,
        Input,
        InputStatus,
        PixFormat,
        Std, //
    },
    vb2::Context,
};

/// What user space has chosen.
pub(crate) struct Settings {
    /// The standards that were asked for, of which the first counts.
    pub(crate) std: Std,
    pub(crate) standard: Standard,
    pub(crate) format: Format,
    pub(crate) input: u32,
    pub(crate) picture: Picture,
}

impl Settings {
    fn new() -> Self {
        Self {
            std: Std::NTSC,
            standard: Standard::NtscM,
            format: Format::DEFAULT,
            input: 0,
            picture: Picture::DEFAULT,
        }
    }

    /// The bytes of a frame.
    pub(crate) fn size_image(&self) -> u32 {
        self.format.size_image(self.standard.lines())
    }

    fn pix_format(&self) -> PixFormat {
        self.format.pix_format(self.standard.lines())
    }
}

/// A channel of a card.
#[pin_data]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    chip: &'static Chip,
    #[pin]
    pub(crate) settings: Mutex<Settings>,
    /// What was seen last at the input, and which one that is.
    #[pin]
    signal: SpinLockIrq<(Option<Signal>, u32)>,
}

impl Channel {
    pub(crate) fn new(id: ChannelId, chip: &'static Chip) -> impl PinInit<Self> {
        pin_init!(Self {
            id,
            chip,
            settings <- new_mutex!(Settings::new()),
            signal <- new_spinlock_irq!((None, 0)),
        })
    }

    /// This is what the decoder sees now. Returns the input whose signal has changed, if so, of
    /// which users are to be told.
    pub(crate) fn note_signal(&self, signal: Signal) -> Option<u32> {
        self.exchange_signal(|_| Some(signal))
    }

    /// The signal is lost, as the engine sees it; as [`note_signal`](Self::note_signal), in any
    /// context. What comes back may be another one, which the decoder says when it is asked.
    pub(crate) fn note_loss(&self) -> Option<u32> {
        self.exchange_signal(|old| old.map(|_| Signal::Lost))
    }

    fn exchange_signal(&self, f: impl FnOnce(Option<Signal>) -> Option<Signal>) -> Option<u32> {
        let mut signal = self.signal.lock();
        let old = signal.0;

        signal.0 = f(old);
        (old.is_some() && old != signal.0).then_some(signal.1)
    }
}

#[vtable]
impl v4l2::Capture for Channel {
    type Driver = Card;

    const STANDARDS: Std = Standard::SET;
    const SOURCE_CHANGES: bool = true;

    fn card(&self) -> &CStr {
        self.chip.name
    }

    fn controls(&self) -> &'static [ctrl::Config] {
        &super::picture::CONTROLS
    }

    fn enum_fmt(_cx: &Context<'_, Self>, index: u32) -> Option<FmtDesc> {
        Pixels::desc(index)
    }

    fn g_fmt(cx: &Context<'_, Self>) -> Result<PixFormat> {
        Ok(cx.settings.lock().pix_format())
    }

    fn try_fmt(cx: &Context<'_, Self>, format: &PixFormat) -> Result<PixFormat> {
        let lines = cx.settings.lock().standard.lines();

        Ok(Format::nearest(format, lines).pix_format(lines))
    }

    fn s_fmt(cx: &Context<'_, Self>, format: &PixFormat) -> Result {
        let mut settings = cx.settings.lock();

        settings.format = Format::nearest(format, settings.standard.lines());
        Ok(())
    }

    fn enum_framesizes(cx: &Context<'_, Self>, pixelformat: u32, index: u32) -> Option<FrmSize> {
        let lines = cx.settings.lock().standard.lines();

        Format::frame_size(pixelformat, index, lines)
    }

    fn enum_input(cx: &Context<'_, Self>, index: u32) -> Option<Input> {
        let name = input::name(index)?;
        let is_current = cx.settings.lock().input == index;
        let status = is_current.then(|| cx.registration_data().input_status(cx.id));

        Some(Input {
            status: status.unwrap_or(InputStatus::empty()),
            std: Self::STANDARDS,
            ..Input::new(name)
        })
    }

    fn g_input(cx: &Context<'_, Self>) -> Result<u32> {
        Ok(cx.settings.lock().input)
    }

    fn s_input(cx: &Context<'_, Self>, index: u32) -> Result {
        let hw = cx.registration_data();
        let mut settings = cx.settings.lock();

        hw.check()?;
        settings.input = index;
        hw.program_format(cx.id, &settings);
        // What is seen of the new one is no change of it.
        *cx.signal.lock() = (None, index);
        Ok(())
    }

    fn g_std(cx: &Context<'_, Self>) -> Result<Std> {
        Ok(cx.settings.lock().std)
    }

    fn s_std(cx: &Context<'_, Self>, std: Std) -> Result {
        let hw = cx.registration_data();
        let mut settings = cx.settings.lock();

        hw.check()?;
        settings.standard = Standard::of(std).ok_or(EINVAL)?;
        settings.std = std;
        hw.program_standard(cx.id, settings.standard);
        Ok(())
    }

    fn querystd(cx: &Context<'_, Self>) -> Result<Std> {
        let hw = cx.registration_data();

        hw.check()?;
        hw.detect(cx.id, cx.settings.lock().standard)
    }

    fn s_ctrl(cx: &Context<'_, Self>, id: ctrl::Id, value: i32) -> Result {
        let hw = cx.registration_data();
        let mut settings = cx.settings.lock();

        settings.picture.set(id, value)?;
        settings.picture.program(cx.id, &hw.regs);
        Ok(())
    }
}
