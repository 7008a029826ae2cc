// SPDX-License-Identifier: GPL-2.0

//! What differs of memory that the CPU and a device use at once.

use kernel::{
    dma::{
        Coherent,
        DmaAddress, //
    },
    prelude::*,
    ptr::KnownSize, //
};

/// As `Coherent::dma_address`, whose name was another in 7.2.
pub fn dma_address<T: KnownSize + ?Sized>(memory: &Coherent<T>) -> DmaAddress {
    #[cfg(kernel_lacks_coherent_io)]
    return memory.dma_handle();
    #[cfg(not(kernel_lacks_coherent_io))]
    return memory.dma_address();
}

/// Writes `bytes` from `start` on; `ERANGE` if they do not fit. Was not there in 7.2.
#[cfg(not(kernel_lacks_coherent_io))]
pub fn write(memory: &Coherent<[u8]>, start: usize, bytes: &[u8]) -> Result {
    use kernel::io::{
        io_project,
        Io, //
    };

    io_project!(memory, [try: start..start + bytes.len()]).copy_from_slice(bytes);
    Ok(())
}

/// Writes `bytes` from `start` on; `ERANGE` if they do not fit.
#[cfg(kernel_lacks_coherent_io)]
pub fn write(memory: &Coherent<[u8]>, start: usize, bytes: &[u8]) -> Result {
    let end = start.checked_add(bytes.len()).ok_or(ERANGE)?;
    if end > memory.size() {
        return Err(ERANGE);
    }
    // SAFETY: The part is in the memory. Who else writes there, a device or a thread, is not known,
    // so that it is a C function that copies.
    unsafe {
        let part = memory.as_mut_ptr().cast::<u8>().add(start);
        crate::bindings::memcpy(part.cast(), bytes.as_ptr().cast(), bytes.len());
    }
    Ok(())
}
