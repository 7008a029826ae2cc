// SPDX-License-Identifier: GPL-2.0

//! What ends before the registration does not get into its data.

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

#[derive(Default)]
struct Shared {
    number: u32,
}

fn insert(cx: &Context<'_, Camera>) {
    let data = cx.registration_data();

    #[cfg(not(illegal))]
    let number = &cx.device().shared.number;
    #[cfg(illegal)]
    let number = &cx.device().shared.number.clone(); //~ error[E0716]: temporary value dropped while borrowed
    *data.number.lock() = Some(number);
}
