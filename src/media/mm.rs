// SPDX-License-Identifier: GPL-2.0

//! Being told when the memory of a process changes.
//!
//! C header: [`include/linux/mmu_notifier.h`](srctree/include/linux/mmu_notifier.h)

use kernel::prelude::*;

#[cfg(CONFIG_MMU_NOTIFIER)]
pub use self::notifier::IntervalNotifier;
#[cfg(not(CONFIG_MMU_NOTIFIER))]
pub use self::stub::IntervalNotifier;

#[cfg(CONFIG_MMU_NOTIFIER)]
mod notifier {
    use super::*;
    use crate::bindings;
    use core::marker::PhantomPinned;
    use kernel::{
        container_of,
        error::to_result,
        ffi::c_ulong,
        sync::atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        types::Opaque, //
    };

    /// Watches a range of the memory of the process that makes it.
    ///
    /// Once the mapping of any of its pages changes, or is about to, for whatever reason, the watch
    /// is over. Then pages that were looked up before may not be those of the process any more.
    ///
    /// # Invariants
    ///
    /// `subscription` is inserted in the tree of `mm`, of which it holds a count.
    #[pin_data(PinnedDrop)]
    pub struct IntervalNotifier {
        is_invalidated: Atomic<bool>,
        mm: *mut bindings::mm_struct,
        #[pin]
        subscription: Opaque<bindings::mmu_interval_notifier>,
        #[pin]
        _pin: PhantomPinned,
    }

    // SAFETY: The subscription is not tied to a thread.
    unsafe impl Send for IntervalNotifier {}

    // SAFETY: What changes is atomic; the subscription sees to itself.
    unsafe impl Sync for IntervalNotifier {}

    impl IntervalNotifier {
        const OPS: bindings::mmu_interval_notifier_ops = bindings::mmu_interval_notifier_ops {
            invalidate: Some(invalidate_callback),
            invalidate_start: None,
            invalidate_finish: None,
        };

        /// Begins to watch the `len` bytes at `addr`.
        ///
        /// Waits until changes that have begun before are over. Not to be called while the lock of
        /// the process's memory is held.
        pub fn new(addr: usize, len: usize) -> Result<Pin<KBox<Self>>> {
            let task = kernel::current!();
            let current = task.mm().ok_or(EINVAL)?.as_raw();

            let watch = KBox::try_pin_init(
                try_pin_init!(Self {
                    is_invalidated: Atomic::new(false),
                    mm: current,
                    // INVARIANT: Inserted here; this takes the count. From now on the callback may
                    // run, for which all else is ready.
                    subscription <- Opaque::try_ffi_init(|slot| {
                        // SAFETY: The slot stays where it is until `drop()` takes it out. The
                        // current task uses its memory.
                        to_result(unsafe {
                            bindings::mmu_interval_notifier_insert(
                                slot, current, addr, len, &Self::OPS,
                            )
                        })
                    }),
                    _pin: PhantomPinned,
                }? Error),
                GFP_KERNEL,
            )?;

            // Of a change that is under way only its end can be had.
            //
            // SAFETY: Inserted (type invariant).
            unsafe { bindings::mmu_interval_read_begin(watch.subscription.get()) };
            Ok(watch)
        }

        /// Whether there was a change.
        pub fn is_invalidated(&self) -> bool {
            self.is_invalidated.load(Acquire)
        }

        /// Whether it is the memory of the calling process.
        pub fn is_current_mm(&self) -> bool {
            // What the current task uses is compared, and not referred to.
            kernel::current!()
                .mm()
                .is_some_and(|mm| mm.as_raw() == self.mm)
        }
    }

    #[pinned_drop]
    impl PinnedDrop for IntervalNotifier {
        fn drop(self: Pin<&mut Self>) {
            // SAFETY: Inserted (type invariant). When this returns, no callback runs any more.
            unsafe { bindings::mmu_interval_notifier_remove(self.subscription.get()) };
        }
    }

    /// # Safety
    ///
    /// `subscription` must be that of a [`IntervalNotifier`].
    unsafe extern "C" fn invalidate_callback(
        subscription: *mut bindings::mmu_interval_notifier,
        _range: *const bindings::mmu_notifier_range,
        seq: c_ulong,
    ) -> bool {
        // SAFETY: By the safety requirements. `new()` reads the number without a lock, as all of
        // its readers may.
        unsafe {
            (&raw mut (*subscription).invalidate_seq).write_volatile(seq);
            (*container_of!(
                Opaque::cast_from(subscription),
                IntervalNotifier,
                subscription
            ))
            .is_invalidated
            .store(true, Release);
        }
        true
    }
}

#[cfg(not(CONFIG_MMU_NOTIFIER))]
mod stub {
    use super::*;

    /// Stands for a watch in kernels that tell nobody: it is over as soon as it begins.
    pub struct IntervalNotifier;

    impl IntervalNotifier {
        /// Begins no watch.
        pub fn new(_addr: usize, _len: usize) -> Result<Pin<KBox<Self>>> {
            Ok(KBox::pin(Self, GFP_KERNEL)?)
        }

        /// There may have been a change at any time.
        pub fn is_invalidated(&self) -> bool {
            true
        }

        /// It may be anybody's memory.
        pub fn is_current_mm(&self) -> bool {
            false
        }
    }
}
