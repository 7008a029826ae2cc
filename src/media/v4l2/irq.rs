// SPDX-License-Identifier: GPL-2.0

//! Interrupts of a device that is registered.
//!
//! C header: [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)

use super::{
    device::{
        Device,
        Driver, //
    },
    registration::RegistrationContext, //
};
use crate::compat::irq::{
    self,
    Flags,
    IrqRequest,
    IrqReturn, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// A handler of interrupts, which [`Irqs::request`] is given as a type.
///
/// It has no data of its own: what it needs is in the data of the registration, in that of the
/// device, and in the queues of the nodes.
pub trait IrqHandler<D: Driver>: 'static {
    /// Handles an interrupt, in hard interrupt context: must not sleep.
    ///
    /// On a shared line, an interrupt may be that of another device.
    fn handle(cx: &RegistrationContext<'_, D>) -> IrqReturn;
}

/// The interrupts of a device that is being registered, see
/// [`RegistrationData::request_irqs`](super::RegistrationData::request_irqs).
///
/// The crate keeps what is registered here, and frees it after the nodes are unregistered and
/// before the data of the registration is dropped. A driver gets nothing that it could forget or
/// keep for longer, so that, unlike [`irq::Registration::new`], this is safe.
pub struct Irqs<'d, D: Driver> {
    device: NonNull<Device<D>>,
    list: List,
    _invariant: PhantomData<fn(&'d ()) -> &'d ()>,
}

impl<D: Driver> Irqs<'static, D> {
    /// # Safety
    ///
    /// Until the result of [`into_list`](Self::into_list) is dropped, `device` must live, its
    /// parent be bound, and the data of its registration be there.
    pub(super) unsafe fn new(device: &Device<D>) -> Self {
        Self {
            device: device.into(),
            list: List(KVec::new()),
            _invariant: PhantomData,
        }
    }

    pub(super) fn into_list(self) -> List {
        self.list
    }
}

impl<'d, D: Driver> Irqs<'d, D> {
    /// Registers `H` for an interrupt, whose `name` is seen in `/proc/interrupts`. Sleeps.
    ///
    /// The error is that of `request_irq()`, such as `EBUSY` where others do not share the line; or
    /// `ENOMEM`.
    pub fn request<H: IrqHandler<D>>(
        &mut self,
        request: IrqRequest<'d>,
        flags: Flags,
        name: &'static CStr,
    ) -> Result {
        let handler: Handler<D, H> = Handler {
            device: self.device,
            _handler: PhantomData,
        };
        self.list.0.reserve(1, GFP_KERNEL)?;

        // SAFETY: By the safety requirements of `new()`, `'d` lasts until the list is dropped.
        let request =
            unsafe { core::mem::transmute::<IrqRequest<'d>, IrqRequest<'static>>(request) };
        // SAFETY: The registration goes into the list, which the crate owns and drops.
        let registration =
            unsafe { irq::Registration::new(request, flags, name, Ok::<_, Error>(handler)) };

        let registration = KBox::pin_init(registration, GFP_KERNEL)?;
        // INVARIANT: In the list it stays where it is, and is dropped there.
        //
        // SAFETY: As above.
        let registration = unsafe { Pin::into_inner_unchecked(registration) };
        Ok(self.list.0.push(registration, GFP_KERNEL)?)
    }
}

/// The interrupts of a device that is registered. They are freed, the last one first, when this is
/// dropped.
///
/// # Invariants
///
/// What is in the boxes is pinned; a `Pin` of them cannot be one of a trait's object in 7.3.
pub(super) struct List(KVec<KBox<dyn Registered>>);

impl List {
    pub(super) const fn new() -> Self {
        Self(KVec::new())
    }
}

impl Drop for List {
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}

/// An `irq::Registration`, of whatever handler.
trait Registered: Send {}

impl<H: irq::Handler + Send> Registered for irq::Registration<'static, H> {}

/// What the interrupt core calls.
///
/// # Invariants
///
/// The device lives, its parent is bound, and the data of its registration is there.
struct Handler<D: Driver, H> {
    device: NonNull<Device<D>>,
    _handler: PhantomData<fn() -> H>,
}

// SAFETY: A device may be used by any thread.
unsafe impl<D: Driver, H> Send for Handler<D, H> {}

// SAFETY: As above.
unsafe impl<D: Driver, H> Sync for Handler<D, H> {}

impl<D: Driver, H: IrqHandler<D>> irq::Handler for Handler<D, H> {
    fn handle(&self) -> IrqReturn {
        // SAFETY: By the type invariants. The handler is for any lifetime, and cannot tell that of
        // this reference from that of the registration.
        H::handle(&unsafe { RegistrationContext::new(self.device.as_ref()) })
    }
}
