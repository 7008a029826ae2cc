// SPDX-License-Identifier: GPL-2.0

//! Callbacks and interrupt handlers use the data of a registration at the same time.

include!("common/driver.rs");

use core::cell::Cell;
use kernel::device::Bound;

type Registered<'a> = Kept<'a>;

struct Kept<'a>(&'a v4l2::Device<Device>, #[cfg(illegal)] Cell<u32>);

//~? error[E0277]: `Cell<u32>` cannot be shared between threads safely
impl<'a> v4l2::RegistrationData<'a, Device> for Kept<'a> {
    fn new(
        device: &'a v4l2::Device<Device>,
        _parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        Ok(Self(
            device,
            #[cfg(illegal)]
            Cell::new(0),
        ))
    }
}
