// SPDX-License-Identifier: GPL-2.0

//! Interrupts are requested when a device is registered, and at no other time.

include!("common/driver.rs");

use kernel::device::Bound;

#[cfg(not(illegal))]
type Registered<'a> = Lines<'a>;

struct Lines<'a>(&'a v4l2::Device<Device>);

impl<'a> v4l2::RegistrationData<'a, Device> for Lines<'a> {
    fn new(
        device: &'a v4l2::Device<Device>,
        _parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        Ok(Self(device))
    }

    fn request_irqs<'d>(&'d self, _irqs: &mut v4l2::Irqs<'d, Device>) -> Result {
        #[cfg(illegal)]
        let mut later = v4l2::Irqs::new(self.0); //~ error[E0624]: associated function `new` is private
        Ok(())
    }
}
