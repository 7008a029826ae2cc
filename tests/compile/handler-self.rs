// SPDX-License-Identifier: GPL-2.0

//! A handler does not put references to the data of the registration into it.

include!("common/driver.rs");

use kernel::{device::Bound, new_mutex, sync::Mutex};

type Registered<'a> = Kept<'a>;

#[pin_data]
struct Kept<'a> {
    number: u32,
    #[pin]
    last: Mutex<Option<&'a u32>>,
}

impl<'a> v4l2::RegistrationData<'a, Device> for Kept<'a> {
    fn new(
        _device: &'a v4l2::Device<Device>,
        _parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        try_pin_init!(Self {
            number: 5,
            last <- new_mutex!(None),
        })
    }

    fn work(cx: &v4l2::RegistrationContext<'a, Device>) {
        #[cfg(not(illegal))]
        {
            let data = cx.registration_data();
            pr_info!("{} {}\n", data.number, data.last.lock().is_none());
        }
        #[cfg(illegal)]
        {
            let data = cx.registration_data(); //~ error: lifetime may not live long enough
            *data.last.lock() = Some(&data.number);
        }
    }
}
