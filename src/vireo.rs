// SPDX-License-Identifier: GPL-2.0

//! vireo: a virtual camera.
//!
//! The first driver on the abstractions of the `media` crate: a V4L2 capture device whose sensor is
//! made of software, and whose buffers are everybody's.

#![forbid(unsafe_code)]

use kernel::{
    driver,
    platform,
    prelude::*,
    InPlaceModule, //
};

use media::{
    compat::param,
    platform::VirtualDevice, //
};

// The modules of a crate root lie beside it; this lets them lie in a folder of their own. What is
// pure is shared with the tests' crate, where it is public.
#[path = "vireo"]
#[allow(unreachable_pub)]
mod vireo {
    pub(crate) mod camera;
    pub(crate) mod clock;
    pub(crate) mod colorimetry;
    pub(crate) mod colour;
    pub(crate) mod config;
    #[cfg(CONFIG_CONFIGFS_FS)]
    pub(crate) mod configfs;
    pub(crate) mod conversion;
    pub(crate) mod csc;
    pub(crate) mod ctrls;
    pub(crate) mod debugfs;
    pub(crate) mod device;
    pub(crate) mod format;
    pub(crate) mod latency;
    pub(crate) mod layout;
    pub(crate) mod modes;
    pub(crate) mod pacing;
    pub(crate) mod pattern;
    pub(crate) mod picture;
    pub(crate) mod queue;
    pub(crate) mod stamp;
    pub(crate) mod stream;
    pub(crate) mod template;
    pub(crate) mod xfer_func;
}

use vireo::*;

use config::Config;

module! {
    type: Vireo,
    name: "vireo",
    authors: ["The vireo developers"],
    description: "Virtual V4L2 camera in Rust",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
    params: {
        n_devs: u32 {
            default: 1,
            description: "Number of cameras, 1 to 64",
        },
        max_fps: u32 {
            default: 30,
            description: "Highest frame rate, 1 to 1000 frames a second",
        },
        min_fps: u32 {
            default: 0,
            description: "Lowest frame rate, 0 to max_fps; 0: a frame in ten seconds",
        },
        multiplanar: u32 {
            default: 0,
            description: "Multi-planar cameras: 0 none, 1 all, 2 those with odd numbers",
        },
        error_inj: u32 {
            default: 0,
            description: "Controls that make errors: 0 none, 1 all",
        },
        stepwise: u32 {
            default: 0,
            description: "Enumerate frame sizes and rates as: 0 lists of usual ones, 1 ranges",
        },
    },
}

/// The most cameras that there may be.
const MAX_DEVS: u32 = 64;

/// The module: the driver, and the devices that it drives.
#[pin_data]
struct Vireo {
    // Dropped in this order: the devices go while there is a driver to take leave of them. Those
    // made in configfs are gone by then, as each holds the module.
    #[cfg(CONFIG_CONFIGFS_FS)]
    #[pin]
    _configfs: configfs::Configfs,
    _devices: KVec<VirtualDevice>,
    #[pin]
    _driver: driver::Registration<platform::Adapter<device::Driver>>,
}

impl InPlaceModule for Vireo {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _: {
                check("n_devs", param(module_parameters::n_devs.value()), 1, MAX_DEVS)?;
                let max_fps = param(module_parameters::max_fps.value());
                check("max_fps", max_fps, 1, config::MAX_FPS)?;
                check("min_fps", param(module_parameters::min_fps.value()), 0, max_fps)?;
                check("multiplanar", param(module_parameters::multiplanar.value()), 0, 2)?;
                check("error_inj", param(module_parameters::error_inj.value()), 0, 1)?;
                check("stepwise", param(module_parameters::stepwise.value()), 0, 1)?;
            },
            _driver <- driver::Registration::new(device::NAME, module),
            _devices: devices(param(module_parameters::n_devs.value()))?,
            #[cfg(CONFIG_CONFIGFS_FS)]
            _configfs <- configfs::new(),
        })
    }
}

/// Refuses a parameter that is not from `min` to `max`.
fn check(name: &str, value: u32, min: u32, max: u32) -> Result {
    if (min..=max).contains(&value) {
        return Ok(());
    }

    pr_err!("{name}={value} is not from {min} to {max}\n");
    Err(EINVAL)
}

fn devices(count: u32) -> Result<KVec<VirtualDevice>> {
    let mut devices = KVec::with_capacity(count as usize, GFP_KERNEL)?;

    for id in 0..count {
        let config = Config {
            is_multiplanar: match param(module_parameters::multiplanar.value()) {
                0 => false,
                2 => id % 2 != 0,
                _ => true,
            },
            ..Config::new()?
        };
        let device = VirtualDevice::new(device::NAME, id as i32, &config.properties())?;

        devices.push(device, GFP_KERNEL)?;
    }
    Ok(devices)
}
