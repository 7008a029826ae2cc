// SPDX-License-Identifier: GPL-2.0

//! minimal: the smallest driver that streams.
//!
//! Frames of one format and of one grey each. Documentation/media-abstractions.rst goes through it.

#![forbid(unsafe_code)]

use kernel::{
    device::DeviceContext,
    prelude::*,
    sync::aref::ARef, //
};
use media::{
    compat::faux,
    kthread,
    v4l2::{
        self,
        BufType,
        PixFormat,
        VideoDevice, //
    },
    vb2::{
        self,
        Context, //
    },
};

module! {
    type: Minimal,
    name: "minimal",
    authors: ["The vireo developers"],
    description: "Minimal V4L2 driver in Rust",
    license: "GPL",
}

/// Its parent is a device without hardware; when it goes, so does the camera.
struct Minimal(#[allow(dead_code, reason = "is held")] faux::Registration);

impl kernel::Module for Minimal {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let parent = faux::Registration::new(c"minimal", None)?;
        let device = v4l2::Device::new(
            parent.as_ref(),
            try_pin_init!(Device { camera <- VideoDevice::new(BufType::VideoCapture, Camera) }),
        )?;

        device.register(parent.as_ref())?;
        Ok(Self(parent))
    }
}

#[pin_data]
struct Device {
    #[pin]
    camera: VideoDevice<Camera>,
}

impl v4l2::Driver for Device {
    const NAME: &'static CStr = c"minimal";

    type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;
    type RegistrationData<'a> = ();

    fn nodes<'a>(&'a self, nodes: &mut v4l2::Nodes<'a, Self>) -> Result {
        nodes.add(&self.camera)
    }
}

const LINE: usize = 640;
const SIZE: usize = 480 * LINE;
const FORMAT: PixFormat = PixFormat::packed(640, 480, v4l2::fourcc(b"GREY"), LINE as u32);
const INTERVAL: u64 = 33_333_333; // Nanoseconds.

struct Camera;

#[vtable]
impl v4l2::Capture for Camera {
    type Driver = Device;

    fn enum_fmt(_cx: &Context<'_, Self>, index: u32) -> Option<v4l2::FmtDesc> {
        (index == 0).then_some(v4l2::FmtDesc::new(FORMAT.pixelformat))
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
    type Active<'q> = ();
    type Stream = kthread::Thread<Sensor>;
    type BufferData = ();

    const CONFIG: vb2::Config = vb2::Config::DEFAULT;

    fn queue_setup(_cx: &Context<'_, Self>) -> Result<vb2::PlaneSizes> {
        vb2::PlaneSizes::new(&[SIZE as u32])
    }

    fn start_streaming(cx: &Context<'_, Self>) -> Result<Self::Stream> {
        // Dropping the thread waits until it has ended.
        kthread::Thread::spawn(c"minimal", Sensor(cx.device().into()))
    }
}

struct Sensor(ARef<v4l2::Device<Device>>);

#[vtable]
impl kthread::Function for Sensor {
    fn run(&mut self, context: &kthread::Context) {
        let mut due = context.now();
        let mut sequence = 0u32;

        loop {
            match context.sleep_until(due) {
                kthread::WakeUp::Due => (),
                // The system was suspended: goes on from now.
                kthread::WakeUp::Thawed => due = context.now(),
                kthread::WakeUp::Stop => return,
            }
            if let Some(mut buffer) = self.0.camera.queue().next() {
                let meta = vb2::FrameInfo::new(sequence, due);

                match fill(&mut buffer, sequence as u8) {
                    Ok(()) => buffer.done(&meta, &[SIZE as u32]),
                    Err(_) => buffer.error(&meta),
                }
            }
            sequence = sequence.wrapping_add(1);
            due += INTERVAL;
        }
    }
}

fn fill(buffer: &mut vb2::Buffer<'_, Camera>, grey: u8) -> Result {
    let mut plane = buffer.begin_cpu_access(0)?; // begin_cpu_access()

    for offset in (0..SIZE).step_by(LINE) {
        plane.write(offset, &[grey; LINE])?;
    }
    plane.end() // end_cpu_access()
}
