// SPDX-License-Identifier: GPL-2.0

//! Memory that is mapped.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::ptr;
use std::ptr::NonNull;

use super::check;
use super::page;

/// A mapping of memory that the kernel, or other processes, may write at any time: it is copied
/// from and to, never referred to.
///
/// # Invariants
///
/// `len` bytes at `ptr` are mapped, and belong to this object alone.
pub struct Mapping {
    ptr: NonNull<u8>,
    len: usize,
}

// SAFETY: The mapping belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

// SAFETY: Memory is only copied, and callers live with what they get when others write.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(fd: i32, offset: u64, len: usize, prot: i32, flags: i32) -> io::Result<Self> {
        // SAFETY: A new mapping at an address of the kernel's choice disturbs no other.
        let ptr =
            unsafe { libc::mmap(ptr::null_mut(), len, prot, flags, fd, offset as libc::off_t) };
        if ptr == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let ptr = NonNull::new(ptr.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        // INVARIANT: Just mapped, and given to nobody else.
        Ok(Self { ptr, len })
    }

    /// Anonymous memory.
    pub fn anonymous(len: usize) -> io::Result<Self> {
        Self::new(
            -1,
            0,
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        )
    }

    /// Anonymous memory that may be read only.
    pub fn constant(len: usize) -> io::Result<Self> {
        Self::new(
            -1,
            0,
            len,
            libc::PROT_READ,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        )
    }

    /// Huge pages.
    pub fn huge(len: usize) -> io::Result<Self> {
        Self::new(
            -1,
            0,
            len.next_multiple_of(2 << 20),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB,
        )
    }

    /// A part of a file, for reading and writing, shared.
    pub fn shared(fd: impl AsFd, offset: u64, len: usize) -> io::Result<Self> {
        let fd = fd.as_fd().as_raw_fd();
        Self::new(
            fd,
            offset,
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
        )
    }

    /// A part of a file, for reading, shared.
    pub fn read_only(fd: impl AsFd, offset: u64, len: usize) -> io::Result<Self> {
        let fd = fd.as_fd().as_raw_fd();
        Self::new(fd, offset, len, libc::PROT_READ, libc::MAP_SHARED)
    }

    /// A part of a file, copied on write.
    pub fn private(fd: impl AsFd, offset: u64, len: usize) -> io::Result<Self> {
        let fd = fd.as_fd().as_raw_fd();
        Self::new(
            fd,
            offset,
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE,
        )
    }

    /// Has the kernel use huge pages for it where it can, or none.
    pub fn advise_huge(&self, huge: bool) -> io::Result<()> {
        let advice = if huge {
            libc::MADV_HUGEPAGE
        } else {
            libc::MADV_NOHUGEPAGE
        };
        // SAFETY: A mapping that is ours (type invariant); what is in it stays.
        check(unsafe { libc::madvise(self.ptr.as_ptr().cast(), self.len, advice) }).map(|_| ())
    }

    pub fn address(&self) -> usize {
        self.ptr.as_ptr() as usize
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies out of the mapping.
    pub fn read(&self, offset: usize, data: &mut [u8]) {
        assert!(offset <= self.len && data.len() <= self.len - offset);
        // SAFETY: In bounds, as just checked; `data` is ours alone.
        unsafe {
            ptr::copy_nonoverlapping(self.ptr.as_ptr().add(offset), data.as_mut_ptr(), data.len())
        };
    }

    /// Copies `len` bytes out of the mapping.
    pub fn bytes(&self, offset: usize, len: usize) -> Vec<u8> {
        let mut data = vec![0; len];
        self.read(offset, &mut data);
        data
    }

    /// Copies into the mapping.
    pub fn write(&self, offset: usize, data: &[u8]) {
        assert!(offset <= self.len && data.len() <= self.len - offset);
        // SAFETY: In bounds, as just checked; `data` does not overlap memory that is this object's
        // alone.
        unsafe {
            ptr::copy_nonoverlapping(data.as_ptr(), self.ptr.as_ptr().add(offset), data.len())
        };
    }

    /// Fills a part of the mapping.
    pub fn fill(&self, offset: usize, len: usize, byte: u8) {
        assert!(offset <= self.len && len <= self.len - offset);
        // SAFETY: In bounds, as just checked.
        unsafe { ptr::write_bytes(self.ptr.as_ptr().add(offset), byte, len) };
    }

    /// Puts new memory, all zeroes, in the place of anonymous memory.
    pub fn renew(&self) -> io::Result<()> {
        // SAFETY: Over a mapping that is ours (type invariant), which stays one.
        let ptr = unsafe {
            libc::mmap(
                self.ptr.as_ptr().cast(),
                self.len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if ptr == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Allows to write to it, or not.
    pub fn protect(&self, writable: bool) -> io::Result<()> {
        let prot = if writable {
            libc::PROT_READ | libc::PROT_WRITE
        } else {
            libc::PROT_READ
        };
        // SAFETY: A mapping that is ours (type invariant); what is in it stays.
        check(unsafe { libc::mprotect(self.ptr.as_ptr().cast(), self.len, prot) }).map(|_| ())
    }

    /// Unmaps the second half of it, leaving a hole in the address space.
    pub fn cut(mut self, keep: usize) -> Self {
        assert!(keep > 0 && keep < self.len && keep % page() == 0);
        // SAFETY: Whole pages of a mapping that is ours (type invariant).
        unsafe { libc::munmap(self.ptr.as_ptr().add(keep).cast(), self.len - keep) };
        // INVARIANT: The pages in front are still mapped.
        self.len = keep;
        self
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: Mapped, and ours alone (type invariant).
        unsafe { libc::munmap(self.ptr.as_ptr().cast(), self.len) };
    }
}
