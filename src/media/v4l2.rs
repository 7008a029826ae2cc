// SPDX-License-Identifier: GPL-2.0

//! Abstractions for V4L2 devices.
//!
//! C headers: [`include/media/v4l2-dev.h`](srctree/include/media/v4l2-dev.h),
//! [`include/media/v4l2-device.h`](srctree/include/media/v4l2-device.h),
//! [`include/media/v4l2-ioctl.h`](srctree/include/media/v4l2-ioctl.h)
//!
//! A driver makes a [`Device`] of its own data, a type that implements [`Driver`] and embeds a
//! [`VideoDevice`] for each node, and registers it. What a node does is said by [`Capture`] and,
//! for the buffers, by [`vb2::Operations`](crate::vb2::Operations). All ioctls that deal with
//! buffers are videobuf2's; the driver sees none of them.
//!
//! A node is registered as long as the parent is bound: callbacks get a [`Context`], which knows
//! the bound parent and the data of the registration.

mod capture;
pub mod ctrl;
mod device;
mod event;
mod format;
mod input;
mod ioctl;
mod irq;
mod pm;
mod registration;
mod selection;
mod standard;
#[cfg(CONFIG_KUNIT = "y")]
mod tests;
mod video_device;
mod work;

pub use self::{
    capture::Capture,
    device::{
        Device,
        Driver,
        Nodes, //
    },
    format::{
        fourcc,
        FmtDesc,
        Fract,
        FrmIval,
        FrmSize,
        FrmSizeStepwise,
        PixFormat,
        PlanePixFormat,
        MAX_PLANES, //
    },
    input::{
        Input,
        InputFault,
        InputStatus, //
    },
    irq::{
        IrqHandler,
        Irqs, //
    },
    registration::{
        RegistrationContext,
        RegistrationData, //
    },
    selection::{
        Rect,
        Target, //
    },
    standard::Std,
    video_device::{
        BufType,
        Node,
        VideoDevice, //
    },
};

pub use crate::vb2::Context;

/// The constants of the user-space API, as [`videodev2.h`](srctree/include/uapi/linux/videodev2.h)
/// and [`v4l2-controls.h`](srctree/include/uapi/linux/v4l2-controls.h) name them.
pub mod uapi {
    pub use crate::bindings::{
        v4l2_colorspace_V4L2_COLORSPACE_470_SYSTEM_BG as COLORSPACE_470_SYSTEM_BG,
        v4l2_colorspace_V4L2_COLORSPACE_BT2020 as COLORSPACE_BT2020,
        v4l2_colorspace_V4L2_COLORSPACE_DCI_P3 as COLORSPACE_DCI_P3,
        v4l2_colorspace_V4L2_COLORSPACE_DEFAULT as COLORSPACE_DEFAULT,
        v4l2_colorspace_V4L2_COLORSPACE_REC709 as COLORSPACE_REC709,
        v4l2_colorspace_V4L2_COLORSPACE_SMPTE170M as COLORSPACE_SMPTE170M,
        v4l2_colorspace_V4L2_COLORSPACE_SRGB as COLORSPACE_SRGB,
        v4l2_field_V4L2_FIELD_ALTERNATE as FIELD_ALTERNATE, v4l2_field_V4L2_FIELD_ANY as FIELD_ANY,
        v4l2_field_V4L2_FIELD_BOTTOM as FIELD_BOTTOM,
        v4l2_field_V4L2_FIELD_INTERLACED as FIELD_INTERLACED,
        v4l2_field_V4L2_FIELD_INTERLACED_BT as FIELD_INTERLACED_BT,
        v4l2_field_V4L2_FIELD_INTERLACED_TB as FIELD_INTERLACED_TB,
        v4l2_field_V4L2_FIELD_NONE as FIELD_NONE, v4l2_field_V4L2_FIELD_SEQ_BT as FIELD_SEQ_BT,
        v4l2_field_V4L2_FIELD_SEQ_TB as FIELD_SEQ_TB, v4l2_field_V4L2_FIELD_TOP as FIELD_TOP,
        v4l2_quantization_V4L2_QUANTIZATION_DEFAULT as QUANTIZATION_DEFAULT,
        v4l2_quantization_V4L2_QUANTIZATION_FULL_RANGE as QUANTIZATION_FULL_RANGE,
        v4l2_quantization_V4L2_QUANTIZATION_LIM_RANGE as QUANTIZATION_LIM_RANGE,
        v4l2_xfer_func_V4L2_XFER_FUNC_709 as XFER_FUNC_709,
        v4l2_xfer_func_V4L2_XFER_FUNC_DCI_P3 as XFER_FUNC_DCI_P3,
        v4l2_xfer_func_V4L2_XFER_FUNC_DEFAULT as XFER_FUNC_DEFAULT,
        v4l2_xfer_func_V4L2_XFER_FUNC_NONE as XFER_FUNC_NONE,
        v4l2_xfer_func_V4L2_XFER_FUNC_SMPTE2084 as XFER_FUNC_SMPTE2084,
        v4l2_xfer_func_V4L2_XFER_FUNC_SRGB as XFER_FUNC_SRGB,
        v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_601 as YCBCR_ENC_601,
        v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_709 as YCBCR_ENC_709,
        v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_BT2020 as YCBCR_ENC_BT2020,
        v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_DEFAULT as YCBCR_ENC_DEFAULT,
        V4L2_FMT_FLAG_CSC_COLORSPACE as FMT_FLAG_CSC_COLORSPACE,
        V4L2_FMT_FLAG_CSC_QUANTIZATION as FMT_FLAG_CSC_QUANTIZATION,
        V4L2_FMT_FLAG_CSC_XFER_FUNC as FMT_FLAG_CSC_XFER_FUNC,
        V4L2_FMT_FLAG_CSC_YCBCR_ENC as FMT_FLAG_CSC_YCBCR_ENC,
    };
}
