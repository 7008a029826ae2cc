// SPDX-License-Identifier: GPL-2.0

//! The CPU's use of an import.

use super::{
    super::vmap::DIRECTION,
    state::{
        Mapping,
        MAX_MAP_RETRIES, //
    },
    DynamicImport,
    State, //
};
use crate::bindings;
use core::mem;
use kernel::{
    error::to_result,
    prelude::*,
    sync::atomic::Relaxed, //
};

impl DynamicImport {
    /// Waits until the CPU may have the memory, and makes it see what devices have written.
    ///
    /// Memory that its exporter has moved is mapped again: errors are those of [`map`](Self::map)
    /// and of the exporter, which for memory that was revoked has `ENODEV`, as a rule. May sleep:
    /// until the fences of others are signalled, or a signal comes (`ERESTARTSYS`). There may be
    /// several accesses at once, of one thread as well.
    pub fn begin_cpu_access(&self) -> Result<ImportAccess<'_>> {
        for _ in 0..MAX_MAP_RETRIES {
            self.map()?;

            // SAFETY: The dma-buf is valid, and its lock is not held.
            to_result(unsafe {
                bindings::dma_buf_begin_cpu_access(self.dma_buf().as_raw(), DIRECTION.into())
            })?;
            // INVARIANT: The access has just begun.
            let access = ImportAccess(self);

            // An exporter may move the memory to where the CPU finds it.
            if self.is_mapped.load(Relaxed) {
                return Ok(access);
            }
        }
        Err(EBUSY)
    }
}

/// The CPU has the memory of a [`DynamicImport`], until this ends or is dropped.
///
/// Its exporter may take it back meanwhile: it waits for a copy that is under way, and those that
/// come after that fail.
///
/// # Invariants
///
/// The access has begun and not ended.
pub struct ImportAccess<'a>(&'a DynamicImport);

impl ImportAccess<'_> {
    /// Copies `data` into the memory, `offset` bytes from its beginning. May sleep.
    ///
    /// Writes nothing and returns `ERANGE` if it does not fit, and `ENODEV` if the exporter has
    /// taken the memory back.
    #[inline]
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result {
        // What is mapped stays so for as long as it is locked.
        match &*self.0.state.lock() {
            State::Mapped(Mapping::Cpu(vmap)) => vmap.map().write(offset, data),
            _ => Err(ENODEV),
        }
    }

    /// Hands the memory back to devices.
    ///
    /// On an error of the exporter, what was written may not have reached them.
    pub fn end(self) -> Result {
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

impl Drop for ImportAccess<'_> {
    fn drop(&mut self) {
        // Who cares for the outcome calls `end()`.
        //
        // SAFETY: This is the last use.
        let _ = unsafe { self.release() };
    }
}
