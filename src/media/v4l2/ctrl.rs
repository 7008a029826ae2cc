// SPDX-License-Identifier: GPL-2.0

//! Controls.
//!
//! C header: [`include/media/v4l2-ctrls.h`](srctree/include/media/v4l2-ctrls.h)

use super::device::{
    Capture,
    Device, //
};
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    ffi::{
        c_char,
        c_int, //
    },
    prelude::*, //
};

/// A standard control, a `V4L2_CID_*`.
///
/// C header: [`v4l2-controls.h`](srctree/include/uapi/linux/v4l2-controls.h)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Id {
    /// `V4L2_CID_BRIGHTNESS`
    Brightness = bindings::V4L2_CID_BRIGHTNESS,
    /// `V4L2_CID_CONTRAST`
    Contrast = bindings::V4L2_CID_CONTRAST,
    /// `V4L2_CID_SATURATION`
    Saturation = bindings::V4L2_CID_SATURATION,
    /// `V4L2_CID_HUE`
    Hue = bindings::V4L2_CID_HUE,
    /// `V4L2_CID_HFLIP`
    HFlip = bindings::V4L2_CID_HFLIP,
    /// `V4L2_CID_VFLIP`
    VFlip = bindings::V4L2_CID_VFLIP,
    /// `V4L2_CID_TEST_PATTERN`
    TestPattern = bindings::V4L2_CID_TEST_PATTERN,
}

impl TryFrom<u32> for Id {
    type Error = Error;

    fn try_from(id: u32) -> Result<Self> {
        [
            Id::Brightness,
            Id::Contrast,
            Id::Saturation,
            Id::Hue,
            Id::HFlip,
            Id::VFlip,
            Id::TestPattern,
        ]
        .into_iter()
        .find(|known| *known as u32 == id)
        .ok_or(EINVAL)
    }
}

/// The names of a menu's entries.
///
/// # Invariants
///
/// There is one at least, and 256 at the most; the pointers are to static C strings.
pub struct Menu<const N: usize>([*const c_char; N]);

// SAFETY: By the type invariant the pointers are to data that is never written.
unsafe impl<const N: usize> Sync for Menu<N> {}

impl<const N: usize> Menu<N> {
    /// A menu of these entries, for a `static`.
    pub const fn new(names: [&'static CStr; N]) -> Self {
        // The index of the last entry is a byte.
        const { assert!(N >= 1 && N <= 256) };

        let mut pointers = [core::ptr::null(); N];
        let mut i = 0;
        while i < N {
            pointers[i] = names[i].to_bytes_with_nul().as_ptr();
            i += 1;
        }
        // INVARIANT: Taken from static strings.
        Self(pointers)
    }

    /// The entries, for a [`Kind::Menu`].
    pub const fn entries(&'static self) -> Entries {
        Entries(&self.0)
    }
}

/// The entries of a [`Menu`].
///
/// # Invariants
///
/// As of [`Menu`].
#[derive(Clone, Copy)]
pub struct Entries(&'static [*const c_char]);

// SAFETY: By the type invariant the pointers are to data that is never written.
unsafe impl Sync for Entries {}

/// The kind of a control, with its range.
pub enum Kind {
    /// A number from `min` to `max`.
    Integer {
        /// The least value.
        min: i32,
        /// The greatest value.
        max: i32,
        /// The value to start with.
        default: i32,
    },
    /// On or off; starts as off.
    Boolean,
    /// One of a menu's entries; starts with the first.
    Menu(Entries),
}

/// A control that a device has.
pub struct Config {
    /// Which one.
    pub id: Id,
    /// Its kind and range.
    pub kind: Kind,
}

/// The callbacks of a `T`'s controls.
pub(super) struct VTable<T: Capture>(PhantomData<T>);

impl<T: Capture> VTable<T> {
    pub(super) const OPS: bindings::v4l2_ctrl_ops = bindings::v4l2_ctrl_ops {
        g_volatile_ctrl: None,
        try_ctrl: None,
        s_ctrl: Some(Self::s_ctrl_callback),
    };

    /// # Safety
    ///
    /// `ctrl` must be a control of a live [`Device<T>`]'s handler, whose lock is held.
    unsafe extern "C" fn s_ctrl_callback(ctrl: *mut bindings::v4l2_ctrl) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            let (dev, id, value) = unsafe {
                (
                    Device::<T>::from_handler((*ctrl).handler),
                    (*ctrl).id,
                    (*ctrl).val,
                )
            };
            T::s_ctrl(dev, Id::try_from(id)?, value)?;
            Ok(0)
        })
    }

    /// Adds the controls that `T` names to a handler.
    ///
    /// # Safety
    ///
    /// `handler` must be initialized, and be a part of a [`Device<T>`].
    pub(super) unsafe fn add(handler: *mut bindings::v4l2_ctrl_handler) {
        for config in T::CONTROLS {
            let id = config.id as u32;
            // A failure is kept in the handler's `error`, and makes the calls after it do nothing.
            //
            // SAFETY: By the safety requirements; the operations and menus are static.
            unsafe {
                match config.kind {
                    Kind::Integer { min, max, default } => {
                        bindings::v4l2_ctrl_new_std(
                            handler,
                            &Self::OPS,
                            id,
                            min.into(),
                            max.into(),
                            1,
                            default.into(),
                        );
                    }
                    Kind::Boolean => {
                        bindings::v4l2_ctrl_new_std(handler, &Self::OPS, id, 0, 1, 1, 0);
                    }
                    Kind::Menu(entries) => {
                        bindings::v4l2_ctrl_new_std_menu_items(
                            handler,
                            &Self::OPS,
                            id,
                            entries.0.len().saturating_sub(1) as u8,
                            0,
                            0,
                            entries.0.as_ptr(),
                        );
                    }
                }
            }
        }
    }
}
