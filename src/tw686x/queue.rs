// SPDX-License-Identifier: GPL-2.0

//! The buffers of a channel, from user space to the chip and back.

use super::{
    channel::Channel,
    chip::{
        ChannelId,
        Side, //
    },
    descriptors::List,
    engine,
    hardware::{
        nanos,
        Hardware, //
    },
    progress::Progress, //
};
use kernel::prelude::*;
use media::{
    time,
    v4l2::{
        uapi,
        VideoDevice, //
    },
    vb2::{
        self,
        ActiveContext,
        Buffer,
        Context,
        FrameInfo,
        IdleBuffer,
        IoMode,
        PlaneSizes,
        Waiting, //
    },
};

#[vtable]
impl vb2::Operations for Channel {
    type Owner = VideoDevice<Self>;
    type Engine = vb2::Dma;
    type Active<'q> = Slots<'q>;
    type Stream = ();
    type BufferData = List;

    const CONFIG: vb2::Config = vb2::Config {
        io_modes: &[
            IoMode::Mmap,
            IoMode::UserPtr,
            IoMode::DmaBuf,
            IoMode::Read, //
        ],
        // Two for the chip, and one for user space.
        min_reqbufs_allocation: 3,
        max_bytes: 64 << 20,
        max_segments: super::descriptors::COUNT,
        max_segment_size: u32::MAX,
        ..vb2::Config::DEFAULT
    };

    fn queue_setup(cx: &Context<'_, Self>) -> Result<PlaneSizes> {
        PlaneSizes::new(&[cx.settings.lock().size_image()])
    }

    fn buf_prepare(cx: &Context<'_, Self>, buffer: &mut IdleBuffer<'_, Self>) -> Result {
        let bytes = cx.settings.lock().size_image() as usize;

        buffer.with_segments(0, |list, segments| list.fill(segments, bytes))?
    }

    fn start_streaming(cx: &Context<'_, Self>) -> Result {
        let hw = cx.registration_data();
        let settings = cx.settings.lock();
        let now = time::now();

        hw.check()?;
        hw.program_format(cx.id, &settings);
        let trash = hw.tables.trash(settings.size_image() as usize)?;
        cx.queue().with_active(|waiting, slots| {
            slots.trash = trash;
            slots.bytes = settings.size_image();
            slots.progress = Progress::new(settings.standard.lines().frame_nanos());
            Side::BOTH
                .into_iter()
                .try_for_each(|side| slots.load(hw, cx.id, side, waiting))
        })?;
        hw.engine.lock().start(cx.id, now);
        cx.device().schedule_work(nanos(engine::DELAY));
        Ok(())
    }

    fn stop_streaming(cx: &Context<'_, Self>, _stream: ()) {
        let hw = cx.registration_data();

        hw.engine.lock().stop(cx.id, &hw.regs);
    }

    /// The chip may be in the middle of a frame, or have no signal and never end it: the channel is
    /// stopped, and goes on a little later.
    fn invalidate_mappings(cx: &ActiveContext<'_, Self>) {
        cx.registration_data().reset(cx.device(), cx.id.into());
    }
}

/// What a channel of the chip has.
#[derive(Default)]
pub(crate) struct Slots<'q> {
    pub(crate) progress: Progress,
    /// What the tables of P and B are of; the trash page where there is nothing.
    filling: [Option<Buffer<'q, Channel>>; 2],
    /// A frame that is complete, if its table was exchanged in time; and which one that was.
    complete: Option<(Buffer<'q, Channel>, FrameInfo)>,
    exchanged: Option<Side>,
    /// Tables that were exchanged too late.
    late: [Option<Late<'q>>; 2],
    /// The bytes of a frame, and where one goes for which there is no buffer.
    bytes: u32,
    trash: List,
}

/// Of a table that was exchanged while the engine used it: what was in it before. The engine may
/// write that, or what is in it now, or some of both.
struct Late<'q> {
    #[expect(dead_code, reason = "is kept")]
    before: Option<Buffer<'q, Channel>>,
}

impl<'q> Slots<'q> {
    /// Gives a table, which the chip must not be using, the next buffer.
    fn load(
        &mut self,
        hw: &Hardware<'_>,
        id: ChannelId,
        side: Side,
        waiting: &Waiting<'q, Channel>,
    ) -> Result {
        let slot = &mut self.filling[side.index()];

        *slot = waiting.next();
        let list = slot.as_ref().map_or(&self.trash, |buffer| buffer.data());
        hw.tables.write(id, side, list)
    }

    /// The chip has completed a buffer: puts another one in its place. Where that fails, the
    /// channel is to be stopped.
    pub(crate) fn exchange(
        &mut self,
        hw: &Hardware<'_>,
        id: ChannelId,
        side: Side,
        now: u64,
        waiting: &Waiting<'q, Channel>,
    ) -> Result {
        let Some(sequence) = self.progress.complete(side, now) else {
            return Ok(());
        };
        let info = FrameInfo {
            field: uapi::FIELD_SEQ_TB,
            ..FrameInfo::new(sequence, now)
        };

        let complete = self.filling[side.index()].take();
        match self.late[side.index()].take() {
            // Nobody knows where the frame is: both are queued again.
            Some(late) => drop((complete, late)),
            None => self.complete = complete.map(|buffer| (buffer, info)),
        }
        self.exchanged = Some(side);
        self.load(hw, id, side, waiting)
    }

    /// The table was exchanged, and in time unless there was another interrupt since.
    pub(crate) fn done(&mut self, was_interrupted: bool) {
        self.progress.note_interrupt(was_interrupted);
        let complete = self.complete.take();
        let Some(side) = self.exchanged.take() else {
            return;
        };

        if was_interrupted {
            let before = complete.map(|(buffer, _)| buffer);
            self.late[side.index()] = Some(Late { before });
        } else if let Some((buffer, info)) = complete {
            buffer.done(&info, &[self.bytes]);
        }
    }

    /// The channel was stopped, and will be started again with what is in its tables: gives up what
    /// is not there any more. Frames that may not be whole are queued again.
    pub(crate) fn give_up(&mut self, hw: &Hardware<'_>, id: ChannelId) {
        drop((core::mem::take(&mut self.late), self.complete.take()));
        self.exchanged = None;
        for side in Side::BOTH {
            let slot = &mut self.filling[side.index()];
            let gone = slot.take_if(|buffer| buffer.is_invalidated());

            if let Some(buffer) = gone {
                let _ = hw.tables.write(id, side, &self.trash);
                buffer.error(&FrameInfo::new(0, time::now()));
            }
        }
    }
}
