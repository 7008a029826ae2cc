// SPDX-License-Identifier: GPL-2.0

//! The device: what it can do, and what it is set to.

use super::{
    ctrls,
    debugfs::{
        self,
        Debugfs, //
    },
    format::{
        self,
        Layout, //
    },
    pacing,
    pattern::Look,
    stream::Stream, //
};
use kernel::{device::Core, new_spinlock, platform, prelude::*, sync::SpinLock};
use media::{
    stats::Counter,
    v4l2::{
        self,
        ctrl,
        uapi,
        Fract,
        PixFormat,
        Steps, //
    },
    vb2::{
        self,
        IoMode, //
    },
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
        let max_fps = crate::module_parameters::max_fps.value();

        try_pin_init!(Self {
            _debugfs <- debugfs::new(
                v4l2::Device::register(pdev.as_ref(), Camera::new(number(name), max_fps))?,
                name,
            ),
        })
    }
}

/// The number at the end of a device's name.
fn number(name: &CStr) -> u8 {
    let digits = name.to_bytes().rsplit(|byte| *byte == b'.').next();

    digits
        .and_then(|digits| core::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// What user space can set.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// How a frame lies in memory; does not change while there are buffers.
    pub(crate) layout: Layout,
    /// What it shows.
    pub(crate) look: Look,
    /// The seconds from one frame to the next, as numerator and denominator.
    pub(crate) interval: (u32, u32),
}

/// A camera.
#[pin_data]
pub(crate) struct Camera {
    /// The number of the device, as in the stamps.
    pub(crate) id: u8,
    /// The highest frame rate.
    max_fps: u32,
    /// Held for a copy, never while something waits.
    #[pin]
    pub(crate) settings: SpinLock<Settings>,
    /// What runs between VIDIOC_STREAMON and VIDIOC_STREAMOFF.
    #[pin]
    pub(crate) stream: Stream,
}

impl Camera {
    fn new(id: u8, max_fps: u32) -> impl PinInit<Self, Error> {
        let settings = Settings {
            layout: Layout::default(),
            look: Look::default(),
            interval: interval(0, 0, max_fps),
        };

        try_pin_init!(Self {
            id,
            max_fps,
            settings <- new_spinlock!(settings, "Camera::settings"),
            stream <- Stream::new(),
        })
    }
}

/// The interval nearest to `num / den` seconds that is not below `1 / max_fps`.
fn interval(num: u32, den: u32, max_fps: u32) -> (u32, u32) {
    let (num, den) = pacing::negotiate(num, den);

    if u64::from(num) * u64::from(max_fps) < u64::from(den) {
        (1, max_fps)
    } else {
        (num, den)
    }
}

fn pix_format(layout: &Layout) -> PixFormat {
    PixFormat {
        width: layout.width,
        height: layout.height,
        pixelformat: layout.format.fourcc,
        field: uapi::FIELD_NONE,
        bytesperline: layout.bytesperline,
        sizeimage: layout.sizeimage,
        colorspace: uapi::COLORSPACE_SRGB,
    }
}

fn layout(format: &PixFormat) -> Layout {
    Layout::negotiate(format.pixelformat, format.width, format.height)
}

#[vtable]
impl v4l2::Capture for Camera {
    const DRIVER: &'static CStr = NAME;
    const CARD: &'static CStr = NAME;
    const INPUT: &'static CStr = c"Camera";
    const CONTROLS: &'static [ctrl::Config] = ctrls::CONTROLS;
    const QUEUE: vb2::Config = vb2::Config {
        io_modes: &[
            IoMode::Mmap,
            IoMode::UserPtr,
            IoMode::DmaBuf,
            IoMode::Read, //
        ],
        timestamp_flags: uapi::BUF_FLAG_TIMESTAMP_MONOTONIC | uapi::BUF_FLAG_TSTAMP_SRC_SOE,
        // The sensor does not wait: three frames of slack for a client that is held up.
        min_reqbufs_allocation: 4,
        // The sensor is the CPU.
        bidirectional: true,
    };

    fn enum_fmt(_dev: &v4l2::Device<Self>, index: u32) -> Option<u32> {
        Some(format::FORMATS.get(index as usize)?.fourcc)
    }

    fn g_fmt(dev: &v4l2::Device<Self>) -> PixFormat {
        pix_format(&dev.settings.lock().layout)
    }

    fn try_fmt(_dev: &v4l2::Device<Self>, format: &PixFormat) -> PixFormat {
        pix_format(&layout(format))
    }

    fn s_fmt(dev: &v4l2::Device<Self>, format: &PixFormat) {
        dev.settings.lock().layout = layout(format);
    }

    fn frame_sizes(_dev: &v4l2::Device<Self>, pixelformat: u32) -> Option<Steps> {
        let format = format::find(pixelformat)?;

        Some(Steps {
            min: (format::MIN_SIZE, format::MIN_SIZE),
            max: (format::MAX_WIDTH, format::MAX_HEIGHT),
            step: (format.width_step().get(), format.height_step().get()),
        })
    }

    fn frame_intervals(
        dev: &v4l2::Device<Self>,
        pixelformat: u32,
        width: u32,
        height: u32,
    ) -> Option<(Fract, Fract)> {
        let format = format::find(pixelformat)?;
        let layout = Layout::negotiate(format.fourcc, width, height);

        // A size that would be adjusted is none that there is.
        ((layout.width, layout.height) == (width, height))
            .then_some((fract((1, dev.max_fps)), fract(pacing::MAX)))
    }

    fn interval(dev: &v4l2::Device<Self>) -> Fract {
        fract(dev.settings.lock().interval)
    }

    fn s_interval(dev: &v4l2::Device<Self>, asked: Fract) -> Fract {
        let interval = interval(asked.numerator, asked.denominator, dev.max_fps);

        dev.settings.lock().interval = interval;
        fract(interval)
    }

    fn s_ctrl(dev: &v4l2::Device<Self>, id: ctrl::Id, value: i32) -> Result {
        ctrls::set(&mut dev.settings.lock().look, id, value)
    }

    fn log_status(dev: &v4l2::Device<Self>) {
        let settings = *dev.settings.lock();
        let layout = settings.layout;
        let (num, den) = settings.interval;
        let frames = dev.queue().stats().get(Counter::Frames);
        let drops = dev.queue().stats().get(Counter::Drops);

        dev_info!(
            dev.parent(),
            "{}x{}, {} bytes, every {num}/{den} s: {frames} frames, {drops} dropped\n",
            layout.width,
            layout.height,
            layout.sizeimage
        );
    }
}

fn fract((numerator, denominator): (u32, u32)) -> Fract {
    Fract {
        numerator,
        denominator,
    }
}
