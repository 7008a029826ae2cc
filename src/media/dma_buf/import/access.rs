// SPDX-License-Identifier: GPL-2.0

//! The CPU's use of an import.

use super::{
    super::vmap::DIRECTION,
    DynamicImport,
    State, //
};
use crate::bindings;
use core::mem;
use kernel::{
    error::to_result,
    prelude::*,
    sync::MutexGuard, //
};

impl DynamicImport {
    /// Waits until the CPU may have the memory, and makes it see what devices have written.
    ///
    /// `ENODEV` when the exporter has taken the memory back.
    pub fn begin_cpu_access(&self) -> Result<ImportAccess<'_>> {
        // Without the mutex: the exporter may want the reservation lock.
        //
        // SAFETY: The dma-buf is valid, and its lock is not held.
        to_result(unsafe {
            bindings::dma_buf_begin_cpu_access(self.dma_buf().as_raw(), DIRECTION.into())
        })?;
        // INVARIANT: The access has just begun.
        let begun = ExporterAccess(self);

        // INVARIANT: Checked here, and nobody else changes it before the guard is gone.
        let state = self.state.lock();
        match *state {
            State::Mapped(_) => Ok(ImportAccess { state, begun }),
            _ => Err(ENODEV),
        }
    }
}

/// The CPU has the memory of a [`DynamicImport`], until this ends or is dropped.
///
/// # Invariants
///
/// `state` is [`State::Mapped`].
pub struct ImportAccess<'a> {
    // Dropped in this order: the exporter may want the reservation lock when the access ends, which
    // comes before the mutex.
    state: MutexGuard<'a, State>,
    begun: ExporterAccess<'a>,
}

impl ImportAccess<'_> {
    /// Copies `data` into the memory, `offset` bytes from its beginning.
    ///
    /// Writes nothing and returns `ERANGE` if it does not fit.
    #[inline]
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        match &*self.state {
            State::Mapped(vmap) => vmap.map().write(offset, data),
            _ => Err(ENODEV),
        }
    }

    /// Hands the memory back to devices.
    ///
    /// On an error of the exporter, what was written may not have reached them.
    pub fn end(self) -> Result {
        drop(self.state);
        self.begun.end()
    }
}

/// An access of the CPU, as far as the exporter is concerned.
///
/// # Invariants
///
/// The access has begun and not ended.
struct ExporterAccess<'a>(&'a DynamicImport);

impl ExporterAccess<'_> {
    fn end(self) -> Result {
        let mut this = mem::ManuallyDrop::new(self);

        // SAFETY: `this` is not used again, nor dropped.
        unsafe { this.release() }
    }

    /// # Safety
    ///
    /// Must be called once at most.
    unsafe fn release(&mut self) -> Result {
        // SAFETY: The dma-buf is valid, and by the type invariants and the safety requirements
        // there is an access to end. The lock is not held.
        to_result(unsafe {
            bindings::dma_buf_end_cpu_access(self.0.dma_buf().as_raw(), DIRECTION.into())
        })
    }
}

impl Drop for ExporterAccess<'_> {
    fn drop(&mut self) {
        // Who cares for the outcome calls `end()`.
        //
        // SAFETY: This is the last use.
        let _ = unsafe { self.release() };
    }
}
