// SPDX-License-Identifier: GPL-2.0

//! What a driver does with a node that captures video.
//!
//! C header: [`include/media/v4l2-ioctl.h`](srctree/include/media/v4l2-ioctl.h)

use super::{
    ctrl,
    device::Driver,
    format::{
        FmtDesc,
        Fract,
        FrmIval,
        FrmSize,
        PixFormat, //
    },
    input::Input,
    selection::{
        Rect,
        Target, //
    },
    standard::Std,
    video_device::VideoDevice, //
};
use crate::vb2::{
    self,
    Context, //
};
use kernel::{
    error::VTABLE_DEFAULT_ERROR,
    prelude::*, //
};

/// A node that captures video.
///
/// The methods correspond to the callbacks of `struct v4l2_ioctl_ops` and `struct v4l2_ctrl_ops`.
/// They are called with the node's lock held, which is that of its queue, and may sleep; those of
/// controls with the lock of the handler as well. What they fail with is handed to user space.
///
/// An ioctl whose method a driver does not implement is not there (`ENOTTY`). Those that have no
/// method here are served by videobuf2 and the V4L2 core.
#[vtable]
pub trait Capture: vb2::Operations<Owner = VideoDevice<Self>> + Send + Sync {
    /// The driver that the node is a part of.
    type Driver: Driver;

    /// The name of the one input, of a node without [`enum_input`](Self::enum_input).
    const INPUT: &'static CStr = c"Camera";

    /// The analogue standards that the node takes (`tvnorms` of `struct video_device`), which
    /// VIDIOC_ENUMSTD lists. Those that have some implement [`s_std`](Self::s_std).
    const STANDARDS: Std = Std::UNKNOWN;

    /// Whether users can subscribe to `V4L2_EVENT_SOURCE_CHANGE`: the driver calls
    /// [`VideoDevice::queue_source_change`].
    const SOURCE_CHANGES: bool = false;

    /// The node's name, for VIDIOC_QUERYCAP and sysfs: by default that of the driver.
    fn card(&self) -> &CStr {
        Self::Driver::NAME
    }

    /// The controls that the node has.
    fn controls(&self) -> &'static [ctrl::Config] {
        &[]
    }

    /// The format with this index (VIDIOC_ENUM_FMT), `None` past the last.
    fn enum_fmt(cx: &Context<'_, Self>, index: u32) -> Option<FmtDesc>;

    /// The current format (VIDIOC_G_FMT).
    fn g_fmt(cx: &Context<'_, Self>) -> Result<PixFormat>;

    /// The format nearest to what was asked for (VIDIOC_TRY_FMT).
    fn try_fmt(cx: &Context<'_, Self>, format: &PixFormat) -> Result<PixFormat>;

    /// Changes the format to one that came from [`try_fmt`](Self::try_fmt) (VIDIOC_S_FMT).
    ///
    /// Called only while no buffers are allocated; otherwise user space gets `EBUSY`. Without this
    /// method there is one format.
    fn s_fmt(_cx: &Context<'_, Self>, _format: &PixFormat) -> Result {
        Ok(())
    }

    /// The sizes of a format (VIDIOC_ENUM_FRAMESIZES) with this index, `None` past the last and
    /// where there is no such format.
    ///
    /// All sizes of a format are [`FrmSize::Discrete`], or there is one [`FrmSize::Stepwise`].
    fn enum_framesizes(_cx: &Context<'_, Self>, _pixelformat: u32, _index: u32) -> Option<FrmSize> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The intervals at a size (VIDIOC_ENUM_FRAMEINTERVALS) with this index, `None` past the last
    /// and where there is no such format or size.
    ///
    /// All intervals of a size are [`FrmIval::Discrete`], or there is one [`FrmIval::Continuous`].
    fn enum_frameintervals(
        _cx: &Context<'_, Self>,
        _pixelformat: u32,
        _width: u32,
        _height: u32,
        _index: u32,
    ) -> Option<FrmIval> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The current interval (VIDIOC_G_PARM).
    fn g_parm(_cx: &Context<'_, Self>) -> Result<Fract> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Changes the interval to the nearest that there is, and returns it (VIDIOC_S_PARM).
    fn s_parm(_cx: &Context<'_, Self>, _interval: Fract) -> Result<Fract> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Changes a control to a value in its range, or does what a [`Button`](ctrl::Kind::Button) is
    /// for. When the node is registered, it is called with the default of each control.
    fn s_ctrl(_cx: &Context<'_, Self>, _id: ctrl::Id, _value: i32) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The value of a control of [`ctrl::Kind::VolatileReadOnly`].
    fn g_volatile_ctrl(_cx: &Context<'_, Self>, _id: ctrl::Id) -> Result<i64> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The rectangle that is selected (VIDIOC_G_SELECTION), `EINVAL` where there is no such target.
    fn g_selection(_cx: &Context<'_, Self>, _target: Target) -> Result<Rect> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The part of the pixel array nearest to what was asked for; `EINVAL` where there is nothing
    /// to choose.
    fn try_crop(_cx: &Context<'_, Self>, _crop: Rect) -> Result<Rect> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Captures a part that came from [`try_crop`](Self::try_crop) (VIDIOC_S_SELECTION with
    /// [`Target::Crop`]), while streaming as well.
    fn s_crop(_cx: &Context<'_, Self>, _crop: Rect) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The input with this index (VIDIOC_ENUMINPUT), `None` past the last. Without this method
    /// there is one, called [`INPUT`](Self::INPUT).
    fn enum_input(_cx: &Context<'_, Self>, _index: u32) -> Option<Input> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The index of the current input (VIDIOC_G_INPUT). Without this method it is the first.
    fn g_input(_cx: &Context<'_, Self>) -> Result<u32> {
        Ok(0)
    }

    /// Changes to another input that there is (VIDIOC_S_INPUT).
    ///
    /// Called only while no buffers are allocated; otherwise user space gets `EBUSY`. Without this
    /// method there is no other.
    fn s_input(_cx: &Context<'_, Self>, _index: u32) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The current standard (VIDIOC_G_STD).
    fn g_std(_cx: &Context<'_, Self>) -> Result<Std> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Changes to another standard (VIDIOC_S_STD): one that is in `std`, which is a part of
    /// [`STANDARDS`](Self::STANDARDS), and not empty. The format changes with it.
    ///
    /// Called only while no buffers are allocated; otherwise user space gets `EBUSY`. A driver that
    /// has this method has [`g_std`](Self::g_std).
    fn s_std(_cx: &Context<'_, Self>, _std: Std) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Those of [`STANDARDS`](Self::STANDARDS) that the signal may be of (VIDIOC_QUERYSTD):
    /// [`Std::UNKNOWN`] where there is no signal. `EBUSY` where it cannot be asked for now.
    fn querystd(_cx: &Context<'_, Self>) -> Result<Std> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Writes what is worth knowing to the kernel log (VIDIOC_LOG_STATUS); the controls come after
    /// it.
    fn log_status(_cx: &Context<'_, Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}
