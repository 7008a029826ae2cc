// SPDX-License-Identifier: GPL-2.0

//! Devices, and the registration of their nodes.
//!
//! C header: [`include/media/v4l2-device.h`](srctree/include/media/v4l2-device.h)

use super::{
    registration::{
        Registered,
        Registration,
        RegistrationContext,
        RegistrationData, //
    },
    video_device::Node,
    work::Work, //
};
use crate::bindings;
use core::{
    cell::UnsafeCell,
    marker::PhantomPinned,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    container_of,
    device::{
        self,
        AsBusDevice,
        Bound, //
    },
    devres,
    error::to_result,
    ffi::c_int,
    prelude::*,
    static_lock_class,
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
    time::Delta,
    types::Opaque, //
};

/// A driver of V4L2 devices: what its nodes have in common.
///
/// The implementing type is the driver's data of a device. It embeds the nodes, and lives until the
/// last file of them is closed.
pub trait Driver: Sized + Send + Sync + 'static {
    /// The name of the driver, for VIDIOC_QUERYCAP.
    const NAME: &'static CStr;

    /// The device on a bus that devices of this driver belong to.
    type ParentDevice<Ctx: device::DeviceContext>: AsBusDevice<Ctx>;

    /// What is there while the nodes are registered: register mappings, interrupts and the like,
    /// which borrow from the bound parent. `()` where there is nothing of the kind.
    type RegistrationData<'a>: RegistrationData<'a, Self>;

    /// Adds the nodes to the list, in the order in which they are to be registered.
    fn nodes<'a>(&'a self, nodes: &mut Nodes<'a, Self>) -> Result;
}

/// The nodes of a [`Device`].
pub struct Nodes<'a, D: Driver>(pub(super) KVec<&'a dyn Node<D>>);

impl<'a, D: Driver> Nodes<'a, D> {
    pub(super) const fn new() -> Self {
        Self(KVec::new())
    }

    /// Adds a node; `ENOMEM` if there is no room for it.
    pub fn add(&mut self, node: &'a dyn Node<D>) -> Result {
        Ok(self.0.push(node, GFP_KERNEL)?)
    }
}

/// A V4L2 device: what the nodes of a piece of hardware have in common.
///
/// It is counted, and lives until the last file of its nodes is closed. [`Deref`] gives the
/// driver's own data. Corresponds to `struct v4l2_device`.
///
/// # Invariants
///
/// - `v4l2` is initialized; its reference count is that of this, and its release frees the
///   allocation, which does not move.
/// - `unregister_work` is initialized, and disabled unless there is a `Registration`.
/// - `work` is enabled while there is a `Registered` only.
/// - `registration_data` is valid while a node is registered or being unregistered.
#[pin_data(PinnedDrop)]
pub struct Device<D: Driver> {
    #[pin]
    v4l2: Opaque<bindings::v4l2_device>,
    #[pin]
    pub(super) unregister_work: Opaque<bindings::work_struct>,
    #[pin]
    pub(super) work: Work<D>,
    /// Whether it was registered, or that was tried.
    is_claimed: Atomic<bool>,
    /// Locked while nodes are registered and unregistered.
    #[pin]
    pub(super) registered: Mutex<Option<Registered<D>>>,
    /// Whether the hardware was stopped, and is to be started again.
    is_suspended: Atomic<bool>,
    pub(super) registration_data: UnsafeCell<NonNull<D::RegistrationData<'static>>>,
    parent: ARef<device::Device>,
    #[pin]
    pub(super) data: D,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: The C structures have no ties to a thread; the driver's data and that of the registration
// are `Send`.
unsafe impl<D: Driver> Send for Device<D> {}

// SAFETY: The C structures are protected by locks of the V4L2 core; the driver's data and that of
// the registration are `Sync`.
unsafe impl<D: Driver> Sync for Device<D> {}

impl<D: Driver> Device<D> {
    /// Makes a device with the driver's `data`, which knows no user space yet.
    ///
    /// May sleep. `ENOMEM`, or what `data` fails with.
    pub fn new<E>(parent: &D::ParentDevice<Bound>, data: impl PinInit<D, E>) -> Result<ARef<Self>>
    where
        Error: From<E>,
    {
        let parent: &device::Device = parent.as_ref();
        let this = KBox::pin_init::<Error>(
            try_pin_init!(Self {
                v4l2: Opaque::zeroed(),
                unregister_work <- Opaque::ffi_init(|slot| {
                    // SAFETY: The slot is memory for a work item.
                    unsafe {
                        bindings::init_work(slot, Some(Self::unregister_callback));
                        bindings::disable_work(slot);
                    }
                }),
                work <- Work::new(),
                is_claimed: Atomic::new(false),
                registered <- Mutex::new(
                    None,
                    lock_name!("v4l2::Device::registered"),
                    static_lock_class!(),
                ),
                is_suspended: Atomic::new(false),
                registration_data: UnsafeCell::new(NonNull::dangling()),
                parent: parent.into(),
                data <- data,
                _pin: PhantomPinned,
            }),
            GFP_KERNEL,
        )?;

        // SAFETY: `v4l2` is zeroed, and `parent` a device with a driver, which is bound to it.
        // Nothing needs undoing on failure.
        to_result(unsafe {
            let v4l2 = this.v4l2.get();
            (*v4l2).release = Some(Self::release_callback);
            bindings::v4l2_device_register(as_raw(parent), v4l2)
        })?;

        // The C side has made `v4l2` the parent's driver data. That place is the bus driver's, and
        // what lies there is dropped as its data when a probe fails: leave nothing.
        //
        // SAFETY: `parent` is a valid device, whose driver has not set its data yet or has its own.
        unsafe {
            if bindings::dev_get_drvdata(as_raw(parent)) == this.v4l2.get().cast() {
                bindings::dev_set_drvdata(as_raw(parent), ptr::null_mut());
            }
        }

        // INVARIANT: The work is disabled, and the reference count one.
        //
        // SAFETY: The reference count of `v4l2` owns the allocation, which is not moved.
        Ok(unsafe {
            let raw = KBox::into_raw(Pin::into_inner_unchecked(this));
            ARef::from_raw(NonNull::new_unchecked(raw))
        })
    }

    /// Registers the nodes, once in the life of a device.
    ///
    /// First the data of the registration is made, then interrupts are requested, and the nodes are
    /// registered, in order. When
    /// `parent` is unbound, and when something fails here, all of it is undone in the reverse
    /// order: the nodes are unregistered and stop streaming, and the data is dropped. Files that
    /// are open then see `ENODEV`, and keep the device, but none of its nodes, until they are
    /// closed.
    ///
    /// Sleeps. `EINVAL` if `parent` is not what the device was made with, `EBUSY` if it was
    /// registered before, `EIO` if it has no DMA mask and a node needs one ([`vb2::Dma`]), `ENFILE`
    /// if there is no number left for a node.
    ///
    /// [`vb2::Dma`]: crate::vb2::Dma
    pub fn register(&self, parent: &D::ParentDevice<Bound>) -> Result {
        let dev: &device::Device<Bound> = parent.as_ref();
        if !ptr::eq(as_raw(dev), as_raw(&self.parent)) {
            return Err(EINVAL);
        }

        if self.is_claimed.xchg(true, Relaxed) {
            return Err(EBUSY);
        }
        // SAFETY: This is done once; the work was disabled by `new()`.
        let registration = unsafe { Registration::new(self) };
        {
            // Who unregisters a node that is just there waits for the others.
            let mut registered = self.registered.lock();
            let mut new = Registered::new(self, parent)?;

            new.request_irqs(self)?;
            new.add_nodes(self)?;
            *registered = Some(new);
        }
        devres::register(dev, registration, GFP_KERNEL)
    }

    /// Unregisters the nodes as soon as may be, as when the hardware was unplugged. In any context.
    ///
    /// All that is left to those who have a node open is to close it. Nothing brings the nodes back
    /// but a new device, as when the parent is bound anew.
    pub fn schedule_unregister(&self) {
        // SAFETY: By the type invariants the work is initialized, and disabled where it must not
        // run.
        unsafe {
            bindings::queue_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                bindings::system_dfl_wq,
                self.unregister_work.get(),
            )
        };
    }

    /// Lets [`RegistrationData::work`] run once, after `delay`, in any context.
    ///
    /// Where it waits to be run already, it is this delay that counts. While the device is not
    /// registered nothing happens. Corresponds to `mod_delayed_work()`.
    pub fn schedule_work(&self, delay: Delta) {
        self.work.schedule(delay);
    }

    pub(super) fn unregister(&self) {
        // Dropped under the lock: whoever comes second must not be done first.
        *self.registered.lock() = None;
    }

    /// Stops the hardware, with the first of the nodes that is suspended.
    pub(super) fn suspend(&self) -> Result {
        // Nodes come and go with the lock held, and wait for this: then there is nothing to be
        // stopped.
        let Some(registered) = self.registered.try_lock() else {
            return Ok(());
        };
        if registered.is_none() || self.is_suspended.xchg(true, Relaxed) {
            return Ok(());
        }
        // SAFETY: The data of the registration is there, as it is not dropped without the lock.
        D::RegistrationData::suspend(&unsafe { RegistrationContext::new(self) })
            .inspect_err(|_| self.is_suspended.store(false, Relaxed))
    }

    /// Starts the hardware, with the first of the nodes that is resumed.
    pub(super) fn resume(&self) -> Result {
        // As above.
        let Some(registered) = self.registered.try_lock() else {
            return Ok(());
        };
        if registered.is_none() || !self.is_suspended.xchg(false, Relaxed) {
            return Ok(());
        }
        // SAFETY: As above.
        D::RegistrationData::resume(&unsafe { RegistrationContext::new(self) })
    }

    /// The parent, which may be unbound meanwhile.
    pub fn parent(&self) -> &device::Device {
        &self.parent
    }

    /// The parent, as the bus knows it.
    ///
    /// # Safety
    ///
    /// It must be bound for `'a`.
    pub(super) unsafe fn bound_parent<'a>(&'a self) -> &'a D::ParentDevice<Bound> {
        // SAFETY: By the safety requirements; the device came from a `ParentDevice`.
        unsafe { AsBusDevice::from_device(self.parent.as_bound()) }
    }

    /// The data of the registration.
    ///
    /// # Safety
    ///
    /// A node of the device must be registered or being unregistered for as long as the reference
    /// is used, and whoever chooses `'a` must not put anything into the data that ends sooner than
    /// the registration, nor a reference to the data itself.
    pub(super) unsafe fn registration_data<'a>(&self) -> &D::RegistrationData<'a> {
        // SAFETY: By the safety requirements and the type invariants. Lifetimes do not change the
        // layout.
        unsafe { (*self.registration_data.get()).cast().as_ref() }
    }

    pub(super) fn as_raw(&self) -> *mut bindings::v4l2_device {
        self.v4l2.get()
    }

    /// # Safety
    ///
    /// `v4l2` must be that of a live `Self`.
    pub(super) unsafe fn from_raw<'a>(v4l2: *mut bindings::v4l2_device) -> &'a Self {
        // SAFETY: By the safety requirements.
        unsafe { &*container_of!(Opaque::cast_from(v4l2), Self, v4l2) }
    }

    /// # Safety
    ///
    /// `work` must be that of a live `Self`.
    pub(super) unsafe fn from_work<'a>(work: *const Work<D>) -> &'a Self {
        // SAFETY: By the safety requirements.
        unsafe { &*container_of!(work, Self, work) }
    }

    /// # Safety
    ///
    /// `v4l2` must be that of a `Self` to which there are no references.
    unsafe extern "C" fn release_callback(v4l2: *mut bindings::v4l2_device) {
        // SAFETY: By the safety requirements; the allocation was given up by `new()`.
        unsafe {
            let this = container_of!(Opaque::cast_from(v4l2), Self, v4l2);
            drop(Pin::new_unchecked(KBox::from_raw(this.cast_mut())));
        }
    }

    /// # Safety
    ///
    /// `work` must be the `unregister_work` of a live `Self`.
    unsafe extern "C" fn unregister_callback(work: *mut bindings::work_struct) {
        // SAFETY: By the safety requirements.
        let this = unsafe { &*container_of!(Opaque::cast_from(work), Self, unregister_work) };

        this.unregister();
    }
}

impl<D: Driver> Deref for Device<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.data
    }
}

#[pinned_drop]
impl<D: Driver> PinnedDrop for Device<D> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `v4l2` is zeroed, or registered and perhaps unregistered: then this does nothing.
        unsafe { bindings::v4l2_device_unregister(self.v4l2.get()) };
    }
}

// SAFETY: `v4l2` counts the references, and frees the device with the last.
unsafe impl<D: Driver> AlwaysRefCounted for Device<D> {
    fn inc_ref(&self) {
        // SAFETY: There is a reference, so the count is not zero.
        unsafe { bindings::v4l2_device_get(self.v4l2.get()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up a reference.
        unsafe { bindings::v4l2_device_put(obj.as_ref().v4l2.get()) };
    }
}

fn as_raw<Ctx: device::DeviceContext>(dev: &device::Device<Ctx>) -> *mut bindings::device {
    ptr::from_ref(dev).cast_mut().cast()
}
