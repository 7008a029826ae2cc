// SPDX-License-Identifier: GPL-2.0

//! Data of a registration borrows from the device and the parent alone.

include!("common/driver.rs");

use kernel::device::Bound;

type Registered<'a> = Kept<'a>;

struct Kept<'a>(&'a u32);

#[derive(Default)]
struct Shared {
    number: u32,
}

impl<'a> v4l2::RegistrationData<'a, Device> for Kept<'a> {
    fn new(
        device: &'a v4l2::Device<Device>,
        _parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        #[cfg(not(illegal))]
        let number = &device.shared.number;
        #[cfg(illegal)]
        let number = &device.shared.number.clone(); //~ error[E0716]: temporary value dropped while borrowed
        Ok(Self(number))
    }
}
