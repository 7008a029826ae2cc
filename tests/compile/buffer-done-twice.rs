// SPDX-License-Identifier: GPL-2.0

//! A buffer is given back once.

include!("common/driver.rs");

fn complete(buffer: Buffer<'_, Camera>, meta: &vb2::FrameInfo) {
    buffer.done(meta, &[640 * 480]);
    #[cfg(illegal)]
    buffer.error(meta); //~ error[E0382]: use of moved value: `buffer`
}
