// SPDX-License-Identifier: GPL-2.0

//! Tests of who waits for the importers of pages.

use super::super::{
    super::{
        tests::{
            fence::Fence,
            worker::{
                Job,
                Worker, //
            },
            Device,
            MODULE, //
        },
        Attachment,
        DmaBuf,
        DynamicImport, //
    },
    Pages, //
};
use crate::{
    bindings,
    stats::Stats, //
};
use core::ptr::null_mut;
use kernel::{
    device,
    dma::DataDirection,
    error::from_err_ptr,
    fs::file::flags::O_RDWR,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Acquire, //
    },
};

const BOOKKEEP: bindings::dma_resv_usage = bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP;
const READ: bindings::dma_resv_usage = bindings::dma_resv_usage_DMA_RESV_USAGE_READ;

/// An importer that unmaps some time after it is told to, as those do that wait for their device.
struct Slow {
    attachment: *mut bindings::dma_buf_attachment,
    sgt: *mut bindings::sg_table,
    dmabuf: ARef<DmaBuf>,
}

impl Slow {
    const OPS: &'static bindings::dma_buf_attach_ops = &bindings::dma_buf_attach_ops {
        allow_peer2peer: false,
        invalidate_mappings: Some(invalidate_mappings_callback),
    };

    fn map(dmabuf: ARef<DmaBuf>, dev: &Device) -> Result<Self> {
        let dev: *const device::Device<device::Bound> = dev.get();

        // SAFETY: The dma-buf and the device are valid until `drop()`.
        unsafe {
            let attachment = from_err_ptr(bindings::dma_buf_dynamic_attach(
                dmabuf.as_raw(),
                dev.cast_mut().cast(),
                Self::OPS,
                null_mut(),
            ))?;
            let sgt = from_err_ptr(bindings::dma_buf_map_attachment_unlocked(
                attachment,
                DataDirection::Bidirectional.into(),
            ))?;
            Ok(Self {
                attachment,
                sgt,
                dmabuf,
            })
        }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        // SAFETY: It was attached and mapped by `map()`.
        unsafe {
            bindings::dma_buf_unmap_attachment_unlocked(
                self.attachment,
                self.sgt,
                DataDirection::Bidirectional.into(),
            );
            bindings::dma_buf_detach(self.dmabuf.as_raw(), self.attachment);
        }
    }
}

/// # Safety
///
/// None.
unsafe extern "C" fn invalidate_mappings_callback(_attachment: *mut bindings::dma_buf_attachment) {}

#[kunit_tests(vireo_pages_fence)]
mod suite {
    use super::*;

    #[test]
    fn exports_share_fences() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let (first, second) = (pages.export(O_RDWR, MODULE)?, pages.export(O_RDWR, MODULE)?);
        let import = DynamicImport::new(&second, dev.get(), Stats::new(GFP_KERNEL)?)?;
        // SAFETY: The dma-buf is valid.
        let is_idle = || unsafe {
            bindings::dma_resv_test_signaled((*second.as_raw()).resv, READ) //
        };
        assert!(is_idle());

        let fence = Fence::add(&first, READ)?;
        assert!(!is_idle());
        fence.signal();
        assert!(is_idle());
        import.map()?;
        import.begin_cpu_access()?.write(0, &[1])?;
        Ok(())
    }

    #[test]
    fn driver_waits_for_readers() -> Result {
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let fence = Fence::add(&*pages.export(O_RDWR, MODULE)?, READ)?;
        let worker = Worker::spawn(Job::Access(pages))?;

        let waits = worker.waits();
        fence.signal();
        assert!(waits);
        assert!(worker.ends());
        Ok(())
    }

    #[test]
    fn stopping_a_thread_ends_its_wait() -> Result {
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let fence = Fence::add(&*pages.export(O_RDWR, MODULE)?, READ)?;
        let worker = Worker::spawn(Job::Access(pages))?;

        let is_done = worker.is_done.clone();
        let waits = worker.waits();
        drop(worker);
        assert!(waits);
        assert!(is_done.load(Acquire));
        drop(fence);
        Ok(())
    }

    #[test]
    fn revocation_waits_for_devices() -> Result {
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let dmabuf = pages.export(O_RDWR, MODULE)?;
        let fence = Fence::add(&dmabuf, BOOKKEEP)?;
        let worker = Worker::spawn(Job::Revoke(pages))?;

        let waits = worker.waits();
        fence.signal();
        assert!(waits);
        assert!(worker.ends());
        Ok(())
    }

    #[test]
    fn revocation_waits_until_importers_have_unmapped() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let importer = Slow::map(pages.export(O_RDWR, MODULE)?, &dev)?;
        // One without the callback is not waited for.
        let other = Attachment::new(
            pages.export(O_RDWR, MODULE)?,
            dev.get(),
            Stats::new(GFP_KERNEL)?,
        )?
        .map(DataDirection::Bidirectional)
        .map_err(|(e, _)| e)?;
        let worker = Worker::spawn(Job::Revoke(pages))?;

        let waits = worker.waits();
        drop(importer);
        assert!(waits);
        assert!(worker.ends());
        drop(other);
        Ok(())
    }
}
