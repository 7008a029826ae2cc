// SPDX-License-Identifier: GPL-2.0

//! A plane is not written after the access has ended.

include!("common/driver.rs");

fn fill(buffer: &mut Buffer<'_, Camera>) -> Result {
    let mut plane = buffer.begin_cpu_access(0)?;
    #[cfg(not(illegal))]
    plane.write(0, b"grey")?;
    plane.end()?;
    #[cfg(illegal)]
    plane.write(0, b"grey")?; //~ error[E0382]: borrow of moved value: `plane`
    Ok(())
}
