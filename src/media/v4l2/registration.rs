// SPDX-License-Identifier: GPL-2.0

//! What there is while the nodes of a device are registered.

use super::{
    device::{
        Device,
        Driver,
        Nodes, //
    },
    irq::{
        self,
        Irqs, //
    },
    video_device::Node, //
};
use crate::bindings;
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    device::Bound,
    prelude::*,
    sync::aref::ARef, //
};

/// Data that is made when a [`Device`] is registered, and dropped after its nodes are unregistered;
/// and what happens meanwhile, apart from the callbacks of the nodes.
///
/// `'a` is the time in between, during which the parent is bound. An implementation is for any such
/// time: there is nothing else that it could borrow from than the two arguments of
/// [`new`](Self::new).
///
/// In order: the data is made, interrupts are requested, the nodes are registered; then the nodes
/// are unregistered, which stops them; interrupts are freed, and the work is cancelled; the data is
/// dropped. So whatever a handler gets at is there, and what an interrupt uses needs no reference
/// count.
pub trait RegistrationData<'a, D: Driver>: Send + Sync + Sized + 'a {
    /// Makes the data; the nodes are registered afterwards. May sleep.
    fn new(
        device: &'a Device<D>,
        parent: &'a D::ParentDevice<Bound>,
    ) -> impl PinInit<Self, Error> + 'a;

    /// Requests the interrupts of the device, whose handlers may run from here on. Without this
    /// method there are none. May sleep.
    ///
    /// `'d` is the time until they are freed. The data is there for longer, so that it may own what
    /// a request borrows from, such as the vectors of a PCI device.
    fn request_irqs<'d>(&'d self, _irqs: &mut Irqs<'d, D>) -> Result {
        Ok(())
    }

    /// What [`Device::schedule_work`] is for. Runs in a work queue, and may sleep; one at a time,
    /// and not while the system is suspended.
    fn work(_cx: &RegistrationContext<'a, D>) {}

    /// Stops the hardware, as the system is about to be suspended, or a hibernation image to be
    /// made. May sleep.
    ///
    /// Processes are frozen: no callback of a node is called, but buffers stay with the hardware.
    /// Interrupts may come still. With an error, the system is not suspended.
    fn suspend(_cx: &RegistrationContext<'a, D>) -> Result {
        Ok(())
    }

    /// Starts the hardware again where [`suspend`](Self::suspend) has stopped it; it may have lost
    /// all its state. May sleep.
    ///
    /// With an error, the kernel log has a line, and nothing else is done.
    fn resume(_cx: &RegistrationContext<'a, D>) -> Result {
        Ok(())
    }
}

impl<'a, D: Driver> RegistrationData<'a, D> for () {
    fn new(
        _device: &'a Device<D>,
        _parent: &'a D::ParentDevice<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        Ok(())
    }
}

/// A device that is registered, for what runs apart from the callbacks of its nodes: interrupt
/// handlers, work, suspend and resume.
///
/// [`Deref`] gives the device. The nodes may be about to be registered, or be unregistered just
/// now; their queues can be used at any time.
///
/// `'a` is as for [`Context`](super::Context).
///
/// # Invariants
///
/// The data of the registration is there, and the parent bound, as long as this exists.
pub struct RegistrationContext<'a, D: Driver> {
    device: &'a Device<D>,
    _invariant: PhantomData<fn(&'a ()) -> &'a ()>,
}

impl<'a, D: Driver> RegistrationContext<'a, D> {
    /// # Safety
    ///
    /// The invariants must hold for as long as the result is used, and `'a` be no longer than the
    /// registration for all that the callee can see.
    pub(super) unsafe fn new(device: &'a Device<D>) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            device,
            _invariant: PhantomData,
        }
    }

    /// The device.
    pub fn device(&self) -> &'a Device<D> {
        self.device
    }

    /// The device on the bus.
    pub fn parent(&self) -> &'a D::ParentDevice<Bound> {
        // SAFETY: By the type invariants.
        unsafe { self.device.bound_parent() }
    }

    /// What was made when the device was registered; see
    /// [`Context::registration_data`](super::Context::registration_data).
    pub fn registration_data(&self) -> &D::RegistrationData<'a> {
        // SAFETY: By the type invariants. As this is invariant, the driver cannot choose `'a`: what
        // has this lifetime comes from what lives as long as the registration.
        unsafe { self.device.registration_data() }
    }
}

impl<D: Driver> Deref for RegistrationContext<'_, D> {
    type Target = Device<D>;

    fn deref(&self) -> &Device<D> {
        self.device
    }
}

/// What has to be undone: unregisters the nodes when it is dropped, the last one first, frees the
/// interrupts, cancels the work, and drops the data of the registration afterwards.
pub(super) struct Registered<D: Driver> {
    /// The device, which lives for longer.
    device: NonNull<Device<D>>,
    /// Parts of the device.
    nodes: KVec<&'static dyn Node<D>>,
    irqs: irq::List,
    /// What the device's `registration_data` points to. Not dropped before the rest is gone.
    data: Pin<KBox<D::RegistrationData<'static>>>,
}

impl<D: Driver> Registered<D> {
    pub(super) fn new(device: &Device<D>, parent: &D::ParentDevice<Bound>) -> Result<Self> {
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
        // SAFETY: The data is there until this is dropped, which disables the work again.
        unsafe { device.work.enable() };
        Ok(Self {
            device: device.into(),
            nodes: KVec::new(),
            irqs: irq::List::new(),
            data,
        })
    }

    pub(super) fn request_irqs(&mut self, device: &Device<D>) -> Result {
        // SAFETY: The data lives until the interrupts are freed, for which alone `'static` stands
        // here; the rest is as above.
        let (data, mut irqs) = unsafe { (NonNull::from(&*self.data).as_ref(), Irqs::new(device)) };
        let result = data.request_irqs(&mut irqs);

        // Those that there are, if it has failed half-way.
        self.irqs = irqs.into_list();
        result
    }

    pub(super) fn add_nodes(&mut self, device: &Device<D>) -> Result {
        // SAFETY: The device, and what its data owns, lives for longer than this.
        let device: &'static Device<D> = unsafe { NonNull::from(device).as_ref() };
        let mut nodes = Nodes::new();

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
        // Handlers may schedule the work.
        self.irqs = irq::List::new();
        // SAFETY: The device lives for longer than this.
        unsafe { self.device.as_ref() }.work.disable_sync();
    }
}

// SAFETY: Nodes may be unregistered from any thread; the data is `Send`.
unsafe impl<D: Driver> Send for Registered<D> {}

/// Takes a device away from its parent and from user space when it is dropped.
pub(super) struct Registration<D: Driver>(ARef<Device<D>>);

impl<D: Driver> Registration<D> {
    /// # Safety
    ///
    /// There must be no other for this device, and have been none.
    pub(super) unsafe fn new(device: &Device<D>) -> Self {
        // INVARIANT: There is a registration.
        //
        // SAFETY: By the safety requirements the work is still disabled once, from the beginning.
        unsafe { bindings::enable_work(device.unregister_work.get()) };
        Self(device.into())
    }
}

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
