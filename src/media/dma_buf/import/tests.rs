// SPDX-License-Identifier: GPL-2.0

//! Tests of imports, against exporters that want their memory back.

mod moving;

use self::moving::MovingExporter;

use super::{
    super::{
        tests::{
            flush_delayed_fput,
            staged::{
                Call,
                Staged, //
            },
            without_warnings,
            worker::{
                Job,
                Worker, //
            },
            Device,
            MODULE, //
        },
        Pages, //
    },
    state::MAX_MAP_RETRIES,
    DynamicImport, //
};
use crate::{
    bindings,
    stats::{
        Counter,
        Stats, //
    },
};
use core::ptr;
use kernel::{
    container_of,
    dma::DataDirection,
    fs::file::flags::O_RDWR,
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::Relaxed,
    time::{
        delay::fsleep,
        Delta, //
    },
};

const CPU: DataDirection = DataDirection::Bidirectional;

fn is_balanced(stats: &Stats) -> bool {
    stats.get(Counter::Attaches) == stats.get(Counter::Detaches)
        && stats.get(Counter::Maps) == stats.get(Counter::Unmaps)
        && stats.get(Counter::VMaps) == stats.get(Counter::VUnmaps)
}

#[kunit_tests(vireo_import)]
mod suite {
    use super::*;

    #[test]
    fn attaches_as_revocable() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let import = DynamicImport::new(&dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;

        // SAFETY: The list of attachments has one entry, which the import keeps there.
        let (is_revocable, is_peer2peer) = unsafe {
            let node = (*dmabuf.as_raw()).attachments.next;
            let attachment = container_of!(node, bindings::dma_buf_attachment, node);
            (
                bindings::dma_buf_attach_revocable(attachment),
                (*attachment).peer2peer,
            )
        };
        assert!(is_revocable);
        assert!(is_peer2peer);
        drop(import);
        Ok(())
    }

    #[test]
    fn is_released_in_order() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let (dmabuf, memory, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;

        let import = DynamicImport::new(&dmabuf, dev.get(), stats.clone())?;
        drop(dmabuf);
        import.map()?;
        import.map()?;
        let mut access = import.begin_cpu_access()?;
        access.write(1, &[7])?;
        assert!(access.write(PAGE_SIZE, &[7]) == Err(ERANGE));
        access.end()?;
        drop(import);

        assert!(
            notes.read()[..]
                == [
                    Call::Attach,
                    Call::VMap,
                    Call::Begin(CPU),
                    Call::End(CPU),
                    Call::VUnmap,
                    Call::Detach,
                    Call::Release,
                ]
        );
        let mut byte = [0];
        memory.map().read(1, &mut byte)?;
        assert_eq!(byte[0], 7);
        assert!(is_balanced(&stats));
        Ok(())
    }

    #[test]
    fn remaps_after_invalidate() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let import = DynamicImport::new(&dmabuf, dev.get(), stats.clone())?;

        // Nothing is mapped, and nothing to be unmapped.
        dmabuf.invalidate_mappings();
        assert_eq!(stats.get(Counter::Invalidations), 0);
        import.map()?;
        let _ = notes.read();

        dmabuf.invalidate_mappings();
        assert!(notes.read()[..] == [Call::VUnmap]);
        assert_eq!(stats.get(Counter::Invalidations), 1);
        dmabuf.invalidate_mappings();
        assert_eq!(stats.get(Counter::Invalidations), 1);

        // The exporter is asked by attaching anew.
        notes.fail(Some((Call::Attach, ENODEV)));
        assert!(import.map() == Err(ENODEV));
        assert!(import.begin_cpu_access().err() == Some(ENODEV));
        notes.fail(None);
        assert!(notes.read()[..] == [Call::Attach, Call::Attach]);
        import.map()?;
        assert!(notes.read()[..] == [Call::Attach, Call::Detach, Call::VMap]);
        import.begin_cpu_access()?.write(0, &[1])?;
        drop(import);
        assert!(is_balanced(&stats));
        assert_eq!(stats.get(Counter::VMaps), 2);
        Ok(())
    }

    #[test]
    fn exporter_does_not_wait_for_an_access() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let (other, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let import = DynamicImport::new(&dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;
        let second = DynamicImport::new(&other, dev.get(), Stats::new(GFP_KERNEL)?)?;

        import.map()?;
        second.map()?;
        let mut access = import.begin_cpu_access()?;
        let mut at_once = second.begin_cpu_access()?;
        access.write(0, &[1])?;
        let revoker = Worker::spawn(Job::Invalidate(dmabuf.clone()))?;
        let has_waited = !revoker.is_done_soon();
        let result = if has_waited {
            Ok(())
        } else {
            access.write(0, &[2])
        };
        drop(access);
        drop(revoker);
        assert!(!has_waited);
        assert!(result == Err(ENODEV));
        at_once.write(0, &[3])?;
        Ok(())
    }

    #[test]
    fn exporter_waits_for_a_copy() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let import = DynamicImport::new(&dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;

        import.map()?;
        let _ = notes.read();
        // As `ImportAccess::write()` does.
        let copy = import.state.lock();
        let revoker = Worker::spawn(Job::Invalidate(dmabuf.clone()))?;
        fsleep(Delta::from_millis(30));
        let is_mapped = notes.read().is_empty();
        drop(copy);
        let is_done = revoker.is_done_soon();
        drop(revoker);
        assert!(is_mapped);
        assert!(is_done);
        assert!(notes.read()[..] == [Call::VUnmap]);
        notes.fail(Some((Call::Attach, ENODEV)));
        assert!(import.begin_cpu_access().err() == Some(ENODEV));
        Ok(())
    }

    #[test]
    fn access_maps_what_was_moved() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let (dmabuf, exporter) = MovingExporter::export(true, 0)?;
        let import = DynamicImport::new(&dmabuf, dev.get(), stats.clone())?;
        import.map()?;

        dmabuf.invalidate_mappings();
        import.begin_cpu_access()?.write(0, &[1])?;
        // By the access itself.
        exporter.moves_in_begin.store(1, Relaxed);
        import.begin_cpu_access()?.write(0, &[2])?;
        exporter.moves_in_begin.store(usize::MAX, Relaxed);
        assert!(import.begin_cpu_access().err() == Some(EBUSY));
        drop(import);
        assert!(is_balanced(&stats));
        Ok(())
    }

    #[test]
    fn retries_when_moved_during_map() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let (dmabuf, exporter) = MovingExporter::export(true, 2)?;
        let import = DynamicImport::new(&dmabuf, dev.get(), stats.clone())?;

        import.map()?;
        assert_eq!(stats.get(Counter::VMaps), 3);
        assert_eq!(stats.get(Counter::VUnmaps), 2);
        import.begin_cpu_access()?.write(0, &[1])?;

        // One that never comes to rest is given up.
        dmabuf.invalidate_mappings();
        exporter.forced.store(MAX_MAP_RETRIES, Relaxed);
        assert!(import.map() == Err(EBUSY));
        import.map()?;
        drop(import);
        assert!(is_balanced(&stats));
        Ok(())
    }

    #[test]
    fn maps_where_the_exporter_puts_it() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let (dmabuf, exporter) = MovingExporter::export(false, 0)?;
        let import = DynamicImport::new(&dmabuf, dev.get(), stats.clone())?;

        import.map()?;
        import.begin_cpu_access()?.write(0, &[1])?;
        assert!(exporter.moves.load(Relaxed) <= 1);
        drop(import);
        assert_eq!(exporter.pins.load(Relaxed), 0);
        assert!(is_balanced(&stats));
        Ok(())
    }

    #[test]
    fn device_need_not_do_dma() -> Result {
        let dev = Device::new(c"vireo-kunit", false)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let import = DynamicImport::new(&*pages.export(O_RDWR, MODULE)?, dev.get(), stats.clone())?;

        import.map()?;
        import.begin_cpu_access()?.write(0, &[1])?;
        assert_eq!(stats.get(Counter::Maps), 0);
        drop(import);
        assert!(is_balanced(&stats));
        Ok(())
    }

    #[test]
    fn errors_of_the_exporter_are_handed_on() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let stats = Stats::new(GFP_KERNEL)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;

        notes.fail(Some((Call::Attach, EPERM)));
        let refused = DynamicImport::new(&dmabuf, dev.get(), stats.clone());
        assert!(refused.err() == Some(EPERM));
        assert_eq!(stats.get(Counter::Attaches), 0);
        notes.fail(None);

        let import = DynamicImport::new(&dmabuf, dev.get(), stats.clone())?;
        for e in [ENOSPC, ENOMEM] {
            notes.fail(Some((Call::VMap, e)));
            assert!(without_warnings(|| import.map()) == Err(e));
        }
        notes.fail(None);
        import.map()?;
        notes.fail(Some((Call::Begin(CPU), EINTR)));
        assert!(import.begin_cpu_access().err() == Some(EINTR));
        notes.fail(Some((Call::End(CPU), EIO)));
        assert!(import.begin_cpu_access()?.end() == Err(EIO));
        drop(import);
        assert!(is_balanced(&stats));
        Ok(())
    }

    #[test]
    fn only_cached_imports_are_no_users() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let a = DynamicImport::new(&dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;
        let b = DynamicImport::new(&dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;

        a.set_cached(true);
        b.set_cached(true);
        assert!(!a.has_no_other_users());
        drop(dmabuf);
        flush_delayed_fput();
        assert!(a.has_no_other_users());
        assert!(b.has_no_other_users());
        b.set_cached(false);
        assert!(!a.has_no_other_users());
        b.set_cached(true);

        // Who holds the lock is somebody, too.
        let has_no_other_users = a.dma_buf().with_resv_lock(|_| a.has_no_other_users());
        assert!(!has_no_other_users);

        assert!(!ptr::eq(&*a, &*b));
        drop(a);
        assert!(b.has_no_other_users());
        drop(b);
        assert!(notes.read().last() == Some(&Call::Release));
        Ok(())
    }
}
