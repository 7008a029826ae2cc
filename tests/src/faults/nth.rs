// SPDX-License-Identifier: GPL-2.0

//! One call, in which one thing after the other fails.
//!
//! The kernel fails the n-th allocation, or copy from or to a process, that a task makes from now
//! on, where n is what the task's `fail-nth` says. See
//! `Documentation/fault-injection/fault-injection.rst`.

use crate::suite::bench::Context;
use crate::suite::bench::Outcome;

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// What can fail, and the settings that have everything fail that may.
const KNOBS: [(&str, &[(&str, &str)]); 3] = [
    ("failslab", &[("ignore-gfp-wait", "N")]),
    (
        "fail_page_alloc",
        &[
            ("ignore-gfp-wait", "N"),
            ("ignore-gfp-highmem", "N"),
            ("min-order", "0"),
        ],
    ),
    ("fail_usercopy", &[]),
];

/// A call with more places than this is one that does not end.
const LIMIT: u32 = 20_000;

/// Whether faults are to be had from this kernel.
pub fn prepare() -> Outcome {
    for (attribute, settings) in KNOBS {
        let folder = format!("/sys/kernel/debug/{attribute}");
        // A trace of each fault would only hide what else the log says.
        for (name, value) in settings.iter().chain(&[("verbose", "0")]) {
            let path = format!("{folder}/{name}");
            fs::write(&path, value).map_err(|e| {
                format!("{path}: {e}; this needs a kernel with fault injection: make uml-debug")
            })?;
        }
    }
    Ok(())
}

/// What became of a call that faults were injected into.
#[derive(Default)]
pub struct Tally {
    /// How many things failed, one at a time.
    pub sites: u32,
    /// How often the call ended in which way; 0 for well.
    pub ends: BTreeMap<i32, u32>,
}

/// A round of a test: the call that is looked at is made once, and its n-th step fails.
pub struct Attempt<'a> {
    nth: u32,
    /// The errors that the call may end with.
    errnos: &'a [i32],
    file: &'a File,
    /// How the call ended, if a fault was injected: an error, or 0.
    end: Option<i32>,
    made: bool,
}

impl Attempt<'_> {
    /// Makes a call, and says whether something in it was made to fail.
    fn inject<T>(&self, call: impl FnOnce() -> io::Result<T>) -> Outcome<(io::Result<T>, bool)> {
        let text = self.nth.to_string();
        let mut left = [0; 16];

        self.file.write_at(text.as_bytes(), 0).at("fail-nth")?;
        let result = call();
        // Reading and writing it copies as well, which counts: if that fails the call was over.
        let injected = match self.file.read_at(&mut left, 0) {
            Ok(_) => left[0] == b'0',
            Err(_) => false,
        };
        while self.file.write_at(b"0", 0).is_err() {}
        Ok((result, injected))
    }

    /// Makes the call; and again, without a fault, if that had one.
    ///
    /// A call may have done its work when handing the result to the caller fails, so that it cannot
    /// be made again; `is_done` tells for an error of the second try whether that is so.
    pub fn call_unless<T: Default>(
        &mut self,
        mut call: impl FnMut() -> io::Result<T>,
        is_done: impl FnOnce(&io::Error) -> bool,
    ) -> Outcome<T> {
        assert!(!self.made, "one call for each attempt");
        self.made = true;

        let (result, injected) = self.inject(&mut call)?;
        let error = match result {
            Ok(value) => {
                self.end = injected.then_some(0);
                return Ok(value);
            }
            Err(error) if !injected => return Err(format!("without a fault: {error}")),
            Err(error) => error,
        };
        let errno = error.raw_os_error().unwrap_or(-1);
        if !self.errnos.contains(&errno) {
            return Err(format!("step {} failed: {error}", self.nth));
        }
        self.end = Some(errno);
        match call() {
            Ok(value) => Ok(value),
            Err(again) if errno == libc::EFAULT && is_done(&again) => Ok(T::default()),
            Err(again) => Err(format!(
                "step {} failed ({error}), and the next try as well: {again}",
                self.nth
            )),
        }
    }

    /// Makes the call; and again, without a fault, if that had one.
    pub fn call<T>(&mut self, mut call: impl FnMut() -> io::Result<T>) -> Outcome<T> {
        let mut value = None;

        self.call_unless(
            || {
                value = Some(call()?);
                Ok(())
            },
            |_| false,
        )?;
        value.ok_or_else(|| "no result".into())
    }

    /// Makes a call that cannot tell that it failed, and must not.
    pub fn silent(&mut self, call: impl FnOnce()) -> Outcome {
        let mut call = Some(call);

        self.call(|| {
            if let Some(call) = call.take() {
                call();
            }
            Ok(())
        })
    }

    /// Whether a fault was injected that the call did not mind.
    pub fn absorbed(&self) -> bool {
        self.end == Some(0)
    }
}

/// Runs `round` with the first, second, third... step of its call failing, until none does.
pub fn sweep(
    errnos: &[i32],
    without: &Range<u32>,
    mut round: impl FnMut(&mut Attempt<'_>) -> Outcome,
) -> Outcome<Tally> {
    let path = "/proc/thread-self/fail-nth";
    let file = File::options().read(true).write(true).open(path).at(path)?;
    let mut tally = Tally::default();

    for nth in (1..LIMIT).filter(|nth| !without.contains(nth)) {
        let mut attempt = Attempt {
            nth,
            errnos,
            file: &file,
            end: None,
            made: false,
        };
        round(&mut attempt).map_err(|e| format!("step {nth}: {e}"))?;
        if !attempt.made {
            return Err("no call was made".into());
        }
        let Some(end) = attempt.end else {
            return Ok(tally);
        };
        tally.sites += 1;
        *tally.ends.entry(end).or_default() += 1;
    }
    Err(format!("more than {LIMIT} steps"))
}
