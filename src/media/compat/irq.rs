// SPDX-License-Identifier: GPL-2.0

//! Interrupts.
//!
//! C header: [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)

use core::marker::PhantomData;
use kernel::{
    device::{
        Bound,
        Device, //
    },
    irq,
    prelude::*, //
};

pub use kernel::irq::{
    Flags,
    IrqRequest,
    IrqReturn, //
};

/// As `kernel::irq::Handler`.
pub trait Handler: Sync {
    /// Handles an interrupt, in hard interrupt context.
    fn handle(&self) -> IrqReturn;
}

/// As `kernel::irq::Registration`.
#[pin_data]
pub struct Registration<'a, H: Handler + 'static> {
    #[pin]
    inner: irq::Registration<Adapter<H>>,
    _request: PhantomData<IrqRequest<'a>>,
}

impl<'a, H: Handler + 'static> Registration<'a, H> {
    /// Registers a handler.
    ///
    /// # Safety
    ///
    /// What this makes must be dropped.
    pub unsafe fn new(
        request: IrqRequest<'a>,
        flags: Flags,
        name: &'static CStr,
        handler: impl PinInit<H, Error> + 'a,
    ) -> impl PinInit<Self, Error> + 'a {
        let adapter = try_pin_init!(Adapter { handler <- handler });

        try_pin_init!(Self {
            inner <- irq::Registration::new(request, flags, name, adapter),
            _request: PhantomData,
        })
    }
}

#[pin_data]
struct Adapter<H> {
    #[pin]
    handler: H,
}

impl<H: Handler + 'static> irq::Handler for Adapter<H> {
    fn handle(&self, _device: &Device<Bound>) -> IrqReturn {
        self.handler.handle()
    }
}

/// What a bus would hand out for an interrupt line, for tests, which have no bus.
#[cfg(CONFIG_KUNIT = "y")]
pub(crate) fn irq_request<'a>(dev: &'a Device<Bound>, irq: u32) -> IrqRequest<'a> {
    // SAFETY: A request is these two, which only one order leaves no hole between.
    let request =
        unsafe { core::mem::transmute::<(&'a Device<Bound>, u32), IrqRequest<'a>>((dev, irq)) };

    assert_eq!(request.irq(), irq);
    request
}
