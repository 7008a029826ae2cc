// SPDX-License-Identifier: GPL-2.0

//! Data of a registration is made for any lifetime, not for one that the driver likes.

include!("common/driver.rs");

use kernel::device::Bound;

#[cfg(not(illegal))]
type Registered<'a> = Kept<'a>;
#[cfg(illegal)]
type Registered<'a> = Kept<'static>;
//~? error[E0495]: cannot infer an appropriate lifetime

struct Kept<'a>(&'a v4l2::Device<Device>);

impl<'a> v4l2::RegistrationData<'a, Device> for Kept<'a> {
    fn new(
        device: &'a v4l2::Device<Device>,
        _parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        Ok(Self(device))
    }
}
