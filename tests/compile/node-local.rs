// SPDX-License-Identifier: GPL-2.0

//! A node lives as long as the device that registers it.

include!("common/driver.rs");

struct Two(VideoDevice<Camera>);

fn add<'a>(nodes: &mut v4l2::Nodes<'a, Device>, two: &'a Two) -> Result {
    nodes.add(&two.0)
}

#[cfg(illegal)]
fn add_shorter<'a>(nodes: &mut v4l2::Nodes<'a, Device>, two: &Two) -> Result {
    nodes.add(&two.0)
    //~? error[E0621]: explicit lifetime required in the type of `two`
}
