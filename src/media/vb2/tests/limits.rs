// SPDX-License-Identifier: GPL-2.0

//! Tests of how much memory the buffers of a queue may have, and that none is refused because of
//! what is only kept.

use super::{
    queueing::anonymous,
    user::MAX_PAGES,
    *, //
};
use crate::dma_buf::tests::{
    staged::{
        Call,
        Notes,
        Staged, //
    },
    without_warnings, //
};
use kernel::page::PAGE_SIZE;

const PAGE: u32 = PAGE_SIZE as u32;

/// Memory of an exporter, with a descriptor.
fn exported() -> Result<(Fd, Arc<Notes>)> {
    let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;

    Ok((Fd::new(dmabuf)?, notes))
}

#[kunit_tests(vireo_vb2_limit)]
mod suite {
    use super::*;

    #[test]
    fn buffers_are_bounded_in_bytes() -> Result {
        // Not whole pages, but they take as many.
        let user = User::open(MMAP, 1, &[4 * PAGE - 1])?;
        assert_eq!(user.reqbufs(32)?, 10);
        assert_eq!(user.count(Counter::PagesAllocated), MAX_PAGES as u64);
        assert!(user.create(&[4 * PAGE - 1]).err() == Some(ENOMEM));

        // Those that there are count as they are, and not as the format is.
        assert_eq!(user.reqbufs(8)?, 8);
        assert_eq!(user.create(&[8 * PAGE])?, 8);
        assert!(user.create(&[4 * PAGE]).err() == Some(ENOMEM));
        assert_eq!(user.reqbufs(9)?, 9);
        assert!(user.create(&[4 * PAGE + 1]).err() == Some(ENOMEM));
        assert_eq!(user.create(&[4 * PAGE])?, 9);
        assert!(user.close());

        let user = User::open(MMAP, 1, &[PAGE, 3 * PAGE])?;
        assert_eq!(user.reqbufs(32)?, 10);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn fewest_buffers_find_room() -> Result {
        let size = 2 * MAX_PAGES as u32 * PAGE;
        let user = User::open(MMAP, 1, &[size])?;
        assert_eq!(user.reqbufs(32)?, 1);
        assert!(user.create(&[size]).err() == Some(ENOMEM));
        assert!(user.close());

        // However large the format is, not whatever VIDIOC_CREATE_BUFS asks for.
        let user = User::open(MMAP, 1, &[PAGE])?;
        user.request(0)?;
        assert!(user.create(&[size]).err() == Some(ENOMEM));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn memory_of_others_is_not_bounded() -> Result {
        for memory in [USERPTR, DMABUF] {
            let user = User::open(memory, 32, &[MAX_PAGES as u32 * PAGE])?;
            assert!(user.close());
        }
        Ok(())
    }

    #[test]
    fn pinned_pages_are_bounded() -> Result {
        let addr = anonymous((MAX_PAGES + 1) * PAGE_SIZE, true)?;
        let user = User::open(USERPTR, 3, &[PAGE])?;
        let queue = |index, pages| user.queue(index, &[Plane::User(addr, pages * PAGE)]);
        let most = MAX_PAGES as u32;

        for _ in 0..2 {
            let before = user.count(Counter::RefusedMaxBytes);
            assert!(queue(0, most + 1) == Err(ENOMEM));
            assert_eq!(user.count(Counter::PagesPinned), 0);
            queue(0, 30)?;
            assert!(queue(1, most - 29) == Err(ENOMEM));
            queue(1, most - 30)?;
            assert!(queue(2, 1) == Err(ENOMEM));
            assert_eq!(user.count(Counter::PagesPinned), MAX_PAGES as u64);
            assert_eq!(user.count(Counter::RefusedMaxBytes) - before, 3);

            // What is let go may be pinned again.
            user.request(0)?;
            assert_eq!(user.count(Counter::PagesPinned), 0);
            user.request(3)?;
        }
        // A buffer of the format finds room in any case, at whatever address.
        let user = User::open(USERPTR, 1, &[most * PAGE])?;
        user.queue(0, &[Plane::User(addr + 16, most * PAGE)])?;
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn nothing_fails_because_of_what_is_kept() -> Result {
        let failures = [
            (Call::Attach, ENOSPC),
            (Call::VMap, EBUSY),
            (Call::VMap, EINVAL),
        ];

        for (call, e) in failures {
            let (first, second, third) = (exported()?, exported()?, exported()?);
            let user = User::open(DMABUF, 1, &[PAGE])?;
            user.start()?;

            // While nothing is kept there is nothing to be done about it.
            first.1.fail_once(call, e);
            assert!(without_warnings(|| user.import(0, &first.0, 1)).err() == Some(e));
            assert_eq!(user.count(Counter::RefusedByExporter), 1);
            for (fd, _) in [&first, &second] {
                assert!(!user.import(0, fd, 1)?.is_error);
            }
            assert_eq!(user.attached(), 2);

            third.1.fail_once(call, e);
            assert!(!without_warnings(|| user.import(0, &third.0, 1))?.is_error);
            assert_eq!(user.count(Counter::RefusedByExporter), 1);
            assert_eq!(user.attached(), 1);
            assert_eq!(user.count(Counter::CacheEvictions), 2);
            for (_, notes) in [&first, &second] {
                assert!(notes.read().last() == Some(&Call::Detach));
            }

            // What goes on failing is tried twice and refused once, and the cache goes on.
            first.1.fail(Some((call, e)));
            assert!(without_warnings(|| user.import(0, &first.0, 1)).err() == Some(e));
            let calls = first.1.read();
            assert_eq!(calls.iter().filter(|noted| **noted == call).count(), 2);
            assert_eq!(user.count(Counter::RefusedByExporter), 2);
            let attaches = user.count(Counter::Attaches);
            for (fd, _) in [&second, &third, &second, &third] {
                assert!(!user.import(0, fd, 1)?.is_error);
            }
            assert_eq!(user.count(Counter::Attaches) - attaches, 2);
            assert!(user.close());
        }
        Ok(())
    }
}
