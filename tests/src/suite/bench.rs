// SPDX-License-Identifier: GPL-2.0

//! What tests find in front of them, and how they say what is wrong.

use super::colours;
use super::sensor;
use crate::counters::Counters;
use crate::uapi;
use crate::v4l2;
use crate::v4l2::Device;
use crate::v4l2::Identity;

use std::fs;
use std::io;
use std::thread;
use std::time::Duration;
use std::time::Instant;

pub type Outcome<T = ()> = Result<T, String>;

/// The devices.
#[derive(Clone)]
pub struct Bench {
    /// The driver under test; vireo, except when the tests themselves are tried.
    pub driver: String,
}

/// The format that tests use unless they are about formats.
pub const FOURCC: u32 = uapi::V4L2_PIX_FMT_YUYV;
pub const SIZE: (u32, u32) = (640, 480);

impl Bench {
    /// The camera under test number `instance`.
    pub fn camera(&self, instance: usize) -> Outcome<Identity> {
        patiently(|| v4l2::find(&self.driver, instance, uapi::V4L2_CAP_VIDEO_CAPTURE))
    }

    /// Whether one of the cameras is multi-planar.
    pub fn has_multiplanar(&self) -> bool {
        v4l2::find(&self.driver, 0, uapi::V4L2_CAP_VIDEO_CAPTURE_MPLANE).is_ok()
    }

    /// Whether the cameras make errors when asked to.
    pub fn has_errors(&self) -> bool {
        let node = v4l2::find(&self.driver, 0, uapi::V4L2_CAP_VIDEO_CAPTURE);
        let device = node.and_then(|node| Device::open(&node.path));
        device.is_ok_and(|device| device.query_control(sensor::STALL).is_ok())
    }

    /// Opens it, in a known state.
    pub fn open(&self, instance: usize) -> Outcome<Device> {
        let device = Device::open(&self.camera(instance)?.path).at("open")?;
        // vivid's own default is a rate that emulated machines do not reach.
        if self.stamped() {
            colours::reset(&device).at("reset of colours")?;
        }
        if self.is_card() {
            device
                .set_format(uapi::V4L2_PIX_FMT_UYVY, 360, 240)
                .at("S_FMT")?;
        } else {
            reset(&device).at("reset")?;
        }
        Ok(device)
    }

    /// Opens a second file on it.
    pub fn again(&self, instance: usize) -> Outcome<Device> {
        Device::open(&self.camera(instance)?.path).at("open again")
    }

    /// Opens the camera that is left when the one called `gone` is without its driver.
    pub fn camera_left(&self, gone: &str) -> Outcome<Device> {
        if self.bus_name(0)? == gone {
            return Err(format!("{gone} is still there"));
        }
        self.open(0)
    }

    /// The capture node of another driver, in the same format.
    pub fn stranger(&self) -> Outcome<Device> {
        let instance = usize::from(self.driver == "vivid");
        let node = v4l2::find("vivid", instance, uapi::V4L2_CAP_VIDEO_CAPTURE).at("vivid")?;
        let device = Device::open(&node.path).at("open vivid")?;
        reset(&device).at("reset vivid")?;
        Ok(device)
    }

    /// The output node of another driver, in the same format.
    pub fn display(&self) -> Outcome<Device> {
        let node = v4l2::find("vivid", 0, uapi::V4L2_CAP_VIDEO_OUTPUT).at("vivid")?;
        let device = Device::open(&node.path)
            .at("open vivid")?
            .with_kind(v4l2::OUTPUT);
        device
            .set_format(FOURCC, SIZE.0, SIZE.1)
            .at("format of vivid")?;
        Ok(device)
    }

    /// The driver's folder in sysfs.
    pub fn driver_folder(&self) -> String {
        let bus = if self.is_card() { "pci" } else { "platform" };

        format!("/sys/bus/{bus}/drivers/{}", self.driver)
    }

    /// Whether the driver is one of the capture card, which has a frame rate of its own.
    pub fn is_card(&self) -> bool {
        self.driver.starts_with("tw686x")
    }

    /// The name of a camera under its bus, for unbinding.
    pub fn bus_name(&self, instance: usize) -> Outcome<String> {
        let bus = self.camera(instance)?.bus;
        let name = bus
            .strip_prefix("platform:")
            .or(bus.strip_prefix("PCI:"))
            .ok_or(format!("not a platform or PCI device: {bus}"))?;
        // vivid calls itself vivid-000 there.
        Ok(match name.strip_prefix("vivid-") {
            Some(n) => format!(
                "vivid.{}",
                n.trim_start_matches('0').parse::<u32>().unwrap_or(0)
            ),
            None => name.to_string(),
        })
    }

    /// Whether frames bear stamps.
    pub fn stamped(&self) -> bool {
        self.driver == "vireo"
    }
}

/// The format, frame rate and controls that every test starts with.
fn reset(device: &Device) -> io::Result<()> {
    device.set_format(FOURCC, SIZE.0, SIZE.1)?;
    device.set_interval(1, 30)?;
    for id in [
        uapi::V4L2_CID_BRIGHTNESS,
        uapi::V4L2_CID_CONTRAST,
        uapi::V4L2_CID_SATURATION,
        uapi::V4L2_CID_HUE,
        uapi::V4L2_CID_HFLIP,
        uapi::V4L2_CID_VFLIP,
        uapi::V4L2_CID_EXPOSURE_ABSOLUTE,
        uapi::V4L2_CID_ANALOGUE_GAIN,
        uapi::V4L2_CID_ALPHA_COMPONENT,
        uapi::V4L2_CID_TEST_PATTERN,
        sensor::STAMP,
        sensor::SEED,
        sensor::WRAP,
        sensor::STALL,
    ] {
        if let Ok(query) = device.query_control(id) {
            device.set_control(id, query.default_value)?;
        }
    }
    // Not all inputs of vivid can crop, nor can cameras with lists of sizes.
    if let Ok(all) = sensor::selected(device, uapi::V4L2_SEL_TGT_CROP_DEFAULT) {
        sensor::crop(device, 0, all)?;
    }
    Ok(())
}

/// Tries for a while: nodes come and go a little after what makes them.
pub fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>) -> Outcome<T> {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() > Duration::from_secs(3) => return Err(error.to_string()),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Says what was being done when something failed.
pub trait Context<T> {
    fn at(self, what: &str) -> Outcome<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn at(self, what: &str) -> Outcome<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}

/// The call must fail, in this way and no other.
pub fn refused<T>(what: &str, errno: i32, result: io::Result<T>) -> Outcome {
    let wanted = io::Error::from_raw_os_error(errno);
    match result {
        Ok(_) => Err(format!("{what}: accepted instead of: {wanted}")),
        Err(error) if error.raw_os_error() == Some(errno) => Ok(()),
        Err(error) => Err(format!("{what}: {error} instead of: {wanted}")),
    }
}

/// The condition must hold.
pub fn holds(what: &str, condition: bool) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(format!("not so: {what}"))
    }
}

/// The two must be equal.
pub fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Outcome {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {wanted:?}"))
    }
}

/// What may not grow from one test to the next.
#[derive(Debug, PartialEq)]
pub struct Ledger {
    /// References to the module.
    pub users: u64,
    /// dma-bufs in the system.
    pub dmabufs: u64,
    /// Pages pinned and not let go.
    pub pins: i64,
    /// What the cameras' own counters say is still there.
    pub unbalanced: Vec<(&'static str, i64)>,
}

impl Ledger {
    pub fn take(bench: &Bench) -> io::Result<Self> {
        let path = format!("/sys/module/{}/refcnt", bench.driver);
        let users = fs::read_to_string(path)?;
        let dmabufs = fs::read_to_string("/sys/kernel/debug/dma_buf/bufinfo")?;
        let total = dmabufs
            .lines()
            .find(|line| line.starts_with("Total ") && line.contains(" objects"))
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .ok_or_else(|| io::Error::other("bufinfo has no total"))?;
        // Each CPU counts for itself, until it is asked.
        fs::read_to_string("/proc/sys/vm/stat_refresh")?;
        let vmstat = fs::read_to_string("/proc/vmstat")?;
        let counter = |name: &str| {
            vmstat
                .lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse::<i64>().ok())
                .ok_or_else(|| io::Error::other(format!("vmstat has no {name}")))
        };
        let mut unbalanced = Vec::new();
        for number in 0..4 {
            // A camera that is not there, or of another driver, has nothing to say.
            if let Ok(counters) = Counters::read(&format!("{}.{number}", bench.driver)) {
                unbalanced.extend(counters.unbalanced());
            }
        }
        Ok(Self {
            unbalanced,
            users: users.trim().parse().map_err(io::Error::other)?,
            dmabufs: total,
            pins: counter("nr_foll_pin_acquired ")? - counter("nr_foll_pin_released ")?,
        })
    }
}
