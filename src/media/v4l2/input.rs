// SPDX-License-Identifier: GPL-2.0

//! Inputs: the connectors and cameras that a node can capture from.
//!
//! C header: [`include/uapi/linux/videodev2.h`](srctree/include/uapi/linux/videodev2.h)

use super::standard::Std;
use crate::bindings;
use kernel::{
    impl_flags,
    prelude::*, //
};

impl_flags!(
    /// What is wrong with the signal of an [`Input`], a set of `V4L2_IN_ST_*`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct InputStatus(u32);

    /// One thing that can be wrong with a signal.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum InputFault {
        /// The device has no power (`V4L2_IN_ST_NO_POWER`).
        NoPower = bindings::V4L2_IN_ST_NO_POWER,
        /// There is no signal (`V4L2_IN_ST_NO_SIGNAL`).
        NoSignal = bindings::V4L2_IN_ST_NO_SIGNAL,
        /// There is a signal without colour (`V4L2_IN_ST_NO_COLOR`).
        NoColor = bindings::V4L2_IN_ST_NO_COLOR,
        /// The decoder is not locked to the lines (`V4L2_IN_ST_NO_H_LOCK`).
        NoHLock = bindings::V4L2_IN_ST_NO_H_LOCK,
        /// The decoder is not locked to the fields (`V4L2_IN_ST_NO_V_LOCK`).
        NoVLock = bindings::V4L2_IN_ST_NO_V_LOCK,
    }
);

/// An input that a node has, among others.
///
/// Corresponds to `struct v4l2_input`, of the type `V4L2_INPUT_TYPE_CAMERA`, which stands for all
/// that is no tuner.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Its name.
    pub name: &'static CStr,
    /// What is wrong with its signal. Known of the current input only, if at all.
    pub status: InputStatus,
    /// The standards that it takes; [`Std::UNKNOWN`] where signals have none.
    pub std: Std,
}

impl Input {
    /// An input whose signal has no standard, and of which nothing is known to be wrong.
    pub const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            status: InputStatus::empty(),
            std: Std::UNKNOWN,
        }
    }

    /// Fills in all but the index.
    pub(super) fn write(&self, raw: &mut bindings::v4l2_input) {
        super::ioctl::copy_name(&mut raw.name, self.name);
        raw.type_ = bindings::V4L2_INPUT_TYPE_CAMERA;
        raw.std = self.std.into_raw();
        raw.status = self.status.into();
        // The core has set this for every input of a node with VIDIOC_S_STD.
        raw.capabilities = if self.std.is_empty() {
            0
        } else {
            bindings::V4L2_IN_CAP_STD
        };
    }
}
