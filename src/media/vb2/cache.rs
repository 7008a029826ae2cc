// SPDX-License-Identifier: GPL-2.0

//! Imports, and pinned memory of processes, that are kept for when they come back.
//!
//! videobuf2 gives up an import as soon as another dma-buf is queued on the same index, so that a
//! pool of buffers that rotates over the indices would be attached and mapped anew for each frame;
//! and so it is with the addresses of USERPTR. While a queue streams, what it gives up is kept here
//! instead, and found again by the dma-buf or the address.
//!
//! What is kept has a reference to the memory, and must not be what keeps it alive: a worker looks
//! regularly for dma-bufs that nobody else has, and for addresses where a process has other memory
//! by now. An exporter that wants its memory back gets it (`DynamicImport`), and when
//! memory is short everything is let go. So it is when a call would fail otherwise, for whatever it
//! lacks.

#[cfg(CONFIG_KUNIT = "y")]
mod tests;

use super::memory::Memory;
use crate::{
    bindings,
    stats::{
        Counter,
        Stats, //
    },
};
use core::{
    marker::PhantomPinned,
    ptr::NonNull, //
};
use kernel::{
    container_of,
    ffi::c_ulong,
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    types::Opaque, //
};

/// How many imports are kept: those of a pool of twice the buffers that a queue usually has.
const CAPACITY: usize = 64;

/// How often the worker looks, in milliseconds.
///
/// `F_SEAL_WRITE` waits for 150 ms for pins to go (`memfd_wait_for_pins()`), which it must not do
/// in vain because of what is only kept.
const PERIOD: u32 = 100;

/// Memory that is kept, and its [`Memory::key`].
struct Entry {
    key: usize,
    memory: KBox<Memory>,
}

/// What is kept.
struct Entries {
    /// The one that was given up first is in front.
    list: KVec<Entry>,
    /// There while the cache is open: otherwise nothing is kept.
    shrinker: Option<Shrinker>,
    /// Whether the worker will look again; it is so while it is letting something go.
    is_scheduled: bool,
}

/// The memory that a queue keeps.
///
/// # Invariants
///
/// - Each entry is memory with a key that is marked as idle, and that nobody uses.
/// - There are at most [`CAPACITY`] entries, for which there is room; none are added unless the
///   cache is open, and the queue's lock is held.
/// - The worker is armed while there are entries.
/// - `work` is initialized, and runs [`work_callback`].
#[pin_data(PinnedDrop)]
pub(super) struct Cache {
    #[pin]
    entries: Mutex<Entries>,
    /// The number of entries, for those who cannot wait for the lock.
    count: Atomic<usize>,
    /// Memory is short: keep nothing.
    under_pressure: Atomic<bool>,
    #[pin]
    work: Opaque<bindings::delayed_work>,
    stats: Arc<Stats>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: A work item is not tied to a thread.
unsafe impl Send for Cache {}

// SAFETY: What changes is atomic, or behind the mutex; the work sees to itself.
unsafe impl Sync for Cache {}

/// A registered shrinker, which is freed when this is dropped. That sleeps.
///
/// # Invariants
///
/// The shrinker is registered, and its private data is a [`Cache`] that lives as long as this.
struct Shrinker(NonNull<bindings::shrinker>);

// SAFETY: A shrinker is not tied to a thread.
unsafe impl Send for Shrinker {}

impl Shrinker {
    /// # Safety
    ///
    /// The result must be dropped before `cache` is.
    unsafe fn new(cache: &Cache) -> Result<Self> {
        // SAFETY: The name has no directives that ask for more.
        let raw = unsafe { bindings::shrinker_alloc(0, c"vb2-imports".as_char_ptr()) };
        let shrinker = NonNull::new(raw).ok_or(ENOMEM)?;

        // INVARIANT: Registered here; the cache by the safety requirements.
        //
        // SAFETY: The shrinker is ours until it is registered.
        unsafe {
            (*raw).count_objects = Some(count_callback);
            (*raw).scan_objects = Some(scan_callback);
            (*raw).private_data = core::ptr::from_ref(cache).cast_mut().cast();
            bindings::shrinker_register(raw);
        }
        Ok(Self(shrinker))
    }
}

impl Drop for Shrinker {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; when this returns, it is not called any more.
        unsafe { bindings::shrinker_free(self.0.as_ptr()) };
    }
}

impl Cache {
    pub(super) fn new(stats: Arc<Stats>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            entries <- Mutex::new(
                Entries {
                    list: KVec::with_capacity(CAPACITY, GFP_KERNEL)?,
                    shrinker: None,
                    is_scheduled: false,
                },
                lock_name!("vb2::Cache::entries"),
                static_lock_class!(),
            ),
            count: Atomic::new(0),
            under_pressure: Atomic::new(false),
            work <- Opaque::ffi_init(|slot| {
                // SAFETY: The slot is memory for a work item.
                unsafe { bindings::init_delayed_work(slot, Some(work_callback)) }
            }),
            stats,
            _pin: PhantomPinned,
        })
    }

    /// From now on, keeps what is given up. Sleeps.
    ///
    /// Only an open cache has a shrinker, which must not outlive the module: a queue that streams
    /// is stopped before the module can go, while one that does not may be leaked by its driver.
    pub(super) fn enable(&self) -> Result {
        // SAFETY: Whoever drops the cache closes it first.
        let shrinker = unsafe { Shrinker::new(self) }?;

        self.entries.lock().shrinker = Some(shrinker);
        Ok(())
    }

    /// Lets everything go, and keeps nothing any more. Sleeps.
    pub(super) fn disable(&self) {
        let shrinker = self.entries.lock().shrinker.take();

        self.empty();
        drop(shrinker);
    }

    /// Lets everything go, so that there is more for others; whether there was anything.
    ///
    /// Called with the queue's lock held, and no reservation lock.
    pub(super) fn evict(&self) -> bool {
        // Then there is nothing in the worker's hands either.
        if !self.entries.lock().is_scheduled {
            return false;
        }
        let count = self.empty();
        self.stats.add(Counter::CacheEvictions, count);
        true
    }

    /// Lets everything go, and returns how many there were, besides those that the worker let go.
    fn empty(&self) -> usize {
        let mut count = 0;

        while let Some(entry) = self.pop() {
            drop(entry);
            count += 1;
        }
        // The worker finds nothing any more; what it has in its hands is waited for.
        //
        // SAFETY: By the type invariants the work is initialized. It takes no lock that is held.
        unsafe { bindings::cancel_delayed_work_sync(self.work.get()) };
        // INVARIANT: Nothing was added, by the queue's lock.
        self.entries.lock().is_scheduled = false;
        count
    }

    /// Takes out memory with this key that fits.
    pub(super) fn take(&self, key: usize, fits: impl Fn(&Memory) -> bool) -> Option<KBox<Memory>> {
        let mut entries = self.entries.lock();
        let index = entries
            .list
            .iter()
            .position(|entry| entry.key == key && fits(&entry.memory))?;

        let memory = self.remove(&mut entries, index)?.memory;
        memory.set_cached(false);
        Some(memory)
    }

    /// Keeps memory that is given up, unless the cache is closed.
    pub(super) fn insert(&self, memory: KBox<Memory>) {
        let Some(key) = memory.key() else {
            return;
        };
        let mut entries = self.entries.lock();
        if entries.shrinker.is_none() {
            // Not dropped under the lock.
            drop(entries);
            return drop(memory);
        }

        let oldest = if entries.list.len() >= CAPACITY {
            self.stats.inc(Counter::CacheEvictions);
            self.remove(&mut entries, 0)
        } else {
            None
        };

        memory.set_cached(true);
        // INVARIANT: The memory is marked, and its last user has given it up. There is room.
        if let Err(refused) = entries.list.push_within_capacity(Entry { key, memory }) {
            drop(entries);
            return drop(refused);
        }
        self.count.store(entries.list.len(), Relaxed);
        if !entries.is_scheduled {
            entries.is_scheduled = true;
            self.schedule(PERIOD);
        }
        drop(entries);
        drop(oldest);
    }

    fn remove(&self, entries: &mut Entries, index: usize) -> Option<Entry> {
        let entry = entries.list.remove(index).ok()?;

        self.count.store(entries.list.len(), Relaxed);
        Some(entry)
    }

    fn pop(&self) -> Option<Entry> {
        self.remove(&mut self.entries.lock(), 0)
    }

    /// Lets the worker look in so many milliseconds.
    fn schedule(&self, ms: u32) {
        // SAFETY: By the type invariants the work is initialized; it is cancelled before it goes.
        unsafe {
            bindings::mod_delayed_work(
                bindings::system_dfl_wq,
                self.work.get(),
                kernel::time::msecs_to_jiffies(ms),
            );
        }
    }

    /// Takes out the first import that is not to be kept.
    fn take_victim(&self, under_pressure: bool) -> Option<Entry> {
        let mut entries = self.entries.lock();
        let found = entries
            .list
            .iter()
            .position(|entry| under_pressure || entry.memory.should_evict());

        match found {
            Some(index) => self.remove(&mut entries, index),
            None => {
                entries.is_scheduled = !entries.list.is_empty();
                if entries.is_scheduled {
                    self.schedule(PERIOD);
                }
                None
            }
        }
    }

    /// Lets go of what is not to be kept.
    fn evict_unused(&self) {
        let under_pressure = self.under_pressure.xchg(false, Relaxed);

        while let Some(entry) = self.take_victim(under_pressure) {
            self.stats.inc(Counter::CacheEvictions);
            drop(entry);
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Cache {
    fn drop(self: Pin<&mut Self>) {
        self.disable();
    }
}

/// # Safety
///
/// `work` must be the `work` of a live [`Cache`].
unsafe extern "C" fn work_callback(work: *mut bindings::work_struct) {
    // SAFETY: By the safety requirements.
    let cache = unsafe {
        let work = container_of!(work, bindings::delayed_work, work);
        &*container_of!(Opaque::cast_from(work), Cache, work)
    };

    cache.evict_unused();
}

/// # Safety
///
/// `shrinker` must be that of a live [`Cache`].
unsafe extern "C" fn count_callback(
    shrinker: *mut bindings::shrinker,
    _sc: *mut bindings::shrink_control,
) -> c_ulong {
    // SAFETY: By the safety requirements.
    let cache = unsafe { &*(*shrinker).private_data.cast::<Cache>() };

    // What the worker is about to let go is as good as gone.
    if cache.under_pressure.load(Relaxed) {
        0
    } else {
        cache.count.load(Relaxed)
    }
}

/// # Safety
///
/// `shrinker` must be that of a live [`Cache`].
unsafe extern "C" fn scan_callback(
    shrinker: *mut bindings::shrinker,
    _sc: *mut bindings::shrink_control,
) -> c_ulong {
    // SAFETY: By the safety requirements.
    let cache = unsafe { &*(*shrinker).private_data.cast::<Cache>() };
    let count = cache.count.load(Relaxed);

    // Who allocates memory may hold the locks that detaching wants: leave that to the worker.
    if count != 0 {
        cache.under_pressure.store(true, Relaxed);
        cache.schedule(0);
    }
    count
}
