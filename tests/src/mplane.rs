// SPDX-License-Identifier: GPL-2.0

//! Multi-planar buffers: a few ioctls with planes, and frames put together from them.

use crate::reader::stamp::Stamp;
use crate::reader::Reader;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::uapi::v4l2_plane;
use crate::v4l2;
use crate::v4l2::Device;

use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::path::Path;

pub const CAPTURE: u32 = uapi::V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

/// The memory of one plane.
pub enum Memory {
    Mmap(Mapping),
    User(Mapping),
    DmaBuf(OwnedFd, Mapping),
}

impl Memory {
    pub fn anonymous(size: usize) -> io::Result<Self> {
        Mapping::anonymous(sys::page_align(size)).map(Self::User)
    }

    pub fn dmabuf(fd: OwnedFd, size: usize) -> io::Result<Self> {
        let map = Mapping::shared(&fd, 0, sys::page_align(size))?;
        Ok(Self::DmaBuf(fd, map))
    }

    fn kind(&self) -> u32 {
        match self {
            Self::Mmap(_) => v4l2::MMAP,
            Self::User(_) => v4l2::USERPTR,
            Self::DmaBuf(..) => v4l2::DMABUF,
        }
    }

    fn map(&self) -> &Mapping {
        match self {
            Self::Mmap(map) | Self::User(map) | Self::DmaBuf(_, map) => map,
        }
    }

    /// How VIDIOC_QBUF is told of it.
    fn plane(&self) -> v4l2_plane {
        let mut plane = v4l2_plane::default();
        match self {
            Self::Mmap(_) => {}
            Self::User(map) => {
                plane.m.userptr = map.address() as _;
                plane.length = map.len() as u32;
            }
            Self::DmaBuf(fd, _) => plane.m.fd = fd.as_raw_fd(),
        }
        plane
    }
}

/// A dequeued frame: its index, sequence number, whether it has the error flag, and its planes, one
/// after the other.
pub struct Frame {
    pub index: u32,
    pub sequence: u32,
    pub failed: bool,
    pub data: Vec<u8>,
}

/// What reads frames of a format.
fn reader_of(pix: &uapi::v4l2_pix_format_mplane) -> Option<Reader> {
    let planes = pix.plane_fmt;
    let planes = planes.iter().take(pix.num_planes.into());
    let strides = planes.map(|plane| plane.bytesperline).collect::<Vec<_>>();
    Reader::padded(pix.pixelformat, pix.width, pix.height, &strides)
}

/// A multi-planar node with a format.
pub struct Camera {
    pub device: Device,
    /// The size of each plane.
    pub sizes: Vec<usize>,
    reader: Reader,
}

impl Camera {
    /// Opens a node and sets a format.
    pub fn open(path: &Path, fourcc: u32, width: u32, height: u32) -> io::Result<Self> {
        Self::open_padded(path, fourcc, (width, height), &[])
    }

    /// The same with so many bytes from one line to the next in each plane, of those that are named.
    pub fn open_padded(
        path: &Path,
        fourcc: u32,
        (width, height): (u32, u32),
        bytesperline: &[u32],
    ) -> io::Result<Self> {
        let device = Device::open(path)?.with_kind(CAPTURE);
        let mut format = uapi::v4l2_format {
            type_: CAPTURE,
            ..Default::default()
        };
        let mut pix = uapi::v4l2_pix_format_mplane {
            width,
            height,
            pixelformat: fourcc,
            num_planes: bytesperline.len() as u8,
            ..Default::default()
        };
        let mut planes = pix.plane_fmt;
        for (plane, asked) in planes.iter_mut().zip(bytesperline) {
            plane.bytesperline = *asked;
        }
        pix.plane_fmt = planes;
        format.fmt.pix_mp = pix;
        device.ioctl(uapi::VIDIOC_S_FMT, &mut format)?;
        device.set_interval(1, 30)?;
        let set = format.pix_mp();
        let all = set.plane_fmt;
        let all = &all[..set.num_planes as usize];
        let sizes = all.iter().map(|plane| plane.sizeimage as usize).collect();
        let reader = reader_of(&set)
            .filter(|_| set.pixelformat == fourcc)
            .ok_or_else(|| io::Error::other("not the format that was asked for"))?;
        Ok(Self {
            device,
            sizes,
            reader,
        })
    }

    /// The format as it is.
    pub fn format(&self) -> io::Result<uapi::v4l2_format> {
        let mut format = uapi::v4l2_format {
            type_: CAPTURE,
            ..Default::default()
        };
        self.device.ioctl(uapi::VIDIOC_G_FMT, &mut format)?;
        Ok(format)
    }

    /// Whether the format is still the one that was set: anybody may change it until there are
    /// buffers.
    pub fn is_as_set(&self) -> io::Result<bool> {
        let format = self.format()?;
        Ok(reader_of(&format.pix_mp())
            .is_some_and(|reader| reader.layout() == self.reader.layout()))
    }

    /// Allocates buffers as CREATE_BUFS does, with planes of other sizes; the first index.
    pub fn create(&self, count: u32, sizes: &[usize]) -> io::Result<u32> {
        let mut format = self.format()?;
        let mut pix = format.pix_mp();
        let mut all = pix.plane_fmt;
        for (plane, size) in all.iter_mut().zip(sizes) {
            plane.sizeimage = *size as u32;
        }
        pix.plane_fmt = all;
        pix.num_planes = sizes.len() as u8;
        format.fmt.pix_mp = pix;
        let mut create = uapi::v4l2_create_buffers {
            count,
            memory: v4l2::MMAP,
            format,
            ..Default::default()
        };
        self.device.ioctl(uapi::VIDIOC_CREATE_BUFS, &mut create)?;
        Ok(create.index)
    }

    fn call(
        &self,
        request: u32,
        memory: u32,
        index: u32,
        planes: &mut [v4l2_plane],
    ) -> io::Result<uapi::v4l2_buffer> {
        let mut buffer = self.device.buffer(memory, index);
        buffer.m.planes = planes.as_mut_ptr();
        buffer.length = planes.len() as u32;
        self.device.ioctl(request, &mut buffer)?;
        Ok(buffer)
    }

    /// Maps the planes of one of the device's own buffers.
    pub fn map(&self, index: u32) -> io::Result<Vec<Memory>> {
        let mut planes = vec![v4l2_plane::default(); self.sizes.len()];
        self.call(uapi::VIDIOC_QUERYBUF, v4l2::MMAP, index, &mut planes)?;
        planes
            .iter()
            .map(|plane| {
                Mapping::shared(&self.device, plane.offset().into(), plane.length as usize)
            })
            .map(|map| map.map(Memory::Mmap))
            .collect()
    }

    /// Exports one plane of a buffer.
    pub fn export(&self, index: u32, plane: u32) -> io::Result<OwnedFd> {
        let mut export = uapi::v4l2_exportbuffer {
            type_: CAPTURE,
            index,
            plane,
            flags: (libc::O_RDWR | libc::O_CLOEXEC) as u32,
            ..Default::default()
        };
        self.device.ioctl(uapi::VIDIOC_EXPBUF, &mut export)?;
        Ok(sys::owned(export.fd))
    }

    /// Gives a buffer to the device, told of its planes as `planes` says.
    pub fn queue_raw(&self, memory: u32, index: u32, planes: &mut [v4l2_plane]) -> io::Result<()> {
        self.call(uapi::VIDIOC_QBUF, memory, index, planes)
            .map(|_| ())
    }

    /// Gives a buffer with this memory to the device.
    pub fn queue(&self, index: u32, memory: &[Memory]) -> io::Result<()> {
        let mut planes = memory.iter().map(Memory::plane).collect::<Vec<_>>();
        self.queue_raw(memory[0].kind(), index, &mut planes)
    }

    /// Takes a buffer, and says what is in the memory that it was queued with.
    pub fn dequeue(&self, buffers: &[Vec<Memory>]) -> Result<Frame, String> {
        let say = |e: io::Error| format!("DQBUF: {e}");
        let events = self
            .device
            .wait(libc::POLLIN, v4l2::PATIENCE)
            .map_err(say)?;
        if events == 0 {
            return Err("no frame came".into());
        }
        let mut planes = vec![v4l2_plane::default(); self.sizes.len()];
        let kind = buffers[0][0].kind();
        let buffer = self
            .call(uapi::VIDIOC_DQBUF, kind, 0, &mut planes)
            .map_err(say)?;
        let failed = buffer.flags & uapi::V4L2_BUF_FLAG_ERROR != 0;
        let mut data = Vec::new();
        for ((memory, plane), size) in buffers[buffer.index as usize]
            .iter()
            .zip(&planes)
            .zip(&self.sizes)
        {
            if !failed && plane.bytesused as usize != *size {
                return Err(format!("{} bytes used of {size}", plane.bytesused));
            }
            data.extend(memory.map().bytes(0, *size));
        }
        Ok(Frame {
            index: buffer.index,
            sequence: buffer.sequence,
            failed,
            data,
        })
    }

    /// Reads the stamp of a frame and compares every pixel.
    pub fn check(&mut self, frame: &Frame) -> Result<Stamp, String> {
        if frame.failed {
            return Err(format!("frame {} has the error flag", frame.sequence));
        }
        let stamp = self.reader.check(&frame.data).into_result()?;
        if stamp.frame.sequence != frame.sequence {
            return Err(format!(
                "frame {} bears the stamp of {}",
                frame.sequence, stamp.frame.sequence
            ));
        }
        Ok(stamp)
    }

    /// Streams `count` frames into buffers that are there, and checks each.
    pub fn stream(&mut self, buffers: &[Vec<Memory>], count: usize) -> Result<(), String> {
        for (index, memory) in buffers.iter().enumerate() {
            self.queue(index as u32, memory)
                .map_err(|e| format!("QBUF {index}: {e}"))?;
        }
        self.device
            .stream_on()
            .map_err(|e| format!("STREAMON: {e}"))?;
        for _ in 0..count {
            let frame = self.dequeue(buffers)?;
            self.check(&frame)?;
            self.queue(frame.index, &buffers[frame.index as usize])
                .map_err(|e| format!("QBUF again: {e}"))?;
        }
        self.device
            .stream_off()
            .map_err(|e| format!("STREAMOFF: {e}"))
    }
}
