// SPDX-License-Identifier: GPL-2.0

//! Rust abstractions for the media subsystem.
//!
//! Safe types over dma-buf ([`dma_buf`]), videobuf2 ([`vb2`]) and V4L2 ([`v4l2`]), written so that
//! they could move to `rust/kernel` as they are. A driver on top of them needs no `unsafe` code.

#[path = "bindings/lib.rs"]
mod bindings;

/// The name of a lock, which drivers' crates may make as well as this one, as constructors are
/// generic.
///
/// lockdep tells classes by their keys, and wants a key to have one name: one pointer, which a
/// literal is not when it is inlined into several crates.
macro_rules! lock_name {
    ($name:literal) => {{
        static NAME: &kernel::str::CStr = kernel::c_str!($name);
        NAME
    }};
}

// The modules of a crate root lie beside it; this lets them lie in a folder of their own.
#[path = "media"]
mod media {
    pub mod compat;
    pub mod dma_buf;
    pub mod gfp;
    pub mod iosys_map;
    pub mod kthread;
    pub mod mm;
    pub mod platform;
    pub mod stats;
    pub mod time;
    pub mod v4l2;
    pub mod vb2;
}

pub use media::*;

/// The module that this crate is a part of, which `#[vtable]` takes for the owner.
#[doc(hidden)]
pub struct LocalModule;

impl compat::ModuleMetadata for LocalModule {
    const NAME: &'static kernel::str::CStr = c"media";

    #[cfg(MODULE)]
    const THIS_MODULE: kernel::ThisModule = {
        #[expect(improper_ctypes, reason = "only its address is used")]
        extern "C" {
            static __this_module: kernel::types::Opaque<bindings::module>;
        }

        // SAFETY: The build makes this for the module that the crate is linked into.
        unsafe { kernel::ThisModule::from_ptr(__this_module.get()) }
    };

    #[cfg(not(MODULE))]
    // SAFETY: Built in, there is no module: null stands for that everywhere.
    const THIS_MODULE: kernel::ThisModule =
        unsafe { kernel::ThisModule::from_ptr(core::ptr::null_mut()) };
}
