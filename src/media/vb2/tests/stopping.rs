// SPDX-License-Identifier: GPL-2.0

//! Tests of stopping while a driver still works.

use super::{
    queueing::queue_all,
    *, //
};
use crate::kthread;
use kernel::sync::atomic::{
    Acquire,
    Release, //
};

const PAGE: u32 = PAGE_SIZE as u32;

/// Keeps a buffer for a while.
struct Holder {
    camera: Arc<Camera>,
    has_begun: Arc<Atomic<bool>>,
    has_ended: Arc<Atomic<bool>>,
}

#[vtable]
impl kthread::Function for Holder {
    fn run(&mut self, _context: &kthread::Context) {
        let buffer = self.camera.queue.next();
        self.has_begun.store(true, Release);
        fsleep(Delta::from_millis(50));
        self.has_ended.store(true, Release);
        drop(buffer);
    }
}

/// An interrupt that comes late: it fills the slot of the hardware when there is a buffer again.
struct LateInterrupt {
    camera: Arc<Camera>,
    has_begun: Arc<Atomic<bool>>,
    has_filled: Arc<Atomic<bool>>,
}

#[vtable]
impl kthread::Function for LateInterrupt {
    fn run(&mut self, _context: &kthread::Context) {
        let queue = &self.camera.queue;
        let buffer = queue.next();

        self.has_begun.store(true, Release);
        fsleep(Delta::from_millis(50));
        drop(buffer);
        let is_filled = queue.with_active(|waiting, slot| {
            *slot = waiting.next();
            slot.is_some()
        });
        self.has_filled.store(is_filled, Release);
        // So that the test does not wait for ever.
        queue.with_active(|_, slot| *slot = None);
    }
}

#[kunit_tests(vireo_vb2_stopping)]
mod suite {
    use super::*;

    #[test]
    fn stopping_waits_for_what_is_taken() -> Result {
        let user = User::open(MMAP, 2, &[PAGE])?;
        queue_all(&user, 2)?;
        user.start()?;

        let has_begun = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let has_ended = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let thread = kthread::Thread::spawn(
            c"vireo-kunit",
            Holder {
                camera: user.camera.clone(),
                has_begun: has_begun.clone(),
                has_ended: has_ended.clone(),
            },
        )?;
        while !has_begun.load(Acquire) {
            fsleep(Delta::from_millis(1));
        }
        user.stop()?;
        let has_waited = has_ended.load(Acquire);
        drop(thread);
        assert!(has_waited);
        assert!(user.camera.queue.next().is_none());
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn late_interrupt_gets_nothing() -> Result {
        let user = User::open(MMAP, 2, &[PAGE])?;
        queue_all(&user, 2)?;
        user.start()?;

        let has_begun = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let has_filled = Arc::new(Atomic::new(true), GFP_KERNEL)?;
        let thread = kthread::Thread::spawn(
            c"vireo-kunit",
            LateInterrupt {
                camera: user.camera.clone(),
                has_begun: has_begun.clone(),
                has_filled: has_filled.clone(),
            },
        )?;
        while !has_begun.load(Acquire) {
            fsleep(Delta::from_millis(1));
        }
        user.stop()?;
        drop(thread);
        assert!(!has_filled.load(Acquire));

        // The next stream has them.
        queue_all(&user, 2)?;
        user.start()?;
        assert!(user.camera.queue.with_active(|waiting, slot| {
            *slot = waiting.next();
            slot.is_some()
        }));
        assert!(user.close());
        Ok(())
    }
}
