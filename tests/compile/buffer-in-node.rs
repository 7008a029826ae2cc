// SPDX-License-Identifier: GPL-2.0

//! The driver's data of a node has no lifetime that a buffer could have.

include!("common/driver.rs");

struct Own(#[cfg(illegal)] Option<Buffer<'q, Camera>>); //~ error[E0261]: use of undeclared lifetime name `'q`

impl Default for Own {
    fn default() -> Self {
        Self(
            #[cfg(illegal)]
            None,
        )
    }
}
