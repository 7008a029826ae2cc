// SPDX-License-Identifier: GPL-2.0

//! The callbacks of a queue.
//!
//! C header: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h)

mod vtable;

pub(super) use self::vtable::VTable;

use super::{
    buffer::IdleBuffer,
    config::{
        Config,
        TimestampSource, //
    },
    context::{
        ActiveContext,
        Context, //
    },
    engine::Engine, //
};
use crate::bindings;
use kernel::{
    device,
    prelude::*, //
};

/// The planes of a buffer, and the bytes that each needs: what `queue_setup()` in C is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneSizes {
    sizes: [u32; bindings::VB2_MAX_PLANES as usize],
    planes: usize,
}

impl PlaneSizes {
    /// As many planes as there are `sizes`, `EINVAL` if videobuf2 cannot carry them:
    /// none, too many, or one without a byte.
    pub fn new(sizes: &[u32]) -> Result<Self> {
        let mut all = [0; bindings::VB2_MAX_PLANES as usize];

        if sizes.is_empty() || sizes.contains(&0) {
            return Err(EINVAL);
        }
        all.get_mut(..sizes.len())
            .ok_or(EINVAL)?
            .copy_from_slice(sizes);

        Ok(Self {
            sizes: all,
            planes: sizes.len(),
        })
    }

    /// The size in bytes of each plane.
    pub fn sizes(&self) -> &[u32] {
        &self.sizes[..self.planes]
    }

    /// Whether planes of these sizes are large enough.
    fn fits(&self, sizes: &[u32]) -> bool {
        sizes.len() == self.planes && self.sizes().iter().zip(sizes).all(|(need, is)| is >= need)
    }
}

/// What a driver does with its [`Queue`](super::Queue).
///
/// All of these but [`invalidate_mappings`](Self::invalidate_mappings) are called with the queue's
/// lock held, and may sleep. They correspond to the callbacks of `struct vb2_ops` with the same
/// names.
#[vtable]
pub trait Operations: Sized + 'static {
    /// The object that embeds the queue, which [`Context`] gives to every callback.
    type Owner: Send + Sync + 'static;

    /// What fills the buffers: [`Cpu`](super::Cpu) or [`Dma`](super::Dma).
    type Engine: Engine;

    /// The buffers that the hardware has, where it works by itself: usually a struct with an
    /// `Option<Buffer<'q, Self>>` for each of its slots. `()` for a driver without.
    ///
    /// It belongs to the queue, see [`Queue::with_active`](super::Queue::with_active): what is in
    /// there when streaming stops is taken back.
    type Active<'q>: Default + Send + Unpin;

    /// What runs while the queue streams, such as a thread; dropping it stops it. `()` where it is
    /// the hardware that runs.
    type Stream: Send;

    /// What the driver keeps with each buffer, such as descriptors for the hardware; see
    /// [`Buffer::data`](super::Buffer::data). `()` for nothing.
    ///
    /// It is made with the buffer, and made anew when user space brings other memory for it
    /// (`buf_init`); it is dropped before the memory is given up (`buf_cleanup`).
    type BufferData: Default + Send;

    /// How the queue is set up.
    const CONFIG: Config;

    /// The buffers that the current format needs, which does not change while there are buffers.
    fn queue_setup(cx: &Context<'_, Self>) -> Result<PlaneSizes>;

    /// What timestamps tell, which does not change while there are buffers either.
    fn timestamp_source(_cx: &Context<'_, Self>) -> TimestampSource {
        TimestampSource::EndOfFrame
    }

    /// A buffer is about to be queued: its memory is there, though an exporter may take it back.
    ///
    /// An error is VIDIOC_QBUF's.
    fn buf_prepare(_cx: &Context<'_, Self>, _buffer: &mut IdleBuffer<'_, Self>) -> Result {
        Ok(())
    }

    /// A buffer goes back to user space, or stays queued no longer.
    fn buf_finish(_owner: &Self::Owner, _buffer: &mut IdleBuffer<'_, Self>) {}

    /// Starts to consume the buffers of the queue, of which there are
    /// [`Config::min_queued_buffers`] at least.
    ///
    /// When this fails, those that are queued stay queued, and so do those that the driver has
    /// taken, whatever it has done with them.
    fn start_streaming(cx: &Context<'_, Self>) -> Result<Self::Stream>;

    /// Stops to consume buffers.
    ///
    /// When this returns, nothing of the driver or of the hardware uses a buffer any more; those in
    /// [`Active`](Self::Active) need not be given back. The queue waits for each
    /// [`Buffer`](super::Buffer) that is elsewhere.
    fn stop_streaming(_cx: &Context<'_, Self>, stream: Self::Stream) {
        drop(stream);
    }

    /// An exporter takes back memory that the hardware may be writing, and waits until the driver
    /// has given back the buffers of which
    /// [`is_invalidated`](super::Buffer::is_invalidated) says so: makes the hardware leave them
    /// soon. A driver that gives back each buffer within bounded time need not do anything.
    ///
    /// Called by the exporter, with its reservation lock held and without the queue's; may sleep.
    /// What this does, and the completion of buffers, must not wait for the queue's lock, with
    /// which the reservation lock is taken. Corresponds to `invalidate_mappings()` in the C
    /// `struct dma_buf_attach_ops`.
    fn invalidate_mappings(_cx: &ActiveContext<'_, Self>) {}
}

/// The device that buffers are mapped for.
///
/// # Safety
///
/// `dev` must be the device of a queue that calls, and the reference be used in that call only.
pub(super) unsafe fn device<'a>(dev: *mut bindings::device) -> &'a device::Device<device::Bound> {
    // SAFETY: By the safety requirements of `Queue::new()` the device is held, and not unbound
    // before the queue has given up its memory.
    unsafe { device::Device::<device::Normal>::from_raw(dev).as_bound() }
}
