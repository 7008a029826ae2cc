// SPDX-License-Identifier: GPL-2.0

//! Tests of what is taken from an exporter, and given back to it.

use super::{
    super::{
        tests::{
            settle,
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
    Exporter, //
};
use crate::stats::Stats;
use kernel::{
    device,
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
    type Attachment = <Pages as Exporter>::Attachment;

    fn attach(&self, dev: &device::Device) -> Result<Self::Attachment> {
        Exporter::attach(&*self.0, dev)
    }

    fn map(
        &self,
        attachment: &Self::Attachment,
        dir: DataDirection,
        resv: &ResvLocked<'_>,
    ) -> Result<Arc<MappedSgTable>> {
        Exporter::map(&*self.0, attachment, dir, resv)
    }

    fn unmap(
        &self,
        attachment: &Self::Attachment,
        table: Arc<MappedSgTable>,
        resv: &ResvLocked<'_>,
    ) {
        Exporter::unmap(&*self.0, attachment, table, resv)
    }
}

/// Such pages of the two sizes.
fn staged(memory: usize, stage: usize) -> Result<(Arc<Staged>, Arc<Notes>)> {
    let notes = Notes::new()?;
    let this = Arc::new(
        Staged {
            memory: Pages::new(memory, GFP_KERNEL, Stats::new()?)?,
            stage: Pages::new(stage, GFP_KERNEL, Stats::new()?)?,
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

        let attachment = Attachment::new(dmabuf, dev.get(), Stats::new()?)?;
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

        let Err((e, attachment)) = Attachment::new(dmabuf, dev.get(), Stats::new()?)?.map(DIR)
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
        let pages = Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new()?)?;
        let wrapper = Arc::new(Wrapper(pages.clone()), GFP_KERNEL)?;
        let dmabuf = export::<Wrapper, Arc<Wrapper>>(wrapper, 2 * PAGE_SIZE, O_RDWR)?;

        let refused = Attachment::new(dmabuf, dev.get(), Stats::new()?)?.map(DIR);
        assert!(refused.err().map(|(e, _)| e) == Some(EINVAL));
        settle();
        assert_eq!(pages.users(), 1);
        Ok(())
    }
}
