// SPDX-License-Identifier: GPL-2.0

//! The hardware, while the device is registered.

use super::{
    card::Card,
    channel::{
        Channel,
        Settings, //
    },
    chip::{
        ChannelId,
        ChannelSet, //
    },
    descriptors,
    engine::{
        self,
        Engine, //
    },
    irq::Interrupt,
    registers::Registers,
    regs,
    standard::{
        Lines,
        Standard, //
    },
    tables::Tables, //
};
use kernel::{
    device::Bound,
    irq::Flags,
    num::Bounded,
    pci,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};
use media::{
    compat::{
        new_spinlock_irq,
        pci::{
            alloc_irq_vectors,
            IrqVectorRegistration, //
        },
        SpinLockIrq, //
    },
    time,
    v4l2::{
        self,
        RegistrationContext, //
    },
};

/// How often signals are looked at, and channels that are silent, in nanoseconds.
const PERIOD: u64 = 500_000_000;

/// A chip that is there.
#[pin_data]
pub(crate) struct Hardware<'a> {
    card: &'a Card,
    pub(crate) regs: Registers<'a>,
    pub(crate) tables: Tables,
    #[pin]
    pub(crate) engine: SpinLockIrq<Engine>,
    /// It was pulled out, or does not answer any more.
    is_gone: Atomic<bool>,
    vectors: IrqVectorRegistration<'a>,
}

impl<'a> v4l2::RegistrationData<'a, Card> for Hardware<'a> {
    fn new(
        device: &'a v4l2::Device<Card>,
        parent: &'a pci::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        pin_init::pin_init_scope(move || {
            let card: &Card = device;
            let regs = Registers::new(parent)?;
            let tables = Tables::new(card.chip, parent.as_ref())?;
            // Nobody has tried message-signalled interrupts on a chip.
            let types = pci::IrqTypes::default().with(pci::IrqType::Intx);
            let vectors = alloc_irq_vectors(parent, 1, 1, types)?;

            init(card, &regs, &tables)?;
            Ok(try_pin_init!(Self {
                card,
                regs,
                tables,
                engine <- new_spinlock_irq!(Engine::default()),
                is_gone: Atomic::new(false),
                vectors,
            }))
        })
    }

    fn request_irqs<'d>(&'d self, irqs: &mut v4l2::Irqs<'d, Card>) -> Result {
        let vector = self.vectors.index(0)?;

        // The chip may have the settings of whoever was bound before.
        self.program_all();
        irqs.request::<Interrupt>(vector.into(), Flags::SHARED, c"tw686x_rust")
    }

    /// Enables channels, and looks after them.
    fn work(cx: &RegistrationContext<'a, Card>) {
        let hw = cx.registration_data();
        let now = time::now();

        hw.enable_due(now);
        for channel in cx.channels.iter() {
            match hw.signal(channel.id) {
                Ok(signal) => {
                    if let Some(input) = channel.note_signal(signal) {
                        channel.queue_source_change(input);
                    }
                }
                Err(_) => return hw.note_gone(cx),
            }
        }

        let enabled = hw.engine.lock().enabled();
        let stalled = cx.channels.iter().filter(|channel| {
            enabled.contains(channel.id)
                && channel
                    .queue()
                    .with_active(|_, slots| slots.progress.is_stalled(now))
        });
        let stalled = stalled.fold(ChannelSet::EMPTY, |all, channel| all | channel.id.into());
        hw.reset(cx, stalled);

        let wait = hw.engine.lock().wait(time::now());
        cx.schedule_work(nanos(wait.unwrap_or(PERIOD).min(PERIOD)));
    }

    fn suspend(cx: &RegistrationContext<'a, Card>) -> Result {
        let hw = cx.registration_data();

        hw.engine.lock().suspend(&hw.regs);
        Ok(())
    }

    fn resume(cx: &RegistrationContext<'a, Card>) -> Result {
        let hw = cx.registration_data();

        init(cx, &hw.regs, &hw.tables)?;
        hw.program_all();
        // The buffers are still in the tables.
        hw.engine.lock().resume(time::now());
        cx.schedule_work(nanos(engine::DELAY));
        Ok(())
    }
}

impl Hardware<'_> {
    /// Whether the chip is there, as far as is known.
    pub(crate) fn check(&self) -> Result {
        if self.is_gone.load(Relaxed) {
            Err(ENODEV)
        } else {
            Ok(())
        }
    }

    /// The chip does not answer: takes the nodes away.
    pub(crate) fn note_gone(&self, device: &v4l2::Device<Card>) {
        if !self.is_gone.xchg(true, Relaxed) {
            dev_err!(device.parent(), "the chip is gone\n");
            device.schedule_unregister();
        }
    }

    /// Enables the channels for which it is time.
    fn enable_due(&self, now: u64) {
        let due = self.engine.lock().due(now);

        if due.is_empty() {
            return;
        }
        for channel in self.of(due) {
            channel
                .queue()
                .with_active(|_, slots| slots.progress.restart(now));
        }
        self.engine.lock().enable(due, &self.regs);
    }

    /// Stops channels that have gone wrong, and starts them again in a while. In any context.
    ///
    /// Buffers stay where they are, but for those whose memory is taken back.
    pub(crate) fn reset(&self, device: &v4l2::Device<Card>, channels: ChannelSet) {
        if channels.is_empty() {
            return;
        }
        self.engine.lock().reset(channels, time::now(), &self.regs);
        for channel in self.of(channels) {
            channel
                .queue()
                .with_active(|_, slots| slots.give_up(self, channel.id));
        }
        device.schedule_work(nanos(engine::DELAY));
    }

    fn of(&self, set: ChannelSet) -> impl Iterator<Item = &v4l2::VideoDevice<Channel>> {
        self.card
            .channels
            .iter()
            .filter(move |channel| set.contains(channel.id))
            .map(|channel| &**channel)
    }

    /// Writes the settings of all channels to the chip, none of which does DMA.
    fn program_all(&self) {
        for channel in self.card.channels.iter() {
            self.program(channel.id, &channel.settings.lock());
        }
    }

    /// Writes all settings of a channel that does not stream to the chip.
    fn program(&self, id: ChannelId, settings: &Settings) {
        let regs = &self.regs;

        self.program_standard(id, settings.standard);
        self.program_format(id, settings);
        regs.set_channel(id, regs::VIDEO_FIELD_CTRL::zeroed());
        regs.set_channel(id, regs::VIDEO_SIZE::zeroed());
        regs.set_decoder(id, regs::VDELAY_LO::zeroed().with_const_value::<0x14>());
        regs.set_decoder(id, regs::HACTIVE_LO::zeroed().with_const_value::<0xd0>());
        settings.picture.program(id, regs);
    }

    pub(crate) fn program_standard(&self, id: ChannelId, standard: Standard) {
        let sdt = regs::SDT::zeroed().with_standard(standard.code());

        self.regs.set_decoder(id, sdt);
        let is_625 = standard.lines() == Lines::L625;
        self.engine.lock().set_lines_625(id, is_625, &self.regs);
    }

    /// Sets input, format and size of a channel that does not stream.
    pub(crate) fn program_format(&self, id: ChannelId, settings: &Settings) {
        let (format, lines) = (&settings.format, settings.standard.lines());
        let start = self.tables.start(id) as u32;
        let end = start + descriptors::COUNT as u32 - 1;
        let (_, height) = format.size(lines);
        let line = Bounded::from_expr(format.bytes_per_line() & 0x7ff);

        self.regs.set_channel(
            id,
            regs::VDMA_CHANNEL_CONFIG::zeroed()
                .with_input(Bounded::<u32, 2>::from_expr(settings.input & 3))
                .with_half_height(format.is_half_height)
                .with_half_width(format.is_half_width)
                .with_pixels(format.pixels.code())
                .with_start(Bounded::<u32, 10>::from_expr(start & 0x3ff))
                .with_end(Bounded::<u32, 10>::from_expr(end & 0x3ff)),
        );
        self.regs.set_channel(
            id,
            regs::VDMA_WHP::zeroed()
                .with_width(line)
                .with_pitch(line)
                .with_lines(Bounded::<u32, 10>::from_expr((height / 2) & 0x3ff)),
        );
    }
}

/// Resets the chip, and sets what is the same for all channels. May sleep.
fn init(card: &Card, regs: &Registers<'_>, tables: &Tables) -> Result {
    let chip = card.chip;

    regs.write(regs::SYS_SOFT_RST::zeroed().with_const_all::<0xf>());
    fsleep(Delta::from_millis(1));
    regs.set_banks::<regs::SRST>(chip, 0x3f);
    regs.write(regs::DMA_CMD::zeroed());
    regs.write(regs::DMA_CHANNEL_ENABLE::zeroed());

    // What the kernel's driver in C does, as little is known of these: overflows and pointers are
    // checked.
    regs.write(regs::DMA_CONFIG::from(0xffff_ff04));
    regs.write(regs::DMA_CHANNEL_TIMEOUT::from(0x140c_8584));
    regs.write(regs::DMA_TIMER_INTERVAL::from(0x0009_8968));
    regs.write(regs::PHASE_REF::zeroed().with_const_phase::<0x1518>());
    regs.set_banks::<regs::MISC2>(chip, 0xe7);
    regs.set_banks::<regs::VCTRL1>(chip, 0xcc);
    regs.set_banks::<regs::LOOP>(chip, 0xa5);

    tables.program(chip, regs)?;
    if regs.read::<regs::DMA_CMD>().into_raw() == regs::GONE {
        return Err(ENODEV);
    }
    Ok(())
}

pub(crate) fn nanos(nanos: u64) -> Delta {
    Delta::from_nanos(nanos.min(i64::MAX as u64) as i64)
}
