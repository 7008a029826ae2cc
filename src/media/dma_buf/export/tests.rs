// SPDX-License-Identifier: GPL-2.0

//! Tests of what is taken from an exporter, and given back to it.

use super::{
    super::{
        tests::{
            flush_delayed_fput,
            staged::{
                Call,
                Notes,
                Staged, //
            },
            without_warnings,
            Device, //
        },
        Attachment,
        MappedSgTable,
        Pages,
        ResvLocked, //
    },
    export,
    Exporter,
    Importer, //
};
use crate::stats::Stats;
use kernel::{
    dma::DataDirection,
    fs::file::flags::O_RDWR,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

const DIR: DataDirection = DataDirection::Bidirectional;

/// An exporter that leaves everything to pages.
struct Wrapper(ARef<Pages>);

#[vtable]
impl Exporter for Wrapper {
    type Attachment = ();

    fn attach(&self, importer: &Importer<'_>) -> Result {
        Exporter::attach(&*self.0, importer)
    }

    fn map_dma_buf<'a>(
        &self,
        attachment: &(),
        importer: &'a Importer<'_>,
        dir: DataDirection,
        resv: &ResvLocked<'_>,
    ) -> Result<MappedSgTable<'a>> {
        self.0.map_dma_buf(attachment, importer, dir, resv)
    }
}

/// Such pages of the two sizes.
fn staged(memory: usize, stage: usize) -> Result<(Arc<Staged>, Arc<Notes>)> {
    let notes = Notes::new()?;
    let this = Arc::new(
        Staged {
            memory: Pages::new(memory, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?,
            stage: Pages::new(stage, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?,
            notes: notes.clone(),
        },
        GFP_KERNEL,
    )?;
    Ok((this, notes))
}

#[kunit_tests(vireo_export)]
mod suite {
    use super::*;

    #[test]
    fn map_that_is_too_short_is_given_back() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (this, notes) = staged(2 * PAGE_SIZE, PAGE_SIZE)?;
        let dmabuf = export::<Staged, Arc<Staged>>(this, 2 * PAGE_SIZE, O_RDWR)?;

        let attachment = Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?;
        let Err((e, attachment)) = without_warnings(|| attachment.vmap()) else {
            return Err(EINVAL);
        };
        assert!(e == EINVAL);
        assert!(notes.read()[..] == [Call::Attach, Call::VMap, Call::VUnmap]);
        drop(attachment);
        Ok(())
    }

    #[test]
    fn table_that_is_too_short_is_given_back() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let (this, notes) = staged(PAGE_SIZE, 2 * PAGE_SIZE)?;
        let dmabuf = export::<Staged, Arc<Staged>>(this, 2 * PAGE_SIZE, O_RDWR)?;

        let Err((e, attachment)) =
            Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?.map(DIR)
        else {
            return Err(EINVAL);
        };
        assert!(e == EINVAL);
        assert!(notes.read()[..] == [Call::Attach, Call::Map(DIR), Call::Unmap]);
        drop(attachment);
        Ok(())
    }

    #[test]
    fn refused_tables_keep_no_pages() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let wrapper = Arc::new(Wrapper(pages.clone()), GFP_KERNEL)?;
        let dmabuf = export::<Wrapper, Arc<Wrapper>>(wrapper, 2 * PAGE_SIZE, O_RDWR)?;

        let refused = Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?.map(DIR);
        assert!(refused.err().map(|(e, _)| e) == Some(EINVAL));
        flush_delayed_fput();
        assert_eq!(pages.users(), 1);
        Ok(())
    }

    #[test]
    fn importer_ends_the_mapping() -> Result {
        let dev = Device::new(c"vireo-kunit", true)?;
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        // It does not tell the pages when a mapping is undone.
        let wrapper = Arc::new(Wrapper(pages.clone()), GFP_KERNEL)?;
        let dmabuf = export::<Wrapper, Arc<Wrapper>>(wrapper, PAGE_SIZE, O_RDWR)?;

        let mapped = Attachment::new(dmabuf, dev.get(), Stats::new(GFP_KERNEL)?)?
            .map(DIR)
            .map_err(|(e, _)| e)?;
        drop(pages.begin_cpu_access()?);
        drop(mapped);
        flush_delayed_fput();
        assert_eq!(pages.users(), 1);
        drop(pages.begin_cpu_access()?);
        Ok(())
    }
}
