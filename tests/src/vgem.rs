// SPDX-License-Identifier: GPL-2.0

//! Buffers of vgem, a DRM device without hardware, which attaches fences to them on request.

use crate::sys;
use crate::uapi;

use std::fs;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;

/// Where the devices of the driver are, if there are any.
const DRIVER: &str = "/sys/bus/faux/devices/vgem/drm";

/// What there is in sysfs while the driver is loaded.
pub const MODULE: &str = "/sys/module/vgem";

/// The device, opened.
pub struct Vgem(File);

/// A buffer, and the dma-buf that it is exported as.
pub struct Buffer {
    handle: u32,
    pub dmabuf: OwnedFd,
}

impl Vgem {
    pub fn open() -> io::Result<Self> {
        // Its parent is a platform device on older kernels.
        let nodes =
            fs::read_dir(DRIVER).or_else(|_| fs::read_dir("/sys/bus/platform/devices/vgem/drm"))?;
        for node in nodes {
            let name = node?.file_name();
            if name.to_string_lossy().starts_with("card") {
                let path = std::path::Path::new("/dev/dri").join(name);
                return Ok(Self(File::options().read(true).write(true).open(path)?));
            }
        }
        Err(io::Error::other("vgem has no card"))
    }

    /// Makes a buffer of at least `size` bytes.
    pub fn buffer(&self, size: usize) -> io::Result<Buffer> {
        let mut dumb = uapi::drm_mode_create_dumb {
            width: 1024,
            height: (size as u32).div_ceil(4096),
            bpp: 32,
            ..Default::default()
        };
        sys::ioctl(self.0.as_fd(), uapi::DRM_IOCTL_MODE_CREATE_DUMB, &mut dumb)?;
        let mut prime = uapi::drm_prime_handle {
            handle: dumb.handle,
            flags: (libc::O_CLOEXEC | libc::O_RDWR) as u32,
            ..Default::default()
        };
        sys::ioctl(
            self.0.as_fd(),
            uapi::DRM_IOCTL_PRIME_HANDLE_TO_FD,
            &mut prime,
        )?;
        Ok(Buffer {
            handle: dumb.handle,
            dmabuf: sys::owned(prime.fd),
        })
    }

    /// Imports a dma-buf of somebody else.
    pub fn import(&self, dmabuf: OwnedFd) -> io::Result<Buffer> {
        let mut prime = uapi::drm_prime_handle {
            fd: dmabuf.as_raw_fd(),
            ..Default::default()
        };
        sys::ioctl(
            self.0.as_fd(),
            uapi::DRM_IOCTL_PRIME_FD_TO_HANDLE,
            &mut prime,
        )?;
        Ok(Buffer {
            handle: prime.handle,
            dmabuf,
        })
    }

    /// Attaches a fence of a write, which is pending until it is signalled, or for ten seconds; its
    /// number.
    pub fn attach_fence(&self, buffer: &Buffer) -> io::Result<u32> {
        self.attach(buffer, uapi::VGEM_FENCE_WRITE)
    }

    /// The same of a read.
    pub fn attach_read_fence(&self, buffer: &Buffer) -> io::Result<u32> {
        self.attach(buffer, 0)
    }

    fn attach(&self, buffer: &Buffer, flags: u32) -> io::Result<u32> {
        let mut attach = uapi::drm_vgem_fence_attach {
            handle: buffer.handle,
            flags,
            ..Default::default()
        };
        sys::ioctl(
            self.0.as_fd(),
            uapi::DRM_IOCTL_VGEM_FENCE_ATTACH,
            &mut attach,
        )?;
        Ok(attach.out_fence)
    }

    pub fn signal(&self, fence: u32) -> io::Result<()> {
        let mut signal = uapi::drm_vgem_fence_signal {
            fence,
            ..Default::default()
        };
        sys::ioctl(
            self.0.as_fd(),
            uapi::DRM_IOCTL_VGEM_FENCE_SIGNAL,
            &mut signal,
        )
        .map(|_| ())
    }
}
