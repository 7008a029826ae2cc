// SPDX-License-Identifier: GPL-2.0

//! A Context cannot be referred to from other threads either.

include!("common/driver.rs");

use media::kthread;

struct Sensor<T>(T);

#[vtable]
impl<T: Send + 'static> kthread::Function for Sensor<T> {
    fn run(&mut self, _context: &kthread::Context) {}
}

fn begin(cx: &'static Context<'static, Camera>) -> Result {
    #[cfg(not(illegal))]
    let given: ARef<v4l2::Device<Device>> = cx.device().into();
    #[cfg(illegal)]
    let given = cx;
    kthread::Thread::spawn(c"case", Sensor(given))?;
    //~? error[E0277]: `*mut ()` cannot be shared between threads safely
    //~? error[E0277]: `*mut ()` cannot be shared between threads safely
    Ok(())
}
