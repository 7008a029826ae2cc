// SPDX-License-Identifier: GPL-2.0

//! Data of a registration does not refer to itself.
//!
//! Its fields are dropped one after the other; what is dropped last would find the first gone.

include!("common/driver.rs");

use kernel::{device::Bound, new_mutex, sync::Mutex};

type Registered<'a> = Kept<'a>;

#[pin_data]
struct Kept<'a> {
    number: KBox<u32>,
    #[pin]
    last: Mutex<Option<Last<'a>>>,
}

struct Last<'a>(&'a Kept<'a>);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        pr_info!("{}\n", *self.0.number);
    }
}

impl<'a> v4l2::RegistrationData<'a, Device> for Kept<'a> {
    fn new(
        _device: &'a v4l2::Device<Device>,
        _parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        try_pin_init!(Self {
            number: KBox::new(5, GFP_KERNEL)?,
            last <- new_mutex!(None),
        })
    }
}

fn insert(cx: &Context<'_, Camera>) {
    #[cfg(not(illegal))]
    pr_info!("{}\n", *cx.registration_data().number);
    #[cfg(illegal)]
    {
        let data = cx.registration_data(); //~ error: lifetime may not live long enough
        *data.last.lock() = Some(Last(data));
    }
}
