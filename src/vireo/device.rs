// SPDX-License-Identifier: GPL-2.0

//! The device, which has a camera while it is bound.

use super::{
    camera::Camera,
    config::Config,
    debugfs::{
        self,
        Debugfs, //
    },
};
use kernel::{
    device::{
        Bound,
        Core,
        DeviceContext, //
    },
    platform,
    prelude::*,
    sync::aref::ARef, //
};
use media::v4l2::{
    self,
    BufType,
    VideoDevice, //
};

/// The name of the driver, and what its devices' names begin with.
pub(crate) const NAME: &CStr = c"vireo";

/// The platform driver: what there is for a device while it is bound, besides the camera itself.
#[pin_data]
pub(crate) struct Driver {
    #[pin]
    _debugfs: Debugfs,
}

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Self, Error> + 'bound {
        let name = pdev.as_ref().name();

        try_pin_init!(Self {
            _debugfs <- debugfs::new(register(pdev, name)?, name),
        })
    }
}

/// The V4L2 device, which has one node.
#[pin_data]
pub(crate) struct Device {
    #[pin]
    pub(crate) camera: VideoDevice<Camera>,
}

impl v4l2::Driver for Device {
    const NAME: &'static CStr = NAME;

    type ParentDevice<Ctx: DeviceContext> = platform::Device<Ctx>;
    type RegistrationData<'a> = ();

    fn nodes<'a>(&'a self, nodes: &mut v4l2::Nodes<'a, Self>) -> Result {
        nodes.add(&self.camera)
    }
}

/// Registers the camera that a device is.
fn register(pdev: &platform::Device<Bound>, name: &CStr) -> Result<ARef<v4l2::Device<Device>>> {
    let config = Config::read(pdev.as_ref())?;
    let buf_type = if config.is_multiplanar {
        BufType::VideoCaptureMplane
    } else {
        BufType::VideoCapture
    };
    let device = v4l2::Device::new(
        pdev,
        try_pin_init!(Device {
            camera <- VideoDevice::new(buf_type, Camera::new(number(name), config)),
        }),
    )?;

    device.register(pdev)?;
    Ok(device)
}

/// The number at the end of a device's name.
fn number(name: &CStr) -> u8 {
    let digits = name.to_bytes().rsplit(|byte| *byte == b'.').next();

    digits
        .and_then(|digits| core::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}
