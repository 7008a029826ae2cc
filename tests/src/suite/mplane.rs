// SPDX-License-Identifier: GPL-2.0

//! Multi-planar cameras, of which there are two when vireo is loaded with `n_devs=4 multiplanar=2`.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use crate::counters::Counters;
use crate::dmabuf;
use crate::mplane::Camera;
use crate::mplane::Memory;
use crate::mplane::CAPTURE;
use crate::reader::format::offered;
use crate::sys;
use crate::uapi;
use crate::uapi::v4l2_plane;
use crate::v4l2;
use crate::v4l2::Device;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::os::fd::RawFd;

const SIZE: (u32, u32) = (640, 480);

/// The formats with planes of their own, and how many.
const FORMATS: [(&[u8; 4], usize); 2] = [(b"NM12", 2), (b"YM12", 3)];

/// Buffers of each stream here.
const COUNT: u32 = 4;

fn node(instance: usize) -> Outcome<v4l2::Identity> {
    let caps = uapi::V4L2_CAP_VIDEO_CAPTURE_MPLANE;
    v4l2::find("vireo", instance, caps).at("a multi-planar camera")
}

pub(super) fn open(instance: usize, fourcc: &[u8; 4]) -> Outcome<Camera> {
    let fourcc = u32::from_le_bytes(*fourcc);
    Camera::open(&node(instance)?.path, fourcc, SIZE.0, SIZE.1).at("open")
}

fn name(instance: usize) -> Outcome<String> {
    let bus = node(instance)?.bus;
    Ok(bus.trim_start_matches("platform:").to_string())
}

fn counters(instance: usize) -> Outcome<Counters> {
    Counters::read(&name(instance)?).at("counters")
}

/// Planes of each buffer from `allocate`, which is told which plane and its size.
fn buffers(
    camera: &Camera,
    allocate: impl Fn(usize, usize) -> io::Result<Memory>,
) -> Outcome<Vec<Vec<Memory>>> {
    (0..COUNT)
        .map(|_| {
            let planes = camera.sizes.iter().enumerate();
            planes.map(|(i, size)| allocate(i, *size)).collect()
        })
        .collect::<io::Result<_>>()
        .at("memory")
}

/// Dma-bufs of different exporters for the planes of a buffer.
fn mixed(plane: usize, size: usize) -> io::Result<OwnedFd> {
    if plane % 2 == 0 {
        dmabuf::udmabuf(size)
    } else {
        dmabuf::other(size)
    }
}

/// What is offered, and by which type of ioctls.
pub fn formats(_bench: &Bench) -> Outcome {
    for (fourcc, planes) in FORMATS {
        let camera = open(0, fourcc)?;
        equal("planes", camera.sizes.len(), planes)?;
        equal(
            "bytes",
            camera.sizes.iter().sum::<usize>(),
            (SIZE.0 * SIZE.1 * 3 / 2) as usize,
        )?;
        let single = camera.device.with_kind(v4l2::CAPTURE);
        refused("the other type", libc::EINVAL, single.format())?;
        refused("buffers of it", libc::EINVAL, single.request(v4l2::MMAP, 1))?;
        let mut byte = [0];
        refused("read()", libc::EINVAL, single.read(&mut byte))?;
    }
    // One that lies in one plane.
    let camera = open(0, b"YUYV")?;
    equal("planes of YUYV", camera.sizes.len(), 1)?;

    let node = v4l2::find("vireo", 0, uapi::V4L2_CAP_VIDEO_CAPTURE).at("a single-planar one")?;
    let single = Device::open(&node.path).at("open")?;
    let pix = single
        .try_format(u32::from_le_bytes(*b"NM12"), SIZE.0, SIZE.1)
        .at("TRY_FMT")?;
    equal("instead of NV12M", pix.pixelformat, uapi::V4L2_PIX_FMT_YUYV)?;
    let other = single.with_kind(CAPTURE);
    refused("the other type", libc::EINVAL, other.format())
}

pub fn mmap(_bench: &Bench) -> Outcome {
    for format in offered(true).filter(|format| format.is_apart) {
        let mut camera = open(0, &format.fourcc.to_le_bytes())?;
        equal("planes", camera.sizes.len(), format.components.len())?;
        let count = camera.device.request(v4l2::MMAP, COUNT).at("REQBUFS")?;
        let buffers = (0..count)
            .map(|index| camera.map(index))
            .collect::<io::Result<Vec<_>>>()
            .at("mmap")?;
        camera.stream(&buffers, 10)?;
    }
    Ok(())
}

/// Lines of each plane are as far apart as is asked for that plane.
pub fn padding(_bench: &Bench) -> Outcome {
    let node = node(0)?;
    for (fourcc, asked, sizes) in [
        (b"NM12", &[704, 768][..], &[704 * 480, 768 * 240][..]),
        (b"YM12", &[0, 511], &[640 * 480, 512 * 240, 320 * 240]),
    ] {
        let fourcc = u32::from_le_bytes(*fourcc);
        let mut camera = Camera::open_padded(&node.path, fourcc, SIZE, asked).at("open")?;
        equal("sizes", &camera.sizes[..], sizes)?;
        let buffers = buffers(&camera, |_, size| Memory::anonymous(size))?;
        camera.device.request(v4l2::USERPTR, COUNT).at("REQBUFS")?;
        camera.stream(&buffers, 10)?;
    }
    Ok(())
}

pub fn userptr(_bench: &Bench) -> Outcome {
    for (fourcc, _) in FORMATS {
        let mut camera = open(0, fourcc)?;
        let buffers = buffers(&camera, |_, size| Memory::anonymous(size))?;
        camera.device.request(v4l2::USERPTR, COUNT).at("REQBUFS")?;
        camera.stream(&buffers, 20)?;
    }
    Ok(())
}

/// A dma-buf a plane, of different exporters.
pub fn dmabufs(_bench: &Bench) -> Outcome {
    for (fourcc, planes) in FORMATS {
        let before = counters(0)?;
        let mut camera = open(0, fourcc)?;
        let buffers = buffers(&camera, |i, size| Memory::dmabuf(mixed(i, size)?, size))?;
        camera.device.request(v4l2::DMABUF, COUNT).at("REQBUFS")?;
        camera.stream(&buffers, 20)?;
        let attaches = counters(0)?.since(&before, "attaches");
        equal("attaches", attaches, (planes * COUNT as usize) as u64)?;
    }
    Ok(())
}

/// Each plane exported, and imported by another camera.
pub fn export(_bench: &Bench) -> Outcome {
    for (fourcc, planes) in FORMATS {
        let (mut camera, exporter) = (open(0, fourcc)?, open(1, fourcc)?);
        let count = exporter.device.request(v4l2::MMAP, COUNT).at("REQBUFS")?;
        let fds = (0..count).flat_map(|index| (0..planes).map(move |plane| (index, plane)));
        let mut memory = fds
            .map(|(index, plane)| {
                let fd = exporter.export(index, plane as u32)?;
                Memory::dmabuf(fd, camera.sizes[plane])
            })
            .collect::<io::Result<Vec<_>>>()
            .at("EXPBUF")?
            .into_iter();
        let mut buffers = Vec::new();
        for _ in 0..count {
            buffers.push(memory.by_ref().take(planes).collect::<Vec<_>>());
        }
        refused(
            "a plane that is not there",
            libc::EINVAL,
            exporter.export(0, planes as u32),
        )?;
        equal(
            "exports",
            counters(1)?.get("exports"),
            u64::from(count) * planes as u64,
        )?;
        camera.device.request(v4l2::DMABUF, count).at("REQBUFS")?;
        camera.stream(&buffers, 20)?;
    }
    Ok(())
}

/// Planes as VIDIOC_QBUF is told of them.
fn told(fds: &[RawFd]) -> Vec<v4l2_plane> {
    let plane = |fd: &RawFd| {
        let mut plane = v4l2_plane::default();
        plane.m.fd = *fd;
        plane
    };
    fds.iter().map(plane).collect()
}

/// Other planes on an index that had some before: exchanged, doubled, and right again.
pub fn changing(_bench: &Bench) -> Outcome {
    let mut camera = open(0, b"YM12")?;
    let (large, small) = (camera.sizes[0], camera.sizes[1]);
    let before = counters(0)?;
    let memory = |size| {
        let fd = dmabuf::udmabuf(size).at("udmabuf")?;
        let copy = fd.try_clone().at("dup")?;
        let memory = Memory::dmabuf(copy, size).at("mmap")?;
        Ok::<_, String>((fd.as_raw_fd(), fd, memory))
    };
    // The chroma planes are of one size, and may change places.
    let ((y, _y, a), (cb, _cb, b), (cr, _cr, c)) = (memory(large)?, memory(small)?, memory(small)?);
    camera.device.request(v4l2::DMABUF, 1).at("REQBUFS")?;
    camera.device.stream_on().at("STREAMON")?;
    let (straight, exchanged) = (vec![a, b, c], [y, cr, cb]);
    let mut buffers = vec![straight];
    let doubled = [[y, y, cr], [y, cb, cb], [y, cr, cr], [y, cb, y]];
    let mut frames = 0;

    for wrong in &doubled {
        for (order, fds) in [[y, cb, cr], exchanged].into_iter().enumerate() {
            if order == 1 {
                buffers[0].swap(1, 2);
            }
            // The same planes twice, for what videobuf2 does not look at again.
            for _ in 0..2 {
                camera
                    .queue_raw(v4l2::DMABUF, 0, &mut told(&fds))
                    .at("QBUF")?;
                let frame = camera.dequeue(&buffers)?;
                camera.check(&frame)?;
                frames += 1;
            }
            if order == 1 {
                buffers[0].swap(1, 2);
            }
            let result = camera.queue_raw(v4l2::DMABUF, 0, &mut told(wrong));
            refused("one dma-buf for two planes", libc::EINVAL, result)?;
        }
    }
    equal("frames", frames, 16)?;
    let refusals = counters(0)?.since(&before, "refused_same_plane");
    equal("refusals", refusals, 2 * doubled.len() as u64)
}

/// One dma-buf for two planes: one would overwrite the other.
pub fn same(_bench: &Bench) -> Outcome {
    for (fourcc, planes) in FORMATS {
        let before = counters(0)?;
        let mut camera = open(0, fourcc)?;
        let size = camera.sizes.iter().sum();
        let shared = dmabuf::udmabuf(size).at("udmabuf")?;
        let own = buffers(&camera, |i, size| Memory::dmabuf(mixed(i, size)?, size))?;
        camera.device.request(v4l2::DMABUF, COUNT).at("REQBUFS")?;
        for (a, b) in [(0, 1), (0, planes - 1), (planes - 2, planes - 1)] {
            let copy = shared.try_clone().at("dup")?;
            let mut told = vec![v4l2_plane::default(); planes];
            for (i, plane) in told.iter_mut().enumerate() {
                if let Memory::DmaBuf(fd, _) = &own[0][i] {
                    plane.m.fd = fd.as_raw_fd();
                }
            }
            // Another descriptor of it is the same dma-buf.
            told[a].m.fd = shared.as_raw_fd();
            told[b].m.fd = copy.as_raw_fd();
            for _ in 0..3 {
                let result = camera.queue_raw(v4l2::DMABUF, 0, &mut told);
                refused("one dma-buf for two planes", libc::EINVAL, result)?;
            }
        }
        equal(
            "refusals",
            counters(0)?.since(&before, "refused_same_plane"),
            9,
        )?;
        camera.stream(&own, 8)?;
    }
    Ok(())
}

/// A plane that is wrong spoils the buffer, and nothing else.
pub fn wrong(bench: &Bench) -> Outcome {
    let mut camera = open(0, b"YM12")?;
    let own = buffers(&camera, |i, size| Memory::dmabuf(mixed(i, size)?, size))?;
    let small = dmabuf::udmabuf(sys::page()).at("udmabuf")?;
    let stranger = bench.stranger()?;
    stranger.request(v4l2::MMAP, 1).at("REQBUFS of vivid")?;
    let read_only = stranger.export(0, libc::O_RDONLY).at("EXPBUF of vivid")?;
    let null = File::open("/dev/null").at("open")?;
    camera.device.request(v4l2::DMABUF, COUNT).at("REQBUFS")?;
    for wrong in [
        small.as_raw_fd(),
        read_only.as_raw_fd(),
        null.as_raw_fd(),
        -1,
    ] {
        for at in 0..3 {
            let mut told = vec![v4l2_plane::default(); 3];
            for (i, plane) in told.iter_mut().enumerate() {
                if let Memory::DmaBuf(fd, _) = &own[0][i] {
                    plane.m.fd = fd.as_raw_fd();
                }
            }
            told[at].m.fd = wrong;
            let result = camera.queue_raw(v4l2::DMABUF, 0, &mut told);
            refused("a wrong plane", libc::EINVAL, result)?;
        }
    }
    let mut few = vec![v4l2_plane::default(); 2];
    let result = camera.queue_raw(v4l2::DMABUF, 0, &mut few);
    refused("too few planes", libc::EINVAL, result)?;
    camera.stream(&own, 8)
}

/// CREATE_BUFS: planes that are larger, smaller, too few and too many.
pub fn create(_bench: &Bench) -> Outcome {
    let mut camera = open(0, b"YM12")?;
    let sizes = camera.sizes.clone();
    let larger = sizes
        .iter()
        .map(|size| size + sys::page())
        .collect::<Vec<_>>();
    for at in 0..3 {
        let mut smaller = sizes.clone();
        smaller[at] -= 1;
        refused("a smaller plane", libc::EINVAL, camera.create(1, &smaller))?;
    }
    refused("two planes", libc::EINVAL, camera.create(1, &sizes[..2]))?;
    let four = [&larger[..], &larger[..1]].concat();
    refused("four planes", libc::EINVAL, camera.create(1, &four))?;
    equal(
        "the first index",
        camera.create(2, &sizes).at("right sizes")?,
        0,
    )?;
    equal("the next index", camera.create(2, &larger).at("larger")?, 2)?;
    let buffers = (0..4)
        .map(|index| camera.map(index))
        .collect::<io::Result<Vec<_>>>()
        .at("mmap")?;
    camera.stream(&buffers, 12)
}

/// A pool that rotates: each plane's dma-buf is attached once.
pub fn rotating(_bench: &Bench) -> Outcome {
    let mut camera = open(0, b"NM12")?;
    let before = counters(0)?;
    let mut on = buffers(&camera, |i, size| Memory::dmabuf(mixed(i, size)?, size))?;
    let mut idle = buffers(&camera, |i, size| Memory::dmabuf(mixed(i, size)?, size))?;
    camera.device.request(v4l2::DMABUF, COUNT).at("REQBUFS")?;
    for (index, memory) in on.iter().enumerate() {
        camera.queue(index as u32, memory).at("QBUF")?;
    }
    camera.device.stream_on().at("STREAMON")?;
    for _ in 0..32 {
        let frame = camera.dequeue(&on)?;
        camera.check(&frame)?;
        let next = idle.remove(0);
        idle.push(std::mem::replace(&mut on[frame.index as usize], next));
        let index = frame.index;
        camera.queue(index, &on[index as usize]).at("QBUF")?;
    }
    let now = counters(0)?;
    equal(
        "attaches",
        now.since(&before, "attaches"),
        2 * 2 * u64::from(COUNT),
    )?;
    holds(
        "they were found again",
        now.since(&before, "cache_hits") > 0,
    )
}
