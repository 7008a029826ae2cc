// SPDX-License-Identifier: GPL-2.0

//! A V4L2 device, as its ioctls show it.

use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::uapi::v4l2_buffer;

use std::ffi::CStr;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

pub const CAPTURE: u32 = uapi::V4L2_BUF_TYPE_VIDEO_CAPTURE;
pub const OUTPUT: u32 = uapi::V4L2_BUF_TYPE_VIDEO_OUTPUT;

pub const MMAP: u32 = uapi::V4L2_MEMORY_MMAP;
pub const USERPTR: u32 = uapi::V4L2_MEMORY_USERPTR;
pub const DMABUF: u32 = uapi::V4L2_MEMORY_DMABUF;

/// Nothing waits longer than this, so that nothing can hang. Generous: the machine may be emulated.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a node says of itself.
#[derive(Clone, Debug)]
pub struct Identity {
    pub path: PathBuf,
    pub driver: String,
    pub card: String,
    pub bus: String,
    pub caps: u32,
}

/// An open node, used for one type of buffers.
pub struct Device {
    file: File,
    kind: u32,
}

fn pix_format(fourcc: u32, width: u32, height: u32, bytesperline: u32) -> uapi::v4l2_pix_format {
    uapi::v4l2_pix_format {
        width,
        height,
        pixelformat: fourcc,
        bytesperline,
        ..Default::default()
    }
}

fn text(field: &[u8]) -> String {
    CStr::from_bytes_until_nul(field)
        .map(|text| text.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// All video nodes that are there.
pub fn nodes() -> io::Result<Vec<Identity>> {
    let mut nodes = Vec::new();
    for entry in fs::read_dir("/dev")? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name
            .strip_prefix("video")
            .is_none_or(|n| n.parse::<u32>().is_err())
        {
            continue;
        }
        // A node may be on its way out.
        let Ok(device) = Device::open(&path) else {
            continue;
        };
        nodes.push(device.identity(&path)?);
    }
    nodes.sort_by(|a, b| (&a.bus, &a.path).cmp(&(&b.bus, &b.path)));
    Ok(nodes)
}

/// The node of `driver`'s device number `instance` that has all of `caps`.
pub fn find(driver: &str, instance: usize, caps: u32) -> io::Result<Identity> {
    nodes()?
        .into_iter()
        .filter(|node| node.driver == driver && node.caps & caps == caps)
        .nth(instance)
        .ok_or_else(|| io::Error::other(format!("no node {instance} of {driver} with {caps:#x}")))
}

impl Device {
    fn open_with(path: &Path, flags: i32) -> io::Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open(path)?;
        Ok(Self {
            file,
            kind: CAPTURE,
        })
    }

    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_with(path, 0)
    }

    pub fn open_nonblocking(path: &Path) -> io::Result<Self> {
        Self::open_with(path, libc::O_NONBLOCK)
    }

    /// The same node, for another type of buffers.
    pub fn with_kind(mut self, kind: u32) -> Self {
        self.kind = kind;
        self
    }

    pub fn kind(&self) -> u32 {
        self.kind
    }

    /// Any ioctl at all.
    pub fn ioctl<T: Copy>(&self, request: u32, argument: &mut T) -> io::Result<()> {
        sys::ioctl(self.as_fd(), request, argument).map(|_| ())
    }

    pub fn identity(&self, path: &Path) -> io::Result<Identity> {
        let mut cap = uapi::v4l2_capability::default();
        self.ioctl(uapi::VIDIOC_QUERYCAP, &mut cap)?;
        Ok(Identity {
            path: path.to_path_buf(),
            driver: text(&cap.driver),
            card: text(&cap.card),
            bus: text(&cap.bus_info),
            caps: cap.device_caps,
        })
    }

    pub fn format(&self) -> io::Result<uapi::v4l2_pix_format> {
        let mut format = uapi::v4l2_format {
            type_: self.kind,
            ..Default::default()
        };
        self.ioctl(uapi::VIDIOC_G_FMT, &mut format)?;
        Ok(format.pix())
    }

    fn negotiate(
        &self,
        request: u32,
        pix: uapi::v4l2_pix_format,
    ) -> io::Result<uapi::v4l2_pix_format> {
        let mut format = uapi::v4l2_format {
            type_: self.kind,
            ..Default::default()
        };
        format.fmt.pix = pix;
        self.ioctl(request, &mut format)?;
        Ok(format.pix())
    }

    pub fn set_format(&self, fourcc: u32, w: u32, h: u32) -> io::Result<uapi::v4l2_pix_format> {
        self.negotiate(uapi::VIDIOC_S_FMT, pix_format(fourcc, w, h, 0))
    }

    /// The same with so many bytes from one line to the next.
    pub fn set_padded(
        &self,
        fourcc: u32,
        w: u32,
        h: u32,
        bytesperline: u32,
    ) -> io::Result<uapi::v4l2_pix_format> {
        self.negotiate(uapi::VIDIOC_S_FMT, pix_format(fourcc, w, h, bytesperline))
    }

    pub fn try_format(&self, fourcc: u32, w: u32, h: u32) -> io::Result<uapi::v4l2_pix_format> {
        self.negotiate(uapi::VIDIOC_TRY_FMT, pix_format(fourcc, w, h, 0))
    }

    /// Sets the time per frame, and returns what the device made of it.
    pub fn set_interval(&self, numerator: u32, denominator: u32) -> io::Result<(u32, u32)> {
        let mut parm = uapi::v4l2_streamparm {
            type_: self.kind,
            ..Default::default()
        };
        parm.parm.capture = uapi::v4l2_captureparm {
            timeperframe: uapi::v4l2_fract {
                numerator,
                denominator,
            },
            ..Default::default()
        };
        self.ioctl(uapi::VIDIOC_S_PARM, &mut parm)?;
        let time = parm.capture().timeperframe;
        Ok((time.numerator, time.denominator))
    }

    /// Asks for buffers; how many there are.
    pub fn request(&self, memory: u32, count: u32) -> io::Result<u32> {
        let mut request = uapi::v4l2_requestbuffers {
            count,
            type_: self.kind,
            memory,
            ..Default::default()
        };
        self.ioctl(uapi::VIDIOC_REQBUFS, &mut request)?;
        Ok(request.count)
    }

    /// An argument for the buffer ioctls.
    pub fn buffer(&self, memory: u32, index: u32) -> v4l2_buffer {
        v4l2_buffer {
            index,
            type_: self.kind,
            memory,
            ..Default::default()
        }
    }

    pub fn query(&self, memory: u32, index: u32) -> io::Result<v4l2_buffer> {
        let mut buffer = self.buffer(memory, index);
        self.ioctl(uapi::VIDIOC_QUERYBUF, &mut buffer)?;
        Ok(buffer)
    }

    pub fn queue(&self, mut buffer: v4l2_buffer) -> io::Result<()> {
        self.ioctl(uapi::VIDIOC_QBUF, &mut buffer)
    }

    pub fn queue_mmap(&self, index: u32) -> io::Result<()> {
        self.queue(self.buffer(MMAP, index))
    }

    pub fn queue_userptr(&self, index: u32, address: usize, length: usize) -> io::Result<()> {
        let mut buffer = self.buffer(USERPTR, index);
        buffer.m.userptr = address as _;
        buffer.length = length as u32;
        self.queue(buffer)
    }

    pub fn queue_fd(&self, index: u32, fd: i32, length: usize) -> io::Result<()> {
        let mut buffer = self.buffer(DMABUF, index);
        buffer.m.fd = fd;
        buffer.length = length as u32;
        self.queue(buffer)
    }

    pub fn queue_dmabuf(&self, index: u32, fd: impl AsFd) -> io::Result<()> {
        self.queue_fd(index, fd.as_fd().as_raw_fd(), 0)
    }

    /// Takes a buffer at once, or waits for ever if the device was opened so.
    pub fn dequeue_now(&self, memory: u32) -> io::Result<v4l2_buffer> {
        let mut buffer = self.buffer(memory, 0);
        self.ioctl(uapi::VIDIOC_DQBUF, &mut buffer)?;
        Ok(buffer)
    }

    /// Takes a buffer as soon as there is one.
    pub fn dequeue(&self, memory: u32) -> io::Result<v4l2_buffer> {
        let events = if self.kind == OUTPUT {
            libc::POLLOUT
        } else {
            libc::POLLIN
        };
        if self.wait(events, PATIENCE)? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.dequeue_now(memory)
    }

    /// Waits for the events, at most for the time given; 0 if nothing came.
    pub fn wait(&self, events: i16, timeout: Duration) -> io::Result<i16> {
        sys::poll(self.as_fd(), events, timeout)
    }

    /// Maps an MMAP buffer into this process.
    pub fn map(&self, index: u32) -> io::Result<Mapping> {
        let buffer = self.query(MMAP, index)?;
        Mapping::shared(self, buffer.offset().into(), buffer.length as usize)
    }

    /// Exports a buffer as a dma-buf, with the access mode `O_RDWR` or `O_RDONLY`.
    pub fn export(&self, index: u32, mode: i32) -> io::Result<OwnedFd> {
        let mut export = uapi::v4l2_exportbuffer {
            type_: self.kind,
            index,
            flags: (mode | libc::O_CLOEXEC) as u32,
            ..Default::default()
        };
        self.ioctl(uapi::VIDIOC_EXPBUF, &mut export)?;
        Ok(sys::owned(export.fd))
    }

    pub fn stream_on(&self) -> io::Result<()> {
        let mut kind = self.kind as i32;
        self.ioctl(uapi::VIDIOC_STREAMON, &mut kind)
    }

    pub fn stream_off(&self) -> io::Result<()> {
        let mut kind = self.kind as i32;
        self.ioctl(uapi::VIDIOC_STREAMOFF, &mut kind)
    }

    pub fn control(&self, id: u32) -> io::Result<i32> {
        let mut control = uapi::v4l2_control { id, value: 0 };
        self.ioctl(uapi::VIDIOC_G_CTRL, &mut control)?;
        Ok(control.value)
    }

    /// A control that may have more than 32 bits.
    pub fn control64(&self, id: u32) -> io::Result<i64> {
        let mut control = uapi::v4l2_ext_control {
            id,
            ..Default::default()
        };
        let mut controls = uapi::v4l2_ext_controls {
            count: 1,
            controls: &mut control,
            ..Default::default()
        };
        self.ioctl(uapi::VIDIOC_G_EXT_CTRLS, &mut controls)?;
        Ok(control.value64())
    }

    pub fn set_control(&self, id: u32, value: i32) -> io::Result<()> {
        let mut control = uapi::v4l2_control { id, value };
        self.ioctl(uapi::VIDIOC_S_CTRL, &mut control)
    }

    pub fn query_control(&self, id: u32) -> io::Result<uapi::v4l2_queryctrl> {
        let mut query = uapi::v4l2_queryctrl {
            id,
            ..Default::default()
        };
        self.ioctl(uapi::VIDIOC_QUERYCTRL, &mut query)?;
        Ok(query)
    }

    /// The number of the control of this name.
    pub fn find_control(&self, name: &str) -> io::Result<u32> {
        let mut id = 0;
        loop {
            let query = self.query_control(id | uapi::V4L2_CTRL_FLAG_NEXT_CTRL)?;
            if query.name.iter().zip(name.bytes()).all(|(a, b)| *a == b) {
                return Ok(query.id);
            }
            id = query.id;
        }
    }

    pub fn subscribe(&self, event: u32, id: u32) -> io::Result<()> {
        let mut subscription = uapi::v4l2_event_subscription {
            type_: event,
            id,
            ..Default::default()
        };
        self.ioctl(uapi::VIDIOC_SUBSCRIBE_EVENT, &mut subscription)
    }

    /// Takes an event as soon as there is one.
    pub fn event(&self) -> io::Result<uapi::v4l2_event> {
        if self.wait(libc::POLLPRI, PATIENCE)? & libc::POLLPRI == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut event = uapi::v4l2_event::default();
        self.ioctl(uapi::VIDIOC_DQEVENT, &mut event)?;
        Ok(event)
    }

    /// `read()`.
    pub fn read(&self, data: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(data)
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
