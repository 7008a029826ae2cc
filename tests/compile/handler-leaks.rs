// SPDX-License-Identifier: GPL-2.0

//! What a handler is given is not kept for longer than the registration.

include!("common/driver.rs");

use kernel::irq::IrqReturn;

struct Interrupt;

fn device<'a>(cx: &v4l2::RegistrationContext<'a, Device>) -> &'a v4l2::Device<Device> {
    cx.device()
}

#[cfg(illegal)]
fn leak(cx: &v4l2::RegistrationContext<'_, Device>) -> &'static v4l2::Device<Device> {
    cx.device() //~ error: lifetime may not live long enough
}

impl v4l2::IrqHandler<Device> for Interrupt {
    fn handle(cx: &v4l2::RegistrationContext<'_, Device>) -> IrqReturn {
        device(cx).schedule_unregister();
        IrqReturn::Handled
    }
}
