// SPDX-License-Identifier: GPL-2.0

//! A queue has room for as many buffers as videobuf2 wants it to.

//@ codegen

include!("common/driver.rs");

const CONFIG: vb2::Config = vb2::Config {
    max_num_buffers: if cfg!(illegal) { 31 } else { 32 },
    ..vb2::Config::DEFAULT
};
//~? a queue has room for VB2_MAX_FRAME buffers at least
