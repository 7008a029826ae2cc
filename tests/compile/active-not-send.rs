// SPDX-License-Identifier: GPL-2.0

//! What the hardware has is used in interrupt handlers, on any processor.

include!("common/driver.rs");

struct Slots<'q> {
    current: Option<Buffer<'q, Camera>>,
    #[cfg(illegal)]
    local: kernel::types::NotThreadSafe,
}
//~? error[E0277]: `*mut ()` cannot be sent between threads safely

impl Default for Slots<'_> {
    fn default() -> Self {
        Self {
            current: None,
            #[cfg(illegal)]
            local: kernel::types::NotThreadSafe,
        }
    }
}
