// SPDX-License-Identifier: GPL-2.0

//! An exporter's thread that wants memory back.

use super::super::DmaBuf;
use crate::kthread;
use kernel::{
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

/// Takes the memory of a dma-buf back, in a thread of its own, which is joined when this is
/// dropped.
pub(crate) struct Revoker {
    is_done: Arc<Atomic<bool>>,
    _thread: kthread::Thread<Revocation>,
}

impl Revoker {
    pub(crate) fn spawn(dmabuf: &DmaBuf) -> Result<Self> {
        let is_done = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let revocation = Revocation {
            dmabuf: dmabuf.into(),
            is_done: is_done.clone(),
        };

        Ok(Self {
            is_done,
            _thread: kthread::Thread::spawn(c"vireo-kunit", revocation)?,
        })
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done.load(Acquire)
    }

    /// Waits, for a second at most.
    pub(crate) fn is_done_soon(&self) -> bool {
        for _ in 0..100 {
            if self.is_done() {
                return true;
            }
            fsleep(Delta::from_millis(10));
        }
        false
    }
}

struct Revocation {
    dmabuf: ARef<DmaBuf>,
    is_done: Arc<Atomic<bool>>,
}

#[vtable]
impl kthread::Function for Revocation {
    fn run(&mut self, _context: &kthread::Context) {
        self.dmabuf.invalidate_mappings();
        self.is_done.store(true, Release);
    }
}
