// SPDX-License-Identifier: GPL-2.0

//! Memory of the driver in the memory cgroup of the process that asks for it.

use super::bench::equal;
use super::bench::holds;
use super::bench::refused;
use super::bench::Bench;
use super::bench::Context;
use super::bench::Outcome;
use super::bench::FOURCC;
use super::limits::create;
use crate::counters::Counters;
use crate::stream::Stream;
use crate::sys;
use crate::v4l2::MMAP;
use crate::verify;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Which cgroup each page belongs to; kernels without memory cgroups do not have it.
pub const NEEDS: &str = "/proc/kpagecgroup";

/// Bytes that the processes of the group may have.
const MAX: u64 = 64 << 20;

/// Bytes by which the kernel's count may be off: each CPU has charged for a few pages in advance,
/// and the process that tests has a little memory of its own.
const SLACK: u64 = 4 << 20;

/// A memory cgroup with a limit, which goes when this does.
struct Group {
    root: PathBuf,
    path: PathBuf,
}

impl Group {
    fn new() -> Outcome<Self> {
        let root = PathBuf::from(format!("/tmp/cgroup.{}", std::process::id()));
        fs::create_dir(&root).at("mkdir")?;
        let mount = Command::new("mount")
            .args(["-t", "cgroup2", "none"])
            .arg(&root)
            .status();
        holds("cgroup2 is mounted", mount.at("mount")?.success())?;
        let path = root.join("vireo-test");
        let group = Self { root, path };
        fs::write(group.root.join("cgroup.subtree_control"), "+memory").at("+memory")?;
        fs::create_dir(&group.path).at("mkdir")?;
        group.write("memory.max", MAX)?;
        Ok(group)
    }

    fn write(&self, file: &str, value: u64) -> Outcome {
        fs::write(self.path.join(file), value.to_string()).at(file)
    }

    fn read(&self, file: &str) -> Outcome<String> {
        fs::read_to_string(self.path.join(file)).at(file)
    }

    /// Bytes that are charged for.
    fn current(&self) -> Outcome<u64> {
        let text = self.read("memory.current")?;
        text.trim().parse().map_err(|e| format!("{text}: {e}"))
    }

    /// How often the group has come to this.
    fn events(&self, name: &str) -> Outcome<u64> {
        let text = self.read("memory.events")?;
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
            .ok_or(format!("memory.events has no {name}"))
    }

    /// Waits until about so much is charged for: what is freed is told a little later.
    fn becomes(&self, what: &str, wanted: u64) -> Outcome {
        let start = Instant::now();
        while self.current()?.abs_diff(wanted) > SLACK {
            if start.elapsed() > Duration::from_secs(5) {
                let now = self.current()?;
                return Err(format!("{what}: {now} bytes charged, not about {wanted}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let umount = |path: &Path| Command::new("umount").arg(path).status();
        let _ = fs::remove_dir(&self.path);
        let _ = fs::write(self.root.join("cgroup.subtree_control"), "-memory");
        let _ = umount(&self.root);
        let _ = fs::remove_dir(&self.root);
    }
}

/// What a process of the group does.
fn member(bench: &Bench, group: &Group) -> Outcome {
    group.write("cgroup.procs", u64::from(std::process::id()))?;
    let name = bench.bus_name(0)?;
    let counters = || Counters::read(&name).at("counters");
    let device = bench.open(0)?;
    let before = group.current()?;

    let pix = device.set_format(FOURCC, 1920, 1080).at("S_FMT")?;
    let each = sys::page_align(pix.sizeimage as usize) as u64;
    equal("buffers", device.request(MMAP, 8).at("REQBUFS")?, 8)?;
    group.becomes("eight buffers", before + 8 * each)?;
    // An export is charged for until it is closed, whatever becomes of the buffer.
    let export = device.export(0, libc::O_RDWR).at("EXPBUF")?;
    let map = device.map(1).at("mmap")?;
    map.fill(0, map.len(), 1);
    device.request(MMAP, 0).at("REQBUFS(0)")?;
    group.becomes(
        "one that is exported, one that is mapped",
        before + 2 * each,
    )?;
    drop((export, map));
    group.becomes("no buffer", before)?;

    // More than there may be, of which nothing is left.
    device.set_format(FOURCC, 7680, 4320).at("S_FMT")?;
    for _ in 0..3 {
        let result = device.request(MMAP, 4);
        refused("four buffers of 66 MB", libc::ENOMEM, result)?;
        equal("pages", counters()?.get("pages_allocated"), 0)?;
    }
    holds("it was the limit", group.events("max")? > 0)?;
    group.becomes("nothing", before)?;

    // As many as find room, and frames in them.
    device.set_format(FOURCC, 1920, 1080).at("S_FMT")?;
    let reqbufs = || device.request(MMAP, 64).at("REQBUFS");
    let create_bufs = || create(&device, 64).at("CREATE_BUFS");
    for ask in [&reqbufs as &dyn Fn() -> Outcome<u32>, &create_bufs] {
        let count = ask()?;
        println!("# {count} buffers of {each} bytes");
        let bytes = u64::from(count) * each;
        holds("as many as find room", bytes < MAX && bytes > MAX / 2)?;
        device.request(MMAP, 0).at("REQBUFS(0)")?;
    }
    let stream = Stream::mmap(&device).at("start")?;
    verify::frames(&stream, 4).map(|_| ())
}

/// Buffers are charged for; too many fail with ENOMEM, and nobody is killed.
pub fn charged(bench: &Bench) -> Outcome {
    let group = Group::new()?;
    let in_group = || {
        let outcome = member(bench, &group);
        outcome.inspect_err(|e| println!("member: {e}")).is_ok()
    };
    let good = sys::in_child(in_group).at("fork")?;
    let events = group.read("memory.events")?.replace('\n', ", ");
    println!("# {events}");
    for name in ["oom", "oom_kill"] {
        equal(name, group.events(name)?, 0)?;
    }
    holds("what the process did was right", good)?;
    group.becomes("nobody", 0)?;

    let device = bench.open(0)?;
    let stream = Stream::mmap(&device).at("start")?;
    verify::frames(&stream, 4).map(|_| ())
}
