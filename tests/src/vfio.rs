// SPDX-License-Identifier: GPL-2.0

//! A PCI function in the hands of vfio-pci, which exports its memory (BARs) as dma-bufs.

use crate::sys;
use crate::sys::Mapping;
use crate::uapi;

use std::fs;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

/// The command register in the configuration space, and its bits.
const COMMAND: u64 = 4;
const COMMAND_MEMORY: u16 = 2;
const COMMAND_MASTER: u16 = 4;

/// A function that vfio-pci drives, opened through its group.
pub struct Function {
    device: File,
    // In this order: a group is not let go while its device is open.
    _group: File,
    _container: File,
}

/// Calls an `ioctl` of vfio, whose numbers do not say how large their argument is: it says so
/// itself, or is `words` as they are.
fn ioctl(file: &File, request: u32, words: &mut [u64]) -> io::Result<i32> {
    // SAFETY: The kernel reads and writes as many bytes as `argsz` says in the beginning, which
    // those below set to no more than there are, or as many as the request has.
    let ret = unsafe { libc::ioctl(file.as_raw_fd(), request.into(), words.as_mut_ptr()) };
    if ret < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(ret)
}

fn sysfs(address: &str) -> PathBuf {
    Path::new("/sys/bus/pci/devices").join(address)
}

fn open(path: impl AsRef<Path>) -> io::Result<File> {
    File::options().read(true).write(true).open(path)
}

/// Gives a function to vfio-pci, whose module is loaded.
fn bind(address: &str) -> io::Result<()> {
    let function = sysfs(address);
    let driver = function.join("driver");

    if fs::read_link(&driver).is_ok_and(|driver| driver.ends_with("vfio-pci")) {
        return Ok(());
    }
    fs::write(function.join("driver_override"), "vfio-pci")?;
    if driver.exists() {
        fs::write(driver.join("unbind"), address)?;
    }
    fs::write("/sys/bus/pci/drivers_probe", address)
}

impl Function {
    /// Opens the function with this address, such as `0000:02:00.0`.
    pub fn open(address: &str) -> io::Result<Self> {
        bind(address)?;

        let group = fs::read_link(sysfs(address).join("iommu_group"))?;
        let group = group.file_name().unwrap_or_default();
        let group = open(Path::new("/dev/vfio").join(group))?;
        let container = open("/dev/vfio/vfio")?;
        // The argument is a pointer to the number.
        let mut argument = [container.as_raw_fd() as u64];
        ioctl(&group, uapi::VFIO_GROUP_SET_CONTAINER, &mut argument)?;
        sys::ioctl_value(
            container.as_fd(),
            uapi::VFIO_SET_IOMMU.into(),
            uapi::VFIO_TYPE1_IOMMU.into(),
        )?;

        // A string, with a zero at the end.
        let mut name = [0u8; 16];
        name[..address.len()].copy_from_slice(address.as_bytes());
        let mut words = [0; 2];
        for (word, bytes) in words.iter_mut().zip(name.chunks_exact(8)) {
            *word = u64::from_ne_bytes(bytes.try_into().map_err(io::Error::other)?);
        }
        let fd = ioctl(&group, uapi::VFIO_GROUP_GET_DEVICE_FD, &mut words)?;
        let this = Self {
            device: sys::owned(fd).into(),
            _group: group,
            _container: container,
        };
        this.enable_memory(true)?;
        Ok(this)
    }

    /// Where a region is in the file, and how large it is.
    fn region(&self, index: u32) -> io::Result<(u64, u64)> {
        // argsz and flags, index and cap_offset, size, offset.
        let mut info = [32, u64::from(index), 0, 0];
        ioctl(&self.device, uapi::VFIO_DEVICE_GET_REGION_INFO, &mut info)?;
        Ok((info[3], info[2]))
    }

    /// Lets the function answer to accesses of its memory, or not. While it does not, what was
    /// exported is revoked: importers are told, and waited for.
    pub fn enable_memory(&self, enable: bool) -> io::Result<()> {
        let (config, _) = self.region(uapi::VFIO_PCI_CONFIG_REGION_INDEX)?;
        let mut command = [0; 2];
        self.device.read_exact_at(&mut command, config + COMMAND)?;
        let old = u16::from_le_bytes(command) | COMMAND_MASTER;
        let new = if enable {
            old | COMMAND_MEMORY
        } else {
            old & !COMMAND_MEMORY
        };
        self.device
            .write_all_at(&new.to_le_bytes(), config + COMMAND)
    }

    /// Resets the function, which revokes what was exported as well.
    pub fn reset(&self) -> io::Result<()> {
        sys::ioctl_none(&self.device, uapi::VFIO_DEVICE_RESET)
    }

    /// The size of a BAR in bytes.
    pub fn size(&self, bar: u32) -> io::Result<usize> {
        Ok(self.region(bar)?.1 as usize)
    }

    /// Maps a BAR for the CPU. Its memory must be enabled when it is accessed.
    pub fn map(&self, bar: u32) -> io::Result<Mapping> {
        let (offset, size) = self.region(bar)?;
        Mapping::shared(&self.device, offset, size as usize)
    }

    /// Exports a part of a BAR as a dma-buf.
    pub fn export(&self, bar: u32, offset: usize, len: usize) -> io::Result<OwnedFd> {
        let flags = uapi::VFIO_DEVICE_FEATURE_GET | uapi::VFIO_DEVICE_FEATURE_DMA_BUF;
        let mode = (libc::O_RDWR | libc::O_CLOEXEC) as u32;
        let pair = |low: u32, high: u32| u64::from(low) | (u64::from(high) << 32);
        // argsz and flags; region_index and open_flags, flags and nr_ranges, one range.
        let mut words = [0, pair(bar, mode), pair(0, 1), offset as u64, len as u64];
        words[0] = pair(size_of_val(&words) as u32, flags);
        let fd = ioctl(&self.device, uapi::VFIO_DEVICE_FEATURE, &mut words)?;
        Ok(sys::owned(fd))
    }
}
