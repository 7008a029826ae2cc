// SPDX-License-Identifier: GPL-2.0

//! A buffer is videobuf2's once it is given back.

include!("common/driver.rs");

fn complete(buffer: Buffer<'_, Camera>, meta: &vb2::FrameInfo) {
    let index = buffer.index();
    buffer.done(meta, &[640 * 480]);
    #[cfg(illegal)]
    let index = buffer.index(); //~ error[E0382]: borrow of moved value: `buffer`
    pr_info!("{index} is complete\n");
}
