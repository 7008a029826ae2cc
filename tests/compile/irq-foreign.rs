// SPDX-License-Identifier: GPL-2.0

//! What an interrupt is requested of lives until it is freed.

include!("common/driver.rs");

use kernel::irq::{Flags, IrqRequest, IrqReturn};

struct Interrupt;

impl v4l2::IrqHandler<Device> for Interrupt {
    fn handle(_cx: &v4l2::RegistrationContext<'_, Device>) -> IrqReturn {
        IrqReturn::None
    }
}

#[cfg(not(illegal))]
fn request<'d>(irqs: &mut v4l2::Irqs<'d, Device>, request: IrqRequest<'d>) -> Result {
    irqs.request::<Interrupt>(request, Flags::SHARED, c"case")
}

#[cfg(illegal)]
fn request<'d, 'x>(irqs: &mut v4l2::Irqs<'d, Device>, request: IrqRequest<'x>) -> Result {
    irqs.request::<Interrupt>(request, Flags::SHARED, c"case")
    //~^ error: lifetime may not live long enough
}
