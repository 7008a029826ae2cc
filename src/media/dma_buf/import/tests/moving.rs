// SPDX-License-Identifier: GPL-2.0

//! An exporter that moves its memory.

use super::super::super::{
    export,
    DmaBuf,
    Exporter,
    Importer,
    MappedSgTable,
    Pages,
    ResvLocked, //
};
use crate::{
    bindings,
    iosys_map::Map,
    stats::Stats, //
};
use kernel::{
    dma::DataDirection,
    fs::file::flags::O_RDWR,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// An exporter as amdgpu with memory of its own: for a device that cannot reach that, the buffer is
/// moved to the memory of the machine, and for the CPU back again, unless it is pinned.
pub(super) struct MovingExporter {
    memory: ARef<Pages>,
    is_local: Atomic<bool>,
    /// How often it is moved when it is mapped for the CPU, wherever it is.
    pub(super) forced: Atomic<usize>,
    /// How often it is moved when the CPU accesses it.
    pub(super) moves_in_begin: Atomic<usize>,
    /// How often it was moved.
    pub(super) moves: Atomic<usize>,
    /// How many there are that it was mapped for by the CPU.
    pub(super) pins: Atomic<usize>,
    dmabuf: Atomic<usize>,
}

impl MovingExporter {
    pub(super) fn export(is_local: bool, forced: usize) -> Result<(ARef<DmaBuf>, Arc<Self>)> {
        let this = Arc::new(
            Self {
                memory: Pages::new(PAGE_SIZE, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?,
                is_local: Atomic::new(is_local),
                forced: Atomic::new(forced),
                moves_in_begin: Atomic::new(0),
                moves: Atomic::new(0),
                pins: Atomic::new(0),
                dmabuf: Atomic::new(0),
            },
            GFP_KERNEL,
        )?;
        let dmabuf = export::<Self, Arc<Self>>(this.clone(), PAGE_SIZE, O_RDWR)?;

        this.dmabuf.store(dmabuf.as_raw() as usize, Relaxed);
        Ok((dmabuf, this))
    }

    fn move_to(&self, is_local: bool) {
        self.is_local.store(is_local, Relaxed);
        self.moves.fetch_add(1, Relaxed);
        // SAFETY: The dma-buf is the one that is being mapped, and its lock is held.
        unsafe { bindings::dma_buf_invalidate_mappings(self.dmabuf.load(Relaxed) as *mut _) };
    }
}

#[vtable]
impl Exporter for MovingExporter {
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
        if self.pins.load(Relaxed) == 0 && self.is_local.load(Relaxed) {
            self.move_to(false);
        }
        MappedSgTable::new(&self.memory, importer, dir)
    }

    fn begin_cpu_access(&self, _dir: DataDirection) -> Result {
        if let Some(left) = self.moves_in_begin.load(Relaxed).checked_sub(1) {
            self.moves_in_begin.store(left, Relaxed);
            // SAFETY: The dma-buf is the one that is being accessed, and its lock is not held.
            let dmabuf = unsafe { &*(self.dmabuf.load(Relaxed) as *const DmaBuf) };
            dmabuf.invalidate_mappings();
        }
        Ok(())
    }

    fn vmap(&self, _resv: &ResvLocked<'_>) -> Result<&Map> {
        let forced = self.forced.load(Relaxed);

        if let Some(left) = forced.checked_sub(1) {
            self.forced.store(left, Relaxed);
            self.move_to(true);
        } else if self.pins.load(Relaxed) == 0 && !self.is_local.load(Relaxed) {
            self.move_to(true);
        }
        self.pins.fetch_add(1, Relaxed);
        Ok(self.memory.map())
    }

    fn vunmap(&self, _resv: &ResvLocked<'_>) {
        self.pins.fetch_sub(1, Relaxed);
    }
}
