// SPDX-License-Identifier: GPL-2.0

//! One plane of a buffer is written at a time; of several buffers, each has its own.

include!("common/driver.rs");

fn fill(one: &mut Buffer<'_, Camera>, two: &mut Buffer<'_, Camera>) -> Result {
    let first = one.begin_cpu_access(0)?;
    #[cfg(not(illegal))]
    let second = two.begin_cpu_access(1)?;
    #[cfg(illegal)]
    let second = one.begin_cpu_access(1)?; //~ error[E0499]: cannot borrow `*one` as mutable more than once at a time
    first.end()?;
    second.end()
}
