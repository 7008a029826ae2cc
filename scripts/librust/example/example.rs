// SPDX-License-Identifier: GPL-2.0

//! The smallest module out of tree: it counts, and says so.

use kernel::prelude::*;

module! {
    type: Example,
    name: "example",
    authors: ["The vireo developers"],
    description: "Example of a Rust module out of tree",
    license: "GPL v2",
}

struct Example {
    numbers: KVec<i32>,
}

impl kernel::Module for Example {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut numbers = KVec::new();
        for number in 1..4 {
            numbers.push(number, GFP_KERNEL)?;
        }
        pr_info!("numbers {:?}\n", numbers);
        Ok(Example { numbers })
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        pr_info!("bye, {} numbers\n", self.numbers.len());
    }
}
