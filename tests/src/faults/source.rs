// SPDX-License-Identifier: GPL-2.0

//! Where the memory of buffers comes from, and frames that show that it is in order.

use crate::dmabuf;
use crate::stream;
use crate::stream::Backing;
use crate::stream::Stream;
use crate::suite::bench::Bench;
use crate::suite::bench::Context;
use crate::suite::bench::Outcome;
use crate::suite::bench::FOURCC;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::uapi::v4l2_buffer;
use crate::v4l2;
use crate::v4l2::Device;
use crate::verify::Checker;

use std::os::fd::AsRawFd;

/// The memory of a process, or of somebody else.
#[derive(Clone, Copy, PartialEq)]
pub enum Source {
    Mmap,
    Anonymous,
    HugePages,
    Memfd,
    Private,
    Udmabuf,
    Heap,
    Vivid,
    Sibling,
}

/// As many buffers as a camera has at least.
pub const COUNT: u32 = stream::COUNT;

impl Source {
    pub const ALL: [Self; 9] = [
        Self::Mmap,
        Self::Anonymous,
        Self::HugePages,
        Self::Memfd,
        Self::Private,
        Self::Udmabuf,
        Self::Heap,
        Self::Vivid,
        Self::Sibling,
    ];

    /// One for each of V4L2's types of memory.
    pub const TYPES: [Self; 3] = [Self::Mmap, Self::Anonymous, Self::Udmabuf];

    pub fn name(self) -> &'static str {
        match self {
            Self::Mmap => "MMAP",
            Self::Anonymous => "USERPTR",
            Self::HugePages => "USERPTR, huge pages",
            Self::Memfd => "USERPTR, memfd",
            Self::Private => "USERPTR, private mapping",
            Self::Udmabuf => "DMABUF, udmabuf",
            Self::Heap => "DMABUF, heap",
            Self::Vivid => "DMABUF, of vivid",
            Self::Sibling => "DMABUF, of another vireo",
        }
    }

    /// A file without which the kernel has no such memory.
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Self::HugePages => Some("/sys/kernel/mm/transparent_hugepage/enabled"),
            _ => None,
        }
    }

    pub fn memory(self) -> u32 {
        match self {
            Self::Mmap => v4l2::MMAP,
            Self::Anonymous | Self::HugePages | Self::Memfd | Self::Private => v4l2::USERPTR,
            Self::Udmabuf | Self::Heap | Self::Vivid | Self::Sibling => v4l2::DMABUF,
        }
    }

    fn one(self, size: usize) -> Outcome<Backing> {
        let whole = sys::page_align(size);
        let user = |map| Backing::User(map, 0);
        let file = || sys::memfd(whole);

        match self {
            Self::Anonymous => Backing::anonymous(size),
            Self::HugePages => Mapping::anonymous(whole.next_multiple_of(2 << 20) * 2)
                .and_then(|map| map.advise_huge(true).map(|()| map))
                .map(|map| {
                    let offset = map.address().next_multiple_of(2 << 20) - map.address();
                    Backing::User(map, offset)
                }),
            Self::Memfd => file().and_then(|fd| Mapping::shared(fd, 0, whole).map(user)),
            Self::Private => file().and_then(|fd| Mapping::private(fd, 0, whole).map(user)),
            Self::Heap => dmabuf::heap(size, libc::O_RDWR).and_then(|fd| Backing::dmabuf(fd, size)),
            _ => dmabuf::udmabuf(size).and_then(|fd| Backing::dmabuf(fd, size)),
        }
        .at(self.name())
    }

    /// Memory for `count` buffers of `device`, and another one.
    pub fn backing(self, bench: &Bench, device: &Device, count: u32) -> Outcome<Vec<Backing>> {
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let exporter = match self {
            Self::Mmap => {
                let made = device.request(v4l2::MMAP, count).at("REQBUFS")?;
                let maps = (0..made).map(|index| device.map(index).at("mmap").map(Backing::Mmap));
                return maps.collect();
            }
            Self::Vivid => stranger(bench)?,
            Self::Sibling => second(bench)?,
            _ => return (0..=count).map(|_| self.one(size)).collect(),
        };
        stream::export_buffers(&exporter, count + 1, size)
            .at("EXPBUF")?
            .into_iter()
            .map(|fd| Backing::dmabuf(fd, size).at("mmap of a dma-buf"))
            .collect()
    }

    /// A queue with its buffers, none of which is queued; and memory for another, but for MMAP.
    pub fn prepare<'a>(
        self,
        bench: &Bench,
        device: &'a Device,
    ) -> Outcome<(Stream<'a>, Option<Backing>)> {
        let mut backing = self.backing(bench, device, COUNT)?;
        let spare = (self != Self::Mmap).then(|| backing.pop()).flatten();
        let stream = Stream::prepare(device, backing).at("prepare")?;
        Ok((stream, spare))
    }
}

/// A size with few pages: each of them is a step, more or less.
pub const SIZE: (u32, u32) = (160, 120);

/// The first camera in a known state, small and quick.
pub fn camera(bench: &Bench) -> Outcome<Device> {
    opened(bench, 0)
}

/// The second one, the same.
pub fn second(bench: &Bench) -> Outcome<Device> {
    opened(bench, 1)
}

/// That of another driver, the same.
pub fn stranger(bench: &Bench) -> Outcome<Device> {
    small(bench.stranger()?)
}

fn opened(bench: &Bench, instance: usize) -> Outcome<Device> {
    let device = bench.open(instance)?;

    // A card is opened with its smallest frame, and has one rate.
    if bench.is_card() {
        Ok(device)
    } else {
        small(device)
    }
}

fn small(device: Device) -> Outcome<Device> {
    device.set_format(FOURCC, SIZE.0, SIZE.1).at("S_FMT")?;
    device.set_interval(1, 1000).at("S_PARM")?;
    Ok(device)
}

/// What to give the buffer ioctls for a buffer of a stream.
pub fn described(stream: &Stream<'_>, index: u32) -> v4l2_buffer {
    let mut buffer = stream.device().buffer(stream.memory(), index);

    match &stream.backing()[index as usize] {
        Backing::Mmap(_) => (),
        Backing::User(map, offset) => {
            buffer.m.userptr = (map.address() + offset) as _;
            buffer.length = (map.len() - offset) as u32;
        }
        Backing::DmaBuf(fd, _) => buffer.m.fd = fd.as_raw_fd(),
    }
    buffer
}

/// Whether a buffer has all of `flags`.
pub fn has(stream: &Stream<'_>, index: u32, flags: u32) -> bool {
    let query = stream.device().query(stream.memory(), index);

    query.is_ok_and(|buffer| buffer.flags & flags == flags)
}

/// Queues what is not queued yet, streams, and looks at a frame.
pub fn shoot(stream: &Stream<'_>) -> Outcome {
    for index in 0..stream.backing().len() as u32 {
        if !has(stream, index, uapi::V4L2_BUF_FLAG_QUEUED) {
            stream
                .queue(index)
                .map_err(|e| format!("QBUF {index}: {e}"))?;
        }
    }
    stream.device().stream_on().at("STREAMON")?;
    look(stream)
}

/// Looks at the next frame of a stream.
pub fn look(stream: &Stream<'_>) -> Outcome {
    let mut checker = Checker::new(stream.device()).at("format")?;
    let (frame, data) = stream.next().at("DQBUF")?;

    checker.check(&frame, &data)
}

/// Opens the camera anew, and looks at a frame in its own memory.
pub fn again(bench: &Bench) -> Outcome {
    let device = camera(bench)?;
    let (stream, _) = Source::Mmap.prepare(bench, &device)?;

    shoot(&stream)
}
