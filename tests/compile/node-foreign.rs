// SPDX-License-Identifier: GPL-2.0

//! A device registers nodes of its own driver.

include!("common/driver.rs");

fn add<'a>(nodes: &mut v4l2::Nodes<'a, Device>, own: &'a VideoDevice<Camera>) -> Result {
    nodes.add(own)
}

#[cfg(illegal)]
mod other {
    use super::*;

    struct Other;

    impl v4l2::Driver for Other {
        const NAME: &'static CStr = c"other";

        type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;
        type RegistrationData<'a> = ();

        fn nodes<'a>(&'a self, _nodes: &mut v4l2::Nodes<'a, Self>) -> Result {
            Ok(())
        }
    }

    fn add<'a>(nodes: &mut v4l2::Nodes<'a, Other>, own: &'a VideoDevice<Camera>) -> Result {
        nodes.add(own)
        //~? error[E0271]: type mismatch resolving `<Camera as Capture>::Driver == Other`
    }
}
