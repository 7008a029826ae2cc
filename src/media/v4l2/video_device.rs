// SPDX-License-Identifier: GPL-2.0

//! The nodes of a device.
//!
//! C header: [`include/media/v4l2-dev.h`](srctree/include/media/v4l2-dev.h)

use super::{
    capture::Capture,
    ctrl::Handler,
    device::{
        Device,
        Driver, //
    },
    ioctl,
    pm, //
};
use crate::{
    bindings,
    compat::{
        this_module,
        ModuleMetadata, //
    },
    stats::Stats,
    vb2::{
        self,
        ActiveContext,
        Context, //
    },
};
use core::{
    marker::PhantomPinned,
    ops::Deref, //
};
use kernel::{
    container_of,
    device::Bound,
    error::to_result,
    prelude::*,
    static_lock_class,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    },
    types::Opaque, //
};

/// The kind of buffers that a [`VideoDevice`] fills.
///
/// Corresponds to the C `enum v4l2_buf_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum BufType {
    /// An image in one plane of memory.
    VideoCapture = bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE,
    /// An image in as many planes as its format has.
    VideoCaptureMplane = bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
}

/// A node of a device (`/dev/videoX`), with its queue and its controls, and a `T` that drives it.
///
/// It is a part of the data of a [`Driver`], which adds it in [`Driver::nodes`]; until the
/// [`Device`] is registered it does nothing. [`Deref`] gives the driver's data of the node.
/// Corresponds to `struct video_device`.
///
/// # Invariants
///
/// - All fields are initialized, and none of them moves.
/// - From the first callback on, `vdev.v4l2_dev` is that of a [`Device<T::Driver>`] that lives at
///   least as long as this is used.
#[pin_data]
pub struct VideoDevice<T: Capture> {
    #[pin]
    vdev: Opaque<bindings::video_device>,
    #[pin]
    ctrls: Handler<T>,
    #[pin]
    queue: vb2::Queue<T>,
    buf_type: BufType,
    /// Whether a device has registered it, or has tried to.
    is_claimed: Atomic<bool>,
    /// Held while an event is dequeued that was seen to be there.
    #[pin]
    pub(super) dequeue_event: Mutex<()>,
    #[pin]
    data: T,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The C structures have no ties to a thread, and `T` is `Send`.
unsafe impl<T: Capture> Send for VideoDevice<T> {}

// SAFETY: The C structures are protected by the locks of the V4L2 core and videobuf2, and `T` is
// `Sync`.
unsafe impl<T: Capture> Sync for VideoDevice<T> {}

impl<T: Capture> VideoDevice<T> {
    /// Makes a node with the driver's `data`, which fills buffers of `buf_type`.
    ///
    /// May sleep. `ENOMEM`, or what `data` fails with.
    pub fn new<E>(buf_type: BufType, data: impl PinInit<T, E>) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        try_pin_init!(&this in Self {
            vdev: Opaque::zeroed(),
            data <- data,
            // SAFETY: `data` was initialized just now, and is pinned from here on.
            ctrls <- Handler::new(unsafe { (*this.as_ptr()).data.controls() }),
            // SAFETY: `this` embeds the queue, and is used by nobody until it is complete; the
            // device is set before it is registered.
            queue <- unsafe { vb2::Queue::new(this, buf_type as u32, Stats::new(GFP_KERNEL)?) },
            buf_type,
            is_claimed: Atomic::new(false),
            dequeue_event <- Mutex::new(
                (),
                lock_name!("v4l2::VideoDevice::dequeue_event"),
                static_lock_class!(),
            ),
            _pin: PhantomPinned,
        })
    }

    /// The buffer queue.
    pub fn queue(&self) -> &vb2::Queue<T> {
        &self.queue
    }

    /// The kind of buffers that the node fills.
    pub fn buf_type(&self) -> BufType {
        self.buf_type
    }

    pub(super) fn as_raw(&self) -> *mut bindings::video_device {
        self.vdev.get()
    }

    /// # Safety
    ///
    /// `vdev` must be that of a live `Self`.
    pub(super) unsafe fn from_raw<'a>(vdev: *mut bindings::video_device) -> &'a Self {
        // SAFETY: By the safety requirements.
        unsafe { &*container_of!(Opaque::cast_from(vdev), Self, vdev) }
    }

    /// The device that the node belongs to.
    ///
    /// # Safety
    ///
    /// The node must have been registered.
    unsafe fn device<'a>(&'a self) -> &'a Device<T::Driver> {
        // SAFETY: By the safety requirements and the type invariants.
        unsafe { Device::from_raw((*self.as_raw()).v4l2_dev) }
    }

    /// # Safety
    ///
    /// `file` must be an open file of a `Self`.
    pub(super) unsafe fn from_file<'a>(file: *mut bindings::file) -> &'a Self {
        // SAFETY: By the safety requirements; the file holds a reference to the device.
        unsafe { Self::from_raw(bindings::video_devdata(file)) }
    }

    /// # Safety
    ///
    /// `handler` must be that of a live `Self`.
    pub(super) unsafe fn from_handler<'a>(handler: *mut bindings::v4l2_ctrl_handler) -> &'a Self {
        // SAFETY: By the safety requirements.
        unsafe { &*container_of!(Handler::<T>::from_raw(handler), Self, ctrls) }
    }

    /// # Safety
    ///
    /// This must be in a callback of the node, as [`Context`] wants it.
    pub(super) unsafe fn context(&self) -> Context<'_, T> {
        // SAFETY: By the safety requirements.
        unsafe { Context::new(&self.queue, self) }
    }

    /// Fills in the node, which is zeroed and not registered.
    fn init(&self, device: &Device<T::Driver>) {
        let vdev = self.as_raw();

        // SAFETY: Nobody else uses the node until it is registered; the tables are static.
        unsafe {
            ioctl::copy_name(&mut (*vdev).name, self.data.card());
            (*vdev).v4l2_dev = device.as_raw();
            (*vdev).ctrl_handler = self.ctrls.as_raw();
            (*vdev).fops = &ioctl::VTable::<T>::FOPS;
            (*vdev).ioctl_ops = match self.buf_type {
                BufType::VideoCapture => &ioctl::VTable::<T>::OPS,
                BufType::VideoCaptureMplane => &ioctl::VTable::<T>::OPS_MPLANE,
            };
            (*vdev).release = Some(bindings::video_device_release_empty);
            (*vdev).dev.type_ = &pm::VTable::<T::Driver>::TYPE;
            (*vdev).queue = self.queue.as_raw();
            (*vdev).lock = self.queue.lock();
            (*vdev).tvnorms = T::STANDARDS.into_raw();
            (*vdev).device_caps = match self.buf_type {
                BufType::VideoCapture => bindings::V4L2_CAP_VIDEO_CAPTURE,
                BufType::VideoCaptureMplane => bindings::V4L2_CAP_VIDEO_CAPTURE_MPLANE,
            };
            for mode in T::CONFIG.io_modes(self.buf_type as u32) {
                (*vdev).device_caps |= match mode {
                    vb2::IoMode::Read => bindings::V4L2_CAP_READWRITE,
                    _ => bindings::V4L2_CAP_STREAMING,
                };
            }
        }
    }

    /// Frees what a registration that failed has left in the node.
    ///
    /// The V4L2 core leaves the name of the device, because it does not know whose the memory
    /// around it is. It is ours, and stays.
    fn put_unregistered(&self) {
        // SAFETY: The node is not registered, and its device, where it came to that, initialized
        // and not added: the reference is the only one.
        unsafe {
            let dev = &raw mut (*self.as_raw()).dev;

            if (*dev).kobj.state_initialized() != 0 {
                (*dev).release = Some(release_nothing);
                bindings::put_device(dev);
            }
        }
    }
}

impl<T: Capture> Deref for VideoDevice<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

/// A node of a device of the driver `D`. There is none but [`VideoDevice`].
pub trait Node<D: Driver>: Sync + private::Sealed {
    /// Registers the node; once in its life, `EBUSY` afterwards.
    ///
    /// # Safety
    ///
    /// - `device` must outlive the node's use: the node is a part of what its data owns;
    /// - its parent must be bound, and its registration data be there, until
    ///   [`unregister`](Self::unregister) is called, which must be if this returns `Ok`.
    #[doc(hidden)]
    unsafe fn register(&self, device: &Device<D>) -> Result;

    /// Unregisters the node, and stops what it does: when this returns no callback of the driver is
    /// called any more.
    ///
    /// # Safety
    ///
    /// Must be called once, after [`register`](Self::register) has succeeded.
    #[doc(hidden)]
    unsafe fn unregister(&self);
}

mod private {
    pub trait Sealed {}
}

impl<T: Capture> private::Sealed for VideoDevice<T> {}

impl<T: Capture> Node<T::Driver> for VideoDevice<T> {
    /// # Safety
    ///
    /// As for [`Node::register`].
    unsafe fn register(&self, device: &Device<T::Driver>) -> Result {
        if self.is_claimed.xchg(true, Relaxed) {
            return Err(EBUSY);
        }
        // SAFETY: By the safety requirements. The queue is used from here on; its buffers are freed
        // by `unregister()`.
        unsafe {
            let parent: &kernel::device::Device<Bound> = device.bound_parent().as_ref();
            self.queue.set_device(parent)?;
        }
        self.init(device);

        // Setting up the controls calls the driver, which counts on the lock.
        //
        // SAFETY: The mutex and the handler are initialized.
        to_result(unsafe {
            bindings::mutex_lock(self.queue.lock());
            let ret = bindings::v4l2_ctrl_handler_setup(self.ctrls.as_raw());
            bindings::mutex_unlock(self.queue.lock());
            ret
        })?;

        // SAFETY: The node is initialized; from here on it may be opened.
        to_result(unsafe {
            bindings::video_register_device(
                self.as_raw(),
                bindings::vfl_devnode_type_VFL_TYPE_VIDEO,
                -1,
            )
        })
        .inspect_err(|_| self.put_unregistered())
    }

    /// # Safety
    ///
    /// As for [`Node::unregister`].
    unsafe fn unregister(&self) {
        self.queue.shut();
        // SAFETY: By the safety requirements the node is registered. The queue is stopped and
        // emptied; who waits for its lock, having been told before that the node is registered,
        // finds that it is shut.
        unsafe { bindings::vb2_video_unregister_device(self.as_raw()) };
    }
}

/// What the callbacks of a node can get at, besides the node.
impl<'a, T: Capture> Context<'a, T> {
    /// The device that the node belongs to.
    pub fn device(&self) -> &'a Device<T::Driver> {
        // SAFETY: This is a callback of the node.
        unsafe { self.owner().device() }
    }

    /// The device on the bus.
    pub fn parent(&self) -> &'a <T::Driver as Driver>::ParentDevice<Bound> {
        // SAFETY: While callbacks are called, the node is registered or being unregistered, and the
        // parent bound.
        unsafe { self.device().bound_parent() }
    }

    /// What was made when the device was registered.
    ///
    /// It may borrow for `'a`, but can be borrowed for this callback only: what it has a reference
    /// to may not be a part of itself, which is gone while the rest of it is dropped.
    pub fn registration_data(&self) -> &<T::Driver as Driver>::RegistrationData<'a> {
        // SAFETY: As above. By the invariance of `Context` the driver cannot choose `'a`: what has
        // this lifetime comes from what lives as long as the registration.
        unsafe { self.device().registration_data() }
    }
}

/// The same without the node's lock.
impl<'a, T: Capture> ActiveContext<'a, T> {
    /// As [`Context::device`].
    pub fn device(&self) -> &'a Device<T::Driver> {
        // SAFETY: The node was registered when the buffer was taken.
        unsafe { self.owner().device() }
    }

    /// As [`Context::registration_data`].
    pub fn registration_data(&self) -> &<T::Driver as Driver>::RegistrationData<'a> {
        // SAFETY: By the type invariants the node is registered, or who unregisters it has not shut
        // the queue down. This is invariant as well.
        unsafe { self.device().registration_data() }
    }
}

/// # Safety
///
/// None but that of C: what the argument points to is not used.
unsafe extern "C" fn release_nothing(_dev: *mut bindings::device) {}

/// The module that a trait's implementation is in.
pub(super) const fn owner<M: ModuleMetadata>() -> *mut bindings::module {
    let module: &'static ThisModule = this_module::<M>();
    module.as_ptr()
}
