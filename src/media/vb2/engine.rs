// SPDX-License-Identifier: GPL-2.0

//! What reaches the memory of buffers: the CPU, or a device.

mod private {
    pub trait Sealed {}
}

/// What fills the buffers of a queue. It decides how their memory is mapped, and what a
/// [`Buffer`](super::Buffer) offers. There are [`Cpu`] and [`Dma`].
pub trait Engine: private::Sealed + 'static {
    /// Whether memory is mapped for the device.
    #[doc(hidden)]
    const IS_DMA: bool;
}

/// The engine is the CPU, as in videobuf2-vmalloc: memory is mapped into the kernel, and a buffer
/// is written with [`Buffer::begin_cpu_access`](super::Buffer::begin_cpu_access).
pub struct Cpu;

/// The engine is a device that does DMA, as in videobuf2-dma-sg: memory of all kinds is mapped for
/// it, and a buffer tells where, with [`Buffer::segments`](super::Buffer::segments).
///
/// The device writes, and does not read (`DMA_FROM_DEVICE`). Memory is mapped when a buffer gets
/// it, and stays so while it is queued again and again; dma-bufs that rotate over the buffers are
/// kept mapped in the cache of the queue. An exporter must leave memory where it is while it is
/// mapped.
pub struct Dma;

impl private::Sealed for Cpu {}

impl private::Sealed for Dma {}

impl Engine for Cpu {
    const IS_DMA: bool = false;
}

impl Engine for Dma {
    const IS_DMA: bool = true;
}
