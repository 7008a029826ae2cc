// SPDX-License-Identifier: GPL-2.0

//! The clock of timestamps.
//!
//! C header: [`include/linux/timekeeping.h`](srctree/include/linux/timekeeping.h)

use crate::bindings;

/// What the monotonic clock (`CLOCK_MONOTONIC`) shows, in nanoseconds, in any context: for
/// [`FrameInfo::timestamp`](crate::vb2::FrameInfo::timestamp), and
/// [`sleep_until`](crate::kthread::Context::sleep_until). Corresponds to `ktime_get_ns()`.
pub fn now() -> u64 {
    // SAFETY: The clock may be read anywhere.
    let now = unsafe { bindings::ktime_get() };

    // The monotonic clock begins at zero.
    now.unsigned_abs()
}
