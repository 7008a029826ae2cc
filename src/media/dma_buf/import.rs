// SPDX-License-Identifier: GPL-2.0

//! Imports that their exporter may take back.

mod access;
mod state;
#[cfg(CONFIG_KUNIT = "y")]
mod tests;

pub use self::access::ImportAccess;
use self::state::State;

use super::{
    Attachment,
    DmaBuf,
    ResvLocked, //
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
    container_of, device, new_mutex,
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

/// A dynamic importer of a dma-buf whose engine is the CPU (`dma_buf_dynamic_attach()`).
///
/// The memory is mapped for the CPU, and nothing for the device: this may outlive its binding.
///
/// It is mapped from [`map`](Self::map) on until its exporter moves or revokes the memory
/// (`dma_buf_invalidate_mappings()`), or this is dropped. When the exporter takes the memory back,
/// the mapping is gone by the time it is told so, and nothing is written any more; a copy that is
/// under way is waited for. Once the exporter allows it, the memory can be mapped again.
///
/// # Invariants
///
/// - `dmabuf` is the dma-buf of the attachment in `state`, which has a reference to it; there is
///   an attachment from the end of [`new`](Self::new) until this is dropped.
/// - The attachment's `importer_priv` points here, and its operations are `OPS`; this is pinned.
/// - `state` changes only while the reservation lock of the dma-buf is held as well, and is
///   `State::Changing` only while it is.
/// - `is_mapped` says whether `state` is `State::Mapped`, to those who have the reservation lock.
#[pin_data(PinnedDrop)]
pub struct DynamicImport {
    dmabuf: NonNull<DmaBuf>,
    dev: ARef<device::Device>,
    stats: Arc<Stats>,
    is_mapped: Atomic<bool>,
    is_cached: Atomic<bool>,
    /// Taken after the reservation lock, and not held while an exporter is called, which may want
    /// the memory back in the middle of it. Held while the CPU copies, and no longer: drivers do
    /// other things in an access, which may need the locks of an exporter.
    #[pin]
    state: Mutex<State>,
}

// SAFETY: An import is not tied to a thread.
unsafe impl Send for DynamicImport {}

// SAFETY: What changes is atomic, or behind the mutex.
unsafe impl Sync for DynamicImport {}

impl DynamicImport {
    /// Attaches `dev` to `dmabuf`.
    ///
    /// The exporter may refuse, with an error of its own. May sleep.
    pub fn new(
        dmabuf: &DmaBuf,
        dev: &device::Device,
        stats: Arc<Stats>,
    ) -> Result<Pin<KBox<Self>>> {
        let this = KBox::pin_init(
            pin_init!(Self {
                dmabuf: dmabuf.into(),
                dev: dev.into(),
                stats,
                is_mapped: Atomic::new(false),
                is_cached: Atomic::new(false),
                state <- new_mutex!(State::Detached, "dma_buf::DynamicImport::state"),
            }),
            GFP_KERNEL,
        )?;
        let attachment = this.attach(dmabuf)?;

        // INVARIANT: This is the attachment. What the exporter took back meanwhile was not mapped.
        dmabuf.with_resv_lock(|_| this.set_attached(attachment));
        Ok(this)
    }

    /// Attaches the device to `dmabuf`, which must be that of `self`.
    fn attach(&self, dmabuf: &DmaBuf) -> Result<Attachment<'static>> {
        let importer: *const Self = self;

        // SAFETY: The callback of `OPS` asks for a `DynamicImport`, which lives for as long as its
        // attachments, since it drops those first, and by the type invariants does not move.
        // Nothing is mapped for the device.
        unsafe {
            Attachment::new_dynamic(
                dmabuf.into(),
                &self.dev,
                self.stats.clone(),
                &OPS,
                importer.cast_mut().cast(),
            )
        }
    }

    /// The dma-buf.
    pub fn dma_buf(&self) -> &DmaBuf {
        // SAFETY: By the type invariants the attachment keeps it alive.
        unsafe { self.dmabuf.as_ref() }
    }

    /// Maps the memory for the CPU, unless it is mapped. Does not wait for fences. May sleep.
    ///
    /// The exporter's errors come back as they are; `EBUSY` if it moves the memory each time that
    /// it maps it.
    ///
    /// Whether it is mapped is looked at without the reservation lock: if the exporter takes the
    /// memory back right then, accesses say so.
    #[inline]
    pub fn map(&self) -> Result {
        if self.is_mapped.load(Relaxed) {
            return Ok(());
        }
        self.map_slow()
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
        // lock is held. An attachment with our operations has a `DynamicImport`, which is there
        // until it is detached.
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

            // Each of their attachments has one reference, and videobuf2 has put its own. Who takes
            // one right now finds memory that is attached anew.
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
    // The memory of other devices needs no pages: it is mapped for the CPU, and not for the device.
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
            ResvLocked::held(DmaBuf::from_raw((*attachment).dmabuf)),
        )
    };

    // What is being mapped right now is not there to be unmapped: `try_map()` finds out, and unmaps
    // it before the lock is released.
    if import.unmap(&resv) {
        import.stats.inc(Counter::Invalidations);
    }
}
