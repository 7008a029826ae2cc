// SPDX-License-Identifier: GPL-2.0

//! Bindings to the kernel's media headers.
//!
//! What the kernel's own crate has generated already is re-exported from there, so that the types
//! of the two are the same; the rest comes from `bindings_helper.h`.

#![allow(
    clippy::all,
    clippy::as_ptr_cast_mut,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]

pub use kernel::bindings::*;
use kernel::ffi;
use pin_init::MaybeZeroable;

include!(concat!(env!("VIREO_BINDINGS"), "/bindings_generated.rs"));
include!(concat!(
    env!("VIREO_BINDINGS"),
    "/bindings_helpers_generated.rs"
));
