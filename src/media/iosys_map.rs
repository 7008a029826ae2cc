// SPDX-License-Identifier: GPL-2.0

//! Memory that the CPU may reach as system memory or as I/O memory.
//!
//! C header: [`include/linux/iosys-map.h`](srctree/include/linux/iosys-map.h)

use crate::bindings;
use core::{
    mem::replace,
    ptr::NonNull, //
};
use kernel::{
    ffi::c_void,
    prelude::*, //
};

/// Mapped memory, and how much there is of it.
///
/// Others (devices, user space, other mappings) may change the memory at any time, so there are no
/// references to it: bytes are copied in and out, each time within bounds.
///
/// # Invariants
///
/// `raw` points to `len` bytes that can be read and written, as I/O memory if it says so, for as
/// long as this value exists.
pub struct Map {
    raw: bindings::iosys_map,
    len: usize,
}

// SAFETY: A mapping in the kernel's address space is the same for every thread.
unsafe impl Send for Map {}

// SAFETY: As above; and accesses go through raw pointers, so they may overlap.
unsafe impl Sync for Map {}

impl Map {
    /// Describes `len` bytes of system memory at `vaddr`.
    ///
    /// # Safety
    ///
    /// The memory must be mapped, readable and writable, for as long as the result exists, and
    /// there must be no references to it.
    pub unsafe fn from_vaddr(vaddr: NonNull<c_void>, len: usize) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            raw: bindings::iosys_map {
                __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 {
                    vaddr: vaddr.as_ptr(),
                },
                is_iomem: false,
            },
            len,
        }
    }

    /// Takes over what C has filled in.
    ///
    /// # Safety
    ///
    /// `raw` must be set, to `len` bytes for which the requirements of [`Map::from_vaddr`] hold.
    pub(crate) unsafe fn from_raw(raw: bindings::iosys_map, len: usize) -> Self {
        // INVARIANT: By the safety requirements.
        Self { raw, len }
    }

    /// The C structure. Who takes a copy must not use it for longer than `self` exists.
    pub(crate) fn as_raw(&self) -> bindings::iosys_map {
        self.raw
    }

    /// The number of bytes.
    #[inline]
    #[expect(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the memory is I/O memory.
    #[inline]
    pub fn is_iomem(&self) -> bool {
        self.raw.is_iomem
    }

    /// Where the memory begins if it is system memory, for C code that asks for a plain pointer.
    pub(crate) fn vaddr(&self) -> Option<NonNull<c_void>> {
        if self.is_iomem() {
            return None;
        }
        // SAFETY: By the type invariant this is system memory, so the pointer is this one.
        NonNull::new(unsafe { self.raw.__bindgen_anon_1.vaddr })
    }

    /// `ERANGE` unless there are `len` bytes from `offset` on.
    #[inline]
    fn check(&self, offset: usize, len: usize) -> Result {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(ERANGE),
        }
    }

    /// Copies `data` into the memory, `offset` bytes from its beginning.
    ///
    /// Writes nothing and returns `ERANGE` if it does not fit.
    #[inline]
    pub fn write(&self, offset: usize, data: &[u8]) -> Result {
        self.write_lines(offset, 0, 1, data)
    }

    /// Copies `line` into the memory `count` times: `offset` bytes from its beginning, and each
    /// time `stride` bytes further on.
    ///
    /// Writes nothing and returns `ERANGE` if that does not fit.
    #[inline]
    pub fn write_lines(&self, offset: usize, stride: usize, count: usize, line: &[u8]) -> Result {
        let Some(last) = last_line(offset, stride, count)? else {
            return Ok(());
        };

        self.check(last, line.len())?;

        // What is behind the last of them is never used.
        let offsets = (0..count).scan(offset, |next, _| {
            Some(replace(next, next.wrapping_add(stride))) //
        });

        if self.is_iomem() {
            for offset in offsets {
                let mut raw = self.raw;
                let (line, len) = (line.as_ptr().cast(), line.len());
                // SAFETY: By the type invariants, and by the check above.
                unsafe { bindings::iosys_map_memcpy_to(&mut raw, offset, line, len) };
            }
        } else {
            for offset in offsets {
                // Memory that others may access is left to C's `memcpy()`: to the compiler, the
                // function of `core` would promise that nobody does.
                //
                // SAFETY: By the type invariants, and by the check above; `line` cannot overlap
                // with memory that has no references to it.
                unsafe {
                    let vaddr = self.raw.__bindgen_anon_1.vaddr.byte_add(offset);
                    bindings::memcpy(vaddr, line.as_ptr().cast(), line.len());
                }
            }
        }
        Ok(())
    }

    /// Sets `len` bytes to `value`, from `offset` on.
    ///
    /// Writes nothing and returns `ERANGE` if there are not so many.
    pub fn fill(&self, offset: usize, len: usize, value: u8) -> Result {
        self.check(offset, len)?;

        let mut raw = self.raw;
        // SAFETY: By the type invariants, and by the check above.
        unsafe { bindings::iosys_map_memset(&mut raw, offset, value.into(), len) };
        Ok(())
    }

    /// Copies from the memory, `offset` bytes from its beginning, into all of `data`.
    ///
    /// Reads nothing and returns `ERANGE` if there are not so many bytes.
    pub fn read(&self, offset: usize, data: &mut [u8]) -> Result {
        self.check(offset, data.len())?;

        // SAFETY: By the type invariants, and by the check above; `data` cannot overlap with
        // memory that has no references to it.
        unsafe {
            bindings::iosys_map_memcpy_from(
                data.as_mut_ptr().cast(),
                &self.raw,
                offset,
                data.len(),
            );
        };
        Ok(())
    }
}

/// Where the last of `count` lines begins that are `stride` bytes apart, if there are any; `ERANGE`
/// where that cannot be told.
#[inline]
pub(crate) fn last_line(offset: usize, stride: usize, count: usize) -> Result<Option<usize>> {
    let Some(before) = count.checked_sub(1) else {
        return Ok(None);
    };

    stride
        .checked_mul(before)
        .and_then(|distance| offset.checked_add(distance))
        .map(Some)
        .ok_or(ERANGE)
}

#[kunit_tests(vireo_iosys_map)]
mod tests {
    use super::*;

    /// Memory of the test, and a map of it.
    fn with_map(iomem: bool, f: impl FnOnce(&Map)) -> Result<KVec<u8>> {
        let mut memory = KVec::from_elem(0xaau8, 64, GFP_KERNEL)?;
        let raw = bindings::iosys_map {
            __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 {
                // Half of it, with a border on either side.
                vaddr: memory[16..48].as_mut_ptr().cast(),
            },
            is_iomem: iomem,
        };
        // SAFETY: The memory outlives the map, and is not otherwise used while that exists. The
        // accessors of I/O memory reach any memory, or are not called.
        f(&unsafe { Map::from_raw(raw, 32) });
        Ok(memory)
    }

    fn check_copies(iomem: bool) -> Result<bool> {
        let mut seen = [0u8; 4];
        let mut results = [Ok(()); 5];

        let memory = with_map(iomem, |map| {
            results[0] = map.fill(0, 32, 0x11);
            results[1] = map.write(28, &[1, 2, 3, 4]);
            results[2] = map.read(28, &mut seen);
            results[3] = map.write_lines(1, 5, 3, &[5, 6, 7]);
            results[4] = map.write_lines(20, 5, 0, &[8]);
        })?;

        Ok(results.iter().all(|result| result.is_ok())
            && seen == [1, 2, 3, 4]
            && memory[..16].iter().all(|byte| *byte == 0xaa)
            && memory[16] == 0x11
            && memory[17..32]
                .chunks_exact(5)
                .all(|line| line == [5, 6, 7, 0x11, 0x11])
            && memory[32..44].iter().all(|byte| *byte == 0x11)
            && memory[44..48] == [1, 2, 3, 4]
            && memory[48..].iter().all(|byte| *byte == 0xaa))
    }

    #[test]
    fn copies_within_system_memory() -> Result {
        assert!(check_copies(false)?);
        Ok(())
    }

    // User-mode Linux has accessors that only reach what a driver of its own emulates.
    #[cfg(not(CONFIG_UML))]
    #[test]
    fn copies_within_io_memory() -> Result {
        assert!(check_copies(true)?);
        Ok(())
    }

    #[test]
    fn refuses_what_is_out_of_bounds() -> Result {
        for iomem in [false, true] {
            let mut out = [0u8; 2];
            let mut refused = 0;

            let memory = with_map(iomem, |map| {
                for result in [
                    map.write(31, &[0; 2]),
                    map.write(33, &[]),
                    map.write(usize::MAX, &[0; 2]),
                    map.write_lines(0, 16, 3, &[0]),
                    map.write_lines(16, 15, 2, &[0; 2]),
                    map.write_lines(0, usize::MAX, 3, &[0]),
                    map.write_lines(8, usize::MAX, 2, &[0]),
                    map.write_lines(8, usize::MAX - 7, 2, &[]),
                    map.fill(0, 33, 0),
                    map.fill(1, usize::MAX, 0),
                    map.read(31, &mut out),
                ] {
                    refused += usize::from(result == Err(ERANGE));
                }
            })?;

            assert_eq!(refused, 11);
            assert!(memory.iter().all(|byte| *byte == 0xaa));
        }
        Ok(())
    }
}
