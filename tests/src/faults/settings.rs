// SPDX-License-Identifier: GPL-2.0

//! The calls that have nothing to do with buffers, and `read()` and `poll()`.

use super::source;
use super::source::camera;
use super::source::SIZE;
use super::Case;
use crate::reader::fields::Fields;
use crate::reader::Reader;
use crate::suite::bench::equal;
use crate::suite::bench::Bench;
use crate::suite::bench::Context;
use crate::suite::bench::Outcome;
use crate::suite::bench::FOURCC;
use crate::sys;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;

use std::io;
use std::os::fd::AsFd;

/// An ioctl on an open camera, made as often as one likes.
fn simple(name: &str, call: impl Fn(&Device) -> io::Result<()> + 'static) -> Case {
    Case::new(name, move |bench, attempt| {
        let device = camera(bench)?;
        attempt.call(|| call(&device))?;
        drop(device);
        // The frame is of a file that was opened before: nothing was lost with the failed call.
        Ok(())
    })
}

/// As `simple()`, with a look at a frame each time, because something is changed.
fn changing(name: &str, call: impl Fn(&Device) -> io::Result<()> + 'static) -> Case {
    Case::new(name, move |bench, attempt| {
        let device = camera(bench)?;
        attempt.call(|| call(&device))?;
        let (stream, _) = source::Source::Mmap.prepare(bench, &device)?;
        source::shoot(&stream)
    })
}

fn open() -> Case {
    Case::new("open", |bench, attempt| {
        let path = bench.camera(0)?.path;
        let device = attempt.call(|| Device::open(&path))?;
        let (stream, _) = source::Source::Mmap.prepare(bench, &device)?;
        source::shoot(&stream)
    })
}

fn close() -> Case {
    Case::new("close of an idle file", |bench, attempt| {
        let device = camera(bench)?;
        attempt.silent(|| drop(device))?;
        source::again(bench)
    })
}

fn s_fmt() -> Case {
    Case::new("S_FMT", |bench, attempt| {
        let device = camera(bench)?;
        let before = device.format().at("G_FMT")?;
        let (w, h) = (SIZE.0 / 2, SIZE.1 / 2);
        attempt.call(|| {
            // Told or not, it is one of the two.
            let now = device.set_format(FOURCC, w, h);
            now.map(|_| ())
        })?;
        let after = device.format().at("G_FMT")?;
        equal("the width", after.width, w)?;
        equal("what it was", before.width, SIZE.0)?;
        let (stream, _) = source::Source::Mmap.prepare(bench, &device)?;
        source::shoot(&stream)
    })
}

fn subscribe() -> Case {
    Case::new("SUBSCRIBE_EVENT", |bench, attempt| {
        let device = camera(bench)?;
        let id = uapi::V4L2_CID_BRIGHTNESS;
        attempt.call(|| device.subscribe(uapi::V4L2_EVENT_CTRL, id))?;
        bench
            .again(0)?
            .set_control(id, 77)
            .at("S_CTRL of another file")?;
        equal("value", device.event().at("DQEVENT")?.control().1, 77)
    })
}

fn dqevent() -> Case {
    Case::new("DQEVENT", |bench, attempt| {
        let device = camera(bench)?;
        let other = bench.again(0)?;
        for id in [uapi::V4L2_CID_BRIGHTNESS, uapi::V4L2_CID_CONTRAST] {
            device
                .subscribe(uapi::V4L2_EVENT_CTRL, id)
                .at("SUBSCRIBE_EVENT")?;
            other.set_control(id, 99).at("S_CTRL")?;
        }
        // What was taken and could not be told of is lost; the other one is still there.
        attempt.call(|| {
            let mut event = uapi::v4l2_event::default();
            device.ioctl(uapi::VIDIOC_DQEVENT, &mut event)
        })
    })
}

fn unsubscribe() -> Case {
    Case::new("UNSUBSCRIBE_EVENT", |bench, attempt| {
        let device = camera(bench)?;
        device
            .subscribe(uapi::V4L2_EVENT_FRAME_SYNC, 0)
            .at("SUBSCRIBE_EVENT")?;
        let mut all = uapi::v4l2_event_subscription {
            type_: uapi::V4L2_EVENT_ALL,
            ..Default::default()
        };
        attempt.call(|| device.ioctl(uapi::VIDIOC_UNSUBSCRIBE_EVENT, &mut all))
    })
}

/// The call that sets up buffers and starts the sensor.
fn read_first() -> Case {
    Case::new("read, the first", |bench, attempt| {
        let device = camera(bench)?;
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let mut data = vec![1; size];
        let bytes = attempt.call(|| device.read(&mut data))?;
        equal("bytes", bytes, size)?;
        stamped(&device, &data)
    })
}

fn read_next() -> Case {
    Case::new("read", |bench, attempt| {
        let device = camera(bench)?;
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let mut data = vec![1; size];
        device.read(&mut data).at("read")?;
        let bytes = attempt.call(|| device.read(&mut data))?;
        equal("bytes", bytes, size)?;
        stamped(&device, &data)
    })
}

/// poll() of a file that nobody has streamed on starts reading.
fn poll_first() -> Case {
    Case::new("poll, the first", |bench, attempt| {
        let device = camera(bench)?;
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let mut data = vec![1; size];
        attempt.call(|| sys::poll(device.as_fd(), libc::POLLIN, v4l2::PATIENCE))?;
        // A poll() that could not start it says POLLERR, which is no error of its own.
        let bytes = device.read(&mut data).at("read")?;
        equal("bytes", bytes, size)?;
        stamped(&device, &data)
    })
}

fn stamped(device: &Device, data: &[u8]) -> Outcome {
    let pix = device.format().at("G_FMT")?;

    let fields = Fields::from_v4l2(pix.field).ok_or("the reader does not know the fields")?;

    Reader::of_fields(fields, pix.pixelformat, (pix.width, pix.height), &[])
        .ok_or("the reader does not know the format")?
        .check(data)
        .into_result()
        .map(|_| ())
}

/// The value is the old or the new one, and the call can be made again.
fn s_ctrl(bench: &Bench) -> Outcome<Device> {
    let device = camera(bench)?;
    device
        .set_control(uapi::V4L2_CID_CONTRAST, 130)
        .at("S_CTRL")?;
    Ok(device)
}

fn s_ext_ctrls() -> Case {
    Case::new("S_EXT_CTRLS", |bench, attempt| {
        let device = s_ctrl(bench)?;
        let mut list = [uapi::v4l2_ext_control::default(); 2];
        let (brightness, contrast) = (uapi::V4L2_CID_BRIGHTNESS, uapi::V4L2_CID_CONTRAST);
        (list[0].id, list[1].id) = (brightness, contrast);
        list[0].__bindgen_anon_1.value = 11;
        list[1].__bindgen_anon_1.value = 12;
        attempt.call(|| {
            let mut all = uapi::v4l2_ext_controls {
                count: list.len() as u32,
                controls: list.as_mut_ptr(),
                ..Default::default()
            };
            device.ioctl(uapi::VIDIOC_S_EXT_CTRLS, &mut all)
        })?;
        equal("brightness", device.control(brightness).at("G_CTRL")?, 11)?;
        equal("contrast", device.control(contrast).at("G_CTRL")?, 12)?;
        source::again(bench)
    })
}

pub(super) fn cases() -> Vec<Case> {
    let enumerate = |device: &Device| {
        let mut desc = uapi::v4l2_fmtdesc {
            type_: device.kind(),
            ..Default::default()
        };
        device.ioctl(uapi::VIDIOC_ENUM_FMT, &mut desc)
    };
    let sizes = |device: &Device| {
        let mut sizes = uapi::v4l2_frmsizeenum {
            pixel_format: FOURCC,
            ..Default::default()
        };
        device.ioctl(uapi::VIDIOC_ENUM_FRAMESIZES, &mut sizes)
    };
    let intervals = |device: &Device| {
        let mut intervals = uapi::v4l2_frmivalenum {
            pixel_format: FOURCC,
            width: SIZE.0,
            height: SIZE.1,
            ..Default::default()
        };
        device.ioctl(uapi::VIDIOC_ENUM_FRAMEINTERVALS, &mut intervals)
    };
    let brightness = uapi::V4L2_CID_BRIGHTNESS;

    vec![
        open(),
        close(),
        simple("QUERYCAP", |device| {
            device.identity(std::path::Path::new("")).map(|_| ())
        }),
        simple("ENUM_FMT", enumerate),
        simple("ENUM_FRAMESIZES", sizes),
        simple("ENUM_FRAMEINTERVALS", intervals),
        simple("G_FMT", |device| device.format().map(|_| ())),
        simple("TRY_FMT", |device| {
            device.try_format(FOURCC, 16, 16).map(|_| ())
        }),
        s_fmt(),
        changing("S_PARM", |device| device.set_interval(1, 50).map(|_| ())),
        simple("QUERYCTRL", move |device| {
            device.query_control(brightness).map(|_| ())
        }),
        simple("G_CTRL", move |device| {
            device.control(brightness).map(|_| ())
        }),
        changing("S_CTRL", move |device| device.set_control(brightness, 40)),
        s_ext_ctrls(),
        simple("LOG_STATUS", |device| {
            sys::ioctl_none(device, uapi::VIDIOC_LOG_STATUS)
        }),
        subscribe(),
        dqevent(),
        unsubscribe(),
        read_first(),
        read_next(),
        poll_first(),
    ]
}
