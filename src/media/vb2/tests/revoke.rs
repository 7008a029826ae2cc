// SPDX-License-Identifier: GPL-2.0

//! Tests of exporters that take memory back which a device may be writing.

use super::{
    dma::{
        write,
        Hardware,
        FRAME,
        PAGE, //
    },
    *, //
};
use crate::dma_buf::tests::{
    staged::{
        Call,
        Staged, //
    },
    worker::{
        Job,
        Worker, //
    },
};
use kernel::{
    dma::DataDirection,
    time::hrtimer::{
        HrTimerHandle,
        HrTimerPointer, //
    },
};

const MAP: Call = Call::Map(DataDirection::FromDevice);

#[kunit_tests(vireo_vb2_revoke)]
mod suite {
    use super::*;

    #[test]
    fn device_leaves_before_memory_goes() -> Result {
        let (dmabuf, memory, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf.clone())?;
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        let hardware = Hardware::new(user.camera.clone())?;
        user.start()?;
        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
        assert!(notes.read()[..] == [Call::Attach, MAP]);

        // The device takes the buffer, and its time.
        hardware.is_stuck.store(true, Relaxed);
        let mut timer = hardware.clone().start(FRAME);
        for _ in 0..100 {
            if user.camera.queue.with_active(|_, slot| slot.is_some()) {
                break;
            }
            fsleep(Delta::from_millis(1));
        }
        let is_running = user.camera.queue.with_active(|_, slot| {
            slot.as_ref().is_some_and(|buffer| !buffer.is_invalidated())
            //
        });
        let revoker = Worker::spawn(Job::Invalidate(dmabuf.clone()))?;
        // On a busy machine it takes a while until the thread runs.
        let is_told = (0..100).any(|_| {
            fsleep(Delta::from_millis(10));
            user.camera.queue.with_active(|_, slot| {
                slot.as_ref().is_some_and(Buffer::is_invalidated)
                //
            })
        });
        let has_waited = revoker.waits() && notes.read().is_empty();
        hardware.is_stuck.store(false, Relaxed);
        let is_done = revoker.ends();
        assert!(is_running);
        assert!(is_told);
        assert!(has_waited);
        assert!(is_done);
        assert!(notes.read()[..] == [Call::Unmap]);
        assert_eq!(user.camera.invalidations.load(Relaxed), 1);
        assert_eq!(user.count(Counter::Invalidations), 1);
        assert!(user.dequeue()?.is_error);

        // Not a byte is written from here on.
        memory.map().fill(0, PAGE_SIZE, 0xee)?;
        fsleep(Delta::from_millis(20));
        let mut bytes = KVec::from_elem(0, PAGE_SIZE, GFP_KERNEL)?;
        memory.map().read(0, &mut bytes)?;
        assert!(bytes.iter().all(|byte| *byte == 0xee));

        timer.cancel();
        drop((timer, hardware, dmabuf, fd));
        assert!(user.close());
        assert!(notes.read().last() == Some(&Call::Release));
        Ok(())
    }

    #[test]
    fn what_waits_for_the_device_comes_back_at_once() -> Result {
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (other, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (fd, other) = (Fd::new(dmabuf.clone())?, Fd::new(other)?);
        let user = User::<Dma>::open_any(DMABUF, 3, &[PAGE])?;
        user.start()?;
        for (index, fd) in [&other, &fd, &other].into_iter().enumerate() {
            user.queue(index as u32, &[Plane::Fd(fd.number(), 0)])?;
        }
        let _ = notes.read();
        dmabuf.invalidate_mappings();
        assert!(notes.read()[..] == [Call::Unmap]);
        let frame = user.dequeue()?;
        assert!(frame.index == 1 && frame.is_error);
        assert_eq!(user.camera.invalidations.load(Relaxed), 0);

        for index in [0, 2] {
            user.next()?.done(&META, &[1]);
            let frame = user.dequeue()?;
            assert!(frame.index == index && !frame.is_error);
        }
        // The list is as before.
        user.queue(0, &[Plane::Fd(other.number(), 0)])?;
        user.next()?.done(&META, &[1]);
        assert!(!user.dequeue()?.is_error);
        drop((dmabuf, fd));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn last_in_the_list_comes_back() -> Result {
        let (dmabuf, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (other, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (fd, other) = (Fd::new(dmabuf.clone())?, Fd::new(other)?);
        let user = User::<Dma>::open_any(DMABUF, 3, &[PAGE])?;
        user.start()?;
        user.queue(0, &[Plane::Fd(other.number(), 0)])?;
        user.queue(1, &[Plane::Fd(fd.number(), 0)])?;
        dmabuf.invalidate_mappings();
        user.queue(2, &[Plane::Fd(other.number(), 0)])?;
        let frame = user.dequeue()?;
        assert!(frame.index == 1 && frame.is_error);
        for _ in 0..2 {
            user.next()?.done(&META, &[1]);
            assert!(!user.dequeue()?.is_error);
        }
        drop((dmabuf, fd));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn what_was_queued_before_the_start_comes_back_with_it() -> Result {
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf.clone())?;
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
        dmabuf.invalidate_mappings();
        assert!(notes.read().last() == Some(&Call::Unmap));
        user.start()?;
        assert!(user.camera.queue.next().is_none());
        assert!(user.dequeue()?.is_error);
        drop((dmabuf, fd));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn what_has_moved_is_mapped_again() -> Result {
        let (dmabuf, memory, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf.clone())?;
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        user.start()?;
        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
        dmabuf.invalidate_mappings();
        assert!(user.dequeue()?.is_error);

        // Revoked: the exporter says so.
        let _ = notes.read();
        notes.fail(Some((Call::Attach, ENODEV)));
        assert!(user.queue(0, &[Plane::Fd(fd.number(), 0)]) == Err(ENODEV));
        notes.fail(None);
        let _ = notes.read();
        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
        assert!(notes.read().last() == Some(&MAP));
        let buffer = user.next()?;
        assert_eq!(write(&buffer, 0, 7)?, PAGE_SIZE);
        buffer.done(&META, &[PAGE]);
        assert!(!user.dequeue()?.is_error);
        let mut byte = [0];
        memory.map().read(PAGE_SIZE - 1, &mut byte)?;
        assert_eq!(byte[0], 7);
        drop((dmabuf, fd));
        assert!(user.close());
        assert!(notes.read().last() == Some(&Call::Release));
        Ok(())
    }

    #[test]
    fn buffer_of_the_driver_is_waited_for() -> Result {
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf.clone())?;
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        user.start()?;
        // Given back as it was, and as complete.
        for is_complete in [false, true] {
            user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
            let buffer = user.next()?;
            let _ = notes.read();
            let revoker = Worker::spawn(Job::Invalidate(dmabuf.clone()))?;
            let has_waited = revoker.waits() && notes.read().is_empty();
            if is_complete {
                buffer.done(&META, &[PAGE]);
            } else {
                drop(buffer);
            }
            let is_done = revoker.ends();
            assert!(has_waited && is_done);
            assert!(notes.read()[..] == [Call::Unmap]);
            assert!(user.camera.queue.next().is_none());
            assert!(user.dequeue()?.is_error);
        }
        drop((dmabuf, fd));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn what_is_kept_goes_at_once() -> Result {
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        let (first, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (second, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fds = [Fd::new(first.clone())?, Fd::new(second)?];
        user.start()?;
        for fd in &fds {
            user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
            let buffer = user.next()?;
            // The first is kept, and has no buffer any more.
            if fd.number() == fds[1].number() {
                let _ = notes.read();
                first.invalidate_mappings();
                assert!(notes.read()[..] == [Call::Unmap]);
                assert!(!buffer.is_invalidated());
            }
            buffer.done(&META, &[1]);
            assert!(!user.dequeue()?.is_error);
        }
        assert_eq!(user.camera.invalidations.load(Relaxed), 0);
        drop((first, fds));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn driver_keeps_data_with_buffers() -> Result {
        let user = User::<Dma>::open_any(MMAP, 2, &[PAGE + 1])?;
        user.start()?;
        for round in 1..4 {
            user.queue(0, &[Plane::Mmap])?;
            let buffer = user.next()?;
            assert_eq!(buffer.data().prepared, round);
            assert_eq!(buffer.data().finished, round - 1);
            assert_eq!(buffer.data().len, PAGE_SIZE + 1);
            buffer.done(&META, &[1]);
            user.dequeue()?;
        }
        assert_eq!(user.camera.marks.load(Relaxed), 1);
        user.queue(1, &[Plane::Mmap])?;
        assert_eq!(user.camera.marks.load(Relaxed), 2);
        user.stop()?;
        user.request(0)?;
        assert_eq!(user.camera.marks.load(Relaxed), 0);
        assert!(user.close());

        // It goes with the memory that user space brings.
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        user.start()?;
        for _ in 0..2 {
            let (dmabuf, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
            let fd = Fd::new(dmabuf)?;
            for round in 1..3 {
                user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
                let buffer = user.next()?;
                assert_eq!(buffer.data().prepared, round);
                buffer.done(&META, &[1]);
                user.dequeue()?;
            }
            assert_eq!(user.camera.marks.load(Relaxed), 1);
        }
        assert!(user.close());
        Ok(())
    }
}
