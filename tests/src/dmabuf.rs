// SPDX-License-Identifier: GPL-2.0

//! dma-bufs, from allocators that need no device: udmabuf and the heaps.

use crate::sys;
use crate::sys::Mapping;
use crate::uapi;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::Path;

/// A dma-buf made of a memfd's pages.
pub fn udmabuf(size: usize) -> io::Result<OwnedFd> {
    let size = sys::page_align(size);
    let memory = sys::memfd(size)?;
    let device = File::options()
        .read(true)
        .write(true)
        .open("/dev/udmabuf")?;
    let mut create = uapi::udmabuf_create {
        memfd: memory.as_raw_fd() as u32,
        flags: uapi::UDMABUF_FLAGS_CLOEXEC,
        offset: 0,
        size: size as u64,
    };
    sys::ioctl(device.as_fd(), uapi::UDMABUF_CREATE, &mut create).map(sys::owned)
}

/// The system heap, which Debian's kernels for arm64 do not have.
pub const HEAP: &str = "/dev/dma_heap/system";

pub fn has_heap() -> bool {
    Path::new(HEAP).exists()
}

/// A dma-buf of another exporter than udmabuf: the system heap; where there is none, of udmabuf as
/// well.
pub fn other(size: usize) -> io::Result<OwnedFd> {
    if has_heap() {
        heap(size, libc::O_RDWR)
    } else {
        udmabuf(size)
    }
}

/// A dma-buf from the system heap, with the access mode `O_RDWR` or `O_RDONLY`.
pub fn heap(size: usize, mode: i32) -> io::Result<OwnedFd> {
    let device = File::open(HEAP)?;
    let mut data = uapi::dma_heap_allocation_data {
        len: sys::page_align(size) as u64,
        fd_flags: (mode | libc::O_CLOEXEC) as u32,
        ..Default::default()
    };
    sys::ioctl(device.as_fd(), uapi::DMA_HEAP_IOCTL_ALLOC, &mut data)?;
    Ok(sys::owned(data.fd as i32))
}

/// The CPU's access to a mapped dma-buf, from `DMA_BUF_SYNC_START` to `DMA_BUF_SYNC_END`.
pub struct Access<'a> {
    fd: BorrowedFd<'a>,
    direction: u32,
}

impl<'a> Access<'a> {
    pub fn read(fd: BorrowedFd<'a>) -> io::Result<Self> {
        Self::begin(fd, uapi::DMA_BUF_SYNC_READ)
    }

    pub fn write(fd: BorrowedFd<'a>) -> io::Result<Self> {
        Self::begin(fd, uapi::DMA_BUF_SYNC_WRITE)
    }

    fn begin(fd: BorrowedFd<'a>, direction: u32) -> io::Result<Self> {
        sync(fd, uapi::DMA_BUF_SYNC_START | direction)?;
        Ok(Self { fd, direction })
    }

    /// Ends the access, and says how that went.
    pub fn end(self) -> io::Result<()> {
        let result = sync(self.fd, uapi::DMA_BUF_SYNC_END | self.direction);
        std::mem::forget(self);
        result
    }
}

impl Drop for Access<'_> {
    fn drop(&mut self) {
        // Only on the way out of another error.
        let _ = sync(self.fd, uapi::DMA_BUF_SYNC_END | self.direction);
    }
}

fn sync(fd: BorrowedFd<'_>, flags: u32) -> io::Result<()> {
    let mut sync = uapi::dma_buf_sync {
        flags: flags.into(),
    };
    sys::ioctl(fd, uapi::DMA_BUF_IOCTL_SYNC, &mut sync).map(|_| ())
}

/// Copies `len` bytes out of a dma-buf, between the brackets that the kernel asks for.
pub fn bytes(fd: BorrowedFd<'_>, map: &Mapping, len: usize) -> io::Result<Vec<u8>> {
    let access = Access::read(fd)?;
    let data = map.bytes(0, len);
    access.end()?;
    Ok(data)
}
