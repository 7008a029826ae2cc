// SPDX-License-Identifier: GPL-2.0

//! Which module an implementation is in, where `#[vtable]` does not say it.

use core::marker::PhantomData;
use kernel::{
    str::CStr,
    ThisModule, //
};

/// As `kernel::ModuleMetadata`.
pub trait ModuleMetadata {
    /// The name of the module.
    const NAME: &'static CStr;

    /// The module's `THIS_MODULE`.
    const THIS_MODULE: ThisModule;
}

/// As `kernel::module::this_module`.
#[inline]
pub const fn this_module<M: ModuleMetadata>() -> &'static ThisModule {
    &M::THIS_MODULE
}

/// The module that `T` is a type of.
///
/// The constant names a symbol, `__this_module`, which is that of the module that it is compiled
/// into. This one has a parameter, a type of the driver's, so that it is compiled with the driver.
/// If this crate is built in, the symbol is not used, and a driver must not be a module: the
/// Makefile sees to that.
pub struct Owner<T>(PhantomData<T>);

impl<T> ModuleMetadata for Owner<T> {
    const NAME: &'static CStr = crate::LocalModule::NAME;
    const THIS_MODULE: ThisModule = crate::LocalModule::THIS_MODULE;
}
