// SPDX-License-Identifier: GPL-2.0

//! Flags of allocations that `kernel::alloc::flags` lacks.
//!
//! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)

use crate::bindings;
use core::mem::transmute;
use kernel::alloc::Flags;

/// Tries hard, and fails rather than have a process killed for its memory.
pub const __GFP_RETRY_MAYFAIL: Flags = from_raw(1 << bindings::___GFP_RETRY_MAYFAIL_BIT);

/// Fails where memory is not free, or can be had with little effort.
pub const __GFP_NORETRY: Flags = from_raw(1 << bindings::___GFP_NORETRY_BIT);

/// The caller may reclaim memory itself.
pub const __GFP_DIRECT_RECLAIM: Flags = from_raw(1 << bindings::___GFP_DIRECT_RECLAIM_BIT);

/// A C `gfp_t` as what Rust's allocators take.
const fn from_raw(flags: u32) -> Flags {
    // SAFETY: `Flags` has one field, a `u32`, and the compiler checks that it has its size: the two
    // are the same bytes. `Flags` promises nothing about them.
    unsafe { transmute(flags) }
}

/// The C `gfp_t`.
pub(crate) const fn as_raw(flags: Flags) -> u32 {
    // SAFETY: As above; any value is a `u32`.
    unsafe { transmute(flags) }
}
