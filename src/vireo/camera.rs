// SPDX-License-Identifier: GPL-2.0

//! The camera: what it can do, and what it is set to.

use super::{
    config::Config,
    csc::Csc,
    ctrls::{
        self,
        ErrorInjection, //
    },
    device::Device,
    format::Format,
    latency::Latency,
    layout::{
        self,
        Layout,
        MemPlane, //
    },
    modes,
    pacing::Limits, //
    picture::{
        Crop,
        PictureParams, //
    },
};
use core::num::NonZero;
use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock, //
};
use media::{
    stats::Counter,
    v4l2::{
        self,
        ctrl,
        uapi,
        FmtDesc,
        Fract,
        FrmIval,
        FrmSize,
        FrmSizeStepwise,
        PixFormat,
        PlanePixFormat,
        Rect,
        Target, //
    },
    vb2::{
        Context,
        TimestampSource, //
    },
};

/// What user space can set.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// How a frame lies in memory; does not change while there are buffers.
    pub(crate) layout: Layout,
    /// Which colours user space has chosen; the same holds.
    pub(crate) csc: Csc,
    /// What it shows.
    pub(crate) look: PictureParams,
    /// The seconds from one frame to the next, as numerator and denominator.
    pub(crate) interval: (u32, u32),
    /// What the timestamps of frames tell; does not change while there are buffers.
    pub(crate) timestamps: TimestampSource,
    /// Errors to make.
    pub(crate) faults: ErrorInjection,
}

/// A camera.
#[pin_data]
pub(crate) struct Camera {
    /// The number of the device, as in the stamps.
    pub(crate) id: u8,
    /// What it is like.
    config: Config,
    /// Which intervals can be set.
    limits: Limits,
    /// Held for a copy, never while something waits.
    #[pin]
    pub(crate) settings: SpinLock<Settings>,
    /// The last answer to VIDIOC_TRY_FMT or VIDIOC_S_FMT.
    #[pin]
    tried: SpinLock<Layout>,
    /// How late the sensor was since VIDIOC_STREAMON.
    pub(crate) latency: Latency,
}

impl Camera {
    /// The layout nearest to what is asked for.
    ///
    /// Programs change the width or the format in what VIDIOC_G_FMT or VIDIOC_TRY_FMT has answered,
    /// and ask for that: lines and sizes in it are not a wish.
    fn asked_layout(&self, asked: &PixFormat) -> Layout {
        let layout = layout(&self.config, asked.pixelformat, asked.width, asked.height);
        let current = self.settings.lock().layout;
        let tried = *self.tried.lock();
        let told = [current, tried]
            .into_iter()
            .find(|told| is_told(asked, told));

        match told {
            Some(told) => layout.retold(&told),
            None => layout.padded(&asked.planes.map(|plane| plane.bytesperline)),
        }
    }

    /// Where sizes are a list, v4l2-compliance takes a crop for a fault.
    fn check_crop(&self) -> Result {
        if self.config.is_stepwise {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }

    pub(crate) fn new(id: u8, config: Config) -> impl PinInit<Self, Error> {
        let (width, height) = config.native;
        let limits = Limits::new(config.min_fps, config.max_fps);
        let layout = layout(&config, 0, 640, 480);
        let settings = Settings {
            layout,
            csc: Csc::default(),
            look: PictureParams {
                native: config.native,
                crop: Crop::whole(width, height),
                ..PictureParams::default()
            },
            interval: limits.negotiate(0, 0),
            timestamps: TimestampSource::EndOfFrame,
            faults: ErrorInjection::default(),
        };

        try_pin_init!(Self {
            id,
            config,
            limits,
            settings <- new_spinlock!(settings, "Camera::settings"),
            tried <- new_spinlock!(layout, "Camera::tried"),
            latency: Latency::new(),
        })
    }
}

fn plane_pix_format(part: &MemPlane) -> PlanePixFormat {
    PlanePixFormat {
        bytesperline: part.bytesperline,
        sizeimage: part.sizeimage,
    }
}

fn pix_format(layout: &Layout, csc: &Csc) -> PixFormat {
    let mut format = PixFormat {
        width: layout.width,
        height: layout.height,
        pixelformat: layout.format.fourcc,
        field: uapi::FIELD_NONE,
        ..Default::default()
    };

    csc.fill(&mut format, layout.format);
    for (plane, part) in format.planes.iter_mut().zip(layout.mem_planes()) {
        *plane = plane_pix_format(&part);
        format.num_planes += 1;
    }
    format
}

/// The format called `pixelformat`, if the camera offers it.
fn find(config: &Config, pixelformat: u32) -> Option<&'static Format> {
    config.offered().find(|format| format.fourcc == pixelformat)
}

/// The largest frame in a format: that of the pixel array, in whole steps.
fn largest(config: &Config, format: &Format) -> (u32, u32) {
    let down = |size: u16, step: NonZero<u32>| u32::from(size) / step * step.get();

    (
        down(config.native.0, format.width_step()),
        down(config.native.1, format.height_step()),
    )
}

/// The layout of this size, or as near to it as can be, without padding; what is not offered is as
/// good as unknown.
///
/// A size out of range becomes one that is enumerated: programs ask for sizes of nothing and of
/// tens of thousands of pixels to see what they get.
fn layout(config: &Config, pixelformat: u32, width: u32, height: u32) -> Layout {
    let format = find(config, pixelformat)
        .or(config.offered().next())
        .unwrap_or(Format::find_or_default(0));
    let max = largest(config, format);
    let is_in_range = (layout::MIN_WIDTH..=max.0).contains(&width)
        && (layout::MIN_HEIGHT..=max.1).contains(&height);
    let (width, height) = if config.is_stepwise || is_in_range {
        (width.min(max.0), height.min(max.1))
    } else {
        modes::nearest(max, config.has_own_native(), (width, height))
    };

    Layout::negotiate(format.fourcc, width, height)
}

/// Whether a request repeats the lines and sizes that user space was told of a layout.
fn is_told(asked: &PixFormat, told: &Layout) -> bool {
    told.mem_planes()
        .zip(&asked.planes)
        .all(|(part, plane)| *plane == plane_pix_format(&part))
}

#[vtable]
impl v4l2::Capture for Camera {
    type Driver = Device;

    fn card(&self) -> &CStr {
        &self.config.card
    }

    fn controls(&self) -> &'static [ctrl::Config] {
        ctrls::all(self.config.error_inj)
    }

    fn enum_fmt(cx: &Context<'_, Self>, index: u32) -> Option<FmtDesc> {
        let format = cx.config.offered().nth(index as usize)?;

        Some(FmtDesc {
            pixelformat: format.fourcc,
            flags: Csc::flags(format),
        })
    }

    fn g_fmt(cx: &Context<'_, Self>) -> Result<PixFormat> {
        let settings = cx.settings.lock();

        Ok(pix_format(&settings.layout, &settings.csc))
    }

    fn try_fmt(cx: &Context<'_, Self>, asked: &PixFormat) -> Result<PixFormat> {
        let layout = cx.asked_layout(asked);
        let csc = cx.settings.lock().csc.negotiate(asked, layout.format);

        *cx.tried.lock() = layout;
        Ok(PixFormat {
            set_csc: asked.set_csc,
            ..pix_format(&layout, &csc)
        })
    }

    fn s_fmt(cx: &Context<'_, Self>, format: &PixFormat) -> Result {
        let layout = cx.asked_layout(format);
        let mut settings = cx.settings.lock();

        settings.layout = layout;
        settings.csc = settings.csc.negotiate(format, layout.format);
        settings.look.colorimetry = settings.csc.colorimetry(layout.format);
        Ok(())
    }

    fn enum_framesizes(cx: &Context<'_, Self>, pixelformat: u32, index: u32) -> Option<FrmSize> {
        let format = find(&cx.config, pixelformat)?;
        let max = largest(&cx.config, format);

        if cx.config.is_stepwise {
            return (index == 0).then_some(FrmSize::Stepwise(FrmSizeStepwise {
                min: (layout::MIN_WIDTH, layout::MIN_HEIGHT),
                max,
                step: (format.width_step().get(), format.height_step().get()),
            }));
        }
        modes::sizes(max, cx.config.has_own_native())
            .nth(index as usize)
            .map(|(width, height)| FrmSize::Discrete(width, height))
    }

    fn enum_frameintervals(
        cx: &Context<'_, Self>,
        pixelformat: u32,
        width: u32,
        height: u32,
        index: u32,
    ) -> Option<FrmIval> {
        let format = find(&cx.config, pixelformat)?;
        let layout = layout(&cx.config, format.fourcc, width, height);

        // A size that VIDIOC_S_FMT would adjust has no intervals.
        if (layout.width, layout.height) != (width, height) {
            return None;
        }
        if cx.config.is_stepwise {
            return (index == 0).then_some(FrmIval::Continuous(
                fract(cx.limits.min),
                fract(cx.limits.max),
            ));
        }
        modes::intervals(cx.limits, (width, height))
            .nth(index as usize)
            .map(|interval| FrmIval::Discrete(fract(interval)))
    }

    fn g_parm(cx: &Context<'_, Self>) -> Result<Fract> {
        Ok(fract(cx.settings.lock().interval))
    }

    fn s_parm(cx: &Context<'_, Self>, asked: Fract) -> Result<Fract> {
        let interval = cx.limits.negotiate(asked.numerator, asked.denominator);

        cx.settings.lock().interval = interval;
        Ok(fract(interval))
    }

    fn s_ctrl(cx: &Context<'_, Self>, id: ctrl::Id, value: i32) -> Result {
        ctrls::set(cx, id, value)
    }

    fn g_volatile_ctrl(cx: &Context<'_, Self>, id: ctrl::Id) -> Result<i64> {
        Ok(ctrls::get(&cx.settings.lock(), id))
    }

    fn g_selection(cx: &Context<'_, Self>, target: Target) -> Result<Rect> {
        let look = cx.settings.lock().look;

        if target != Target::NativeSize {
            cx.check_crop()?;
        }
        let crop = match target {
            Target::Crop => look.crop,
            Target::CropDefault | Target::CropBounds | Target::NativeSize => {
                Crop::whole(look.native.0, look.native.1)
            }
        };

        Ok(Rect {
            left: crop.left.into(),
            top: crop.top.into(),
            width: crop.width.into(),
            height: crop.height.into(),
        })
    }

    fn try_crop(cx: &Context<'_, Self>, crop: Rect) -> Result<Rect> {
        cx.check_crop()?;
        let native = cx.settings.lock().look.native;
        let (left, width) = span(crop.left, crop.width, native.0);
        let (top, height) = span(crop.top, crop.height, native.1);

        Ok(Rect {
            left,
            top,
            width,
            height,
        })
    }

    fn s_crop(cx: &Context<'_, Self>, crop: Rect) -> Result {
        // What `try_crop()` returns fits.
        cx.settings.lock().look.crop = Crop {
            left: crop.left as u16,
            top: crop.top as u16,
            width: crop.width as u16,
            height: crop.height as u16,
        };
        Ok(())
    }

    fn log_status(cx: &Context<'_, Self>) -> Result {
        let settings = *cx.settings.lock();
        let layout = settings.layout;
        let (num, den) = settings.interval;
        let frames = cx.queue().stats().get(Counter::Frames);
        let drops = cx.queue().stats().get(Counter::Drops);

        dev_info!(
            cx.parent().as_ref(),
            "{}x{}, {} bytes, every {num}/{den} s: {frames} frames, {drops} dropped\n",
            layout.width,
            layout.height,
            layout.sizeimage
        );
        Ok(())
    }
}

/// The least that can be captured of a side of the array.
const MIN_CROP: u32 = 16;

/// The part of a side of `whole` pixels that is nearest to `size` of them from `first` on.
fn span(first: i32, size: u32, whole: u16) -> (i32, u32) {
    let whole = u32::from(whole);
    let size = size.min(whole).max(MIN_CROP.min(whole));

    (first.max(0).min((whole - size) as i32), size)
}

fn fract((numerator, denominator): (u32, u32)) -> Fract {
    Fract {
        numerator,
        denominator,
    }
}
