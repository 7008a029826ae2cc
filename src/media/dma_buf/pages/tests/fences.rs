// SPDX-License-Identifier: GPL-2.0

//! Tests of who waits for the importers of pages.

use super::super::{
    super::{
        tests::{
            fence::Fence,
            Device, //
        },
        DynamicImport, //
    },
    Pages, //
};
use crate::{
    bindings,
    kthread,
    stats::Stats, //
};
use kernel::{
    fs::file::flags::O_RDWR,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

const READ: bindings::dma_resv_usage = bindings::dma_resv_usage_DMA_RESV_USAGE_READ;

/// A thread that begins an access of the driver's CPU, and ends it.
struct Access {
    pages: ARef<Pages>,
    is_done: Arc<Atomic<bool>>,
}

#[vtable]
impl kthread::Function for Access {
    fn run(&mut self, _context: &kthread::Context) {
        drop(self.pages.begin_cpu_access());
        self.is_done.store(true, Release);
    }
}

#[kunit_tests(vireo_pages_fence)]
mod suite {
    use super::*;

    #[test]
    fn exports_share_fences() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new()?)?;
        let (first, second) = (pages.export(O_RDWR)?, pages.export(O_RDWR)?);
        let import = DynamicImport::new(&second, dev.get(), Stats::new()?)?;
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
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new()?)?;
        let dmabuf = pages.export(O_RDWR)?;
        let fence = Fence::add(&dmabuf, READ)?;
        let is_done = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let access = Access {
            pages: pages.clone(),
            is_done: is_done.clone(),
        };
        let thread = kthread::Thread::spawn(c"vireo-kunit", access)?;

        fsleep(Delta::from_millis(30));
        let has_waited = !is_done.load(Acquire);
        fence.signal();
        for _ in 0..100 {
            if is_done.load(Acquire) {
                break;
            }
            fsleep(Delta::from_millis(10));
        }
        drop(thread);
        assert!(has_waited);
        assert!(is_done.load(Acquire));
        Ok(())
    }

    #[test]
    fn stopping_a_thread_ends_its_wait() -> Result {
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new()?)?;
        let dmabuf = pages.export(O_RDWR)?;
        let fence = Fence::add(&dmabuf, READ)?;
        let is_done = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let access = Access {
            pages: pages.clone(),
            is_done: is_done.clone(),
        };
        let thread = kthread::Thread::spawn(c"vireo-kunit", access)?;

        fsleep(Delta::from_millis(30));
        drop(thread);
        assert!(is_done.load(Acquire));
        drop(fence);
        Ok(())
    }
}
