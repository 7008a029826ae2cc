// SPDX-License-Identifier: GPL-2.0

//! Binding, unbinding, loading and unloading.

use super::source;
use super::source::camera;
use super::source::Source;
use super::Case;
use crate::suite::bench::patiently;
use crate::suite::bench::Bench;
use crate::suite::bench::Context;
use crate::suite::bench::Outcome;
use crate::sys;
use crate::uapi;
use crate::v4l2;

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

/// A file of the driver in sysfs: "bind" or "unbind".
fn knob(bench: &Bench, name: &str) -> Outcome<File> {
    let path = format!("{}/{name}", bench.driver_folder());

    File::options().write(true).open(&path).at(&path)
}

fn is_bound(bench: &Bench, name: &str) -> bool {
    Path::new(&format!("{}/{name}", bench.driver_folder())).exists()
}

/// The name of the first camera, with its driver.
fn first(bench: &Bench) -> Outcome<String> {
    let name = bench.bus_name(0)?;

    if !is_bound(bench, &name) {
        return Err(format!("{name} has no driver"));
    }
    Ok(name)
}

/// Which tests beside the code run when a module is loaded; a kernel without them has no such file.
const KUNIT: &str = "/sys/module/kunit/parameters/filter_glob";

/// Loads the module, without the tests beside its code: these are no part of loading it.
fn load(module: &[u8]) -> io::Result<()> {
    sys::init_module(module, c"n_devs=2")
}

/// As many cameras as there were.
fn both_there(bench: &Bench) -> Outcome {
    bench.camera(0)?;
    bench.camera(1)?;
    source::again(bench)
}

fn bind() -> Case {
    Case::new("bind", |bench, attempt| {
        let name = first(bench)?;
        let (unbind, bind) = (knob(bench, "unbind")?, knob(bench, "bind")?);
        (&unbind).write_all(name.as_bytes()).at("unbind")?;
        let result = attempt.call_unless(
            || (&bind).write(name.as_bytes()).map(|_| ()),
            |_| is_bound(bench, &name),
        );
        // Without a driver it would be in the way of all that follows.
        if !is_bound(bench, &name) {
            (&bind).write_all(name.as_bytes()).at("bind")?;
        }
        result?;
        both_there(bench)
    })
    // A node without a name, which V4L2 does not look at, is none to the driver core.
    .or(libc::EINVAL)
}

fn unbind() -> Case {
    Case::new("unbind", |bench, attempt| {
        let name = first(bench)?;
        let (unbind, bind) = (knob(bench, "unbind")?, knob(bench, "bind")?);
        let device = camera(bench)?;
        let (stream, _) = Source::Udmabuf.prepare(bench, &device)?;
        source::shoot(&stream)?;
        let result = attempt.call(|| (&unbind).write(name.as_bytes()).map(|_| ()));
        if !is_bound(bench, &name) {
            (&bind).write_all(name.as_bytes()).at("bind")?;
        }
        result?;
        drop(stream);
        drop(device);
        both_there(bench)
    })
}

/// The module in memory, so that reading it is not what fails.
fn image(path: &str) -> Rc<[u8]> {
    fs::read(path).unwrap_or_default().into()
}

/// Unloads the module as soon as nobody has its nodes open any more: udev may look at them.
fn unload() -> io::Result<()> {
    for _ in 0..100 {
        match sys::delete_module(c"vireo") {
            Err(error) if error.raw_os_error() == Some(libc::EWOULDBLOCK) => {
                thread::sleep(Duration::from_millis(20));
            }
            result => return result,
        }
    }
    sys::delete_module(c"vireo")
}

fn is_loaded() -> bool {
    Path::new("/sys/module/vireo/refcnt").exists()
}

/// How many cameras there are.
fn cameras() -> usize {
    v4l2::nodes().map_or(0, |nodes| {
        nodes
            .iter()
            .filter(|node| node.driver == "vireo" && node.caps & uapi::V4L2_CAP_VIDEO_CAPTURE != 0)
            .count()
    })
}

fn insmod(path: &str) -> Case {
    let module = image(path);
    let case = Case::new("insmod", move |bench, attempt| {
        unload().at("rmmod")?;
        let result = attempt.call(|| load(&module));
        if result.is_err() && !is_loaded() {
            load(&module).at("insmod")?;
        }
        result?;
        // A camera whose probing failed is not there; the module is, as with any other driver.
        if attempt.absorbed() && cameras() < 2 {
            unload().at("rmmod of a half")?;
            load(&module).at("insmod")?;
        }
        patiently(|| match cameras() {
            2 => Ok(()),
            n => Err(io::Error::other(format!("{n} cameras"))),
        })?;
        source::again(bench)
    });

    // A device without a name again, of the platform bus this time; or one whose probing failed,
    // of which the bus says no more.
    //
    // kernel::configfs::Subsystem unregisters what could not be registered, and dies of it.
    case.or(libc::EINVAL).or(libc::ENODEV).without(899..935)
}

fn rmmod(path: &str) -> Case {
    let module = image(path);

    Case::new("rmmod", move |bench, attempt| {
        patiently(
            || match fs::read_to_string("/sys/module/vireo/refcnt")?.trim() {
                "0" => Ok(()),
                users => Err(io::Error::other(format!("{users} users"))),
            },
        )?;
        let result = attempt.call_unless(|| sys::delete_module(c"vireo"), |_| !is_loaded());
        if !is_loaded() {
            load(&module).at("insmod")?;
        }
        result?;
        both_there(bench)
    })
}

pub(super) fn cases(module: Option<&str>) -> Vec<Case> {
    let mut cases = vec![unbind(), bind()];

    if Path::new(KUNIT).exists() {
        // Nothing goes by this name.
        let _ = fs::write(KUNIT, "none");
    }

    if let Some(path) = module {
        cases.extend([rmmod(path), insmod(path)]);
    }
    cases
}
