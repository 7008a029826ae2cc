// SPDX-License-Identifier: GPL-2.0

//! Devices and their registration.
//!
//! C headers: [`include/media/v4l2-dev.h`](srctree/include/media/v4l2-dev.h),
//! [`include/media/v4l2-device.h`](srctree/include/media/v4l2-device.h)

use super::{
    ctrl,
    format::{
        FmtDesc,
        Fract,
        FrmIval,
        FrmSize,
        PixFormat, //
    },
    ioctl,
    selection::{
        Rect,
        Target, //
    }, //
};
use crate::{
    bindings,
    stats::Stats,
    vb2, //
};
use core::{
    marker::PhantomPinned,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    container_of,
    device::{
        self,
        Bound, //
    },
    devres,
    error::to_result,
    module::ThisModule,
    new_mutex,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    },
    types::Opaque, //
};

/// The kind of buffers that a [`Device`] fills.
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

/// A device that captures video.
///
/// The ioctls that have no method here are served by videobuf2 and the V4L2 core.
#[vtable]
pub trait Capture: vb2::Operations<Context = Device<Self>> + Send + Sync {
    /// The driver's name, for VIDIOC_QUERYCAP.
    const DRIVER: &'static CStr;
    /// The name of the one input.
    const INPUT: &'static CStr;
    /// How the queue is set up.
    const QUEUE: vb2::Config;

    /// The device's name, for VIDIOC_QUERYCAP and sysfs.
    fn card(&self) -> &CStr;

    /// The controls that the device has.
    fn controls(&self) -> &'static [ctrl::Config];

    /// The format with this index (VIDIOC_ENUM_FMT), `None` past the last.
    fn enum_fmt(dev: &Device<Self>, index: u32) -> Option<FmtDesc>;

    /// The current format (VIDIOC_G_FMT).
    fn g_fmt(dev: &Device<Self>) -> PixFormat;

    /// The format nearest to what was asked for (VIDIOC_TRY_FMT).
    fn try_fmt(dev: &Device<Self>, format: &PixFormat) -> PixFormat;

    /// Changes the format to one that came from [`try_fmt`](Self::try_fmt) (VIDIOC_S_FMT).
    ///
    /// Called only while no buffers are allocated.
    fn s_fmt(dev: &Device<Self>, format: &PixFormat);

    /// The sizes of a format (VIDIOC_ENUM_FRAMESIZES) with this index, `None` past the last and
    /// where there is no such format.
    ///
    /// All sizes of a format are [`FrmSize::Discrete`], or there is one [`FrmSize::Stepwise`].
    fn enum_framesizes(dev: &Device<Self>, pixelformat: u32, index: u32) -> Option<FrmSize>;

    /// The intervals at a size (VIDIOC_ENUM_FRAMEINTERVALS) with this index, `None` past the last
    /// and where there is no such format or size.
    ///
    /// All intervals of a size are [`FrmIval::Discrete`], or there is one [`FrmIval::Continuous`].
    fn enum_frameintervals(
        dev: &Device<Self>,
        pixelformat: u32,
        width: u32,
        height: u32,
        index: u32,
    ) -> Option<FrmIval>;

    /// The current interval (VIDIOC_G_PARM).
    fn interval(dev: &Device<Self>) -> Fract;

    /// Changes the interval to the nearest that there is, and returns it (VIDIOC_S_PARM).
    fn s_interval(dev: &Device<Self>, interval: Fract) -> Fract;

    /// Changes a control to a value in its range. The handler's lock is held.
    fn s_ctrl(dev: &Device<Self>, id: ctrl::Id, value: i32) -> Result;

    /// Does what a control of [`ctrl::Kind::Button`] is for. The locks of the handler and of the
    /// node are held.
    fn push(dev: &Device<Self>, id: ctrl::Id, pushed: &ctrl::Pushed<'_>) -> Result;

    /// The value of a control of [`ctrl::Kind::Volatile`]. The handler's lock is held.
    fn g_volatile_ctrl(dev: &Device<Self>, id: ctrl::Id) -> i64;

    /// The rectangle that is selected (VIDIOC_G_SELECTION), `None` where there is no such target;
    /// without [`Target::Crop`] there is nothing to set either.
    fn selection(dev: &Device<Self>, target: Target) -> Option<Rect>;

    /// The part of the pixel array nearest to what was asked for.
    fn try_crop(dev: &Device<Self>, crop: Rect) -> Rect;

    /// Captures a part that came from [`try_crop`](Self::try_crop) (VIDIOC_S_SELECTION with
    /// [`Target::Crop`]), while streaming as well.
    fn s_crop(dev: &Device<Self>, crop: Rect);

    /// Writes what is worth knowing to the kernel's log (VIDIOC_LOG_STATUS); the controls come
    /// after it.
    fn log_status(dev: &Device<Self>);
}

/// A registered V4L2 device with one node, one input, and a `T` that drives it.
///
/// It lives until the last file is closed; [`Deref`] gives the driver's own data.
///
/// # Invariants
///
/// - All fields are initialized, and none of them moves.
/// - The reference count is that of `v4l2`, whose release frees the allocation.
#[pin_data(PinnedDrop)]
pub struct Device<T: Capture> {
    #[pin]
    v4l2: Opaque<bindings::v4l2_device>,
    #[pin]
    vdev: Opaque<bindings::video_device>,
    #[pin]
    ctrls: Opaque<bindings::v4l2_ctrl_handler>,
    #[pin]
    queue: vb2::Queue<T>,
    buf_type: BufType,
    /// Whether the node is there to be unregistered: whoever clears this does it.
    is_registered: Atomic<bool>,
    /// Held while an event is dequeued that was seen to be there.
    #[pin]
    pub(super) dequeue_event: Mutex<()>,
    /// Held for the queue, whose memory it is mapped for.
    parent: ARef<device::Device>,
    #[pin]
    data: T,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The C structures have no ties to a thread, and `T` is `Send`.
unsafe impl<T: Capture> Send for Device<T> {}

// SAFETY: The C structures are protected by the locks of the V4L2 core and videobuf2, and `T` is
// `Sync`.
unsafe impl<T: Capture> Sync for Device<T> {}

impl<T: Capture> Device<T> {
    /// Makes a device with the driver's `data`, which fills buffers of `buf_type`, and registers
    /// its node.
    ///
    /// It is unregistered when `parent` is unbound. Files that are open then see ENODEV from there
    /// on, and keep the device, but not its node, until they are closed.
    pub fn register(
        parent: &device::Device<Bound>,
        buf_type: BufType,
        data: impl PinInit<T, Error>,
    ) -> Result<ARef<Self>> {
        let dev: &device::Device = parent;
        let stats = Stats::new()?;
        let this = KBox::pin_init(
            try_pin_init!(&this in Self {
                v4l2: Opaque::zeroed(),
                vdev: Opaque::zeroed(),
                ctrls: Opaque::zeroed(),
                data <- data,
                // SAFETY: `this` embeds the queue and is used by nobody until it is complete. It
                // holds `parent`.
                queue <- unsafe { vb2::Queue::new(dev, this, buf_type as u32, &T::QUEUE, stats) },
                buf_type,
                is_registered: Atomic::new(false),
                dequeue_event <- new_mutex!((), "v4l2::Device::dequeue_event"),
                parent: dev.into(),
                _pin: PhantomPinned,
            }),
            GFP_KERNEL,
        )?;

        // The handler's parts are freed with the device, whatever happens here.
        //
        // SAFETY: The handler is zeroed, and a part of a `Device<T>`.
        to_result(unsafe {
            let handler = this.ctrls.get();
            let controls = this.data.controls();
            bindings::v4l2_ctrl_handler_init(handler, controls.len() as u32);
            ctrl::VTable::<T>::add(handler, controls);
            (*handler).error
        })?;

        // SAFETY: `v4l2` is zeroed, and `parent` a valid device. Nothing needs undoing on failure.
        to_result(unsafe {
            let v4l2 = this.v4l2.get();
            (*v4l2).ctrl_handler = this.ctrls.get();
            (*v4l2).release = Some(Self::release_callback);
            bindings::v4l2_device_register(as_raw(dev), v4l2)
        })?;

        // The C side has made `v4l2` the parent's driver data. That place is the bus driver's, and
        // what lies there is dropped as its data when a probe fails: leave nothing.
        //
        // SAFETY: `parent` is a valid device, whose driver has not set its data yet or has its own.
        unsafe {
            if bindings::dev_get_drvdata(as_raw(dev)) == this.v4l2.get().cast() {
                bindings::dev_set_drvdata(as_raw(dev), core::ptr::null_mut());
            }
        }

        // SAFETY: The reference count of `v4l2` is one from here on, and owns the allocation,
        // which is not moved.
        let this = unsafe {
            let raw = KBox::into_raw(Pin::into_inner_unchecked(this));
            ARef::from_raw(NonNull::new_unchecked(raw))
        };
        let registration = Registration(this.clone());
        this.init_node();

        // SAFETY: The handler is initialized, and so is all that `s_ctrl()` may use.
        to_result(unsafe { bindings::v4l2_ctrl_handler_setup(this.ctrls.get()) })?;

        // SAFETY: The node is initialized; from here on it may be opened.
        to_result(unsafe {
            bindings::video_register_device(
                this.vdev(),
                bindings::vfl_devnode_type_VFL_TYPE_VIDEO,
                -1,
            )
        })
        .inspect_err(|_| this.forget_node())?;
        this.is_registered.store(true, Relaxed);

        devres::register(parent, registration, GFP_KERNEL)?;
        Ok(this)
    }

    /// Fills in the node, which is zeroed and not registered.
    fn init_node(&self) {
        let vdev = self.vdev();

        // SAFETY: Nobody else uses the node until it is registered; the tables are static.
        unsafe {
            ioctl::copy_name(&mut (*vdev).name, self.data.card());
            (*vdev).v4l2_dev = self.v4l2.get();
            (*vdev).fops = &ioctl::VTable::<T>::FOPS;
            (*vdev).ioctl_ops = match self.buf_type {
                BufType::VideoCapture => &ioctl::VTable::<T>::OPS,
                BufType::VideoCaptureMplane => &ioctl::VTable::<T>::OPS_MPLANE,
            };
            (*vdev).release = Some(bindings::video_device_release_empty);
            (*vdev).queue = self.queue.as_raw();
            (*vdev).lock = self.queue.lock();
            (*vdev).device_caps = bindings::V4L2_CAP_EXT_PIX_FORMAT
                | match self.buf_type {
                    BufType::VideoCapture => bindings::V4L2_CAP_VIDEO_CAPTURE,
                    BufType::VideoCaptureMplane => bindings::V4L2_CAP_VIDEO_CAPTURE_MPLANE,
                };
            for mode in T::QUEUE.io_modes(self.buf_type as u32) {
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
    fn forget_node(&self) {
        // SAFETY: The node is not registered, and its device, where it came to that, initialized
        // and not added: the reference is the only one.
        unsafe {
            let dev = &raw mut (*self.vdev()).dev;

            if (*dev).kobj.state_initialized() != 0 {
                (*dev).release = Some(release_nothing);
                bindings::put_device(dev);
            }
        }
    }

    /// The buffer queue.
    pub fn queue(&self) -> &vb2::Queue<T> {
        &self.queue
    }

    /// The kind of buffers that the device fills.
    pub fn buf_type(&self) -> BufType {
        self.buf_type
    }

    /// Takes the device away from user space, as when it is unplugged: all that is left to those
    /// who have it open is to close it. It comes back when its parent is bound anew.
    ///
    /// Only a [`Button`](ctrl::Kind::Button) can do this: it has the node's lock.
    pub fn disconnect(&self, _pushed: &ctrl::Pushed<'_>) {
        if self.is_registered.xchg(false, Relaxed) {
            // SAFETY: The node was registered, and this is who unregisters it. By the invariant of
            // `Pushed` its lock is held, which is the queue's.
            unsafe {
                bindings::video_unregister_device(self.vdev());
                bindings::vb2_queue_release(self.queue.as_raw());
            }
        }
    }

    /// The parent device, which may be unbound meanwhile.
    pub fn parent(&self) -> &device::Device {
        &self.parent
    }

    pub(super) fn vdev(&self) -> *mut bindings::video_device {
        self.vdev.get()
    }

    /// # Safety
    ///
    /// `file` must be an open file of a `Self`'s node.
    pub(super) unsafe fn from_file<'a>(file: *mut bindings::file) -> &'a Self {
        // SAFETY: By the safety requirements; the file holds a reference to the device.
        unsafe {
            let vdev = bindings::video_devdata(file);
            &*container_of!(Opaque::cast_from(vdev), Self, vdev)
        }
    }

    /// # Safety
    ///
    /// `handler` must be the handler of a live `Self`.
    pub(super) unsafe fn from_handler<'a>(handler: *mut bindings::v4l2_ctrl_handler) -> &'a Self {
        // SAFETY: By the safety requirements.
        unsafe { &*container_of!(Opaque::cast_from(handler), Self, ctrls) }
    }

    /// # Safety
    ///
    /// `v4l2` must be that of a `Self` to which there are no references.
    unsafe extern "C" fn release_callback(v4l2: *mut bindings::v4l2_device) {
        // SAFETY: By the safety requirements; the allocation was given up by `register()`.
        unsafe {
            let this = container_of!(Opaque::cast_from(v4l2), Self, v4l2);
            drop(Pin::new_unchecked(KBox::from_raw(this.cast_mut())));
        }
    }
}

/// # Safety
///
/// None but that of C: what the argument points to is not used.
unsafe extern "C" fn release_nothing(_dev: *mut bindings::device) {}

impl<T: Capture> Deref for Device<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

#[pinned_drop]
impl<T: Capture> PinnedDrop for Device<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The handler is initialized, or zeroed, of which this makes nothing.
        unsafe { bindings::v4l2_ctrl_handler_free(self.ctrls.get()) };
    }
}

// SAFETY: `v4l2` counts the references, and frees the device with the last.
unsafe impl<T: Capture> AlwaysRefCounted for Device<T> {
    fn inc_ref(&self) {
        // SAFETY: There is a reference, so the count is not zero.
        unsafe { bindings::v4l2_device_get(self.v4l2.get()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up a reference.
        unsafe { bindings::v4l2_device_put(obj.as_ref().v4l2.get()) };
    }
}

/// Takes a device away from its parent and from user space when it is dropped.
struct Registration<T: Capture>(ARef<Device<T>>);

impl<T: Capture> Drop for Registration<T> {
    fn drop(&mut self) {
        // SAFETY: The node was registered if it says so, and `v4l2` is. The queue is stopped and
        // emptied by the first call. Where `disconnect()` has come before it, that is over once
        // its lock can be had. A read() that came too late to be turned away, and has waited for
        // the queue's lock, finds the error.
        unsafe {
            if self.0.is_registered.xchg(false, Relaxed) {
                bindings::vb2_video_unregister_device(self.0.vdev());
            } else {
                bindings::mutex_lock(self.0.queue.lock());
                bindings::mutex_unlock(self.0.queue.lock());
            }
            bindings::vb2_queue_error(self.0.queue.as_raw());
            bindings::v4l2_device_unregister(self.0.v4l2.get());
        }
    }
}

/// The module that a trait's implementation is in.
pub(super) const fn owner<M: kernel::ModuleMetadata>() -> *mut bindings::module {
    let module: &'static ThisModule = kernel::module::this_module::<M>();
    module.as_ptr()
}

fn as_raw(dev: &device::Device) -> *mut bindings::device {
    core::ptr::from_ref(dev).cast_mut().cast()
}
