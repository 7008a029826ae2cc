// SPDX-License-Identifier: GPL-2.0

//! Devices, and the registration of their nodes.
//!
//! C header: [`include/media/v4l2-device.h`](srctree/include/media/v4l2-device.h)

use super::video_device::Node;
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

/// Data that is made when a [`Device`] is registered, and dropped after its nodes are unregistered.
///
/// `'a` is the time in between, during which the parent is bound. An implementation is for any such
/// time: there is nothing else that it could borrow from than its two arguments.
pub trait RegistrationData<'a, D: Driver>: Send + Sync + Sized + 'a {
    /// Makes the data; the nodes are registered afterwards. May sleep.
    fn new(
        device: &'a Device<D>,
        parent: &'a D::ParentDevice<Bound>,
    ) -> impl PinInit<Self, Error> + 'a;
}

impl<'a, D: Driver> RegistrationData<'a, D> for () {
    fn new(
        _device: &'a Device<D>,
        _parent: &'a D::ParentDevice<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        Ok(())
    }
}

/// The nodes of a [`Device`].
pub struct Nodes<'a, D: Driver>(KVec<&'a dyn Node<D>>);

impl<'a, D: Driver> Nodes<'a, D> {
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
/// - `registration_data` is valid while a node is registered or being unregistered.
#[pin_data(PinnedDrop)]
pub struct Device<D: Driver> {
    #[pin]
    v4l2: Opaque<bindings::v4l2_device>,
    #[pin]
    unregister_work: Opaque<bindings::work_struct>,
    /// Whether it was registered, or that was tried.
    is_claimed: Atomic<bool>,
    /// Locked while nodes are registered and unregistered.
    #[pin]
    registered: Mutex<Option<Registered<D>>>,
    registration_data: UnsafeCell<NonNull<D::RegistrationData<'static>>>,
    parent: ARef<device::Device>,
    #[pin]
    data: D,
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
                is_claimed: Atomic::new(false),
                registered <- new_mutex!(None, "v4l2::Device::registered"),
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
    /// First the data of the registration is made, then the nodes are registered, in order. When
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
        let registration = Registration(self.into());
        // INVARIANT: There is a registration.
        //
        // SAFETY: The work was disabled once, by `new()`.
        unsafe { bindings::enable_work(self.unregister_work.get()) };
        {
            // Who unregisters a node that is just there waits for the others.
            let mut registered = self.registered.lock();
            let mut new = Registered::new(self, parent)?;

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

    fn unregister(&self) {
        // Dropped under the lock: whoever comes second must not be done first.
        *self.registered.lock() = None;
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

/// What has to be undone: unregisters the nodes when it is dropped, the last one first, and drops
/// the data of the registration afterwards.
struct Registered<D: Driver> {
    /// Parts of the device, which lives for longer.
    nodes: KVec<&'static dyn Node<D>>,
    /// What the device's `registration_data` points to. Not dropped before the nodes are gone.
    _data: Pin<KBox<D::RegistrationData<'static>>>,
}

impl<D: Driver> Registered<D> {
    fn new(device: &Device<D>, parent: &D::ParentDevice<Bound>) -> Result<Self> {
        // SAFETY: The device is there, and the parent bound, for as long as the data is: a
        // `Registration` holds the one, and is dropped by devres before the other is unbound.
        let (device, parent) = unsafe {
            (
                NonNull::from(device).as_ref(),
                NonNull::from(parent).as_ref(),
            )
        };
        let data = KBox::pin_init(
            D::RegistrationData::<'static>::new(device, parent),
            GFP_KERNEL,
        )?;

        // SAFETY: No node is registered, so nobody else uses it.
        unsafe { *device.registration_data.get() = NonNull::from(&*data) };
        Ok(Self {
            nodes: KVec::new(),
            _data: data,
        })
    }

    fn add_nodes(&mut self, device: &Device<D>) -> Result {
        // SAFETY: The device, and what its data owns, lives for longer than this.
        let device: &'static Device<D> = unsafe { NonNull::from(device).as_ref() };
        let mut nodes = Nodes(KVec::new());

        device.data.nodes(&mut nodes)?;
        self.nodes.reserve(nodes.0.len(), GFP_KERNEL)?;

        for node in nodes.0 {
            // SAFETY: The data of the registration is there. There is room: the node will be
            // unregistered.
            unsafe { node.register(device) }?;
            self.nodes.push(node, GFP_KERNEL)?;
        }
        Ok(())
    }
}

impl<D: Driver> Drop for Registered<D> {
    fn drop(&mut self) {
        for node in self.nodes.iter().rev() {
            // SAFETY: It was registered by `add_nodes()`, and nobody else unregisters it.
            unsafe { node.unregister() };
        }
    }
}

// SAFETY: Nodes may be unregistered from any thread; the data is `Send`.
unsafe impl<D: Driver> Send for Registered<D> {}

/// Takes a device away from its parent and from user space when it is dropped.
struct Registration<D: Driver>(ARef<Device<D>>);

impl<D: Driver> Drop for Registration<D> {
    fn drop(&mut self) {
        // INVARIANT: Nobody can unregister the nodes after this.
        //
        // SAFETY: The work is initialized; it does not wait for anything that is held here.
        unsafe { bindings::disable_work_sync(self.0.unregister_work.get()) };
        self.0.unregister();
        // SAFETY: `v4l2` was registered by `Device::new()`, and no node of it is left.
        unsafe { bindings::v4l2_device_unregister(self.0.as_raw()) };
    }
}

fn as_raw<Ctx: device::DeviceContext>(dev: &device::Device<Ctx>) -> *mut bindings::device {
    ptr::from_ref(dev).cast_mut().cast()
}
