// SPDX-License-Identifier: GPL-2.0

//! Tests of buffers whose memory videobuf2 gives up, or does not have yet.

use super::{
    queueing::anonymous,
    *, //
};
use crate::dma_buf::tests::staged::Staged;
use core::mem::MaybeUninit;

const PAGE: u32 = PAGE_SIZE as u32;

#[kunit_tests(vireo_vb2_given_up)]
mod suite {
    use super::*;

    #[test]
    fn data_goes_with_memory_of_a_process() -> Result {
        let addr = anonymous(PAGE_SIZE, true)?;
        let user = User::open(USERPTR, 1, &[PAGE])?;

        for _ in 0..2 {
            user.queue(0, &[Plane::User(addr, PAGE)])?;
            user.stop()?;
            assert_eq!(user.camera.marks.load(Relaxed), 1);
            // The memory is given up, and there is none in its place.
            assert!(user.queue(0, &[Plane::User(addr, 1)]) == Err(EINVAL));
            assert_eq!(user.camera.marks.load(Relaxed), 0);
        }
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn data_goes_with_memory_of_an_exporter() -> Result {
        let fd = Fd::new(Staged::export(PAGE_SIZE, O_RDWR)?.0)?;
        let user = User::open(DMABUF, 1, &[PAGE])?;

        for _ in 0..2 {
            user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
            user.stop()?;
            assert_eq!(user.camera.marks.load(Relaxed), 1);
            assert!(user.queue(0, &[Plane::Fd(-1, 0)]) == Err(EINVAL));
            assert_eq!(user.camera.marks.load(Relaxed), 0);
        }
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn memory_that_is_not_there_yet_is_not_mapped() -> Result {
        let user = User::open(MMAP, 1, &[PAGE])?;
        let queue = user.camera.queue.as_raw();
        let mut vma = MaybeUninit::<bindings::vm_area_struct>::zeroed();
        // SAFETY: The queue is initialized.
        let mmap = unsafe { (*(*queue).mem_ops).mmap };

        // As vb2_mmap() does while another thread allocates.
        //
        // SAFETY: Nothing is mapped where there is no memory.
        let ret = mmap.map(|mmap| unsafe { mmap(null_mut(), vma.as_mut_ptr()) });
        assert!(ret == Some(EINVAL.to_errno()));
        assert!(user.close());
        Ok(())
    }
}
