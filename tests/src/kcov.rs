// SPDX-License-Identifier: GPL-2.0

//! What of the module a task has reached, from KCOV.
//!
//! See `Documentation/dev-tools/kcov.rst`. Only the module is instrumented, so that every place
//! that is told of is one of its own.

use crate::sys;
use crate::sys::Mapping;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

const INIT_TRACE: u32 = 0x8008_6301;
const ENABLE: libc::c_ulong = 0x6364;

/// Places that there is room for; what comes after is not told of.
const WORDS: usize = 4 << 20;

/// The file whose name is in this variable takes the names of the functions that were reached.
pub const VARIABLE: &str = "VIREO_KCOV";

/// The places that one task reaches from now on.
pub struct Trace {
    file: File,
    words: Mapping,
    before: BTreeMap<u64, String>,
}

impl Trace {
    fn new() -> io::Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .open("/sys/kernel/debug/kcov")?;
        sys::ioctl_value(file.as_fd(), INIT_TRACE.into(), WORDS as libc::c_ulong)?;
        let words = Mapping::shared(&file, 0, WORDS * 8)?;
        Ok(Self {
            file,
            words,
            before: symbols()?,
        })
    }

    /// Follows this thread.
    pub fn of_this_thread() -> io::Result<Self> {
        let trace = Self::new()?;
        sys::ioctl_value(trace.file.as_fd(), ENABLE, 0)?;
        Ok(trace)
    }

    /// Runs a command, and follows its first thread.
    pub fn of(command: &mut Command) -> io::Result<(Self, std::process::ExitStatus)> {
        let trace = Self::new()?;
        let file = trace.file.try_clone()?;
        sys::before_exec(command, move || {
            sys::ioctl_value(file.as_fd(), ENABLE, 0).map(|_| ())
        });
        let status = command.status()?;
        Ok((trace, status))
    }

    /// Adds the names of the functions that were reached to the file at `path`.
    pub fn save(&self, path: &str) -> io::Result<()> {
        let word = |index: usize| {
            let mut bytes = [0; 8];
            self.words.read(index * 8, &mut bytes);
            u64::from_ne_bytes(bytes)
        };
        let count = (word(0) as usize).min(WORDS - 1);
        let places: BTreeSet<_> = (1..=count).map(word).collect();
        // The module may have come or gone meanwhile.
        let after = symbols()?;
        let find = |place: &u64| {
            [&after, &self.before]
                .into_iter()
                .find_map(|map| map.range(..=*place).next_back().map(|(_, name)| name))
        };
        let names: BTreeSet<_> = places.iter().filter_map(find).collect();
        let mut text = String::new();
        for name in names {
            text += name;
            text.push('\n');
        }
        let mut file = File::options().append(true).create(true).open(path)?;
        file.write_all(text.as_bytes())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // The task goes on without; nothing can be done about an error.
        let _ = sys::ioctl_value(self.file.as_fd(), ENABLE + 1, 0);
    }
}

/// Where the module's functions are.
fn symbols() -> io::Result<BTreeMap<u64, String>> {
    let text = fs::read_to_string("/proc/kallsyms")?;
    let symbol = |line: &str| {
        let mut words = line
            .strip_suffix("[vireo]")
            .or(line.strip_suffix("[rust_media]"))?
            .split_whitespace();
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        let kind = words.next()?;
        kind.eq_ignore_ascii_case("t")
            .then(|| Some((address, words.next()?.to_string())))?
    };

    Ok(text.lines().filter_map(symbol).collect())
}

/// `vireo-test kcov COMMAND...`: becomes that command, as far as its exit status goes.
pub fn run(words: &[String]) -> Result<(), String> {
    let (name, arguments) = words.split_first().ok_or("no command")?;
    let path = std::env::var(VARIABLE).map_err(|_| format!("{VARIABLE} is not set"))?;
    let mut command = Command::new(name);
    command.args(arguments).env_remove(VARIABLE).arg0(name);
    let (trace, status) = Trace::of(&mut command).map_err(|e| format!("{name}: {e}"))?;
    trace.save(&path).map_err(|e| format!("{path}: {e}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{name}: {status}"))
    }
}
