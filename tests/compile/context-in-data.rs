// SPDX-License-Identifier: GPL-2.0

//! A Context is not kept in the driver's data.

include!("common/driver.rs");

use kernel::{new_mutex, sync::Mutex};

struct Shared(#[cfg(illegal)] Option<Context<'static, Camera>>);
//~? error[E0277]: `*mut ()` cannot be sent between threads safely
//~? error[E0277]: `*mut ()` cannot be shared between threads safely

impl Default for Shared {
    fn default() -> Self {
        Self(
            #[cfg(illegal)]
            None,
        )
    }
}
