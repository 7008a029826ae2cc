// SPDX-License-Identifier: GPL-2.0

//! An exporter that takes notes of what it is asked, fails where it is told to, and shows devices
//! only what was written between the beginning and the end of an access.

use super::{
    super::{
        export,
        DmaBuf,
        Exporter,
        Importer,
        MappedSgTable,
        Pages,
        ResvLocked, //
    },
    flush_delayed_fput, //
};
use crate::{
    iosys_map::Map,
    stats::Stats, //
};
use kernel::{
    dma::DataDirection,
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
};

/// A call of the exporter.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Call {
    Attach,
    Detach,
    Map(DataDirection),
    Unmap,
    VMap,
    VUnmap,
    Begin(DataDirection),
    End(DataDirection),
    Release,
}

/// Where an exporter is to fail.
struct Failure {
    call: Call,
    error: Error,
    is_once: bool,
}

/// What an exporter was asked, in which order, and where it is to fail.
#[pin_data]
pub(crate) struct Notes {
    #[pin]
    calls: Mutex<KVec<Call>>,
    #[pin]
    failure: Mutex<Option<Failure>>,
}

impl Notes {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                calls <- new_mutex!(KVec::new()),
                failure <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    fn take(&self, call: Call) -> Result {
        self.calls.lock().push(call, GFP_KERNEL)?;

        let mut failure = self.failure.lock();
        let Some(Failure { error, is_once, .. }) = failure.take_if(|f| f.call == call) else {
            return Ok(());
        };
        if !is_once {
            *failure = Some(Failure {
                call,
                error,
                is_once,
            });
        }
        Err(error)
    }

    pub(crate) fn fail(&self, failure: Option<(Call, Error)>) {
        *self.failure.lock() = failure.map(|(call, error)| Failure {
            call,
            error,
            is_once: false,
        });
    }

    /// Fails at the next of these calls, and at no other.
    pub(crate) fn fail_once(&self, call: Call, error: Error) {
        *self.failure.lock() = Some(Failure {
            call,
            error,
            is_once: true,
        });
    }

    /// The calls so far, which are forgotten.
    pub(crate) fn read(&self) -> KVec<Call> {
        flush_delayed_fput();
        core::mem::take(&mut *self.calls.lock())
    }
}

/// An exporter whose CPU sees other memory than its devices do: what is written reaches them when
/// an access ends, and not otherwise.
pub(crate) struct Staged {
    pub(crate) memory: ARef<Pages>,
    pub(crate) stage: ARef<Pages>,
    pub(crate) notes: Arc<Notes>,
}

impl Staged {
    /// A dma-buf of such memory, that memory as devices see it, and what is noted of it.
    pub(crate) fn export(
        size: usize,
        flags: u32,
    ) -> Result<(ARef<DmaBuf>, ARef<Pages>, Arc<Notes>)> {
        let memory = Pages::new(size, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?;
        let notes = Notes::new()?;
        let this = Arc::new(
            Self {
                memory: memory.clone(),
                stage: Pages::new(size, GFP_KERNEL, Stats::new(GFP_KERNEL)?)?,
                notes: notes.clone(),
            },
            GFP_KERNEL,
        )?;

        Ok((export::<Self, Arc<Self>>(this, size, flags)?, memory, notes))
    }

    fn copy(from: &Pages, to: &Pages) -> Result {
        let mut bytes = KVVec::from_elem(0u8, from.size(), GFP_KERNEL)?;
        from.map().read(0, &mut bytes)?;
        to.map().write(0, &bytes)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = self.notes.take(Call::Release);
    }
}

/// What [`Staged`] keeps for a device.
pub(crate) struct Place(Arc<Notes>);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.0.take(Call::Detach);
    }
}

#[vtable]
impl Exporter for Staged {
    type Attachment = Place;

    fn attach(&self, _importer: &Importer<'_>) -> Result<Place> {
        self.notes.take(Call::Attach)?;
        Ok(Place(self.notes.clone()))
    }

    fn map_dma_buf<'a>(
        &self,
        _place: &Place,
        importer: &'a Importer<'_>,
        dir: DataDirection,
        _resv: &ResvLocked<'_>,
    ) -> Result<MappedSgTable<'a>> {
        self.notes.take(Call::Map(dir))?;
        MappedSgTable::new(&self.memory, importer, dir)
    }

    fn unmap_dma_buf(&self, _place: &Place, _resv: &ResvLocked<'_>) {
        let _ = self.notes.take(Call::Unmap);
    }

    fn begin_cpu_access(&self, dir: DataDirection) -> Result {
        self.notes.take(Call::Begin(dir))?;
        Self::copy(&self.memory, &self.stage)
    }

    fn end_cpu_access(&self, dir: DataDirection) -> Result {
        self.notes.take(Call::End(dir))?;
        Self::copy(&self.stage, &self.memory)
    }

    fn vmap(&self, _resv: &ResvLocked<'_>) -> Result<&Map> {
        self.notes.take(Call::VMap)?;
        Ok(self.stage.map())
    }

    fn vunmap(&self, _resv: &ResvLocked<'_>) {
        let _ = self.notes.take(Call::VUnmap);
    }
}
