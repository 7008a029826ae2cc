// SPDX-License-Identifier: GPL-2.0

//! The lock that a Context stands for is held by its own thread.

include!("common/driver.rs");

use media::kthread;

struct Sensor<T>(T);

#[vtable]
impl<T: Send + 'static> kthread::Function for Sensor<T> {
    fn run(&mut self, _context: &kthread::Context) {}
}

fn begin(cx: Context<'static, Camera>) -> Result {
    #[cfg(not(illegal))]
    let given: ARef<v4l2::Device<Device>> = cx.device().into();
    #[cfg(illegal)]
    let given = cx;
    kthread::Thread::spawn(c"case", Sensor(given))?;
    //~? error[E0277]: `*mut ()` cannot be sent between threads safely
    //~? error[E0277]: `*mut ()` cannot be sent between threads safely
    Ok(())
}
