// SPDX-License-Identifier: GPL-2.0

//! What the tests of dma-bufs share, and tests of importers against an exporter that takes notes.

pub(crate) mod fence;
pub(crate) mod staged;
pub(crate) mod worker;

use self::staged::{
    Call,
    Staged, //
};
use super::{
    export,
    Attachment,
    DmaBuf,
    Exporter,
    Importer,
    MappedSgTable,
    Pages,
    ResvLocked, //
};
use crate::{
    bindings,
    compat::{
        faux,
        this_module, //
    },
    iosys_map::Map,
    stats::Stats, //
};
use kernel::{
    device,
    dma::DataDirection,
    fs::file::flags::{
        O_RDONLY,
        O_RDWR, //
    },
    page::PAGE_SIZE,
    prelude::*,
    str::CString,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    types::Opaque, //
};

/// The module that the tests are in, for what they export.
pub(crate) const MODULE: &ThisModule = this_module::<crate::LocalModule>();

/// A device that can, or cannot, do DMA.
pub(crate) struct Device {
    reg: faux::Registration,
    _mask: Option<KBox<u64>>,
    dma_params: Option<KBox<Opaque<bindings::device_dma_parameters>>>,
}

impl Device {
    pub(crate) fn new(name: &CStr, has_dma: bool) -> Result<Self> {
        // A test that fails leaves its device behind, which must not fail the next one as well.
        static COUNT: Atomic<u32> = Atomic::new(0);
        let name = CString::try_from_fmt(fmt!("{}.{}", name, COUNT.fetch_add(1, Relaxed)))?;
        let reg = faux::Registration::new(&name, None)?;
        let mut this = Self {
            reg,
            _mask: None,
            dma_params: None,
        };

        if has_dma {
            // All zeroes is as good as none.
            let dma_params = Opaque::new(bindings::device_dma_parameters::default());
            let dma_params = KBox::new(dma_params, GFP_KERNEL)?;
            let mask = KBox::into_raw(KBox::new(u64::MAX, GFP_KERNEL)?);
            let dev: *const device::Device<device::Bound> = this.get();
            // SAFETY: The device is the test's own, and nobody does DMA with it yet. Those who do
            // are gone before the test gives up the device, and these with it.
            unsafe {
                let dev = dev.cast_mut().cast::<bindings::device>();
                (*dev).dma_parms = dma_params.get();
                (*dev).dma_mask = mask;
                this._mask = Some(KBox::from_raw(mask));
                this.dma_params = Some(dma_params);
            }
        }
        Ok(this)
    }

    /// Has segments of at most so many bytes mapped for the device.
    pub(crate) fn limit_segments(&self, max: u32) {
        if let Some(dma_params) = &self.dma_params {
            // SAFETY: Nothing is being mapped for the device, which is the test's own.
            unsafe { (*dma_params.get()).max_segment_size = max };
        }
    }

    pub(crate) fn get(&self) -> &device::Device<device::Bound> {
        self.reg.as_ref().as_ref()
    }
}

/// Lets the files go whose last reference a kernel thread has dropped.
pub(crate) fn flush_delayed_fput() {
    // SAFETY: No lock is held, and the thread does not belong to the work that is waited for.
    unsafe { bindings::flush_delayed_fput() };
}

/// Runs `f` without the backtraces of warnings: dma-buf warns of exporters whose vmap() fails.
pub(crate) fn without_warnings<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: This is a KUnit test, and suppression begins and ends in it.
    unsafe {
        let test = bindings::kunit_get_current_test();
        let handle = bindings::kunit_start_suppress_warning(test);
        let result = f();
        bindings::kunit_end_suppress_warning(test, handle);
        result
    }
}

/// What an import for the CPU leads to.
const ALL: [Call; 7] = [
    Call::Attach,
    Call::VMap,
    Call::Begin(CPU),
    Call::End(CPU),
    Call::VUnmap,
    Call::Detach,
    Call::Release,
];

/// The direction of mappings in the tests, which is not the one with the number 0.
const DIR: DataDirection = DataDirection::FromDevice;

/// The direction of accesses of the CPU.
const CPU: DataDirection = DataDirection::Bidirectional;

/// An exporter that does what every one must, and no more; its memory is not for the CPU.
struct Bare(ARef<Pages>);

#[vtable]
impl Exporter for Bare {
    type Attachment = ();

    fn attach(&self, _importer: &Importer<'_>) -> Result {
        Ok(())
    }

    fn map_dma_buf<'a>(
        &self,
        _attachment: &(),
        importer: &'a Importer<'_>,
        dir: DataDirection,
        _resv: &ResvLocked<'_>,
    ) -> Result<MappedSgTable<'a>> {
        MappedSgTable::new(&self.0, importer, dir)
    }
}

/// The byte that devices find at `offset`.
fn byte(memory: &Pages, offset: usize) -> Result<u8> {
    let mut byte = [0];
    memory.map().read(offset, &mut byte)?;
    Ok(byte[0])
}

/// An import that meets no error, until the frame is written.
fn import(dmabuf: ARef<DmaBuf>, dev: &Device) -> Result<super::VMap<'_>> {
    Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?
        .vmap()
        .map_err(|(e, _)| e)
}

#[kunit_tests(vireo_dma_buf)]
mod suite {
    use super::*;

    #[test]
    fn calls_come_in_order() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, memory, notes) = Staged::export(2 * PAGE_SIZE, O_RDWR)?;
        assert_eq!(dmabuf.size(), 2 * PAGE_SIZE);

        let attachment = Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;
        assert!(notes.read()[..] == ALL[..1]);

        let mapped = attachment.map(DIR).map_err(|(e, _)| e)?;
        assert!(notes.read()[..] == [Call::Map(DIR)]);
        assert!(mapped.direction() == DIR);
        let total: u64 = mapped.sg_table().iter().map(|entry| entry.dma_len()).sum();
        assert_eq!(total, 2 * PAGE_SIZE as u64);
        let attachment = mapped.unmap();
        assert!(notes.read()[..] == [Call::Unmap]);

        let mut vmap = attachment.vmap().map_err(|(e, _)| e)?;
        assert!(notes.read()[..] == ALL[1..2]);

        let access = vmap.begin_cpu_access()?;
        assert!(notes.read()[..] == ALL[2..3]);
        assert_eq!(access.map().len(), 2 * PAGE_SIZE);
        access.map().fill(0, 2 * PAGE_SIZE, 7)?;
        access.end()?;
        assert!(notes.read()[..] == ALL[3..4]);
        assert_eq!(byte(&memory, 2 * PAGE_SIZE - 1)?, 7);

        let attachment = vmap.unmap();
        assert!(notes.read()[..] == ALL[4..5]);
        drop(attachment);
        assert!(notes.read()[..] == ALL[5..]);
        Ok(())
    }

    #[test]
    fn dropping_releases_in_order() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;

        let mut vmap = import(dmabuf, &dev)?;
        drop(vmap.begin_cpu_access()?);
        drop(vmap);
        assert!(notes.read()[..] == ALL);
        Ok(())
    }

    #[test]
    fn attach_fails() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;

        notes.fail(Some((Call::Attach, ENXIO)));
        assert!(Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?).err() == Some(ENXIO));
        assert!(notes.read()[..] == [Call::Attach, Call::Release]);
        Ok(())
    }

    #[test]
    fn map_fails_and_may_be_tried_again() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;

        notes.fail(Some((Call::Map(DIR), ENOSPC)));
        let Err((e, attachment)) =
            Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?.map(DIR)
        else {
            return Err(EINVAL);
        };
        assert!(e == ENOSPC);

        notes.fail(None);
        drop(attachment.map(DIR).map_err(|(e, _)| e)?);
        assert!(
            notes.read()[..]
                == [
                    Call::Attach,
                    Call::Map(DIR),
                    Call::Map(DIR),
                    Call::Unmap,
                    Call::Detach,
                    Call::Release,
                ]
        );
        Ok(())
    }

    #[test]
    fn mappings_have_a_direction() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;

        let Err((e, attachment)) =
            Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?.map(DataDirection::None)
        else {
            return Err(EINVAL);
        };
        assert!(e == EINVAL);
        // The exporter is not asked.
        assert!(notes.read()[..] == [Call::Attach]);
        drop(attachment);
        Ok(())
    }

    #[test]
    fn vmap_fails_and_may_be_tried_again() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;

        notes.fail(Some((Call::VMap, ENODEV)));
        let attachment = Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;
        let Err((e, attachment)) = without_warnings(|| attachment.vmap()) else {
            return Err(EINVAL);
        };
        assert!(e == ENODEV);

        notes.fail(None);
        drop(attachment.vmap().map_err(|(e, _)| e)?);
        assert!(
            notes.read()[..]
                == [
                    Call::Attach,
                    Call::VMap,
                    Call::VMap,
                    Call::VUnmap,
                    Call::Detach,
                    Call::Release,
                ]
        );
        Ok(())
    }

    #[test]
    fn begin_fails_and_may_be_tried_again() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let mut vmap = import(dmabuf, &dev)?;
        notes.read();

        // A frame that could not begin must not end either.
        notes.fail(Some((Call::Begin(CPU), EAGAIN)));
        assert!(vmap.begin_cpu_access().err() == Some(EAGAIN));
        assert!(notes.read()[..] == [Call::Begin(CPU)]);

        notes.fail(None);
        vmap.begin_cpu_access()?.end()?;
        assert!(notes.read()[..] == ALL[2..4]);
        Ok(())
    }

    #[test]
    fn end_fails_once() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, _, notes) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let mut vmap = import(dmabuf, &dev)?;
        notes.read();

        notes.fail(Some((Call::End(CPU), EIO)));
        assert!(vmap.begin_cpu_access()?.end() == Err(EIO));
        assert!(notes.read()[..] == ALL[2..4]);
        Ok(())
    }

    #[test]
    fn frame_without_bracket_is_lost() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (dmabuf, memory, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let mut vmap = import(dmabuf, &dev)?;

        // There is no way to do this but to take the map from below.
        let mut raw: bindings::iosys_map = pin_init::zeroed();
        // SAFETY: The dma-buf is valid, and unlocked; the map is not used once it is unmapped.
        unsafe {
            let dmabuf = vmap.dma_buf().as_raw();
            assert_eq!(bindings::dma_buf_vmap_unlocked(dmabuf, &mut raw), 0);
            Map::from_raw(raw, PAGE_SIZE).fill(0, PAGE_SIZE, 9)?;
            bindings::dma_buf_vunmap_unlocked(dmabuf, &mut raw);
        }
        assert_eq!(byte(&memory, 0)?, 0);

        // What a device wrote meanwhile is there, and not what was lost.
        memory.map().fill(1, 1, 5)?;
        let access = vmap.begin_cpu_access()?;
        let mut seen = [0; 2];
        access.map().read(0, &mut seen)?;
        assert!(seen == [0, 5]);
        access.map().fill(0, 1, 9)?;
        assert_eq!(byte(&memory, 0)?, 0);
        access.end()?;
        assert_eq!(byte(&memory, 0)?, 9);
        assert_eq!(byte(&memory, 1)?, 5);
        Ok(())
    }

    #[test]
    fn optional_ops_are_null() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let bare = Arc::new(
            Bare(Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?),
            GFP_KERNEL,
        )?;
        let dmabuf = export::<Bare, Arc<Bare>>(bare, PAGE_SIZE, O_RDWR)?;

        let attachment = Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;
        assert!(attachment.vmap().err().map(|(e, _)| e) == Some(EINVAL));
        Ok(())
    }

    #[test]
    fn access_mode_is_kept() -> Result {
        let (dmabuf, _, _) = Staged::export(PAGE_SIZE, O_RDONLY)?;
        assert!(!dmabuf.is_writable());

        let (dmabuf, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        assert!(dmabuf.is_writable());
        Ok(())
    }

    #[test]
    fn fd_must_be_dma_buf() {
        assert!(DmaBuf::from_fd(-1).err() == Some(EBADF));
    }
}
