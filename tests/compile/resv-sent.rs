// SPDX-License-Identifier: GPL-2.0

//! Who holds the reservation lock is this thread.

include!("common/driver.rs");

use media::dma_buf::ResvLocked;

fn needs_lock(_resv: &ResvLocked<'_>) {}

use media::kthread;

struct Sensor<T>(T);

#[vtable]
impl<T: Send + 'static> kthread::Function for Sensor<T> {
    fn run(&mut self, _context: &kthread::Context) {}
}

fn callback(resv: ResvLocked<'static>) -> Result {
    #[cfg(not(illegal))]
    let given = {
        needs_lock(&resv);
    };
    #[cfg(illegal)]
    let given = resv;
    kthread::Thread::spawn(c"case", Sensor(given))?;
    //~? error[E0277]: `*mut ()` cannot be sent between threads safely
    Ok(())
}
