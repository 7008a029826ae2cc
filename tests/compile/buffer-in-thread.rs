// SPDX-License-Identifier: GPL-2.0

//! A thread of its own lifetime does not take a buffer along.

include!("common/driver.rs");

use media::kthread;

struct Sensor<T>(T);

#[vtable]
impl<T: Send + 'static> kthread::Function for Sensor<T> {
    fn run(&mut self, _context: &kthread::Context) {}
}

fn begin(cx: &Context<'_, Camera>, meta: &vb2::FrameInfo) -> Result {
    if let Some(buffer) = cx.queue().next() {
        #[cfg(not(illegal))]
        buffer.error(meta);
        #[cfg(illegal)]
        kthread::Thread::spawn(c"case", Sensor(buffer))?;
        //~? error[E0521]: borrowed data escapes outside of function
    }
    Ok(())
}
