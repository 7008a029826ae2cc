// SPDX-License-Identifier: GPL-2.0

//! Tests of buffers that others still use when they are queued.

use super::*;
use crate::dma_buf::tests::{
    fence::Fence,
    staged::Staged, //
};

const PAGE: u32 = PAGE_SIZE as u32;
const READ: bindings::dma_resv_usage = bindings::dma_resv_usage_DMA_RESV_USAGE_READ;
const WRITE: bindings::dma_resv_usage = bindings::dma_resv_usage_DMA_RESV_USAGE_WRITE;

/// A dma-buf that fences can be added to, and its descriptor.
type Shared = (Fd, ARef<DmaBuf>);

/// A camera that streams into a dma-buf on each of two indices.
fn importing() -> Result<(User, [Shared; 2])> {
    let user = User::open(DMABUF, 2, &[PAGE])?;
    let buffer = || -> Result<Shared> {
        let (dmabuf, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        Ok((Fd::new(dmabuf.clone())?, dmabuf))
    };

    user.start()?;
    Ok((user, [buffer()?, buffer()?]))
}

fn index_of_next(user: &User) -> Option<u32> {
    let buffer = user.camera.queue.next()?;
    let index = buffer.index();

    buffer.done(&META, &[]);
    Some(index)
}

#[kunit_tests(vireo_vb2_fence)]
mod suite {
    use super::*;

    #[test]
    fn pending_buffer_delays_itself_alone() -> Result {
        let (user, [first, second]) = importing()?;
        let fence = Fence::add(&first.1, READ)?;
        user.queue(0, &[Plane::Fd(first.0.number(), 0)])?;
        assert!(user.camera.queue.next().is_none());
        user.queue(1, &[Plane::Fd(second.0.number(), 0)])?;
        assert!(index_of_next(&user) == Some(1));
        assert!(user.camera.queue.next().is_none());

        fence.signal();
        assert!(index_of_next(&user) == Some(0));
        assert_eq!(user.dequeue()?.index, 1);
        assert_eq!(user.dequeue()?.index, 0);
        // What is signalled is not waited for.
        user.queue(0, &[Plane::Fd(first.0.number(), 0)])?;
        assert!(index_of_next(&user) == Some(0));
        drop((first, second));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn every_user_is_waited_for() -> Result {
        let (user, [first, second]) = importing()?;
        let fences = [
            Fence::add(&first.1, WRITE)?,
            Fence::add(&first.1, READ)?,
            Fence::add(&first.1, READ)?,
        ];
        user.queue(0, &[Plane::Fd(first.0.number(), 0)])?;
        for fence in &fences {
            assert!(user.camera.queue.next().is_none());
            fence.signal();
        }
        // Several fences are waited for by one, which an interrupt signals.
        for _ in 0..100 {
            if let Some(index) = index_of_next(&user) {
                assert_eq!(index, 0);
                drop((first, second));
                assert!(user.close());
                return Ok(());
            }
            fsleep(Delta::from_millis(5));
        }
        Err(ETIMEDOUT)
    }

    #[test]
    fn every_plane_is_waited_for() -> Result {
        let user = User::open(DMABUF, 1, &[PAGE, PAGE])?;
        let (first, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (second, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fds = [Fd::new(first.clone())?, Fd::new(second.clone())?];
        let planes = [Plane::Fd(fds[0].number(), 0), Plane::Fd(fds[1].number(), 0)];
        user.start()?;
        for order in [[0, 1], [1, 0]] {
            let fences = [Fence::add(&first, READ)?, Fence::add(&second, READ)?];
            user.queue(0, &planes)?;
            fences[order[0]].signal();
            assert!(user.camera.queue.next().is_none());
            fences[order[1]].signal();
            assert!(index_of_next(&user) == Some(0));
            assert_eq!(user.dequeue()?.index, 0);
        }
        drop((first, second, fds));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn stopping_does_not_wait_for_fences() -> Result {
        let (user, [first, second]) = importing()?;
        let fence = Fence::add(&first.1, READ)?;
        user.queue(0, &[Plane::Fd(first.0.number(), 0)])?;
        user.queue(1, &[Plane::Fd(second.0.number(), 0)])?;
        user.stop()?;
        // It is nobody's any more when the fence is signalled.
        fence.signal();
        assert!(user.camera.queue.next().is_none());

        let fence = Fence::add(&first.1, READ)?;
        user.queue(0, &[Plane::Fd(first.0.number(), 0)])?;
        user.start()?;
        assert!(user.camera.queue.next().is_none());
        fence.signal();
        assert!(index_of_next(&user) == Some(0));
        // Nor does closing.
        let _fence = Fence::add(&second.1, WRITE)?;
        user.queue(1, &[Plane::Fd(second.0.number(), 0)])?;
        drop((first, second));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn failed_start_leaves_pending_buffers_queued() -> Result {
        let (user, [first, second]) = importing()?;
        user.stop()?;
        let fence = Fence::add(&first.1, READ)?;
        user.queue(0, &[Plane::Fd(first.0.number(), 0)])?;
        user.camera
            .start_error
            .store(bindings::ENOSPC as i32, Relaxed);
        assert!(user.start() == Err(ENOSPC));
        user.camera.start_error.store(0, Relaxed);
        user.start()?;
        assert!(user.camera.queue.next().is_none());
        fence.signal();
        assert!(index_of_next(&user) == Some(0));
        drop((first, second));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn readers_of_exports_are_waited_for() -> Result {
        let user = User::open(MMAP, 2, &[PAGE])?;
        // Each export of a buffer is for all of them.
        let fds = [user.export(0)?, user.export(0)?];
        let dmabuf = DmaBuf::from_fd(fds[0].number())?;
        let fence = Fence::add(&dmabuf, READ)?;
        for index in 0..2 {
            user.queue(index, &[Plane::Mmap])?;
        }
        user.start()?;
        assert!(index_of_next(&user) == Some(1));
        assert!(user.camera.queue.next().is_none());
        fence.signal();
        assert!(index_of_next(&user) == Some(0));
        drop((dmabuf, fds));
        flush_delayed_fput();
        assert!(user.close());
        Ok(())
    }
}
