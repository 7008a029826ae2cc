// SPDX-License-Identifier: GPL-2.0

//! No more buffers are allocated at once than there may be.

//@ codegen

include!("common/driver.rs");

const CONFIG: vb2::Config = vb2::Config {
    min_reqbufs_allocation: if cfg!(illegal) { 33 } else { 32 },
    max_num_buffers: 32,
    ..vb2::Config::DEFAULT
};
//~? more buffers would be allocated than there may be
