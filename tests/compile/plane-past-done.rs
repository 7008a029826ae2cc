// SPDX-License-Identifier: GPL-2.0

//! What writes a plane ends before the buffer is given back.

include!("common/driver.rs");

fn fill(mut buffer: Buffer<'_, Camera>, meta: &vb2::FrameInfo) -> Result {
    let mut plane = buffer.begin_cpu_access(0)?;
    plane.write(0, b"grey")?;
    #[cfg(not(illegal))]
    plane.end()?;
    buffer.done(meta, &[4]); //~ error[E0505]: cannot move out of `buffer` because it is borrowed
    #[cfg(illegal)]
    plane.end()?;
    Ok(())
}
