// SPDX-License-Identifier: GPL-2.0

//! Mappings of pages for devices.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)

use super::Pages;
use crate::bindings;
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

/// The segments of some pages.
///
/// # Invariants
///
/// An initialized `struct sg_table`.
#[repr(transparent)]
struct RawSgTable(Opaque<bindings::sg_table>);

impl RawSgTable {
    /// Joins pages that lie next to each other, to segments of up to `max` bytes.
    fn new(pages: &Pages, max: u32) -> Result<Self> {
        let sgt = Opaque::zeroed();

        // SAFETY: The table is written, and the array of pages, which is not empty, is read.
        to_result(unsafe {
            bindings::sg_alloc_table_from_pages_segment(
                sgt.get(),
                pages.as_raw().as_ptr().cast_mut(),
                pages.as_raw().len().try_into()?,
                0,
                pages.size(),
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

/// [`Pages`], mapped for a device.
///
/// Dropping it unmaps them, for which the device must still be there: dma-buf asks importers to
/// unmap before they let their device go.
///
/// # Invariants
///
/// `segments` are those of `_pages`, mapped for `dev` in the direction `dir`.
#[repr(C)]
pub struct MappedSgTable {
    // First, so that a pointer to the table is a pointer to the C structure.
    segments: RawSgTable,
    dir: DataDirection,
    dev: ARef<device::Device>,
    _pages: ARef<Pages>,
}

// SAFETY: DMA mappings are not tied to a thread.
unsafe impl Send for MappedSgTable {}

// SAFETY: Syncing does not change the table, and may be done from several threads at once.
unsafe impl Sync for MappedSgTable {}

impl MappedSgTable {
    /// Maps `pages` for `dev`.
    ///
    /// What the device may write is mapped in both directions: the CPU may write it, too, and
    /// [`MappedSgTable::sync_for_device`] has to keep that.
    pub(super) fn new(
        pages: &Pages,
        dev: &device::Device,
        dir: DataDirection,
    ) -> Result<Arc<Self>> {
        let raw_dev = raw(dev);
        let dir = match dir {
            DataDirection::ToDevice => dir,
            DataDirection::FromDevice | DataDirection::Bidirectional => {
                DataDirection::Bidirectional
            }
            DataDirection::None => return Err(EINVAL),
        };

        // SAFETY: The device is valid.
        let (has_dma, max_segment, max_mapping) = unsafe {
            (
                !(*raw_dev).dma_mask.is_null(),
                bindings::dma_get_max_seg_size(raw_dev),
                bindings::dma_max_mapping_size(raw_dev),
            )
        };
        // The DMA API would warn of a device that has not said what it can address.
        if !has_dma {
            return Err(EIO);
        }

        let max = u32::try_from(max_mapping)
            .map_or(max_segment, |max| max_segment.min(max))
            .max(PAGE_SIZE as u32)
            & PAGE_MASK as u32;
        let segments = RawSgTable::new(pages, max)?;

        // SAFETY: The device is valid and can do DMA; the table is initialized.
        to_result(unsafe { bindings::dma_map_sgtable(raw_dev, segments.0.get(), dir.into(), 0) })?;

        // INVARIANT: Mapped by the call above. If there is no memory for the `Arc`, dropping its
        // contents unmaps.
        Ok(Arc::new(
            Self {
                segments,
                dir,
                dev: dev.into(),
                _pages: pages.into(),
            },
            GFP_KERNEL,
        )?)
    }

    /// Whether this is a mapping of at least `size` bytes for `dev`.
    pub(super) fn is_for(&self, dev: &device::Device, size: usize) -> bool {
        core::ptr::eq(raw(&self.dev), raw(dev)) && self._pages.size() >= size
    }

    fn as_raw(&self) -> *mut bindings::sg_table {
        self.segments.0.get()
    }

    /// Turns a reference into what C takes for a table.
    pub(super) fn into_raw(this: Arc<Self>) -> *mut bindings::sg_table {
        Arc::into_raw(this).cast_mut().cast()
    }

    /// # Safety
    ///
    /// `ptr` must come from [`MappedSgTable::into_raw`], and is given up.
    pub(super) unsafe fn from_raw(ptr: *mut bindings::sg_table) -> Arc<Self> {
        // SAFETY: By the safety requirements; the C structure is the first field.
        unsafe { Arc::from_raw(ptr.cast::<Self>()) }
    }

    /// Where the device finds the memory.
    pub fn sg_table(&self) -> &SGTable {
        // SAFETY: By the type invariants, and since it does not change.
        unsafe { SGTable::from_raw(self.as_raw()) }
    }

    /// The direction that the memory is mapped in.
    pub fn direction(&self) -> DataDirection {
        self.dir
    }

    /// Makes the CPU see what the device has written.
    pub fn sync_for_cpu(&self) {
        // SAFETY: By the type invariants the table is mapped for this device and direction.
        unsafe {
            bindings::dma_sync_sgtable_for_cpu(raw(&self.dev), self.as_raw(), self.dir.into());
        };
    }

    /// Makes the device see what the CPU has written.
    pub fn sync_for_device(&self) {
        // SAFETY: By the type invariants the table is mapped for this device and direction.
        unsafe {
            bindings::dma_sync_sgtable_for_device(raw(&self.dev), self.as_raw(), self.dir.into());
        };
    }
}

impl Drop for MappedSgTable {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the table is mapped for this device and direction.
        unsafe { bindings::dma_unmap_sgtable(raw(&self.dev), self.as_raw(), self.dir.into(), 0) };
    }
}

/// `device::Device` is a transparent wrapper.
fn raw(dev: &device::Device) -> *mut bindings::device {
    let dev: *const device::Device = dev;
    dev.cast_mut().cast()
}
