// SPDX-License-Identifier: GPL-2.0

//! A node is made by `VideoDevice::new()`, and has no fields that a driver sees.

include!("common/driver.rs");

fn kind(camera: &VideoDevice<Camera>) -> BufType {
    #[cfg(not(illegal))]
    return camera.buf_type();
    #[cfg(illegal)]
    camera.buf_type //~ error[E0616]: field `buf_type` of struct `VideoDevice` is private
}
