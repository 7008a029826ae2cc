// SPDX-License-Identifier: GPL-2.0

//! vireo, a virtual camera.

#![forbid(unsafe_code)]

use kernel::prelude::*;

module! {
    type: Vireo,
    name: "vireo",
    authors: ["The vireo developers"],
    description: "Virtual V4L2 camera in Rust",
    license: "GPL",
}

struct Vireo;

impl kernel::Module for Vireo {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
