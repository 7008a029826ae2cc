// SPDX-License-Identifier: GPL-2.0

//! A V4L2 client in small pieces, a reader of stamps, and tests made of both.

pub mod card;
pub mod cost;
pub mod counters;
pub mod display;
pub mod dma;
pub mod dmabuf;
pub mod faults;
pub mod kcov;
pub mod mplane;
pub mod peer;
pub mod reader;
pub mod relay;
pub mod stream;
pub mod suite;
pub mod sys;
pub mod torture;
pub mod uapi;
pub mod v4l2;
pub mod verify;
pub mod vfio;
pub mod vgem;
