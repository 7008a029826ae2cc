// SPDX-License-Identifier: GPL-2.0

//! Tests of dma-bufs that user space queues, from an exporter that takes notes.

use super::*;
use crate::dma_buf::{
    tests::{
        staged::{
            Call,
            Staged, //
        },
        without_warnings, //
    },
    Pages, //
};
use kernel::{
    dma::DataDirection,
    fs::file::flags::O_RDONLY,
    page::PAGE_SIZE, //
};

const PAGE: u32 = PAGE_SIZE as u32;
const CPU: DataDirection = DataDirection::Bidirectional;

/// The byte that devices find in the beginning.
fn byte(memory: &Pages) -> Result<u8> {
    let mut byte = [0];
    memory.map().read(0, &mut byte)?;
    Ok(byte[0])
}

#[kunit_tests(vireo_vb2_import)]
mod suite {
    use super::*;

    #[test]
    fn exporter_is_asked_in_order() -> Result {
        let (dmabuf, memory, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf)?;
        let user = User::open(DMABUF, 1, &[PAGE])?;
        user.start()?;

        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
        assert!(notes.read()[..] == [Call::Attach, Call::VMap]);
        assert!(!user.frame(0, &[7])?.is_error);
        assert!(notes.read()[..] == [Call::Begin(CPU), Call::End(CPU)]);
        assert_eq!(byte(&memory)?, 7);

        // The same descriptor again asks for nothing but the access.
        assert!(!user.import(0, &fd, 8)?.is_error);
        assert!(notes.read()[..] == [Call::Begin(CPU), Call::End(CPU)]);
        assert_eq!(byte(&memory)?, 8);

        drop(fd);
        assert!(notes.read().is_empty());
        assert!(user.close());
        assert!(notes.read()[..] == [Call::VUnmap, Call::Detach, Call::Release]);
        Ok(())
    }

    #[test]
    fn what_cannot_be_written_is_refused() -> Result {
        let user = User::open(DMABUF, 1, &[2 * PAGE])?;
        let (dmabuf, _, read_only) = Staged::export(2 * PAGE_SIZE, O_RDONLY)?;
        let fd = Fd::new(dmabuf)?;
        assert!(user.import(0, &fd, 1).err() == Some(EINVAL));
        assert_eq!(user.count(Counter::RefusedReadOnly), 1);
        drop(fd);
        assert!(read_only.read()[..] == [Call::Release]);

        // Once videobuf2 finds out, once we do.
        let (dmabuf, _, small) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf)?;
        for length in [0, 2 * PAGE] {
            assert!(user.queue(0, &[Plane::Fd(fd.number(), length)]) == Err(EINVAL));
        }
        assert_eq!(user.count(Counter::RefusedSize), 1);
        drop(fd);
        assert!(small.read()[..] == [Call::Release]);

        let (dmabuf, memory, _) = Staged::export(2 * PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf)?;
        user.start()?;
        assert!(!user.import(0, &fd, 3)?.is_error);
        assert_eq!(byte(&memory)?, 3);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn errors_of_the_exporter_are_handed_on() -> Result {
        let failures = [
            (Call::Attach, EPERM),
            (Call::VMap, ENOSPC),
            (Call::VMap, ENXIO),
        ];

        for (call, e) in failures {
            let (dmabuf, memory, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
            let fd = Fd::new(dmabuf)?;
            let user = User::open(DMABUF, 1, &[PAGE])?;
            user.start()?;

            notes.fail(Some((call, e)));
            for _ in 0..2 {
                let result = without_warnings(|| user.queue(0, &[Plane::Fd(fd.number(), 0)]));
                assert!(result == Err(e));
                assert!(user.camera.queue.next().is_none());
            }
            assert_eq!(user.count(Counter::RefusedByExporter), 2);

            // The next try works, and nothing was lost on the way.
            notes.fail(None);
            assert!(!user.import(0, &fd, 4)?.is_error);
            assert_eq!(byte(&memory)?, 4);
            drop(fd);
            assert!(user.close());
            assert!(notes.read().last() == Some(&Call::Release));
        }
        Ok(())
    }

    #[test]
    fn access_that_fails_is_an_error() -> Result {
        let (dmabuf, memory, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf)?;
        let user = User::open(DMABUF, 1, &[PAGE])?;
        user.start()?;
        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;

        notes.fail(Some((Call::Begin(CPU), EIO)));
        assert!(user.next()?.begin_cpu_access(0).err() == Some(EIO));
        assert!(user.frame(0, &[1])?.is_error);
        notes.fail(Some((Call::End(CPU), EIO)));
        assert!(user.import(0, &fd, 1)?.is_error);
        assert_eq!(byte(&memory)?, 0);

        notes.fail(None);
        assert!(!user.import(0, &fd, 2)?.is_error);
        assert_eq!(byte(&memory)?, 2);
        drop(fd);
        assert!(user.close());
        assert!(notes.read().last() == Some(&Call::Release));
        Ok(())
    }

    #[test]
    fn planes_do_not_share_memory() -> Result {
        let (dmabuf, first, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (other, second, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let again = Fd::new(dmabuf.clone())?;
        let fd = Fd::new(dmabuf)?;
        let other = Fd::new(other)?;
        let user = User::open(DMABUF, 1, &[PAGE, PAGE])?;
        user.start()?;

        // By the same descriptor, and by another one of the same dma-buf.
        for twin in [&fd, &again] {
            let planes = [Plane::Fd(fd.number(), 0), Plane::Fd(twin.number(), 0)];
            assert!(user.queue(0, &planes) == Err(EINVAL));
        }
        assert_eq!(user.count(Counter::RefusedSamePlane), 2);

        user.queue(
            0,
            &[Plane::Fd(fd.number(), 0), Plane::Fd(other.number(), 0)],
        )?;
        let mut buffer = user.next()?;
        for i in 0..2 {
            let mut plane = buffer.begin_cpu_access(i)?;
            plane.write(0, &[1 + i as u8])?;
            plane.end()?;
        }
        buffer.done(&META, &[1, 1]);
        assert!(!user.dequeue()?.is_error);
        assert_eq!(byte(&first)?, 1);
        assert_eq!(byte(&second)?, 2);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn memory_that_has_moved_is_no_error() -> Result {
        let (dmabuf, memory, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf.clone())?;
        let user = User::open(DMABUF, 1, &[PAGE])?;
        user.start()?;

        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
        dmabuf.invalidate_mappings();
        assert!(!user.frame(0, &[1])?.is_error);
        assert_eq!(byte(&memory)?, 1);
        assert_eq!(user.count(Counter::Invalidations), 1);
        drop((dmabuf, fd));
        assert!(user.close());
        assert!(notes.read().last() == Some(&Call::Release));
        Ok(())
    }

    #[test]
    fn nothing_is_written_after_a_revocation() -> Result {
        let (dmabuf, memory, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (other, untouched, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf.clone())?;
        let other = Fd::new(other)?;
        let user = User::open(DMABUF, 2, &[PAGE])?;
        user.start()?;
        assert!(!user.import(0, &fd, 1)?.is_error);

        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
        user.queue(1, &[Plane::Fd(other.number(), 0)])?;
        let _ = notes.read();
        notes.fail(Some((Call::Attach, ENODEV)));
        dmabuf.invalidate_mappings();
        assert!(notes.read()[..] == [Call::VUnmap]);
        assert_eq!(user.count(Counter::Invalidations), 1);

        let frame = user.frame(0, &[2])?;
        assert_eq!(frame.index, 0);
        assert!(frame.is_error);
        assert_eq!(byte(&memory)?, 1);
        // Streaming goes on.
        let frame = user.frame(0, &[3])?;
        assert_eq!(frame.index, 1);
        assert!(!frame.is_error);
        assert_eq!(byte(&untouched)?, 3);

        assert!(user.import(0, &fd, 4).err() == Some(ENODEV));
        assert_eq!(user.count(Counter::RefusedByExporter), 1);
        assert!(!user.import(1, &other, 5)?.is_error);
        notes.fail(None);
        assert!(!user.import(0, &fd, 6)?.is_error);
        assert_eq!(byte(&memory)?, 6);

        drop((dmabuf, fd));
        assert!(user.close());
        assert!(notes.read().last() == Some(&Call::Release));
        Ok(())
    }
}
