// SPDX-License-Identifier: GPL-2.0

//! What borrows from a registration is not kept for longer.

include!("common/driver.rs");

use kernel::{device::Bound, new_mutex, sync::Mutex};

type Registered<'a> = Kept<'a>;

#[pin_data]
struct Kept<'a> {
    #[pin]
    number: Mutex<Option<&'a u32>>,
    device: &'a v4l2::Device<Device>,
}

impl<'a> v4l2::RegistrationData<'a, Device> for Kept<'a> {
    fn new(
        device: &'a v4l2::Device<Device>,
        _parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        try_pin_init!(Self {
            number <- new_mutex!(None),
            device,
        })
    }
}

fn evict_unused<'a>(cx: &Context<'a, Camera>) -> &'a v4l2::Device<Device> {
    cx.registration_data().device
}

#[cfg(illegal)]
fn leak(cx: &Context<'_, Camera>) -> &'static v4l2::Device<Device> {
    cx.registration_data().device //~ error: lifetime may not live long enough
}
