// SPDX-License-Identifier: GPL-2.0

//! Interrupts of one registration are not freed with another.

include!("common/driver.rs");

fn request<'d, 'x>(irqs: &mut v4l2::Irqs<'d, Device>, others: &mut v4l2::Irqs<'x, Device>) {
    #[cfg(not(illegal))]
    let _ = (irqs, others);
    #[cfg(illegal)]
    core::mem::swap(irqs, others); //~ error: lifetime may not live long enough
}
