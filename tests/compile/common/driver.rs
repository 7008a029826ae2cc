// SPDX-License-Identifier: GPL-2.0

// The driver that the cases are about: src/minimal.rs with nothing in it. It is included at the
// root of each case. An item of a case takes the place of that of `given` with the same name.

use given::*;
use kernel::{device::DeviceContext, faux, prelude::*, sync::aref::ARef};
use media::{
    v4l2::{self, BufType, PixFormat, VideoDevice},
    vb2::{self, Buffer, Context},
};

mod given {
    use super::*;

    /// What the driver has for a device, besides the camera.
    #[derive(Default)]
    pub struct Shared;

    /// What the driver has for a node.
    #[derive(Default)]
    pub struct Own;

    pub type Registered<'a> = ();
    pub type Slots<'q> = ();
    pub type Stream = ();

    pub const CONFIG: vb2::Config = vb2::Config::DEFAULT;

    pub fn start(_cx: &Context<'_, Camera>) -> Result<Stream> {
        Ok(())
    }
}

module! {
    type: Module,
    name: "case",
    authors: ["The vireo developers"],
    description: "Test that must or must not compile",
    license: "GPL",
}

struct Module(faux::Registration);

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let parent = faux::Registration::new(c"case", None)?;
        let device = v4l2::Device::new(
            parent.as_ref(),
            try_pin_init!(Device {
                shared: Shared::default(),
                camera <- VideoDevice::new(BufType::VideoCapture, Camera(Own::default())),
            }),
        )?;

        device.register(parent.as_ref())?;
        Ok(Self(parent))
    }
}

#[pin_data]
struct Device {
    shared: Shared,
    #[pin]
    camera: VideoDevice<Camera>,
}

impl v4l2::Driver for Device {
    const NAME: &'static CStr = c"case";

    type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;
    type RegistrationData<'a> = Registered<'a>;

    fn nodes<'a>(&'a self, nodes: &mut v4l2::Nodes<'a, Self>) -> Result {
        nodes.add(&self.camera)
    }
}

struct Camera(Own);

const FORMAT: PixFormat = PixFormat::packed(640, 480, v4l2::fourcc(b"GREY"), 640);

#[vtable]
impl v4l2::Capture for Camera {
    type Driver = Device;

    fn enum_fmt(_cx: &Context<'_, Self>, _index: u32) -> Option<v4l2::FmtDesc> {
        None
    }

    fn g_fmt(_cx: &Context<'_, Self>) -> Result<PixFormat> {
        Ok(FORMAT)
    }

    fn try_fmt(_cx: &Context<'_, Self>, _format: &PixFormat) -> Result<PixFormat> {
        Ok(FORMAT)
    }
}

#[vtable]
impl vb2::Operations for Camera {
    type Owner = VideoDevice<Self>;
    type Engine = vb2::Cpu;
    type Active<'q> = Slots<'q>;
    type Stream = Stream;
    type BufferData = ();

    const CONFIG: vb2::Config = CONFIG;

    fn queue_setup(_cx: &Context<'_, Self>) -> Result<vb2::PlaneSizes> {
        vb2::PlaneSizes::new(&[640 * 480])
    }

    fn start_streaming(cx: &Context<'_, Self>) -> Result<Self::Stream> {
        start(cx)
    }
}
