// SPDX-License-Identifier: GPL-2.0

//! Imports that their exporter may take back.

mod access;
#[cfg(CONFIG_KUNIT = "y")]
mod tests;

pub use self::access::ImportAccess;

use super::{
    Attachment,
    DmaBuf,
    ResvLocked,
    VMap, //
};
use crate::{
    bindings,
    stats::{
        Counter,
        Stats, //
    },
};
use core::{
    mem,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    container_of, device,
    dma::DataDirection,
    error::to_result,
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
};

/// How often memory that moves while it is being mapped is mapped again.
const MAX_MAP_RETRIES: usize = 4;

/// How far an import has come.
enum State {
    /// Not attached yet, or not any more.
    Detached,
    Attached(Attachment),
    Mapped(VMap),
    /// On the way from one to another, in the hands of who has the reservation lock. What is mapped
    /// by then may be stale.
    Changing {
        is_stale: bool,
    },
}

/// A dma-buf in use by a device whose engine is the CPU.
///
/// It is mapped from [`map`](Self::map) on until its exporter moves or revokes the memory
/// (`dma_buf_invalidate_mappings()`), or this is dropped. When the exporter takes the memory back,
/// the mappings are gone by the time it is told so, and nothing is written any more; an access that
/// has begun is waited for. Once the exporter allows it, the memory can be mapped again.
///
/// # Invariants
///
/// - `dmabuf` is the dma-buf of the attachment in `state`, which has a reference to it; there is
///   an attachment from the end of [`new`](Self::new) until this is dropped.
/// - The attachment's `importer_priv` points here, and its operations are [`OPS`]; this is pinned.
/// - `state` changes only while the reservation lock of the dma-buf is held as well, and is
///   [`State::Changing`] only while it is.
/// - `is_mapped` says whether `state` is [`State::Mapped`], to those who have the reservation lock.
#[pin_data(PinnedDrop)]
pub struct DynamicImport {
    dmabuf: NonNull<DmaBuf>,
    dir: DataDirection,
    stats: Arc<Stats>,
    is_mapped: Atomic<bool>,
    is_cached: Atomic<bool>,
    /// Taken after the reservation lock, and not held while an exporter is called, which may want
    /// the memory back in the middle of it. Held while the CPU has the memory.
    #[pin]
    state: Mutex<State>,
}

// SAFETY: An import is not tied to a thread.
unsafe impl Send for DynamicImport {}

// SAFETY: What changes is atomic, or behind the mutex.
unsafe impl Sync for DynamicImport {}

impl DynamicImport {
    /// Attaches `dev` to `dmabuf`, to access the memory in the direction `dir`.
    ///
    /// The exporter may refuse, with an error of its own. What is imported has to be dropped before
    /// the device is unbound.
    pub fn new(
        dmabuf: &DmaBuf,
        dev: &device::Device<device::Bound>,
        dir: DataDirection,
        stats: Arc<Stats>,
    ) -> Result<Pin<KBox<Self>>> {
        let counters = stats.clone();
        let this = KBox::pin_init(
            pin_init!(Self {
                dmabuf: dmabuf.into(),
                dir,
                stats: counters,
                is_mapped: Atomic::new(false),
                is_cached: Atomic::new(false),
                state <- new_mutex!(State::Detached, "dma_buf::DynamicImport::state"),
            }),
            GFP_KERNEL,
        )?;
        let importer: *const Self = &*this;

        // SAFETY: The callback of `OPS` asks for a `DynamicImport`, which lives for as long as the
        // attachment, since it drops that first.
        let attachment = unsafe {
            Attachment::new_dynamic(dmabuf.into(), dev, stats, &OPS, importer.cast_mut().cast())
        }?;

        // INVARIANT: This is the attachment. What the exporter took back meanwhile was not mapped.
        dmabuf.with_resv_lock(|_| *this.state.lock() = State::Attached(attachment));
        Ok(this)
    }

    /// The dma-buf.
    pub fn dma_buf(&self) -> &DmaBuf {
        // SAFETY: By the type invariants the attachment keeps it alive.
        unsafe { self.dmabuf.as_ref() }
    }

    /// Maps the memory for the device and for the CPU, unless it is mapped.
    ///
    /// The exporter's errors come back as they are.
    #[inline]
    pub fn map(&self) -> Result {
        if self.is_mapped.load(Relaxed) {
            return Ok(());
        }
        self.map_slow()
    }

    fn map_slow(&self) -> Result {
        self.dma_buf().with_resv_lock(|resv| {
            for _ in 0..MAX_MAP_RETRIES {
                let Some(attachment) = self.take_attachment() else {
                    return Ok(());
                };
                let (vmap, result) = match self.map_both(attachment, resv) {
                    Ok(vmap) => (vmap, self.wait(resv)),
                    Err((e, attachment)) => {
                        self.set(State::Attached(attachment));
                        return Err(e);
                    }
                };
                match self.publish_mapping(vmap) {
                    None => return result,
                    // Moved by the very call that has mapped it for the CPU.
                    Some(stale) => {
                        self.set(State::Attached(stale.unmap_locked(resv).unmap_locked(resv)))
                    }
                }
            }
            Err(EBUSY)
        })
    }

    /// Maps for the device, then for the CPU.
    fn map_both(
        &self,
        attachment: Attachment,
        resv: &ResvLocked<'_>,
    ) -> Result<VMap, (Error, Attachment)> {
        VMap::new_locked(attachment.map_locked(self.dir, resv)?, resv)
            .map_err(|(e, mapped)| (e, mapped.unmap_locked(resv)))
    }

    /// Takes out the attachment, to map it.
    fn take_attachment(&self) -> Option<Attachment> {
        let mut state = self.state.lock();

        match mem::replace(&mut *state, State::Changing { is_stale: false }) {
            State::Attached(attachment) => Some(attachment),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Puts in what was mapped, unless it is stale by now.
    fn publish_mapping(&self, vmap: VMap) -> Option<VMap> {
        let mut state = self.state.lock();

        if matches!(*state, State::Changing { is_stale: true }) {
            return Some(vmap);
        }
        *state = State::Mapped(vmap);
        self.is_mapped.store(true, Relaxed);
        None
    }

    fn set(&self, next: State) {
        *self.state.lock() = next;
    }

    /// Waits until the exporter has moved the memory to where it was mapped.
    fn wait(&self, _resv: &ResvLocked<'_>) -> Result {
        // SAFETY: The dma-buf is valid.
        let left = unsafe {
            bindings::dma_resv_wait_timeout(
                (*self.dma_buf().as_raw()).resv,
                bindings::dma_resv_usage_DMA_RESV_USAGE_KERNEL,
                true,
                isize::MAX as usize,
            )
        };
        to_result(left.min(0) as i32)
    }

    /// Undoes the mappings, if there are any; the device stays attached.
    fn unmap(&self, resv: &ResvLocked<'_>) -> bool {
        let mut state = self.state.lock();

        match mem::replace(&mut *state, State::Changing { is_stale: true }) {
            State::Mapped(vmap) => {
                self.is_mapped.store(false, Relaxed);
                drop(state);
                self.set(State::Attached(vmap.unmap_locked(resv).unmap_locked(resv)));
                true
            }
            State::Changing { .. } => false,
            other => {
                *state = other;
                false
            }
        }
    }

    /// Says whether this is kept only for the case that it is asked for again.
    pub fn set_cached(&self, is_cached: bool) {
        self.is_cached.store(is_cached, Relaxed);
    }

    /// Whether nobody has the dma-buf any more but imports that are idle, of whatever device.
    ///
    /// What cannot be told at once is answered with no.
    pub fn has_no_other_users(&self) -> bool {
        let dmabuf = self.dma_buf().as_raw();
        let mut idle = 0;

        // SAFETY: The dma-buf is valid, and the list of its attachments does not change while the
        // lock is held. An attachment with our operations has a `DynamicImport`, which is there until it
        // is detached.
        unsafe {
            if !bindings::dma_resv_trylock((*dmabuf).resv) {
                return false;
            }
            let head = &raw mut (*dmabuf).attachments;
            let mut node = (*head).next;
            while node != head {
                let attachment = container_of!(node, bindings::dma_buf_attachment, node);
                if ptr::eq((*attachment).importer_ops, &OPS) {
                    let import = (*attachment).importer_priv.cast::<Self>();
                    idle += usize::from((*import).is_cached.load(Relaxed));
                }
                node = (*node).next;
            }
            bindings::dma_resv_unlock((*dmabuf).resv);

            // Each of these has one reference.
            bindings::file_count((*dmabuf).file) <= idle
        }
    }
}

#[pinned_drop]
impl PinnedDrop for DynamicImport {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Nothing is moved.
        let this = unsafe { Pin::into_inner_unchecked(self) };
        // Kept until the lock has been let go.
        let dmabuf: ARef<DmaBuf> = match *this.state.lock() {
            State::Detached => return,
            _ => this.dma_buf().into(),
        };

        let attachment = dmabuf.with_resv_lock(|resv| {
            this.unmap(resv);
            mem::replace(&mut *this.state.lock(), State::Detached)
        });
        // Takes the lock itself. From then on nobody is told of anything.
        drop(attachment);
    }
}

/// What every [`DynamicImport`] tells exporters of.
static OPS: bindings::dma_buf_attach_ops = bindings::dma_buf_attach_ops {
    // The memory of other devices needs no pages: the table is not looked into.
    allow_peer2peer: true,
    invalidate_mappings: Some(invalidate_mappings_callback),
};

/// # Safety
///
/// `attachment` must be that of a [`DynamicImport`], and the reservation lock of its dma-buf be
/// held.
unsafe extern "C" fn invalidate_mappings_callback(attachment: *mut bindings::dma_buf_attachment) {
    // SAFETY: By the safety requirements; an import lives until its attachment is gone, which the
    // lock keeps from being detached.
    let (import, resv) = unsafe {
        (
            &*(*attachment).importer_priv.cast::<DynamicImport>(),
            ResvLocked::held(),
        )
    };

    if import.unmap(&resv) {
        import.stats.inc(Counter::Invalidations);
    }
}
