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
    cell::UnsafeCell,
    ffi::c_void,
    mem,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    container_of, device,
    prelude::*,
    static_lock_class,
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

/// A dynamic importer of a dma-buf (`dma_buf_dynamic_attach()`).
///
/// Its engine is the CPU, or, for the queues of videobuf2, a device. For the CPU nothing is mapped
/// for the device: this may outlive its binding.
///
/// The memory is mapped from [`map`](Self::map) on until its exporter moves or revokes it
/// (`dma_buf_invalidate_mappings()`), or this is dropped. When the exporter takes the memory back,
/// the mapping is gone by the time it is told so, and nothing is written any more: a copy that is
/// under way is waited for, and so is a device. Once the exporter allows it, the memory can be
/// mapped again.
///
/// # Invariants
///
/// - `dmabuf` is the dma-buf of the attachment in `state`, which has a reference to it; there is
///   an attachment from the end of [`new`](Self::new) until this is dropped.
/// - The attachment's `importer_priv` points here, and its operations are `OPS`; this is pinned.
/// - `state` changes only while the reservation lock of the dma-buf is held as well, and is
///   `State::Changing` only while it is.
/// - `is_mapped` says whether `state` is `State::Mapped`, to those who have the reservation lock;
///   it is false as soon as the exporter takes the memory back.
/// - `sg_table` is that of `state` while that is mapped for the device, and null otherwise.
/// - `user` is used with the reservation lock held.
/// - If `is_dma`, this is dropped before `dev` is unbound.
#[pin_data(PinnedDrop)]
pub struct DynamicImport {
    dmabuf: NonNull<DmaBuf>,
    dev: ARef<device::Device>,
    stats: Arc<Stats>,
    /// Whether the engine is the device.
    is_dma: bool,
    is_mapped: Atomic<bool>,
    is_cached: Atomic<bool>,
    sg_table: Atomic<*mut bindings::sg_table>,
    /// How many bytes of the mapping were found good. Reset with the reservation lock held.
    checked: Atomic<usize>,
    user: UnsafeCell<Option<User>>,
    /// Taken after the reservation lock, and not held while an exporter is called, which may want
    /// the memory back in the middle of it. Held while the CPU copies, and no longer: drivers do
    /// other things in an access, which may need the locks of an exporter.
    #[pin]
    state: Mutex<State>,
}

// SAFETY: An import is not tied to a thread.
unsafe impl Send for DynamicImport {}

// SAFETY: What changes is atomic, or behind the mutex or the reservation lock.
unsafe impl Sync for DynamicImport {}

/// Who lets a device use a [`DynamicImport`].
#[derive(Clone, Copy)]
pub(crate) struct User {
    /// Sees to it that the device does not use the memory any more, and that nobody lets it before
    /// [`DynamicImport::is_mapped`]. Called with the reservation lock held; may sleep, for as long
    /// as the device takes.
    pub(crate) recall: unsafe fn(NonNull<c_void>),
    /// What it is called with.
    pub(crate) data: NonNull<c_void>,
}

impl DynamicImport {
    /// Attaches `dev` to `dmabuf`, for the CPU.
    ///
    /// The exporter may refuse, with an error of its own. May sleep.
    pub fn new(
        dmabuf: &DmaBuf,
        dev: &device::Device,
        stats: Arc<Stats>,
    ) -> Result<Pin<KBox<Self>>> {
        // SAFETY: Nothing is mapped for the device.
        unsafe { Self::new_for(dmabuf, dev, false, stats) }
    }

    /// Attaches `dev` to `dmabuf`, for the device if `is_dma`.
    ///
    /// # Safety
    ///
    /// If `is_dma`, the device must be bound until the result is dropped.
    pub(crate) unsafe fn new_for(
        dmabuf: &DmaBuf,
        dev: &device::Device,
        is_dma: bool,
        stats: Arc<Stats>,
    ) -> Result<Pin<KBox<Self>>> {
        let this = KBox::pin_init(
            pin_init!(Self {
                dmabuf: dmabuf.into(),
                dev: dev.into(),
                stats,
                is_dma,
                is_mapped: Atomic::new(false),
                is_cached: Atomic::new(false),
                sg_table: Atomic::new(ptr::null_mut()),
                checked: Atomic::new(0),
                user: UnsafeCell::new(None),
                state <- Mutex::new(
                    State::Detached,
                    lock_name!("dma_buf::DynamicImport::state"),
                    static_lock_class!(),
                ),
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
        // What is mapped for the device goes with it, too, while that is bound.
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

    /// Maps the memory for the engine, unless it is mapped. Does not wait for fences. May sleep.
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

    /// Whether the memory is mapped. Its exporter may take it back right then: who asks with a lock
    /// held that [`User::recall`] takes as well is told in time.
    #[inline]
    pub(crate) fn is_mapped(&self) -> bool {
        self.is_mapped.load(Relaxed)
    }

    /// Where the device finds the memory; null if that is not the engine, or if it is not mapped.
    ///
    /// The table is valid until [`User::recall`] was called, and has returned.
    #[inline]
    pub(crate) fn sg_table(&self) -> *mut bindings::sg_table {
        self.sg_table.load(Relaxed)
    }

    /// Calls `f` with what [`sg_table`](Self::sg_table) says, and the reservation lock held;
    /// `ENODEV` if the exporter has taken the memory back. May sleep.
    pub(crate) fn with_sg_table<R>(
        &self,
        f: impl FnOnce(*mut bindings::sg_table) -> R,
    ) -> Result<R> {
        self.dma_buf().with_resv_lock(|_| {
            let sgt = NonNull::new(self.sg_table()).ok_or(ENODEV)?;
            Ok(f(sgt.as_ptr()))
        })
    }

    /// What [`set_checked`](Self::set_checked) was called with since the memory was mapped, or 0.
    #[inline]
    pub(crate) fn checked(&self) -> usize {
        self.checked.load(Relaxed)
    }

    /// Says that the segments of so many bytes need not be looked at again. Called in
    /// [`with_sg_table`](Self::with_sg_table).
    pub(crate) fn set_checked(&self, len: usize) {
        self.checked.store(len, Relaxed);
    }

    /// Says who lets the device use the memory, if anybody does. Takes the reservation lock.
    ///
    /// # Safety
    ///
    /// `user.recall` may be called with `user.data` until this is called again.
    pub(crate) unsafe fn set_user(&self, user: Option<User>) {
        self.dma_buf().with_resv_lock(|_| {
            // SAFETY: The lock is held.
            unsafe { *self.user.get() = user }
        });
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
    // The memory of other devices needs no pages: the CPU goes by the mapping, and a device by the
    // addresses of the segments.
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

    if import.is_mapped.xchg(false, Relaxed) {
        // SAFETY: The lock is held, and with it this is who may be called.
        if let Some(user) = unsafe { *import.user.get() } {
            // SAFETY: As above.
            unsafe { (user.recall)(user.data) };
        }
    }
    // What is being mapped right now is not there to be unmapped: `try_map()` finds out, and unmaps
    // it before the lock is released.
    if import.unmap(&resv) {
        import.stats.inc(Counter::Invalidations);
    }
}
