// SPDX-License-Identifier: GPL-2.0

//! A thread does not borrow from the callback that has started it.

include!("common/driver.rs");

use media::kthread;

struct Sensor<T>(T);

#[vtable]
impl<T: Send + 'static> kthread::Function for Sensor<T> {
    fn run(&mut self, _context: &kthread::Context) {}
}

fn begin(cx: &Context<'_, Camera>) -> Result {
    #[cfg(not(illegal))]
    let given: ARef<v4l2::Device<Device>> = cx.device().into();
    #[cfg(illegal)]
    let given = cx.device();
    kthread::Thread::spawn(c"case", Sensor(given))?;
    //~? error[E0521]: borrowed data escapes outside of function
    Ok(())
}
