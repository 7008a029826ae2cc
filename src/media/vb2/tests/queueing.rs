// SPDX-License-Identifier: GPL-2.0

//! Tests of queues and of the buffers that drivers take from them.

use super::*;
use crate::dma_buf::DynamicImport;
use kernel::{
    ffi::c_int,
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

const PAGE: u32 = PAGE_SIZE as u32;

/// Private memory of a process that is the test's, `PROT_READ` and, if so, `PROT_WRITE`.
pub(super) fn anonymous(len: usize, is_writable: bool) -> Result<usize> {
    const MAP_PRIVATE_ANONYMOUS: usize = 0x22;
    let prot = if is_writable { 3 } else { 1 };

    // SAFETY: The thread of a test may have an address space of its own until it ends.
    let addr = unsafe {
        to_result(bindings::kunit_attach_mm())?;
        bindings::vm_mmap(null_mut(), 0, len, prot, MAP_PRIVATE_ANONYMOUS, 0)
    };
    match addr as isize {
        e if (-4095..0).contains(&e) => Err(Error::from_errno(e as c_int)),
        _ => Ok(addr),
    }
}

/// Queues as many buffers of the queue's own.
pub(super) fn queue_all(user: &User, count: u32) -> Result {
    (0..count).try_for_each(|index| user.queue(index, &[Plane::Mmap]))
}

#[kunit_tests(vireo_vb2_queue)]
mod suite {
    use super::*;

    #[test]
    fn sizes_that_cannot_be_are_refused() -> Result {
        assert!(PlaneSizes::new(&[]) == Err(EINVAL));
        assert!(PlaneSizes::new(&[PAGE, 0]) == Err(EINVAL));
        assert!(PlaneSizes::new(&[1; 9]) == Err(EINVAL));
        assert!(PlaneSizes::new(&[1; 8])?.sizes() == [1; 8]);
        Ok(())
    }

    #[test]
    fn created_buffers_fit_the_format() -> Result {
        let user = User::open(MMAP, 1, &[PAGE])?;
        assert!(user.create(&[PAGE - 1]).err() == Some(EINVAL));
        let index = user.create(&[2 * PAGE])?;
        assert_eq!(index, 1);
        user.queue(index, &[Plane::Mmap])?;
        user.start()?;
        assert_eq!(user.next()?.begin_cpu_access(0)?.len(), 2 * PAGE_SIZE);
        assert!(user.close());

        let user = User::open(MMAP, 1, &[PAGE, PAGE])?;
        assert!(user.create(&[PAGE]).err() == Some(EINVAL));
        assert!(user.create(&[PAGE; 3]).err() == Some(EINVAL));
        assert!(user.create(&[PAGE, PAGE - 1]).err() == Some(EINVAL));
        assert_eq!(user.create(&[PAGE, 2 * PAGE])?, 1);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn buffers_come_in_order() -> Result {
        let user = User::open(MMAP, 4, &[PAGE])?;
        for index in [2, 0, 3] {
            user.queue(index, &[Plane::Mmap])?;
        }
        user.start()?;
        user.queue(1, &[Plane::Mmap])?;

        for index in [2, 0, 3, 1] {
            let buffer = user.next()?;
            assert_eq!(buffer.index(), index);
            buffer.done(&META, &[]);
        }
        assert!(user.camera.queue.next().is_none());
        for index in [2, 0, 3, 1] {
            assert_eq!(user.dequeue()?.index, index);
        }
        assert!(user.dequeue().err() == Some(EAGAIN));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn dropped_buffer_is_the_next() -> Result {
        let user = User::open(MMAP, 3, &[PAGE])?;
        queue_all(&user, 2)?;
        user.start()?;

        drop(user.next()?);
        let first = user.next()?;
        assert_eq!(first.index(), 0);
        let second = user.next()?;
        assert_eq!(second.index(), 1);
        // The list is empty now: what is put back is its end as well as its beginning.
        drop(second);
        user.queue(2, &[Plane::Mmap])?;
        drop(first);
        for index in 0..3 {
            let buffer = user.next()?;
            assert_eq!(buffer.index(), index);
            buffer.done(&META, &[]);
        }
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn frames_are_what_the_driver_says() -> Result {
        let user = User::open(MMAP, 2, &[PAGE, 2 * PAGE])?;
        for index in 0..2 {
            user.queue(index, &[Plane::Mmap; 2])?;
        }
        user.start()?;

        let meta = FrameInfo {
            sequence: 5,
            timestamp: 7_000_001_000,
            field: bindings::v4l2_field_V4L2_FIELD_TOP,
        };
        // More than there are planes, and more than fits into one.
        user.next()?.done(&meta, &[PAGE + 1, 17, 9]);
        let frame = user.dequeue()?;
        assert_eq!(frame.sequence, 5);
        assert_eq!(frame.timestamp, 7_000_001_000);
        assert_eq!(
            frame.timestamp_flags,
            bindings::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | TimestampSource::StartOfExposure as u32
        );
        assert_eq!(frame.field, meta.field);
        assert!(!frame.is_error);
        assert!(frame.bytesused == [PAGE, 17]);

        user.next()?.error(&meta);
        let frame = user.dequeue()?;
        assert!(frame.is_error);
        assert_eq!(frame.sequence, 5);
        assert_eq!(user.count(Counter::Frames), 2);
        assert_eq!(user.count(Counter::Errors), 1);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn planes_have_bounds() -> Result {
        // Less than the memory that there is, which is whole pages.
        let user = User::open(MMAP, 1, &[100])?;
        queue_all(&user, 1)?;
        user.start()?;
        let mut buffer = user.next()?;

        assert!(buffer.begin_cpu_access(1).err() == Some(EINVAL));
        let mut plane = buffer.begin_cpu_access(0)?;
        assert_eq!(plane.len(), 100);
        assert!(plane.write(99, &[1]).is_ok());
        assert!(plane.write(100, &[]).is_ok());
        assert!(plane.write(100, &[1]) == Err(EINVAL));
        assert!(plane.write(0, &[1; 101]) == Err(EINVAL));
        assert!(plane.write(usize::MAX, &[1]) == Err(EINVAL));
        assert!(plane.write_lines(1, 49, 3, &[1]).is_ok());
        assert!(plane.write_lines(2, 49, 3, &[1]) == Err(EINVAL));
        assert!(plane.write_lines(1, 49, 3, &[1; 2]) == Err(EINVAL));
        assert!(plane.write_lines(1, usize::MAX, 2, &[1]) == Err(EINVAL));
        assert!(plane.write_lines(1, 1, usize::MAX, &[1]) == Err(EINVAL));
        assert!(plane.write_lines(1000, 1, 0, &[1]).is_ok());
        plane.end()?;
        drop(buffer);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn stopping_leaves_no_buffer_behind() -> Result {
        let user = User::open(MMAP, 3, &[PAGE])?;
        queue_all(&user, 3)?;
        user.start()?;
        user.next()?.done(&META, &[]);
        drop(user.next()?);
        user.stop()?;
        assert!(user.camera.queue.next().is_none());

        // All of them are user space's again, in whatever order.
        for index in [1, 2, 0] {
            user.queue(index, &[Plane::Mmap])?;
        }
        user.start()?;
        for index in [1, 2, 0] {
            let buffer = user.next()?;
            assert_eq!(buffer.index(), index);
            buffer.done(&META, &[]);
        }
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn failed_start_leaves_buffers_queued() -> Result {
        let user = User::open(MMAP, 3, &[PAGE])?;
        queue_all(&user, 3)?;

        user.camera
            .start_error
            .store(bindings::ENOSPC as i32, Relaxed);
        assert!(user.start() == Err(ENOSPC));
        assert!(user.camera.queue.next().is_none());

        user.camera.start_error.store(0, Relaxed);
        user.start()?;
        for index in 0..3 {
            let buffer = user.next()?;
            assert_eq!(buffer.index(), index);
            buffer.done(&META, &[]);
        }
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn frames_may_be_complete_before_the_start() -> Result {
        let user = User::open(MMAP, 2, &[PAGE])?;
        queue_all(&user, 2)?;
        user.camera.is_early.store(true, Relaxed);
        user.start()?;
        assert_eq!(user.dequeue()?.index, 0);
        assert!(user.dequeue().err() == Some(EAGAIN));
        assert!(!user.frame(0, b"next")?.is_error);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn slots_of_the_hardware_are_recalled() -> Result {
        let user = User::open(MMAP, 3, &[PAGE])?;
        queue_all(&user, 3)?;
        user.start()?;
        user.camera
            .queue
            .with_active(|waiting, slot| *slot = waiting.next());
        user.stop()?;
        assert!(user.camera.queue.with_active(|_, slot| slot.is_none()));

        // What is taken out of a slot is a buffer like any other.
        queue_all(&user, 3)?;
        user.start()?;
        user.camera
            .queue
            .with_active(|waiting, slot| *slot = waiting.next());
        user.camera.queue.with_active(|waiting, slot| {
            if let Some(buffer) = slot.take() {
                buffer.done(&META, &[]);
            }
            *slot = waiting.next();
        });
        assert_eq!(user.dequeue()?.index, 0);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn shut_queue_starts_no_more() -> Result {
        let user = User::open(MMAP, 2, &[PAGE])?;
        queue_all(&user, 2)?;
        user.camera.queue.shut();
        assert!(user.start() == Err(ENODEV));
        assert!(user.request(2) == Err(ENODEV));
        assert!(user.create(&[PAGE]).err() == Some(ENODEV));
        assert!(user.camera.queue.next().is_none());
        assert!(user.close());

        // One that streams goes on until it is stopped.
        let user = User::open(MMAP, 2, &[PAGE])?;
        queue_all(&user, 2)?;
        user.start()?;
        user.camera.queue.shut();
        assert!(!user.frame(0, b"last")?.is_error);
        user.stop()?;
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn dead_hardware_ends_waits() -> Result {
        let user = User::open(MMAP, 2, &[PAGE])?;
        queue_all(&user, 2)?;
        user.start()?;
        user.camera.queue.error();
        assert!(user.dequeue().err() == Some(EIO));
        assert!(user.queue(0, &[Plane::Mmap]) == Err(EIO));
        user.stop()?;
        queue_all(&user, 2)?;
        user.start()?;
        assert!(!user.frame(0, b"anew")?.is_error);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn exports_outlive_the_queue() -> Result {
        let user = User::open(MMAP, 1, &[PAGE])?;
        let stats = user.stats.clone();
        let fd = user.export(0)?;
        queue_all(&user, 1)?;
        user.start()?;
        assert!(!user.frame(0, b"kept")?.is_error);
        user.stop()?;
        user.request(0)?;
        drop(user);
        assert_eq!(stats.get(Counter::PagesAllocated), 1);
        assert_eq!(stats.get(Counter::Exports), 1);

        let dev = Device::new(c"vireo-kunit", true)?;
        let dmabuf = DmaBuf::from_fd(fd.number())?;
        let import = DynamicImport::new(&dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;
        import.map()?;
        import.begin_cpu_access()?.write(0, b"used")?;
        drop(import);
        drop(dmabuf);
        drop(fd);
        assert_eq!(stats.get(Counter::PagesAllocated), 0);
        assert_eq!(stats.get(Counter::Segments), 0);
        assert_eq!(stats.get(Counter::Exports), 0);
        Ok(())
    }

    #[test]
    fn frames_reach_user_pages() -> Result {
        let addr = anonymous(2 * PAGE_SIZE, true)?;
        let user = User::open(USERPTR, 1, &[PAGE])?;
        user.start()?;

        // Not at the beginning of a page, so that there are two of them.
        user.queue(0, &[Plane::User(addr + 16, PAGE)])?;
        assert_eq!(user.count(Counter::PagesPinned), 2);
        assert!(!user.frame(PAGE_SIZE - 3, b"end")?.is_error);
        let mut seen = KVec::new();
        UserSlice::new(UserPtr::from_addr(addr + 16 + PAGE_SIZE - 3), 3)
            .read_all(&mut seen, GFP_KERNEL)?;
        assert!(seen[..] == *b"end");

        user.stop()?;
        user.request(0)?;
        assert_eq!(user.count(Counter::PagesPinned), 0);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn user_pages_that_cannot_be_written_are_refused() -> Result {
        let addr = anonymous(2 * PAGE_SIZE, false)?;
        let user = User::open(USERPTR, 1, &[PAGE])?;

        for wrong in [addr, 0] {
            assert!(user.queue(0, &[Plane::User(wrong, PAGE)]) == Err(EINVAL));
        }
        assert_eq!(user.count(Counter::RefusedAddress), 2);
        assert_eq!(user.count(Counter::PagesPinned), 0);
        // The next try works.
        user.queue(0, &[Plane::User(anonymous(PAGE_SIZE, true)?, PAGE)])?;
        assert!(user.close());
        Ok(())
    }
}
