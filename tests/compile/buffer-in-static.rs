// SPDX-License-Identifier: GPL-2.0

//! A buffer is not kept in a static.

include!("common/driver.rs");

use kernel::sync::SetOnce;

#[cfg(not(illegal))]
static KEPT: SetOnce<u32> = SetOnce::new();
#[cfg(illegal)]
static KEPT: SetOnce<Buffer<'static, Camera>> = SetOnce::new();
//~? error[E0277]: `NonNull<media::vb2::buffer::raw::RawBuffer>` cannot be shared between threads safely
