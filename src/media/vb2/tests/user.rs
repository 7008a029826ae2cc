// SPDX-License-Identifier: GPL-2.0

//! User space, as far as a queue can tell.

use super::*;

/// How many pages the buffers of a camera may have.
pub(super) const MAX_PAGES: usize = 40;

/// A descriptor of a dma-buf, which is closed when this is dropped.
pub(in super::super) struct Fd(i32);

impl Fd {
    pub(in super::super) fn new(dmabuf: ARef<DmaBuf>) -> Result<Self> {
        let raw = ARef::into_raw(dmabuf);
        // SAFETY: The dma-buf is valid; the descriptor takes the reference over, if there is one.
        match unsafe { bindings::dma_buf_fd(raw.as_ptr().cast(), O_RDWR as i32) } {
            fd if fd >= 0 => Ok(Self(fd)),
            e => {
                // SAFETY: It was not taken over.
                drop(unsafe { ARef::from_raw(raw) });
                Err(Error::from_errno(e))
            }
        }
    }

    pub(in super::super) fn number(&self) -> i32 {
        self.0
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: The descriptor is the test's own, and nobody uses it any more.
        unsafe { bindings::close_fd(self.0 as u32) };
        flush_delayed_fput();
    }
}

/// What user space gives for a plane.
#[derive(Clone, Copy)]
pub(in super::super) enum Plane {
    Mmap,
    Fd(i32, u32),
    User(usize, u32),
}

/// What user space gets of a buffer.
pub(in super::super) struct Frame {
    pub(in super::super) index: u32,
    pub(in super::super) sequence: u32,
    pub(in super::super) field: u32,
    pub(in super::super) timestamp: u64,
    /// What the timestamp tells, and by which clock.
    pub(in super::super) timestamp_flags: u32,
    pub(in super::super) is_error: bool,
    pub(in super::super) bytesused: [u32; 2],
}

/// User space: it has a [`Camera`] open, and closes it when this is dropped.
pub(in super::super) struct User<E: Look = Cpu> {
    pub(in super::super) camera: Arc<Camera<E>>,
    pub(in super::super) stats: Arc<Stats>,
    memory: u32,
    planes: usize,
    // Last: the buffers were mapped for it.
    dev: Device,
}

impl User {
    /// Opens a camera whose engine is the CPU, and whose buffers have planes of these sizes, and
    /// asks for so many.
    pub(in super::super) fn open(memory: u32, count: u32, sizes: &[u32]) -> Result<Self> {
        Self::open_any(memory, count, sizes)
    }

    /// Fills the buffer that is next, as a driver does, and takes it from the queue.
    pub(in super::super) fn frame(&self, offset: usize, data: &[u8]) -> Result<Frame> {
        let mut buffer = self.next()?;

        let result = buffer.begin_cpu_access(0).and_then(|mut plane| {
            plane.write(offset, data)?;
            plane.end()
        });
        match result {
            Ok(()) => buffer.done(&META, &[data.len() as u32]),
            Err(_) => buffer.error(&META),
        }
        self.dequeue()
    }

    /// Queues a dma-buf, and has a byte written to it.
    pub(in super::super) fn import(&self, index: u32, fd: &Fd, byte: u8) -> Result<Frame> {
        self.queue(index, &[Plane::Fd(fd.number(), 0)])?;
        self.frame(0, &[byte])
    }
}

impl<E: Look> User<E> {
    /// As [`User::open`], for any engine.
    pub(super) fn open_any(memory: u32, count: u32, sizes: &[u32]) -> Result<Self> {
        let dev = Device::new(c"vireo-kunit", true)?;

        Self::open_on(dev, memory, count, sizes)
    }

    /// As [`User::open_any`], where the camera is a part of `dev`.
    pub(super) fn open_on(dev: Device, memory: u32, count: u32, sizes: &[u32]) -> Result<Self> {
        let parent = dev.get();
        let stats = Stats::new(GFP_KERNEL)?;
        let planes = PlaneSizes::new(sizes)?;
        let buf_type = Self::buf_type(sizes.len());
        let counters = stats.clone();
        let camera = Arc::pin_init(
            try_pin_init!(&this in Camera {
                // SAFETY: The queue is a part of the camera, and used once that is initialized.
                queue <- unsafe { Queue::new(this, buf_type, counters) },
                planes,
                start_error: Atomic::new(0),
                is_early: Atomic::new(false),
                invalidations: Atomic::new(0),
                marks: Arc::new(Atomic::new(0), GFP_KERNEL)?,
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: Nobody uses the queue yet. `User` keeps the device for longer than the camera.
        unsafe { camera.queue.set_device(parent) }?;
        let this = Self {
            camera,
            stats,
            memory,
            planes: sizes.len(),
            dev,
        };

        this.request(count)?;
        Ok(this)
    }

    fn buf_type(planes: usize) -> u32 {
        if planes > 1 {
            bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
        } else {
            bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE
        }
    }

    fn type_(&self) -> u32 {
        Self::buf_type(self.planes)
    }

    /// Calls `f` as an ioctl does: with the queue's lock held.
    fn ioctl(&self, f: impl FnOnce(*mut bindings::vb2_queue) -> i32) -> Result {
        let queue = &self.camera.queue;

        // SAFETY: The mutex is initialized, and not held by this thread.
        unsafe { bindings::mutex_lock(queue.lock()) };
        let result = to_result(f(queue.as_raw()));
        // SAFETY: It was locked above.
        unsafe { bindings::mutex_unlock(queue.lock()) };
        result
    }

    /// VIDIOC_REQBUFS of so many, and no fewer.
    pub(in super::super) fn request(&self, count: u32) -> Result {
        if self.reqbufs(count)? == count {
            Ok(())
        } else {
            Err(ENOMEM)
        }
    }

    /// VIDIOC_REQBUFS: how many there are.
    pub(super) fn reqbufs(&self, count: u32) -> Result<u32> {
        let mut request = bindings::v4l2_requestbuffers {
            count,
            type_: self.type_(),
            memory: self.memory,
            ..Default::default()
        };
        // SAFETY: The queue is initialized, and its lock held.
        self.ioctl(|q| unsafe { bindings::vb2_reqbufs(q, &mut request) })?;
        flush_delayed_fput();
        Ok(request.count)
    }

    /// VIDIOC_CREATE_BUFS of one buffer, with planes of these sizes: its index.
    pub(in super::super) fn create(&self, sizes: &[u32]) -> Result<u32> {
        let mut create = bindings::v4l2_create_buffers {
            count: 1,
            memory: self.memory,
            ..Default::default()
        };
        create.format.type_ = self.type_();
        if self.planes > 1 {
            let mut format = bindings::v4l2_pix_format_mplane {
                num_planes: sizes.len() as u8,
                ..Default::default()
            };
            let mut planes = [bindings::v4l2_plane_pix_format::default(); 8];
            for (plane, size) in planes.iter_mut().zip(sizes) {
                plane.sizeimage = *size;
            }
            format.plane_fmt = planes;
            create.format.fmt.pix_mp = format;
        } else {
            create.format.fmt.pix = bindings::v4l2_pix_format {
                sizeimage: sizes[0],
                ..Default::default()
            };
        }
        // SAFETY: The queue is initialized, and its lock held.
        self.ioctl(|q| unsafe { bindings::vb2_create_bufs(q, &mut create) })?;
        Ok(create.index)
    }

    /// VIDIOC_QBUF.
    pub(in super::super) fn queue(&self, index: u32, given: &[Plane]) -> Result {
        let mut planes = [bindings::v4l2_plane::default(); 2];
        let mut buffer = bindings::v4l2_buffer {
            index,
            type_: self.type_(),
            memory: self.memory,
            ..Default::default()
        };

        for (plane, given) in planes.iter_mut().zip(given) {
            match *given {
                Plane::Mmap => (),
                Plane::Fd(fd, length) => (plane.m.fd, plane.length) = (fd, length),
                Plane::User(addr, length) => (plane.m.userptr, plane.length) = (addr, length),
            }
        }
        if self.planes > 1 {
            buffer.length = given.len() as u32;
            buffer.m.planes = planes.as_mut_ptr();
        } else {
            buffer.length = planes[0].length;
            match given[0] {
                Plane::Mmap => (),
                Plane::Fd(fd, _) => buffer.m.fd = fd,
                Plane::User(addr, _) => buffer.m.userptr = addr,
            }
        }
        // SAFETY: The queue is initialized, and its lock held; there are as many planes as the
        // buffer says.
        let result = self.ioctl(|q| unsafe { bindings::vb2_qbuf(q, null_mut(), &mut buffer) });
        flush_delayed_fput();
        result
    }

    /// VIDIOC_DQBUF, which does not wait.
    pub(in super::super) fn dequeue(&self) -> Result<Frame> {
        let mut planes = [bindings::v4l2_plane::default(); 2];
        let mut buffer = bindings::v4l2_buffer {
            type_: self.type_(),
            memory: self.memory,
            ..Default::default()
        };
        if self.planes > 1 {
            buffer.length = self.planes as u32;
            buffer.m.planes = planes.as_mut_ptr();
        }
        // SAFETY: As for queueing.
        self.ioctl(|q| unsafe { bindings::vb2_dqbuf(q, &mut buffer, true) })?;

        let time = buffer.timestamp;
        Ok(Frame {
            index: buffer.index,
            sequence: buffer.sequence,
            field: buffer.field,
            timestamp: time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1000,
            timestamp_flags: buffer.flags
                & (bindings::V4L2_BUF_FLAG_TIMESTAMP_MASK
                    | bindings::V4L2_BUF_FLAG_TSTAMP_SRC_MASK),
            is_error: buffer.flags & bindings::V4L2_BUF_FLAG_ERROR != 0,
            bytesused: if self.planes > 1 {
                [planes[0].bytesused, planes[1].bytesused]
            } else {
                [buffer.bytesused, 0]
            },
        })
    }

    /// VIDIOC_STREAMON.
    pub(in super::super) fn start(&self) -> Result {
        // SAFETY: The queue is initialized, and its lock held.
        self.ioctl(|q| unsafe { bindings::vb2_streamon(q, self.type_()) })
    }

    /// VIDIOC_STREAMOFF.
    pub(in super::super) fn stop(&self) -> Result {
        // SAFETY: The queue is initialized, and its lock held.
        let result = self.ioctl(|q| unsafe { bindings::vb2_streamoff(q, self.type_()) });
        flush_delayed_fput();
        result
    }

    /// VIDIOC_EXPBUF.
    pub(in super::super) fn export(&self, index: u32) -> Result<Fd> {
        let mut export = bindings::v4l2_exportbuffer {
            type_: self.type_(),
            index,
            flags: O_RDWR,
            ..Default::default()
        };
        // SAFETY: The queue is initialized, and its lock held.
        self.ioctl(|q| unsafe { bindings::vb2_expbuf(q, &mut export) })?;
        Ok(Fd(export.fd))
    }

    /// The buffer that is next.
    pub(in super::super) fn next(&self) -> Result<Buffer<'_, Camera<E>>> {
        self.camera.queue.next().ok_or(EAGAIN)
    }

    /// The device that memory is mapped for.
    pub(super) fn device(&self) -> &Device {
        &self.dev
    }

    pub(in super::super) fn count(&self, counter: Counter) -> u64 {
        self.stats.get(counter)
    }

    /// How many devices are attached to something.
    pub(in super::super) fn attached(&self) -> u64 {
        self.count(Counter::Attaches) - self.count(Counter::Detaches)
    }

    /// Closes the camera; what it counted must balance then.
    pub(in super::super) fn close(self) -> bool {
        let stats = self.stats.clone();
        let balance = |a, b| stats.get(a) == stats.get(b);

        drop(self);
        flush_delayed_fput();
        balance(Counter::Attaches, Counter::Detaches)
            && balance(Counter::Maps, Counter::Unmaps)
            && balance(Counter::VMaps, Counter::VUnmaps)
            && [
                Counter::PagesPinned,
                Counter::PagesAllocated,
                Counter::Segments,
                Counter::Exports,
                Counter::BytesCopied,
            ]
            .iter()
            .all(|counter| stats.get(*counter) == 0)
    }
}

impl<E: Look> Drop for User<E> {
    fn drop(&mut self) {
        let _ = self.ioctl(|q| {
            // SAFETY: The queue is initialized, and its lock held.
            unsafe { bindings::vb2_queue_release(q) };
            0
        });
        flush_delayed_fput();
    }
}
