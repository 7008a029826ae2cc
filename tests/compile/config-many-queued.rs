// SPDX-License-Identifier: GPL-2.0

//! Streaming starts with fewer buffers than there may be.

//@ codegen

include!("common/driver.rs");

const CONFIG: vb2::Config = vb2::Config {
    min_queued_buffers: if cfg!(illegal) { 32 } else { 31 },
    max_num_buffers: 32,
    ..vb2::Config::DEFAULT
};
//~? more buffers would be allocated than there may be
