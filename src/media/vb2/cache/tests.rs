// SPDX-License-Identifier: GPL-2.0

//! Tests of what a queue keeps, and for how long.

use super::{
    super::tests::{
        Fd,
        Plane,
        User,
        DMABUF, //
    },
    count_callback,
    scan_callback,
    Cache,
    CAPACITY,
    PERIOD, //
};
use crate::{
    dma_buf::{
        tests::{
            flush_delayed_fput,
            staged::{
                Call,
                Notes,
                Staged, //
            },
        },
        Pages, //
    },
    stats::Counter, //
};
use core::ptr::null_mut;
use kernel::{
    fs::file::flags::O_RDWR,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

const PAGE: u32 = PAGE_SIZE as u32;

/// Memory that user space has a descriptor of.
struct Memory {
    fd: Fd,
    memory: ARef<Pages>,
    notes: Arc<Notes>,
}

impl Memory {
    fn new(pages: usize) -> Result<Self> {
        let (dmabuf, memory, notes) = Staged::export(pages * PAGE_SIZE, O_RDWR)?;

        Ok(Self {
            fd: Fd::new(dmabuf)?,
            memory,
            notes,
        })
    }

    fn byte(&self, offset: usize) -> Result<u8> {
        let mut byte = [0];
        self.memory.map().read(offset, &mut byte)?;
        Ok(byte[0])
    }
}

fn memories(count: usize) -> Result<KVec<Memory>> {
    let mut all = KVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        all.push(Memory::new(1)?, GFP_KERNEL)?;
    }
    Ok(all)
}

/// A camera of so many buffers, which streams.
fn streaming(count: u32) -> Result<User> {
    let user = User::open(DMABUF, count, &[PAGE])?;
    user.start()?;
    Ok(user)
}

fn cache(user: &User) -> &Cache {
    user.camera.queue.raw().cache()
}

/// Waits until `is_so`, for some rounds of the worker at most.
fn soon(is_so: impl Fn() -> bool) -> bool {
    for _ in 0..50 {
        flush_delayed_fput();
        if is_so() {
            return true;
        }
        fsleep(Delta::from_millis(i64::from(PERIOD) / 5));
    }
    false
}

#[kunit_tests(vireo_vb2_cache)]
mod suite {
    use super::*;

    #[test]
    fn what_rotates_is_attached_once() -> Result {
        let all = memories(5)?;
        let user = streaming(2)?;

        for round in 0..20u8 {
            let memory = &all[usize::from(round) % 5];
            assert!(
                !user
                    .import(u32::from(round) % 2, &memory.fd, round)?
                    .is_error
            );
            assert_eq!(memory.byte(0)?, round);
        }
        assert_eq!(user.count(Counter::Attaches), 5);
        assert_eq!(user.count(Counter::Maps), 0);
        assert_eq!(user.count(Counter::VMaps), 5);
        assert_eq!(user.count(Counter::CacheMisses), 5);
        assert_eq!(user.count(Counter::CacheHits), 15);
        assert_eq!(user.count(Counter::CacheEvictions), 0);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn two_buffers_do_not_share_an_import() -> Result {
        let memory = Memory::new(1)?;
        let user = streaming(2)?;

        for index in 0..2 {
            user.queue(index, &[Plane::Fd(memory.fd.number(), 0)])?;
        }
        assert_eq!(user.attached(), 2);
        // Both at once, as a driver may.
        let (mut a, mut b) = (user.next()?, user.next()?);
        a.begin_cpu_access(0)?.write(0, &[1])?;
        b.begin_cpu_access(0)?.write(0, &[2])?;
        drop((b, a));
        for byte in [3, 4] {
            assert!(!user.frame(0, &[byte])?.is_error);
            assert_eq!(memory.byte(0)?, byte);
        }
        drop(memory);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn number_of_a_descriptor_is_no_key() -> Result {
        let (old, new) = (Memory::new(1)?, Memory::new(1)?);
        let user = streaming(1)?;
        assert!(!user.import(0, &old.fd, 1)?.is_error);

        let number = old.fd.number();
        let dmabuf = crate::dma_buf::DmaBuf::from_fd(new.fd.number())?;
        drop(old.fd);
        let fd = Fd::new(dmabuf)?;
        assert_eq!(fd.number(), number);
        assert!(!user.import(0, &fd, 2)?.is_error);
        let mut byte = [0];
        old.memory.map().read(0, &mut byte)?;
        assert_eq!(byte[0], 1);
        assert_eq!(new.byte(0)?, 2);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn length_may_change() -> Result {
        let memory = Memory::new(2)?;
        let user = streaming(1)?;

        for (length, written) in [(PAGE, false), (2 * PAGE, true), (PAGE, false)] {
            user.queue(0, &[Plane::Fd(memory.fd.number(), length)])?;
            assert_eq!(user.frame(PAGE_SIZE, &[1])?.is_error, !written);
        }
        assert_eq!(memory.byte(PAGE_SIZE)?, 1);
        assert_eq!(user.count(Counter::Attaches), 1);
        assert_eq!(user.count(Counter::CacheHits), 2);
        // The cache does not make memory larger than it is.
        let too_long = [Plane::Fd(memory.fd.number(), 2 * PAGE + 1)];
        assert!(user.queue(0, &too_long) == Err(EINVAL));
        drop(memory);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn there_is_a_bound() -> Result {
        let all = memories(CAPACITY + 3)?;
        let user = streaming(1)?;

        for memory in &all {
            assert!(!user.import(0, &memory.fd, 1)?.is_error);
        }
        // One is on the index; those that came first have gone.
        assert_eq!(user.attached(), CAPACITY as u64 + 1);
        assert_eq!(user.count(Counter::CacheEvictions), 2);
        assert!(all[1].notes.read().last() == Some(&Call::Detach));
        assert!(all[2].notes.read().last() != Some(&Call::Detach));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn nothing_is_kept_unless_it_streams() -> Result {
        let all = memories(3)?;
        let user = User::open(DMABUF, 1, &[PAGE])?;
        user.queue(0, &[Plane::Fd(all[0].fd.number(), 0)])?;
        user.start()?;
        assert!(!user.frame(0, &[1])?.is_error);
        for memory in &all {
            assert!(!user.import(0, &memory.fd, 1)?.is_error);
        }
        assert_eq!(user.attached(), 3);

        // What is on an index stays there, as videobuf2 has it.
        user.stop()?;
        assert_eq!(user.attached(), 1);
        for memory in &all {
            user.queue(0, &[Plane::Fd(memory.fd.number(), 0)])?;
            user.stop()?;
            assert_eq!(user.attached(), 1);
        }

        user.start()?;
        for memory in &all {
            assert!(!user.import(0, &memory.fd, 1)?.is_error);
        }
        assert_eq!(user.attached(), 3);
        user.stop()?;
        user.request(0)?;
        assert_eq!(user.attached(), 0);
        drop(all);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn closing_while_it_streams_lets_go() -> Result {
        let all = memories(3)?;
        let user = streaming(1)?;
        for memory in &all {
            assert!(!user.import(0, &memory.fd, 1)?.is_error);
        }
        assert_eq!(user.attached(), 3);
        assert!(user.close());
        for memory in all {
            drop(memory.fd);
            assert!(memory.notes.read().last() == Some(&Call::Release));
        }
        Ok(())
    }

    #[test]
    fn memory_that_nobody_else_has_is_let_go() -> Result {
        let (gone, kept) = (Memory::new(1)?, Memory::new(1)?);
        let user = streaming(1)?;
        for memory in [&gone, &kept, &gone, &kept] {
            assert!(!user.import(0, &memory.fd, 1)?.is_error);
        }
        let _ = gone.notes.read();

        // As long as somebody has it, it stays, however often the worker looks.
        fsleep(Delta::from_millis(3 * i64::from(PERIOD)));
        assert!(gone.notes.read().is_empty());
        drop(gone.fd);
        assert!(soon(|| user.attached() == 1));
        assert_eq!(user.count(Counter::CacheEvictions), 1);
        assert!(gone.notes.read().last() == Some(&Call::Release));
        assert!(!user.import(0, &kept.fd, 2)?.is_error);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn gives_way_when_memory_is_short() -> Result {
        let all = memories(4)?;
        let user = streaming(1)?;
        for memory in &all {
            assert!(!user.import(0, &memory.fd, 1)?.is_error);
        }

        let shrinker = {
            let entries = cache(&user).entries.lock();
            entries.shrinker.as_ref().ok_or(ENOENT)?.0.as_ptr()
        };
        // SAFETY: The shrinker is that of the cache, which is open until the camera is closed.
        let (count, scanned) = unsafe {
            (
                count_callback(shrinker, null_mut()),
                scan_callback(shrinker, null_mut()),
            )
        };
        assert_eq!(count, 3);
        assert_eq!(scanned, 3);
        assert!(soon(|| user.attached() == 1));
        assert_eq!(user.count(Counter::CacheEvictions), 3);
        // SAFETY: As above.
        assert_eq!(unsafe { count_callback(shrinker, null_mut()) }, 0);

        // It is for once, and not for ever.
        for memory in &all[..2] {
            assert!(!user.import(0, &memory.fd, 2)?.is_error);
        }
        assert!(user.attached() > 1);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn has_no_shrinker_while_nothing_streams() -> Result {
        let user = User::open(DMABUF, 1, &[PAGE])?;
        // A device that is leaked may outlive the module, and its shrinker must not.
        assert!(cache(&user).entries.lock().shrinker.is_none());
        user.start()?;
        assert!(cache(&user).entries.lock().shrinker.is_some());
        user.stop()?;
        assert!(cache(&user).entries.lock().shrinker.is_none());
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn exporter_gets_back_what_is_kept() -> Result {
        let (taken, other) = (Memory::new(1)?, Memory::new(1)?);
        let user = streaming(1)?;
        for memory in [&taken, &other] {
            assert!(!user.import(0, &memory.fd, 1)?.is_error);
        }
        let _ = taken.notes.read();

        taken.notes.fail(Some((Call::Attach, ENODEV)));
        crate::dma_buf::DmaBuf::from_fd(taken.fd.number())?.invalidate_mappings();
        assert!(taken.notes.read()[..] == [Call::VUnmap]);
        assert!(user.import(0, &taken.fd, 2).err() == Some(ENODEV));
        taken.notes.fail(None);
        assert!(!user.import(0, &taken.fd, 3)?.is_error);
        assert_eq!(taken.byte(0)?, 3);
        // It has asked for the memory by attaching anew. The cache was emptied when that failed.
        assert_eq!(user.count(Counter::Attaches), 3);
        assert_eq!(user.attached(), 1);
        assert!(user.close());
        Ok(())
    }
}
