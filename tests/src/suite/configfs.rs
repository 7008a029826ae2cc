// SPDX-License-Identifier: GPL-2.0

//! Cameras that are made and removed at run time.

use super::bench::equal;
use super::bench::holds;
use super::bench::patiently;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::sensor;
use crate::reader::format::fourcc;
use crate::stream;
use crate::stream::Stream;
use crate::sys;
use crate::sys::Mapping;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::v4l2::Identity;
use crate::verify;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Where there are directories of cameras.
pub const DIRECTORY: &str = "/sys/kernel/config/vireo";

/// A camera's directory, which goes when this does.
pub(super) struct Directory {
    number: u32,
    path: PathBuf,
}

impl Directory {
    pub(super) fn new(number: u32) -> io::Result<Self> {
        let path = PathBuf::from(format!("{DIRECTORY}/{number}"));
        fs::create_dir(&path)?;
        Ok(Self { number, path })
    }

    pub(super) fn write(&self, file: &str, text: &str) -> io::Result<()> {
        fs::write(self.path.join(file), text)
    }

    pub(super) fn read(&self, file: &str) -> io::Result<String> {
        let text = fs::read_to_string(self.path.join(file))?;
        Ok(text.trim_end().to_string())
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_dir(&self.path)
    }

    fn nodes(&self) -> io::Result<Vec<Identity>> {
        let bus = format!("platform:vireo.{}", self.number);
        let mut nodes = v4l2::nodes()?;
        nodes.retain(|node| node.bus == bus);
        Ok(nodes)
    }

    /// Writes 1 to `enable`, and finds the node.
    pub(super) fn enable(&self) -> Outcome<Identity> {
        self.write("enable", "1").at("enable")?;
        patiently(|| {
            let node = self.nodes()?.pop();
            node.ok_or_else(|| io::Error::other("no node"))
        })
    }

    pub(super) fn is_gone(&self) -> Outcome {
        patiently(|| match self.nodes()?.is_empty() {
            true => Ok(()),
            false => Err(io::Error::other("the node stays")),
        })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

/// A camera is what its files say, and there as long as it is enabled.
pub fn camera(_bench: &Bench) -> Outcome {
    let folder = Directory::new(200).at("mkdir")?;
    for (file, text) in [
        ("enable", "0"),
        ("native_size", "7680x4320"),
        ("name", "vireo"),
        ("multiplanar", "0"),
        ("stepwise", "0"),
    ] {
        equal(file, folder.read(file).at(file)?, text.to_string())?;
    }
    let all = folder.read("formats").at("formats")?;
    holds(
        "all formats",
        all.starts_with("YUYV UYVY ") && all.ends_with(" YM42"),
    )?;

    let settings = [
        ("native_size", "800x600"),
        ("formats", "NV12 RGB3 Y10"),
        ("name", "front door"),
        ("min_fps", "2"),
        ("max_fps", "60"),
        ("error_inj", "1"),
        ("stepwise", "1"),
    ];
    for (file, text) in settings {
        folder.write(file, text).at(file)?;
        equal(file, folder.read(file).at(file)?, text.to_string())?;
    }
    for _ in 0..3 {
        let node = folder.enable()?;
        equal("card", node.card.as_str(), "front door")?;
        equal("enabled", folder.read("enable").at("enable")?.as_str(), "1")?;
        folder.write("enable", "1").at("enable again")?;
        for (file, text) in settings {
            refused(file, libc::EBUSY, folder.write(file, text))?;
        }

        let device = Device::open(&node.path).at("open")?;
        for (index, name) in [b"NV12", b"RGB3", b"Y10 "].into_iter().enumerate() {
            let mut desc = uapi::v4l2_fmtdesc {
                index: index as u32,
                type_: v4l2::CAPTURE,
                ..Default::default()
            };
            device
                .ioctl(uapi::VIDIOC_ENUM_FMT, &mut desc)
                .at("ENUM_FMT")?;
            equal("format", desc.pixelformat, fourcc(name))?;
            desc.index = 3;
            let beyond = device.ioctl(uapi::VIDIOC_ENUM_FMT, &mut desc);
            refused("a fourth", libc::EINVAL, beyond)?;

            let pix = device.set_format(fourcc(name), 1920, 1080).at("S_FMT")?;
            equal("the format", pix.pixelformat, fourcc(name))?;
            equal("the largest", (pix.width, pix.height), (800, 600))?;
            let stream = Stream::mmap(&device).at("start")?;
            verify::frames(&stream, 3)?;
        }
        let pix = device.set_format(fourcc(b"YUYV"), 64, 64).at("S_FMT")?;
        equal("what it is instead", pix.pixelformat, fourcc(b"NV12"))?;
        let native = sensor::selected(&device, uapi::V4L2_SEL_TGT_NATIVE_SIZE);
        equal("the array", native.at("G_SELECTION")?, (0, 0, 800, 600))?;
        equal(
            "the rate",
            device.set_interval(1, 1000).at("S_PARM")?,
            (1, 60),
        )?;
        equal("the least", device.set_interval(5, 1).at("S_PARM")?, (1, 2))?;
        device.query_control(sensor::STALL).at("its errors")?;
        drop(device);
        folder.write("enable", "0").at("disable")?;
        folder.is_gone()?;
    }
    folder.write("enable", "0").at("disable again")
}

/// What makes no sense is refused, and changes nothing.
pub fn wrong(_bench: &Bench) -> Outcome {
    for name in ["x", "256", "-1", "1x", "+3"] {
        let made = fs::create_dir(format!("{DIRECTORY}/{name}"));
        refused(name, libc::EINVAL, made)?;
    }
    refused("a number that is taken", libc::EEXIST, Directory::new(0))?;
    let folder = Directory::new(201).at("mkdir")?;
    let again = fs::create_dir(&folder.path);
    refused("a folder that is there", libc::EEXIST, again)?;
    refused(
        "a folder in it",
        libc::EPERM,
        fs::create_dir(folder.path.join("1")),
    )?;
    for (file, text) in [
        ("enable", "2"),
        ("enable", "yes"),
        ("native_size", "641x480"),
        ("native_size", "8000x480"),
        ("native_size", "16x16"),
        ("native_size", "640"),
        ("formats", "MJPG"),
        ("formats", "YUYV,NV12"),
        ("name", " "),
        ("name", "a name that is too long to be one, by far"),
        ("multiplanar", "2"),
        ("max_fps", "0"),
        ("max_fps", "1001"),
        ("error_inj", "-1"),
        ("stepwise", "2"),
    ] {
        let before = folder.read(file).at(file)?;
        let what = format!("{text} for {file}");
        refused(&what, libc::EINVAL, folder.write(file, text))?;
        equal(file, folder.read(file).at(file)?, before)?;
    }
    folder.write("min_fps", "31").at("min_fps")?;
    folder.write("max_fps", "30").at("max_fps")?;
    refused("no rate", libc::EINVAL, folder.write("enable", "1"))?;
    folder.write("min_fps", "0").at("min_fps")?;
    folder.write("formats", "NM12 YM12").at("formats")?;
    refused("no format", libc::EINVAL, folder.write("enable", "1"))?;
    folder.write("multiplanar", "1").at("multiplanar")?;
    let node = folder.enable()?;
    holds(
        "a multi-planar node",
        node.caps & uapi::V4L2_CAP_VIDEO_CAPTURE_MPLANE != 0,
    )
}

/// A camera whose folder is removed while it streams is as one that is unplugged.
pub fn unplugged(_bench: &Bench) -> Outcome {
    let folder = Directory::new(202).at("mkdir")?;
    let node = folder.enable()?;
    let (device, exporter) = (
        Device::open(&node.path).at("open")?,
        Device::open(&node.path).at("open again")?,
    );
    let stream = Stream::mmap(&device).at("start")?;
    verify::frames(&stream, 3)?;
    let fd = device.export(0, libc::O_RDWR).at("EXPBUF")?;
    folder.remove().at("rmdir")?;
    folder.is_gone()?;
    let start = Instant::now();
    loop {
        match stream.next() {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => break,
            Err(error) => return Err(format!("DQBUF: {error}")),
            Ok(_) => holds("an end", start.elapsed() < Duration::from_secs(5))?,
        }
    }
    refused("G_FMT", libc::ENODEV, exporter.format())?;
    let size = stream.backing().len();
    holds("buffers", size > 0)?;
    drop(stream);
    // The number is free, and what was exported is still there.
    let again = Directory::new(202).at("mkdir again")?;
    let other = Device::open(&again.enable()?.path).at("open")?;
    let map = Mapping::shared(&fd, 0, sys::page()).at("mmap of what was exported")?;
    map.fill(0, sys::page(), 0x5a);
    verify::frames(&Stream::mmap(&other).at("start")?, 3)?;
    let fds = stream::export_buffers(&other, 1, sys::page()).at("EXPBUF")?;
    drop((other, again));
    Mapping::shared(&fds[0], 0, sys::page())
        .at("mmap")?
        .fill(0, sys::page(), 1);
    Ok(())
}

/// Cameras that come and go while others look for them, and folders that go with them.
pub fn races(_bench: &Bench) -> Outcome {
    let end = Instant::now() + Duration::from_secs(4);
    let is_expected = |error: &io::Error| {
        matches!(
            error.raw_os_error(),
            Some(libc::ENOENT | libc::ENODEV | libc::EBUSY | libc::EEXIST | libc::ENXIO)
        )
    };
    let until_end = |what: &dyn Fn() -> io::Result<()>| -> Outcome<u32> {
        let mut count = 0;
        while Instant::now() < end {
            match what() {
                Ok(()) => count += 1,
                Err(error) if is_expected(&error) => (),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(count)
    };
    let path = PathBuf::from(format!("{DIRECTORY}/203"));
    let file = path.join("enable");
    let outcome = thread::scope(|scope| {
        let folders = scope.spawn(|| {
            until_end(&|| {
                let made = fs::create_dir(&path);
                thread::sleep(Duration::from_millis(15));
                fs::remove_dir(&path).and(made)
            })
        });
        let writers = ["1", "0", "1"].map(|text| {
            let file = &file;
            scope.spawn(move || until_end(&|| fs::write(file, text)))
        });
        let opener = scope.spawn(|| {
            until_end(&|| {
                for node in v4l2::nodes()? {
                    if node.bus == "platform:vireo.203" {
                        let device = Device::open(&node.path)?;
                        device.set_format(fourcc(b"YUYV"), 64, 64)?;
                        Stream::mmap(&device)?.next()?;
                    }
                }
                Ok(())
            })
        });
        let join = |thread: thread::ScopedJoinHandle<'_, Outcome<u32>>| {
            thread.join().map_err(|_| "a panic".to_string())?
        };
        let made = join(folders)?;
        for writer in writers {
            holds("enabled and disabled", join(writer)? > 0)?;
        }
        join(opener)?;
        holds("folders were made", made > 10)
    });
    let _ = fs::remove_dir(&path);
    outcome
}

/// A camera that has ranges of sizes and rates, and crops, and the directory that it goes with.
pub(super) fn stepwise(number: u32) -> Outcome<(Device, Directory)> {
    let camera = Directory::new(number).at("mkdir")?;
    camera.write("stepwise", "1").at("stepwise")?;
    let device = Device::open(&camera.enable()?.path).at("open")?;
    Ok((device, camera))
}

/// A camera that no driver binds to is none, and enabling it says so.
pub fn unbound(_bench: &Bench) -> Outcome {
    const PROBE: &str = "/sys/bus/platform/drivers_autoprobe";
    let camera = Directory::new(207).at("mkdir")?;

    fs::write(PROBE, "0").at("drivers_autoprobe")?;
    let outcome = refused("enable", libc::ENODEV, camera.write("enable", "1"));
    fs::write(PROBE, "1").at("drivers_autoprobe")?;
    outcome?;
    equal("enable", camera.read("enable").at("enable")?.as_str(), "0")?;
    camera.enable()?;
    camera.remove().at("rmdir")
}
