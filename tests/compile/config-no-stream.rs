// SPDX-License-Identifier: GPL-2.0

//! read() alone is no way to stream.

//@ codegen

include!("common/driver.rs");

const CONFIG: vb2::Config = vb2::Config {
    io_modes: &[
        vb2::IoMode::Read,
        #[cfg(not(illegal))]
        vb2::IoMode::Mmap,
    ],
    ..vb2::Config::DEFAULT
};
//~? a queue needs a way to stream
