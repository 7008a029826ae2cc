// SPDX-License-Identifier: GPL-2.0

//! Mappings of pages for devices.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use super::{
    Importer,
    Pages, //
};
use crate::bindings;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    device,
    dma::DataDirection,
    error::to_result,
    page::{
        PAGE_MASK,
        PAGE_SIZE, //
    },
    prelude::*,
    scatterlist::SGTable,
    sync::{
        aref::ARef,
        Arc, //
    },
    types::Opaque, //
};

/// The segments of some pages. Corresponds to the C `struct sg_table`.
///
/// `kernel::scatterlist::SGTable` makes one as well, but does not ask how long the segments of the
/// device may be (`dma_get_max_seg_size()`), and cannot be synced.
///
/// # Invariants
///
/// An initialized `struct sg_table`.
#[repr(transparent)]
struct RawSgTable(Opaque<bindings::sg_table>);

impl RawSgTable {
    /// Joins pages that lie next to each other, to segments of up to `max` bytes: the `size` bytes
    /// that begin `offset` bytes after the beginning of the first.
    fn new(pages: &[*mut bindings::page], offset: usize, size: usize, max: u32) -> Result<Self> {
        let sgt = Opaque::zeroed();

        // SAFETY: The table is written, and the array of pages, which is not empty, is read.
        to_result(unsafe {
            bindings::sg_alloc_table_from_pages_segment(
                sgt.get(),
                pages.as_ptr().cast_mut(),
                pages.len().try_into()?,
                offset.try_into()?,
                size,
                max,
                bindings::GFP_KERNEL,
            )
        })?;

        // INVARIANT: Initialized by the call above.
        Ok(Self(sgt))
    }
}

impl Drop for RawSgTable {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::sg_free_table(self.0.get()) };
    }
}

/// Pages and their mapping for a device.
///
/// # Invariants
///
/// `sgt` are the segments of `pages`.
#[repr(C)]
pub(super) struct Mapping {
    // First, so that a pointer to this is a pointer to the C structure.
    sgt: RawSgTable,
    dir: DataDirection,
    dev: ARef<device::Device>,
    /// Whether the importer unmaps it within bounded time once it is told to.
    is_revocable: bool,
    pages: ARef<Pages>,
}

// SAFETY: DMA mappings are not tied to a thread.
unsafe impl Send for Mapping {}

// SAFETY: Syncing does not change the table, and may be done from several threads at once.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn as_raw(&self) -> *mut bindings::sg_table {
        self.sgt.0.get()
    }

    /// See [`Importer::is_revocable`].
    pub(super) fn is_revocable(&self) -> bool {
        self.is_revocable
    }

    /// The direction that the memory is mapped in.
    #[cfg(CONFIG_KUNIT = "y")]
    pub(super) fn direction(&self) -> DataDirection {
        self.dir
    }

    /// Makes the CPU see what the device has written.
    ///
    /// # Safety
    ///
    /// The segments must be mapped.
    pub(super) unsafe fn sync_for_cpu(&self) {
        // SAFETY: By the safety requirements they are, for this device and direction.
        unsafe {
            bindings::dma_sync_sgtable_for_cpu(raw(&self.dev), self.as_raw(), self.dir.into());
        };
    }

    /// Makes the device see what the CPU has written.
    ///
    /// # Safety
    ///
    /// The segments must be mapped.
    pub(super) unsafe fn sync_for_device(&self) {
        // SAFETY: By the safety requirements they are, for this device and direction.
        unsafe {
            bindings::dma_sync_sgtable_for_device(raw(&self.dev), self.as_raw(), self.dir.into());
        };
    }

    /// Unmaps the segments, with some `DMA_ATTR_*`.
    ///
    /// # Safety
    ///
    /// They must be mapped, and are not any more afterwards.
    pub(super) unsafe fn unmap(&self, attrs: usize) {
        // SAFETY: By the safety requirements they are mapped, for this device and direction.
        unsafe {
            bindings::dma_unmap_sgtable(raw(&self.dev), self.as_raw(), self.dir.into(), attrs);
        }
    }
}

/// [`Pages`] that are mapped for an importer.
///
/// Corresponds to the `struct sg_table` that the C `dma_buf_ops.map_dma_buf()` returns. Dropping it
/// unmaps them, which is done when the importer says so: an exporter cannot keep it for longer than
/// `'a`, as the device may be gone then.
///
/// # Invariants
///
/// The segments were mapped for the importer's device, and are mapped until this is dropped.
pub struct MappedSgTable<'a>(Arc<Mapping>, PhantomData<&'a ()>);

impl<'a> MappedSgTable<'a> {
    /// Maps `pages` for `importer`. May sleep.
    ///
    /// What the device may write is mapped in both directions: the CPU may write it, too, and
    /// [`Mapping::sync_for_device`] has to keep that.
    pub(super) fn new(
        pages: &Pages,
        importer: &'a Importer<'_>,
        dir: DataDirection,
    ) -> Result<Self> {
        let dev = importer.dev();
        let raw_dev = raw(dev);
        let dir = match dir {
            DataDirection::ToDevice => dir,
            DataDirection::FromDevice | DataDirection::Bidirectional => {
                DataDirection::Bidirectional
            }
            DataDirection::None => return Err(EINVAL),
        };

        let max = max_segment(dev)?;
        let mapping = Arc::new(
            Mapping {
                sgt: RawSgTable::new(pages.as_raw(), 0, pages.size(), max)?,
                dir,
                dev: dev.into(),
                is_revocable: importer.is_revocable(),
                pages: pages.into(),
            },
            GFP_KERNEL,
        )?;

        // SAFETY: The device is valid, by the type invariants of `Importer` bound, and can do DMA;
        // the table is initialized.
        to_result(unsafe {
            bindings::dma_map_sgtable(raw_dev, mapping.as_raw(), dir.into(), 0) //
        })?;

        // INVARIANT: Mapped by the call above.
        Ok(Self(mapping, PhantomData))
    }

    /// The number of bytes.
    pub(super) fn size(&self) -> usize {
        self.0.pages.size()
    }

    /// Where the device finds the memory.
    pub fn sg_table(&self) -> &SGTable {
        // SAFETY: By the type invariants, and since it does not change.
        unsafe { SGTable::from_raw(self.0.as_raw()) }
    }

    /// Gives the importer what C takes for a table. From now on accesses of the CPU sync it.
    pub(super) fn into_raw(self) -> Result<*mut bindings::sg_table> {
        // SAFETY: Mapped by the type invariants, until `drop()` takes it out again.
        unsafe { self.0.pages.tables().add(&self.0) }?;

        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used again, nor dropped.
        let mapping = unsafe { ptr::read(&this.0) };
        Ok(Arc::into_raw(mapping).cast_mut().cast())
    }

    /// # Safety
    ///
    /// `ptr` must come from [`into_raw`](Self::into_raw), and is given up.
    pub(super) unsafe fn from_raw(ptr: *mut bindings::sg_table) -> Self {
        // SAFETY: By the safety requirements `into_raw()` has left the reference; the C structure
        // is the first field.
        Self(unsafe { Arc::from_raw(ptr.cast::<Mapping>()) }, PhantomData)
    }
}

impl Drop for MappedSgTable<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the segments are mapped; this is the last use.
        unsafe { self.0.pages.tables().unmap(&self.0) };
    }
}

/// Pages that are mapped for a device of our own, which writes them (`DMA_FROM_DEVICE`).
///
/// They are not synced when they are mapped, nor when they are unmapped.
///
/// # Invariants
///
/// The segments of `sgt` are mapped for `dev`.
pub(crate) struct DeviceMapping {
    sgt: RawSgTable,
    dev: ARef<device::Device>,
}

// SAFETY: DMA mappings are not tied to a thread.
unsafe impl Send for DeviceMapping {}

// SAFETY: Syncing does not change the table, and may be done from several threads at once.
unsafe impl Sync for DeviceMapping {}

impl DeviceMapping {
    const ATTRS: usize = bindings::DMA_ATTR_SKIP_CPU_SYNC as usize;

    fn dir() -> bindings::dma_data_direction {
        DataDirection::FromDevice.into()
    }

    /// Maps the `size` bytes that begin `offset` bytes after the beginning of the first page. May
    /// sleep; `EIO` if the device cannot do DMA.
    ///
    /// # Safety
    ///
    /// The pages must be there, and `dev` be bound, until this is dropped.
    pub(crate) unsafe fn new(
        pages: &[*mut bindings::page],
        offset: usize,
        size: usize,
        dev: &device::Device<device::Bound>,
    ) -> Result<Self> {
        let dev: &device::Device = dev;
        let sgt = RawSgTable::new(pages, offset, size, max_segment(dev)?)?;

        // SAFETY: The device is bound, and can do DMA; the table is initialized.
        to_result(unsafe {
            bindings::dma_map_sgtable(raw(dev), sgt.0.get(), Self::dir(), Self::ATTRS)
        })?;
        // INVARIANT: Mapped by the call above.
        Ok(Self {
            sgt,
            dev: dev.into(),
        })
    }

    pub(crate) fn as_raw(&self) -> *mut bindings::sg_table {
        self.sgt.0.get()
    }

    /// Gives the memory to the device. In any context.
    pub(crate) fn sync_for_device(&self) {
        // SAFETY: Mapped by the type invariants.
        unsafe {
            bindings::dma_sync_sgtable_for_device(raw(&self.dev), self.as_raw(), Self::dir())
        };
    }

    /// Gives the memory to the CPU. In any context.
    pub(crate) fn sync_for_cpu(&self) {
        // SAFETY: Mapped by the type invariants.
        unsafe { bindings::dma_sync_sgtable_for_cpu(raw(&self.dev), self.as_raw(), Self::dir()) };
    }
}

impl Drop for DeviceMapping {
    fn drop(&mut self) {
        // SAFETY: Mapped by the type invariants, and not used any more.
        unsafe {
            bindings::dma_unmap_sgtable(raw(&self.dev), self.as_raw(), Self::dir(), Self::ATTRS)
        };
    }
}

/// How long a segment for the device may be, in whole pages; `EIO` if it cannot do DMA: the DMA
/// API would warn of a device that has not said what it can address.
fn max_segment(dev: &device::Device) -> Result<u32> {
    // SAFETY: The device is valid.
    let (has_dma, max_segment, max_mapping) = unsafe {
        (
            !(*raw(dev)).dma_mask.is_null(),
            bindings::dma_get_max_seg_size(raw(dev)),
            bindings::dma_max_mapping_size(raw(dev)),
        )
    };
    if !has_dma {
        return Err(EIO);
    }

    Ok(u32::try_from(max_mapping)
        .map_or(max_segment, |max| max_segment.min(max))
        .max(PAGE_SIZE as u32)
        & PAGE_MASK as u32)
}

/// `device::Device` is a transparent wrapper.
fn raw(dev: &device::Device) -> *mut bindings::device {
    let dev: *const device::Device = dev;
    dev.cast_mut().cast()
}
