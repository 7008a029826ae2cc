// SPDX-License-Identifier: GPL-2.0

//! Streaming into buffers of any memory type.

use crate::dmabuf;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;

use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

/// Buffers that streams here use, unless told otherwise.
pub const COUNT: u32 = 4;

/// The memory behind one index of a queue.
pub enum Backing {
    /// The device's own memory, mapped here.
    Mmap(Mapping),
    /// Memory of this process, from an offset in a mapping.
    User(Mapping, usize),
    /// Somebody's dma-buf, mapped here.
    DmaBuf(OwnedFd, Mapping),
}

impl Backing {
    /// Anonymous memory of this process.
    pub fn anonymous(size: usize) -> io::Result<Self> {
        Ok(Self::User(Mapping::anonymous(sys::page_align(size))?, 0))
    }

    /// A dma-buf of at least `size` bytes.
    pub fn dmabuf(fd: OwnedFd, size: usize) -> io::Result<Self> {
        let map = Mapping::shared(&fd, 0, sys::page_align(size))?;
        Ok(Self::DmaBuf(fd, map))
    }

    fn memory(&self) -> u32 {
        match self {
            Self::Mmap(..) => v4l2::MMAP,
            Self::User(..) => v4l2::USERPTR,
            Self::DmaBuf(..) => v4l2::DMABUF,
        }
    }
}

/// What the device says of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub index: u32,
    pub sequence: u32,
    /// Nanoseconds on the monotonic clock.
    pub timestamp: u64,
    pub bytesused: usize,
    pub failed: bool,
}

impl From<uapi::v4l2_buffer> for Frame {
    fn from(buffer: uapi::v4l2_buffer) -> Self {
        let time = buffer.timestamp;
        Self {
            index: buffer.index,
            sequence: buffer.sequence,
            timestamp: time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1000,
            bytesused: buffer.bytesused as usize,
            failed: buffer.flags & uapi::V4L2_BUF_FLAG_ERROR != 0,
        }
    }
}

/// A queue with its buffers, streaming until it is dropped.
pub struct Stream<'a> {
    device: &'a Device,
    memory: u32,
    backing: Vec<Backing>,
    size: usize,
}

impl<'a> Stream<'a> {
    /// Gives the buffers to a device and starts it.
    pub fn start(device: &'a Device, backing: Vec<Backing>) -> io::Result<Self> {
        let stream = Self::prepare(device, backing)?;
        for index in 0..stream.backing.len() {
            stream.queue(index as u32)?;
        }
        device.stream_on()?;
        Ok(stream)
    }

    /// Only asks for the indices.
    pub fn prepare(device: &'a Device, backing: Vec<Backing>) -> io::Result<Self> {
        let memory = backing.first().map_or(v4l2::MMAP, Backing::memory);
        let size = device.format()?.sizeimage as usize;
        // The device's own buffers have been asked for already, to be mapped.
        if memory != v4l2::MMAP {
            let count = device.request(memory, backing.len() as u32)?;
            // More is the device's right; they stay empty.
            if (count as usize) < backing.len() {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
        }
        Ok(Self {
            device,
            memory,
            backing,
            size,
        })
    }

    /// Streams into the device's own buffers.
    pub fn mmap(device: &'a Device) -> io::Result<Self> {
        let stream = Self::mmap_ready(device, COUNT)?;
        device.stream_on()?;
        Ok(stream)
    }

    /// Queues so many of the device's own buffers, or as many as there can be.
    pub fn mmap_ready(device: &'a Device, count: u32) -> io::Result<Self> {
        let count = device.request(v4l2::MMAP, count)?;
        let maps = (0..count).map(|index| device.map(index).map(Backing::Mmap));
        let stream = Self::prepare(device, maps.collect::<io::Result<_>>()?)?;
        for index in 0..count {
            stream.queue(index)?;
        }
        Ok(stream)
    }

    /// Streams into memory of this process.
    pub fn userptr(device: &'a Device) -> io::Result<Self> {
        let size = device.format()?.sizeimage as usize;
        let memory = (0..COUNT).map(|_| Backing::anonymous(size));
        Self::start(device, memory.collect::<io::Result<_>>()?)
    }

    /// Streams into dma-bufs that `allocate` makes.
    pub fn dmabuf(
        device: &'a Device,
        mut allocate: impl FnMut(usize) -> io::Result<OwnedFd>,
    ) -> io::Result<Self> {
        let size = device.format()?.sizeimage as usize;
        let fds = (0..COUNT).map(|_| Backing::dmabuf(allocate(size)?, size));
        Self::start(device, fds.collect::<io::Result<_>>()?)
    }

    /// Streams into buffers that another device allocates and exports.
    pub fn import(device: &'a Device, exporter: &Device) -> io::Result<Self> {
        let size = device.format()?.sizeimage as usize;
        let fds = export_buffers(exporter, COUNT, size)?;
        let fds = fds.into_iter().map(|fd| Backing::dmabuf(fd, size));
        Self::start(device, fds.collect::<io::Result<_>>()?)
    }

    pub fn device(&self) -> &'a Device {
        self.device
    }

    pub fn memory(&self) -> u32 {
        self.memory
    }

    /// Leaves the device as it is, for somebody else to stop; the memory that it writes to.
    pub fn abandon(mut self) -> Vec<Backing> {
        let backing = mem::take(&mut self.backing);
        mem::forget(self);
        backing
    }

    pub fn backing(&self) -> &[Backing] {
        &self.backing
    }

    /// Another memory on an index, whose buffer must have been dequeued; returns the old one.
    pub fn replace(&mut self, index: u32, backing: Backing) -> Backing {
        mem::replace(&mut self.backing[index as usize], backing)
    }

    /// Gives a buffer to the device.
    pub fn queue(&self, index: u32) -> io::Result<()> {
        match &self.backing[index as usize] {
            Backing::Mmap(_) => self.device.queue_mmap(index),
            Backing::User(map, offset) => {
                let length = map.len() - offset;
                self.device
                    .queue_userptr(index, map.address() + offset, length)
            }
            Backing::DmaBuf(fd, _) => self.device.queue_dmabuf(index, fd),
        }
    }

    /// The next frame, and what is in it.
    pub fn next(&self) -> io::Result<(Frame, Vec<u8>)> {
        let frame = Frame::from(self.device.dequeue(self.memory)?);
        let data = self.data(frame.index)?;
        Ok((frame, data))
    }

    /// The next frame, without looking into it.
    pub fn dequeue(&self) -> io::Result<Frame> {
        Ok(Frame::from(self.device.dequeue(self.memory)?))
    }

    /// What is in a buffer that is not the device's at the time.
    pub fn data(&self, index: u32) -> io::Result<Vec<u8>> {
        match &self.backing[index as usize] {
            Backing::Mmap(map) => Ok(map.bytes(0, self.size)),
            Backing::User(map, offset) => Ok(map.bytes(*offset, self.size)),
            Backing::DmaBuf(fd, map) => dmabuf::bytes(fd.as_fd(), map, self.size),
        }
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        // The device may be gone, which is what some tests are about.
        let _ = self.device.stream_off();
        self.backing.clear();
        let _ = self.device.request(self.memory, 0);
    }
}

/// Has a device allocate `count` buffers of at least `size` bytes; the first of them.
pub fn create_buffers(device: &Device, count: u32, size: usize) -> io::Result<u32> {
    let mut format = uapi::v4l2_format {
        type_: device.kind(),
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_G_FMT, &mut format)?;
    let mut pix = format.pix();
    pix.sizeimage = pix.sizeimage.max(size as u32);
    format.fmt.pix = pix;
    let mut create = uapi::v4l2_create_buffers {
        count,
        memory: v4l2::MMAP,
        format,
        ..Default::default()
    };
    device.ioctl(uapi::VIDIOC_CREATE_BUFS, &mut create)?;
    if create.count != count {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    Ok(create.index)
}

/// Has a device allocate `count` buffers of at least `size` bytes, and exports them.
pub fn export_buffers(device: &Device, count: u32, size: usize) -> io::Result<Vec<OwnedFd>> {
    let first = create_buffers(device, count, size)?;
    (first..first + count)
        .map(|index| device.export(index, libc::O_RDWR))
        .collect()
}
