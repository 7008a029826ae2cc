// SPDX-License-Identifier: GPL-2.0

//! Tests of [`Pages`].

mod fences;

use super::{
    super::{
        tests::{
            flush_delayed_fput,
            Device,
            MODULE, //
        },
        Attachment,
        DmaBuf,
        DynamicImport,
        MappedAttachment, //
    },
    Pages, //
};
use crate::{
    bindings,
    stats::{
        Counter,
        Stats, //
    },
};
use kernel::{
    dma::DataDirection,
    error::to_result,
    ffi::c_int,
    fs::file::flags::{
        O_RDONLY,
        O_RDWR,
        O_WRONLY, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

fn attach<'a>(pages: &Pages, dev: &'a Device, dir: DataDirection) -> Result<MappedAttachment<'a>> {
    Attachment::new(
        pages.export(O_RDWR, MODULE)?,
        dev.get(),
        Stats::new(GFP_KERNEL)?,
    )?
    .map(dir)
    .map_err(|(e, _)| e)
}

/// The directions of the mappings that there are.
fn directions(pages: &Pages) -> Result<KVec<DataDirection>> {
    let mut directions = KVec::with_capacity(8, GFP_KERNEL)?;
    let mut result = Ok(());

    pages.tables.for_each(|mapping| {
        result = result.and(
            directions
                .push_within_capacity(mapping.direction())
                .map_err(|_| ENOSPC),
        );
    });
    result?;
    Ok(directions)
}

/// Maps a dma-buf into a process that is the test's, as mmap(2) does.
fn mmap(dmabuf: &DmaBuf, len: usize, prot: usize, flags: usize, offset: usize) -> Result<usize> {
    // SAFETY: The thread of a test may have an address space of its own until it ends; the file is
    // valid for as long as the dma-buf.
    let addr = unsafe {
        to_result(bindings::kunit_attach_mm())?;
        bindings::vm_mmap((*dmabuf.as_raw()).file, 0, len, prot, flags, offset)
    };

    // What is not an address is an error.
    match addr as isize {
        e if (-4095..0).contains(&e) => Err(Error::from_errno(e as c_int)),
        _ => Ok(addr),
    }
}

fn munmap(addr: usize, len: usize) -> Result {
    // SAFETY: The address space is the test's own.
    to_result(unsafe { bindings::vm_munmap(addr, len) })?;
    flush_delayed_fput();
    Ok(())
}

fn user(addr: usize, len: usize) -> UserSlice {
    UserSlice::new(UserPtr::from_addr(addr), len)
}

// From `uapi/asm-generic/mman-common.h`; the same everywhere.
const PROT_READ: usize = 1;
const PROT_READ_WRITE: usize = 3;
const MAP_SHARED: usize = 1;
const MAP_PRIVATE: usize = 2;

#[kunit_tests(vireo_pages)]
mod suite {
    use super::*;

    #[test]
    fn memory_is_zeroed_and_whole() -> Result {
        // An odd number of pages takes several orders; some memory was used before.
        for size in [1, PAGE_SIZE, PAGE_SIZE + 1, 1037 * PAGE_SIZE] {
            for _ in 0..2 {
                let pages = Pages::new(size, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
                assert_eq!(pages.size(), size.div_ceil(PAGE_SIZE) * PAGE_SIZE);
                assert_eq!(pages.as_raw().len(), size.div_ceil(PAGE_SIZE));

                let mut bytes = KVVec::from_elem(1u8, pages.size(), GFP_KERNEL)?;
                pages.map().read(0, &mut bytes)?;
                assert!(bytes.iter().all(|byte| *byte == 0));
                pages.map().fill(0, pages.size(), 0xff)?;
            }
        }
        Ok(())
    }

    #[test]
    fn one_piece_is_one_segment() -> Result {
        let stats = Stats::new(GFP_KERNEL)?;

        for count in [1, 2, 300] {
            let pages = Pages::contiguous(count * PAGE_SIZE - 1, GFP_KERNEL, stats.clone())?;
            assert_eq!(pages.as_raw().len(), count);
            // SAFETY: The pages are there.
            let pfn = |page: &*mut bindings::page| unsafe { bindings::page_to_pfn(*page) };
            let is_next = |pair: &[*mut bindings::page]| pfn(&pair[0]) + 1 == pfn(&pair[1]);
            assert!(pages.as_raw().windows(2).all(is_next));
            assert_eq!(stats.get(Counter::PagesAllocated), count as u64);
            assert_eq!(stats.get(Counter::Segments), 1);
            let mut bytes = KVVec::from_elem(1u8, pages.size(), GFP_KERNEL)?;
            pages.map().read(0, &mut bytes)?;
            assert!(bytes.iter().all(|byte| *byte == 0));
            pages.map().fill(0, pages.size(), 0xff)?;
        }
        assert_eq!(stats.get(Counter::PagesAllocated), 0);

        let size = PAGE_SIZE << (bindings::MAX_PAGE_ORDER + 1);
        assert!(Pages::contiguous(size, GFP_KERNEL, stats.clone()).err() == Some(ENOMEM));
        assert!(Pages::contiguous(0, GFP_KERNEL, stats).err() == Some(EINVAL));
        Ok(())
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() -> Result {
        assert!(Pages::new(0, GFP_KERNEL, Stats::new(GFP_KERNEL)?).err() == Some(EINVAL));
        assert!(Pages::new(usize::MAX, GFP_KERNEL, Stats::new(GFP_KERNEL)?).err() == Some(ENOMEM));
        assert!(Pages::new(1 << 46, GFP_KERNEL, Stats::new(GFP_KERNEL)?).err() == Some(ENOMEM));
        Ok(())
    }

    #[test]
    fn users_are_counted() -> Result {
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        assert_eq!(pages.users(), 1);

        let another: ARef<Pages> = (&*pages).into();
        assert_eq!(pages.users(), 2);
        drop(another);
        assert_eq!(pages.users(), 1);

        let first = pages.export(O_RDWR, MODULE)?;
        let second = pages.export(O_RDWR, MODULE)?;
        assert_eq!(pages.users(), 3);
        drop(first);
        flush_delayed_fput();
        assert_eq!(pages.users(), 2);
        drop(second);
        flush_delayed_fput();
        assert_eq!(pages.users(), 1);
        Ok(())
    }

    #[test]
    fn dma_buf_outlives_its_exporter() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let pages = Pages::new(3 * PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let dmabuf = pages.export(O_RDWR, MODULE)?;
        assert_eq!(dmabuf.size(), 3 * PAGE_SIZE);

        pages.map().write(2 * PAGE_SIZE, b"frame")?;
        drop(pages);

        let mut vmap = Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?
            .vmap()
            .map_err(|(e, _)| e)?;
        let access = vmap.begin_cpu_access()?;
        let mut seen = [0; 5];
        access.map().read(2 * PAGE_SIZE, &mut seen)?;
        assert!(seen == *b"frame");
        access.end()?;
        Ok(())
    }

    #[test]
    fn importers_write_into_the_same_memory() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;

        let mut vmap = Attachment::new(
            pages.export(O_RDWR, MODULE)?,
            dev.get(),
            Stats::new(GFP_KERNEL)?,
        )?
        .vmap()
        .map_err(|(e, _)| e)?;
        let access = vmap.begin_cpu_access()?;
        access.map().fill(0, PAGE_SIZE, 0x5a)?;
        access.end()?;

        let access = pages.begin_cpu_access()?;
        let mut seen = [0; 2];
        access.map().read(PAGE_SIZE - 2, &mut seen)?;
        assert!(seen == [0x5a; 2]);
        Ok(())
    }

    #[test]
    fn each_device_has_a_mapping() -> Result {
        let first = Device::new(c"vireo-kunit.0", true)?;
        let second = Device::new(c"vireo-kunit.1", true)?;
        let pages = Pages::new(64 * PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;

        // What a device may write is mapped in both directions, since the CPU may, too.
        let to = attach(&pages, &first, DataDirection::ToDevice)?;
        let from = attach(&pages, &second, DataDirection::FromDevice)?;
        assert!(directions(&pages)?[..] == [DataDirection::ToDevice, DataDirection::Bidirectional]);

        for mapped in [&to, &from] {
            let total: u64 = mapped.sg_table().iter().map(|entry| entry.dma_len()).sum();
            assert_eq!(total, pages.size() as u64);
            // All of it is one allocation, if that is free at once, which lies at a multiple of its
            // size; a device that names no limit gets segments of 64 KiB.
            assert_eq!(mapped.sg_table().iter().count(), pages.size() >> 16);
            let first = mapped.sg_table().iter().next().ok_or(EINVAL)?;
            assert_eq!(first.dma_address() % pages.size() as u64, 0);
        }
        drop(pages.begin_cpu_access()?);

        drop(to);
        assert!(directions(&pages)?[..] == [DataDirection::Bidirectional]);
        drop(from);
        assert!(directions(&pages)?.is_empty());

        flush_delayed_fput();
        assert_eq!(pages.users(), 1);
        Ok(())
    }

    #[test]
    fn device_without_dma_is_refused() -> Result {
        let dev = Device::new(c"vireo-kunit", false)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;

        assert!(attach(&pages, &dev, DataDirection::Bidirectional).err() == Some(EIO));
        flush_delayed_fput();
        assert_eq!(pages.users(), 1);
        Ok(())
    }

    #[test]
    fn processes_share_the_memory() -> Result {
        let pages = Pages::new(3 * PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let dmabuf = pages.export(O_RDWR, MODULE)?;
        pages.map().write(PAGE_SIZE, b"from the driver")?;

        let whole = mmap(&dmabuf, 3 * PAGE_SIZE, PROT_READ_WRITE, MAP_SHARED, 0)?;
        let second = mmap(&dmabuf, PAGE_SIZE, PROT_READ_WRITE, MAP_SHARED, PAGE_SIZE)?;
        for addr in [whole + PAGE_SIZE, second] {
            let mut seen = KVec::new();
            user(addr, 15).read_all(&mut seen, GFP_KERNEL)?;
            assert!(seen[..] == *b"from the driver");
        }

        user(second, 4).writer().write_slice(b"back")?;
        let mut seen = [0; 4];
        pages.map().read(PAGE_SIZE, &mut seen)?;
        assert!(seen == *b"back");
        Ok(())
    }

    #[test]
    fn mappings_keep_the_memory() -> Result {
        let pages = Pages::new(3 * PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let dmabuf = pages.export(O_RDWR, MODULE)?;
        assert_eq!(pages.users(), 2);

        let addr = mmap(&dmabuf, 3 * PAGE_SIZE, PROT_READ_WRITE, MAP_SHARED, 0)?;
        assert_eq!(pages.users(), 3);
        // A hole makes two mappings of one.
        munmap(addr + PAGE_SIZE, PAGE_SIZE)?;
        assert_eq!(pages.users(), 4);
        munmap(addr, PAGE_SIZE)?;
        assert_eq!(pages.users(), 3);

        drop(dmabuf);
        flush_delayed_fput();
        assert_eq!(pages.users(), 3);
        munmap(addr + 2 * PAGE_SIZE, PAGE_SIZE)?;
        assert_eq!(pages.users(), 1);
        Ok(())
    }

    #[test]
    fn mappings_are_limited() -> Result {
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let dmabuf = pages.export(O_RDWR, MODULE)?;

        // A private one would part from the others, and too long a one end in nothing.
        assert!(mmap(&dmabuf, PAGE_SIZE, PROT_READ_WRITE, MAP_PRIVATE, 0) == Err(EINVAL));
        assert!(mmap(&dmabuf, 2 * PAGE_SIZE, PROT_READ_WRITE, MAP_SHARED, 0) == Err(EINVAL));
        assert!(mmap(&dmabuf, PAGE_SIZE, PROT_READ_WRITE, MAP_SHARED, PAGE_SIZE) == Err(EINVAL));

        let dmabuf = pages.export(O_RDONLY, MODULE)?;
        assert!(mmap(&dmabuf, PAGE_SIZE, PROT_READ_WRITE, MAP_SHARED, 0) == Err(EACCES));
        mmap(&dmabuf, PAGE_SIZE, PROT_READ, MAP_SHARED, 0)?;
        Ok(())
    }

    #[test]
    fn access_mode_is_kept() -> Result {
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;

        assert!(!pages.export(O_RDONLY, MODULE)?.is_writable());
        assert!(pages.export(O_WRONLY, MODULE)?.is_writable());
        assert!(pages.export(O_RDWR, MODULE)?.is_writable());
        flush_delayed_fput();
        assert_eq!(pages.users(), 1);
        Ok(())
    }

    #[test]
    fn importer_attached_during_revoke_is_told() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let import = DynamicImport::new(&*pages.export(O_RDWR, MODULE)?, dev.get(), stats.clone())?;

        // As if it were not in the list of attachments yet.
        pages.exports.is_revoked.store(true, Relaxed);
        assert!(import.map() == Err(ENODEV));
        assert_eq!(stats.get(Counter::VMaps), stats.get(Counter::VUnmaps));
        pages.exports.is_revoked.store(false, Relaxed);
        import.map()?;
        import.begin_cpu_access()?.write(0, &[1])?;
        Ok(())
    }

    #[test]
    fn revoke_blocks_new_mappings() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, stats.clone())?;
        let (first, second) = (pages.export(O_RDWR, MODULE)?, pages.export(O_RDWR, MODULE)?);
        assert_eq!(stats.get(Counter::Exports), 2);

        // One that can be told, one that cannot, and one that is not mapped yet.
        let counters = Stats::new(GFP_KERNEL)?;
        let import = DynamicImport::new(&first, dev.get(), counters.clone())?;
        let is_mapped = || counters.get(Counter::VMaps) - counters.get(Counter::VUnmaps) == 1;
        import.map()?;
        assert!(is_mapped());
        let mapped = attach(&pages, &dev, DataDirection::FromDevice)?;
        let attached = Attachment::new(second.clone(), dev.get(), Stats::new(GFP_KERNEL)?)?;
        assert_eq!(directions(&pages)?.len(), 1);

        pages.revoke(true)?;
        assert_eq!(directions(&pages)?.len(), 1);
        assert!(!is_mapped());
        assert!(import.map() == Err(ENODEV));
        let refused = Attachment::new(second.clone(), dev.get(), Stats::new(GFP_KERNEL)?);
        assert!(refused.err() == Some(ENODEV));
        let Err((e, attached)) = attached.map(DataDirection::FromDevice) else {
            return Err(EINVAL);
        };
        assert!(e == ENODEV);

        // A dma-buf that has gone is not told.
        drop(attached);
        drop(second);
        flush_delayed_fput();
        assert_eq!(stats.get(Counter::Exports), 2);
        pages.revoke(true)?;
        pages.revoke(false)?;
        import.map()?;
        assert!(is_mapped());

        drop((import, mapped, first));
        flush_delayed_fput();
        assert_eq!(stats.get(Counter::Exports), 0);
        assert_eq!(stats.get(Counter::PagesAllocated), 1);
        drop(pages);
        assert_eq!(stats.get(Counter::PagesAllocated), 0);
        assert_eq!(stats.get(Counter::Segments), 0);
        Ok(())
    }
}
