// SPDX-License-Identifier: GPL-2.0

//! Controls.
//!
//! C header: [`include/media/v4l2-ctrls.h`](srctree/include/media/v4l2-ctrls.h)

use super::{
    capture::Capture,
    video_device::VideoDevice, //
};
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    container_of,
    error::{
        from_result,
        to_result, //
    },
    ffi::{
        c_char,
        c_int,
        c_ulong, //
    },
    prelude::*,
    types::Opaque, //
};

/// The number of a control, a `V4L2_CID_*`.
///
/// C header: [`v4l2-controls.h`](srctree/include/uapi/linux/v4l2-controls.h)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(u32);

macro_rules! standard {
    ($($name:ident = $cid:ident,)*) => {
        impl Id {
            $(
                #[doc = concat!("`", stringify!($cid), "`")]
                pub const $name: Self = Self(bindings::$cid);
            )*
        }
    };
}

standard! {
    BRIGHTNESS = V4L2_CID_BRIGHTNESS,
    CONTRAST = V4L2_CID_CONTRAST,
    SATURATION = V4L2_CID_SATURATION,
    HUE = V4L2_CID_HUE,
    HFLIP = V4L2_CID_HFLIP,
    VFLIP = V4L2_CID_VFLIP,
    ALPHA_COMPONENT = V4L2_CID_ALPHA_COMPONENT,
    EXPOSURE_ABSOLUTE = V4L2_CID_EXPOSURE_ABSOLUTE,
    ANALOGUE_GAIN = V4L2_CID_ANALOGUE_GAIN,
    HBLANK = V4L2_CID_HBLANK,
    VBLANK = V4L2_CID_VBLANK,
    PIXEL_RATE = V4L2_CID_PIXEL_RATE,
    TEST_PATTERN = V4L2_CID_TEST_PATTERN,
}

impl Id {
    /// A control of the driver's own, `V4L2_CID_USER_BASE + number`: from `0x1000` on, below which
    /// there are the standard controls, to `0xf6ff`, where the class ends.
    ///
    /// Ranges that drivers have reserved are in
    /// [`v4l2-controls.h`](srctree/include/uapi/linux/v4l2-controls.h).
    #[inline(always)]
    pub const fn driver(number: u16) -> Self {
        build_assert!(number >= 0x1000 && number <= 0xf6ff);
        Self(bindings::V4L2_CID_USER_BASE + number as u32)
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
    pub const fn items(&'static self) -> MenuItems {
        MenuItems(&self.0)
    }
}

/// The entries of a [`Menu`].
///
/// # Invariants
///
/// As of [`Menu`].
#[derive(Clone, Copy)]
pub struct MenuItems(&'static [*const c_char]);

// SAFETY: By the type invariant the pointers are to data that is never written.
unsafe impl Sync for MenuItems {}

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
    /// On or off; starts as this.
    Boolean(bool),
    /// One of a menu's entries; starts with the first.
    Menu(MenuItems),
    /// Something to be pushed: has no value. Setting it calls [`Capture::s_ctrl`].
    Button,
    /// A number from 0 to this that only the driver changes, and is asked for
    /// ([`Capture::g_volatile_ctrl`]) whenever somebody reads it.
    VolatileReadOnly(i64),
}

/// A control that a node has.
pub struct Config {
    /// Which one.
    pub id: Id,
    /// Its name; a standard control has one already.
    pub name: Option<&'static CStr>,
    /// Its kind and range.
    pub kind: Kind,
}

impl Config {
    /// A standard control.
    pub const fn standard(id: Id, kind: Kind) -> Self {
        Self {
            id,
            name: None,
            kind,
        }
    }

    /// A control of the driver's own.
    pub const fn driver(id: Id, name: &'static CStr, kind: Kind) -> Self {
        Self {
            id,
            name: Some(name),
            kind,
        }
    }

    /// What the C side is told; whose callbacks these are is left to be filled in.
    fn as_raw(&self) -> bindings::v4l2_ctrl_config {
        let mut raw = bindings::v4l2_ctrl_config {
            id: self.id.0,
            // Of a standard control, the name decides the type as well.
            name: self.name.map_or(core::ptr::null(), |name| {
                name.to_bytes_with_nul().as_ptr().cast()
            }),
            ..Default::default()
        };

        match self.kind {
            Kind::Integer { min, max, default } => {
                raw.type_ = bindings::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER;
                (raw.min, raw.max) = (min.into(), max.into());
                raw.def = default.into();
                raw.step = 1;
            }
            Kind::Boolean(default) => {
                raw.type_ = bindings::v4l2_ctrl_type_V4L2_CTRL_TYPE_BOOLEAN;
                (raw.max, raw.step) = (1, 1);
                raw.def = default.into();
            }
            Kind::Menu(entries) => {
                raw.type_ = bindings::v4l2_ctrl_type_V4L2_CTRL_TYPE_MENU;
                raw.max = entries.0.len().saturating_sub(1) as i64;
                raw.qmenu = entries.0.as_ptr();
            }
            Kind::Button => raw.type_ = bindings::v4l2_ctrl_type_V4L2_CTRL_TYPE_BUTTON,
            Kind::VolatileReadOnly(max) => {
                raw.type_ = bindings::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER64;
                (raw.max, raw.step) = (max, 1);
            }
        }
        raw
    }
}

/// The controls of a node.
///
/// Corresponds to `struct v4l2_ctrl_handler`.
///
/// # Invariants
///
/// The handler is initialized, and a part of a [`VideoDevice<T>`].
#[pin_data(PinnedDrop)]
pub(super) struct Handler<T: Capture> {
    #[pin]
    handler: Opaque<bindings::v4l2_ctrl_handler>,
    _p: PhantomData<T>,
}

impl<T: Capture> Handler<T> {
    const OPS: bindings::v4l2_ctrl_ops = bindings::v4l2_ctrl_ops {
        g_volatile_ctrl: if T::HAS_G_VOLATILE_CTRL {
            Some(Self::g_volatile_ctrl_callback)
        } else {
            None
        },
        try_ctrl: None,
        s_ctrl: if T::HAS_S_CTRL {
            Some(Self::s_ctrl_callback)
        } else {
            None
        },
    };

    /// A handler of these controls, which is a part of a [`VideoDevice`].
    pub(super) fn new(controls: &'static [Config]) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            handler <- Opaque::try_ffi_init(move |slot: *mut bindings::v4l2_ctrl_handler| {
                // SAFETY: The slot is memory for a handler, which is initialized from zeroes, and
                // freed if that fails.
                to_result(unsafe {
                    slot.write_bytes(0, 1);
                    bindings::v4l2_ctrl_handler_init(slot, controls.len() as u32);
                    Self::add(slot, controls);
                    (*slot).error
                })
                .inspect_err(|_| {
                    // SAFETY: As above.
                    unsafe { bindings::v4l2_ctrl_handler_free(slot) };
                })
            }),
            _p: PhantomData,
        })
    }

    pub(super) fn as_raw(&self) -> *mut bindings::v4l2_ctrl_handler {
        self.handler.get()
    }

    /// # Safety
    ///
    /// `handler` must be that of a `Self`.
    pub(super) unsafe fn from_raw(handler: *mut bindings::v4l2_ctrl_handler) -> *const Self {
        // SAFETY: By the safety requirements.
        unsafe { container_of!(Opaque::cast_from(handler), Self, handler) }
    }

    /// # Safety
    ///
    /// `ctrl` must be a control of a node's handler. The locks of the handler and of the node are
    /// held: controls are set by ioctls, and when the node is registered.
    unsafe extern "C" fn s_ctrl_callback(ctrl: *mut bindings::v4l2_ctrl) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            let (node, id, value) = unsafe {
                (
                    VideoDevice::<T>::from_handler((*ctrl).handler),
                    Id((*ctrl).id),
                    (*ctrl).val,
                )
            };

            // SAFETY: By the safety requirements the lock is held, and this is a callback.
            T::s_ctrl(&unsafe { node.context() }, id, value)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for [`Self::s_ctrl_callback`]; the control is one of [`Kind::VolatileReadOnly`].
    unsafe extern "C" fn g_volatile_ctrl_callback(ctrl: *mut bindings::v4l2_ctrl) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements.
            let (node, id) = unsafe {
                (
                    VideoDevice::<T>::from_handler((*ctrl).handler),
                    Id((*ctrl).id),
                )
            };
            // SAFETY: By the safety requirements the lock is held, and this is a callback.
            let value = T::g_volatile_ctrl(&unsafe { node.context() }, id)?;

            // SAFETY: By the safety requirements; `p_new` points to a number of the control's type.
            unsafe {
                match (*ctrl).type_ {
                    bindings::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER64 => {
                        *(*ctrl).p_new.p_s64 = value;
                    }
                    _ => (*ctrl).val = value.try_into().unwrap_or(i32::MAX),
                }
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `handler` must be initialized.
    unsafe fn add(handler: *mut bindings::v4l2_ctrl_handler, controls: &'static [Config]) {
        for config in controls {
            let mut raw = config.as_raw();

            raw.ops = &Self::OPS;
            // A failure is kept in the handler's `error`, and makes the calls after it do nothing.
            //
            // SAFETY: By the safety requirements; the operations, names and menus are static. The
            // control is nobody else's until the handler is used.
            unsafe {
                let ctrl = bindings::v4l2_ctrl_new_custom(handler, &raw, core::ptr::null_mut());

                if let (Kind::VolatileReadOnly(_), false) = (&config.kind, ctrl.is_null()) {
                    (*ctrl).flags |= (bindings::V4L2_CTRL_FLAG_VOLATILE
                        | bindings::V4L2_CTRL_FLAG_READ_ONLY)
                        as c_ulong;
                }
            }
        }
    }
}

#[pinned_drop]
impl<T: Capture> PinnedDrop for Handler<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant; the node that it was used by is gone.
        unsafe { bindings::v4l2_ctrl_handler_free(self.handler.get()) };
    }
}
