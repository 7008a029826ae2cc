// SPDX-License-Identifier: GPL-2.0

//! What a camera shows in debugfs.

use super::device;
use kernel::{
    debugfs::Scope,
    fmt,
    prelude::*,
    sync::aref::ARef,
    uaccess::UserSliceReader, //
};
use media::{
    stats::{
        Counter,
        Stats, //
    },
    v4l2, //
};

type Device = v4l2::Device<device::Device>;

/// The folder of a camera, which is there as long as this is.
pub(crate) type Debugfs = Scope<ARef<Device>>;

/// Makes the folder `name`.
pub(crate) fn new<'a>(
    device: ARef<Device>,
    name: &'a CStr,
) -> impl PinInit<Debugfs, core::convert::Infallible> + 'a {
    Scope::dir(device, name, |device, dir| {
        dir.read_callback_file(c"counters", device, &counters);
        dir.read_callback_file(c"latency", device, &latency);
        dir.read_callback_file(c"status", device, &status);
        dir.write_only_callback_file(c"revoke", device, &revoke);
    })
}

/// For machines: a name and a number in each line.
fn counters(device: &ARef<Device>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (counter, name) in Counter::ALL {
        writeln!(f, "{name} {}", device.camera.queue().stats().get(*counter))?;
    }
    Ok(())
}

/// How late the sensor was, since VIDIOC_STREAMON.
fn latency(device: &ARef<Device>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    device.camera.latency.show(f)
}

/// 1 takes the camera's exported buffers back from importers, 0 lets them have them again.
fn revoke(device: &ARef<Device>, reader: &mut UserSliceReader) -> Result {
    let mut text = [0; 8];
    let text = text.get_mut(..reader.len()).ok_or(EINVAL)?;

    reader.read_slice(text)?;
    match text.trim_ascii() {
        b"0" => device.camera.queue().revoke_exports(false),
        b"1" => device.camera.queue().revoke_exports(true),
        _ => Err(EINVAL),
    }
}

/// For people.
fn status(device: &ARef<Device>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let settings = *device.camera.settings.lock();
    let layout = settings.layout;
    let (num, den) = settings.interval;
    let stats = device.camera.queue().stats();
    let get = |counter| stats.get(counter);
    let alive = |made, undone| get(made).wrapping_sub(get(undone));
    let name = layout.format.fourcc.to_le_bytes();

    writeln!(
        f,
        "format:     {}x{} {}, {} bytes, a frame every {num}/{den} s",
        layout.width,
        layout.height,
        core::str::from_utf8(&name).unwrap_or("????"),
        layout.sizeimage
    )?;
    writeln!(
        f,
        "frames:     {} delivered, {} of them with an error, {} dropped for want of a buffer",
        get(Counter::Frames),
        get(Counter::Errors),
        get(Counter::Drops)
    )?;
    writeln!(
        f,
        "imports:    {} attached now, {} of them mapped; {} taken back by their exporter",
        alive(Counter::Attaches, Counter::Detaches),
        alive(Counter::VMaps, Counter::VUnmaps),
        get(Counter::Invalidations)
    )?;
    writeln!(
        f,
        "cache:      {} hits, {} misses, {} evictions",
        get(Counter::CacheHits),
        get(Counter::CacheMisses),
        get(Counter::CacheEvictions)
    )?;
    writeln!(
        f,
        "memory:     {} pages in {} segments, {} dma-bufs exported, {} user pages pinned",
        get(Counter::PagesAllocated),
        get(Counter::Segments),
        get(Counter::Exports),
        get(Counter::PagesPinned)
    )?;
    writeln!(
        f,
        "copies:     {} bytes from buffer to buffer",
        get(Counter::BytesCopied)
    )?;
    writeln!(f, "refused:    {} buffers", refusals(stats))
}

fn refusals(stats: &Stats) -> u64 {
    let refused = |(_, name): &&(Counter, &str)| name.starts_with("refused_");

    Counter::ALL
        .iter()
        .filter(refused)
        .map(|(counter, _)| stats.get(*counter))
        .sum()
}
