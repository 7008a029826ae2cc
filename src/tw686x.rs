// SPDX-License-Identifier: GPL-2.0

//! tw686x: capture cards with a Techwell TW6864, TW6865, TW6868 or TW6869.
//!
//! Frames are written into the memory of buffers by the chip, piece by piece, whosever that is.
//! There is no sound. The facts about the chips are those of the driver in C
//! (`drivers/media/pci/tw686x`).

#![forbid(unsafe_code)]

// The modules of a crate root lie beside it; this lets them lie in a folder of their own.
#[path = "tw686x"]
mod tw686x {
    pub(crate) mod card;
    pub(crate) mod channel;
    pub(crate) mod chip;
    pub(crate) mod descriptors;
    pub(crate) mod engine;
    pub(crate) mod format;
    pub(crate) mod hardware;
    pub(crate) mod input;
    pub(crate) mod irq;
    pub(crate) mod picture;
    pub(crate) mod progress;
    pub(crate) mod queue;
    pub(crate) mod registers;
    pub(crate) mod regs;
    pub(crate) mod standard;
    pub(crate) mod tables;
}

use tw686x::card::Driver;

kernel::module_pci_driver! {
    type: Driver,
    name: "tw686x_rust",
    authors: ["The vireo developers"],
    description: "Techwell TW686x video capture cards, in Rust",
    license: "GPL",
}
