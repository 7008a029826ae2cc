// SPDX-License-Identifier: GPL-2.0

//! What writes a plane is not kept where the buffer is not.

include!("common/driver.rs");

#[cfg(not(illegal))]
fn begin<'b>(buffer: &'b mut Buffer<'_, Camera>) -> Result<vb2::PlaneAccess<'b>> {
    buffer.begin_cpu_access(0)
}

#[cfg(illegal)]
fn begin<'q>(mut buffer: Buffer<'q, Camera>) -> Result<vb2::PlaneAccess<'q>> {
    buffer.begin_cpu_access(0) //~ error[E0515]: cannot return value referencing function parameter `buffer`
}
