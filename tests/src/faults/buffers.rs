// SPDX-License-Identifier: GPL-2.0

//! The buffer ioctls, with every type of memory.

use super::nth::Attempt;
use super::source;
use super::source::camera;
use super::source::described;
use super::source::has;
use super::source::look;
use super::source::shoot;
use super::source::Source;
use super::source::COUNT;
use super::Case;
use crate::stream;
use crate::stream::Stream;
use crate::suite::bench::Bench;
use crate::suite::bench::Context;
use crate::suite::bench::Outcome;
use crate::uapi;
use crate::v4l2;

use std::io;

/// A call that `round` makes with buffers of `source`.
fn case(
    call: &str,
    source: Source,
    round: impl Fn(&Bench, &mut Attempt<'_>) -> Outcome + 'static,
) -> Case {
    Case {
        needs: source.needs(),
        ..Case::new(&format!("{call} {}", source.name()), round)
    }
}

/// As `case()`, where memory is taken possession of.
fn acquiring(
    call: &str,
    source: Source,
    round: impl Fn(&Bench, &mut Attempt<'_>) -> Outcome + 'static,
) -> Case {
    let case = case(call, source, round);

    match source {
        // This is what it calls it when there is no room to map it; we hand on what we are told.
        Source::Udmabuf => case.or(libc::EINVAL),
        _ => case,
    }
}

/// A buffer that is queued already is not queued again; it may even have a frame by now.
fn is_queued(stream: &Stream<'_>, error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINVAL)
        && (has(stream, 0, uapi::V4L2_BUF_FLAG_QUEUED) || has(stream, 0, uapi::V4L2_BUF_FLAG_DONE))
}

fn reqbufs(source: Source) -> Case {
    case("REQBUFS", source, move |bench, attempt| {
        let device = camera(bench)?;
        attempt.call(|| device.request(source.memory(), COUNT))?;
        let (stream, _) = source.prepare(bench, &device)?;
        shoot(&stream)
    })
}

fn create_bufs(source: Source) -> Case {
    case("CREATE_BUFS", source, move |bench, attempt| {
        let device = camera(bench)?;
        let mut format = uapi::v4l2_format {
            type_: device.kind(),
            ..Default::default()
        };
        device.ioctl(uapi::VIDIOC_G_FMT, &mut format).at("G_FMT")?;
        attempt.call(|| {
            let mut create = uapi::v4l2_create_buffers {
                count: COUNT,
                memory: source.memory(),
                format,
                ..Default::default()
            };
            device.ioctl(uapi::VIDIOC_CREATE_BUFS, &mut create)
        })?;
        let (stream, _) = source.prepare(bench, &device)?;
        shoot(&stream)
    })
}

fn querybuf(source: Source) -> Case {
    case("QUERYBUF", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        attempt.call(|| device.query(source.memory(), 1))?;
        shoot(&stream)
    })
}

fn prepare_buf(source: Source) -> Case {
    acquiring("PREPARE_BUF", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        let buffer = described(&stream, 0);
        attempt.call_unless(
            || device.ioctl(uapi::VIDIOC_PREPARE_BUF, &mut { buffer }),
            |_| has(&stream, 0, uapi::V4L2_BUF_FLAG_PREPARED),
        )?;
        shoot(&stream)
    })
}

/// The first time that a buffer is queued.
fn qbuf(source: Source) -> Case {
    acquiring("QBUF", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        attempt.call_unless(|| stream.queue(0), |e| is_queued(&stream, e))?;
        shoot(&stream)
    })
}

/// A buffer that has been queued before, and is where it was, while streaming.
fn qbuf_again(source: Source) -> Case {
    acquiring("QBUF again", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        shoot(&stream)?;
        attempt.call_unless(|| stream.queue(0), |e| is_queued(&stream, e))?;
        look(&stream)
    })
}

/// Other memory on an index, while streaming, and the old memory on another one.
fn qbuf_other(source: Source) -> Case {
    acquiring("QBUF of other memory", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (mut stream, spare) = source.prepare(bench, &device)?;
        shoot(&stream)?;
        let old = spare.map(|spare| stream.replace(0, spare));
        attempt.call_unless(|| stream.queue(0), |e| is_queued(&stream, e))?;
        look(&stream)?;
        if let Some(old) = old {
            drop(stream.replace(1, old));
            stream.queue(1).at("QBUF of what was elsewhere")?;
        }
        look(&stream)
    })
}

fn streamon(source: Source) -> Case {
    case("STREAMON", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        for index in 0..stream.backing().len() as u32 {
            stream.queue(index).at("QBUF")?;
        }
        attempt.call(|| device.stream_on())?;
        look(&stream)
    })
}

fn dqbuf(source: Source) -> Case {
    case("DQBUF", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        shoot(&stream)?;
        // What the first try took it did not tell of: the second has the next one.
        device.wait(libc::POLLIN, v4l2::PATIENCE).at("poll")?;
        attempt.call(|| device.dequeue_now(source.memory()))?;
        look(&stream)
    })
}

fn streamoff(source: Source) -> Case {
    case("STREAMOFF", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        shoot(&stream)?;
        attempt.call(|| device.stream_off())?;
        shoot(&stream)
    })
}

fn reqbufs_none(source: Source) -> Case {
    case("REQBUFS(0)", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        shoot(&stream)?;
        device.stream_off().at("STREAMOFF")?;
        attempt.call(|| device.request(source.memory(), 0))?;
        drop(stream);
        let (stream, _) = source.prepare(bench, &device)?;
        shoot(&stream)
    })
}

/// The last close, while the device streams.
fn close(source: Source) -> Case {
    case("close", source, move |bench, attempt| {
        let device = camera(bench)?;
        let (stream, _) = source.prepare(bench, &device)?;
        shoot(&stream)?;
        let backing = stream.abandon();
        attempt.silent(|| drop(device))?;
        drop(backing);
        source::again(bench)
    })
}

fn mmap() -> Case {
    Case::new("mmap", |bench, attempt| {
        let device = camera(bench)?;
        device.request(v4l2::MMAP, COUNT).at("REQBUFS")?;
        let buffer = device.query(v4l2::MMAP, 0).at("QUERYBUF")?;
        let map = attempt.call(|| {
            crate::sys::Mapping::shared(&device, buffer.offset().into(), buffer.length as usize)
        })?;
        map.fill(0, map.len(), 1);
        drop(map);
        let stream = Stream::mmap(&device).at("start")?;
        look(&stream)
    })
}

/// The pages of a mapping, when they are first touched.
fn touch() -> Case {
    Case::new("touching what is mapped", |bench, attempt| {
        let device = camera(bench)?;
        device.request(v4l2::MMAP, COUNT).at("REQBUFS")?;
        let map = device.map(0).at("mmap")?;
        attempt.silent(|| map.fill(0, map.len(), 1))?;
        drop(map);
        let stream = Stream::mmap(&device).at("start")?;
        look(&stream)
    })
}

fn munmap() -> Case {
    Case::new("munmap", |bench, attempt| {
        let device = camera(bench)?;
        device.request(v4l2::MMAP, COUNT).at("REQBUFS")?;
        let map = device.map(0).at("mmap")?;
        attempt.silent(|| drop(map))?;
        let stream = Stream::mmap(&device).at("start")?;
        look(&stream)
    })
}

fn expbuf() -> Case {
    Case::new("EXPBUF", |bench, attempt| {
        let (device, second) = (camera(bench)?, source::second(bench)?);
        device.request(v4l2::MMAP, COUNT).at("REQBUFS")?;
        // When the descriptor could not be told it is there all the same: see `Case::run`.
        let fd = attempt.call(|| device.export(0, libc::O_RDWR))?;
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let backing = vec![stream::Backing::dmabuf(fd, size).at("mmap")?];
        let stream = Stream::prepare(&second, backing).at("REQBUFS")?;
        shoot(&stream)
    })
    // videobuf2 has one error for all that an exporter says.
    .or(libc::EINVAL)
}

pub(super) fn cases() -> Vec<Case> {
    let all = Source::ALL;
    let types = Source::TYPES;
    let other = all.into_iter().filter(|source| *source != Source::Mmap);
    let mut cases = Vec::new();

    cases.extend(types.map(reqbufs));
    cases.extend(types.map(create_bufs));
    cases.extend([mmap(), touch(), munmap(), expbuf()]);
    cases.extend(types.map(querybuf));
    cases.extend(types.map(prepare_buf));
    cases.extend(all.map(qbuf));
    cases.extend(all.map(qbuf_again));
    cases.extend(other.map(qbuf_other));
    cases.extend(all.map(streamon));
    cases.extend(types.map(dqbuf));
    cases.extend(all.map(streamoff));
    cases.extend(all.map(reqbufs_none));
    cases.extend(all.map(close));
    cases
}
