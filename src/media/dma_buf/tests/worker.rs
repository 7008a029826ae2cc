// SPDX-License-Identifier: GPL-2.0

//! Threads that do what may have to wait.

use super::super::{
    DmaBuf,
    Pages, //
};
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

/// What a thread does.
pub(crate) enum Job {
    /// Begins an access of the driver's CPU, and ends it.
    Access(ARef<Pages>),
    Revoke(ARef<Pages>),
    /// Takes the memory of a dma-buf back, as its exporter.
    Invalidate(ARef<DmaBuf>),
}

struct Work {
    job: Job,
    is_done: Arc<Atomic<bool>>,
}

#[vtable]
impl kthread::Function for Work {
    fn run(&mut self, _context: &kthread::Context) {
        match &self.job {
            Job::Access(pages) => drop(pages.begin_cpu_access()),
            Job::Revoke(pages) => {
                let _ = pages.revoke(true);
            }
            Job::Invalidate(dmabuf) => dmabuf.invalidate_mappings(),
        }
        self.is_done.store(true, Release);
    }
}

/// A thread that does its job, and is joined when this is dropped.
pub(crate) struct Worker {
    pub(crate) is_done: Arc<Atomic<bool>>,
    _thread: kthread::Thread<Work>,
}

impl Worker {
    pub(crate) fn spawn(job: Job) -> Result<Self> {
        let is_done = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let work = Work {
            job,
            is_done: is_done.clone(),
        };

        Ok(Self {
            is_done,
            _thread: kthread::Thread::spawn(c"vireo-kunit", work)?,
        })
    }

    /// Whether it waits: for some time, nothing comes of it.
    pub(crate) fn waits(&self) -> bool {
        fsleep(Delta::from_millis(30));
        !self.is_done.load(Acquire)
    }

    /// Whether it is done within a second. Then it is joined.
    pub(crate) fn ends(self) -> bool {
        self.is_done_soon()
    }

    /// As [`ends`](Self::ends), and it is joined later.
    pub(crate) fn is_done_soon(&self) -> bool {
        for _ in 0..100 {
            if self.is_done.load(Acquire) {
                return true;
            }
            fsleep(Delta::from_millis(10));
        }
        false
    }
}
