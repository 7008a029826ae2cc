// SPDX-License-Identifier: GPL-2.0

//! Rust abstractions for the media subsystem.
//!
//! Safe types over dma-buf ([`dma_buf`]), videobuf2 ([`vb2`]) and V4L2 ([`v4l2`]), written so that
//! they could move to `rust/kernel` as they are. A driver on top of them needs no `unsafe` code.

#[path = "bindings/lib.rs"]
mod bindings;

/// Stands in for the module type that `#[vtable]` expects in every crate.
#[allow(dead_code)]
struct LocalModule;
