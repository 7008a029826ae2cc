// SPDX-License-Identifier: GPL-2.0

//! Every call in the path of memory, with each of its steps failing in turn.
//!
//! A step is what the kernel can have fail: an allocation, or a copy from or to the process. For
//! the n-th step of a call a round is made from the beginning: the call with the fault, which must
//! work or fail with an error that it is known for; the same call again without a fault, which must
//! work; then a frame. After the rounds of a call the cameras' counters and the system's must be
//! where they were.
//!
//! The threads of the kernel are not reached in this way: the sensor's, which allocates nothing
//! while it streams, and the workers'. Nor are the mappings of a device, which have no such
//! switch: the tests beside the code have an exporter that fails for these.

mod buffers;
mod exports;
mod life;
mod nth;
mod settings;
mod source;

use crate::suite::bench::Bench;
use crate::suite::bench::Context;
use crate::suite::bench::Ledger;
use crate::suite::bench::Outcome;
use crate::suite::runner;
use crate::sys;
use nth::Attempt;
use nth::Tally;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

/// Seconds that a case may take; one that hangs is ended by a signal, for all to see.
const PATIENCE: u32 = 600;

type Round = Box<dyn Fn(&Bench, &mut Attempt<'_>) -> Outcome>;

/// A call, and what is around it.
struct Case {
    name: String,
    round: Round,
    /// A file without which the kernel lacks what this is about.
    needs: Option<&'static str>,
    /// The errors that it may end with.
    errnos: Vec<i32>,
    /// Steps that somebody else does not stand.
    without: Range<u32>,
}

impl Case {
    fn new(name: &str, round: impl Fn(&Bench, &mut Attempt<'_>) -> Outcome + 'static) -> Self {
        Self {
            name: name.into(),
            round: Box::new(round),
            needs: None,
            // What the kernel says when there is no memory, or a copy does not succeed.
            errnos: vec![libc::ENOMEM, libc::EFAULT],
            without: 0..0,
        }
    }

    /// The call may also end with this.
    fn or(mut self, errno: i32) -> Self {
        self.errnos.push(errno);
        self
    }

    /// Leaves steps out.
    fn without(mut self, steps: Range<u32>) -> Self {
        self.without = steps;
        self
    }

    fn run(&self, bench: &Bench) -> Outcome<Tally> {
        nth::sweep(&self.errnos, &self.without, |attempt| {
            let mark = sys::lowest_free_descriptor().at("mark")?;
            let outcome = (self.round)(bench, attempt);
            // EXPBUF leaves a descriptor behind when it cannot tell which.
            sys::close_from(mark);
            outcome
        })
    }
}

/// `ENOMEM 3, EFAULT 2, none 1`
fn ends(tally: &Tally) -> String {
    let name = |errno: i32| match errno {
        0 => "none".to_string(),
        libc::ENOMEM => "ENOMEM".into(),
        libc::EFAULT => "EFAULT".into(),
        libc::EINVAL => "EINVAL".into(),
        other => io::Error::from_raw_os_error(other).to_string(),
    };
    let ends = tally.ends.iter().rev();
    let ends: Vec<_> = ends.map(|(e, n)| format!("{} {n}", name(*e))).collect();

    ends.join(", ")
}

/// Has the kernel look for memory that nothing refers to any more.
fn leaks() -> Outcome<Option<String>> {
    let path = "/sys/kernel/debug/kmemleak";

    if !Path::new(path).exists() {
        return Ok(None);
    }
    // What was just freed may still be in a register: the second look is the one that counts.
    for _ in 0..2 {
        fs::write(path, "scan").at(path)?;
    }
    let found = fs::read_to_string(path).at(path)?;
    Ok(Some(found))
}

/// Runs the cases whose names begin with one of `names`, all without any; how many failed.
pub fn all(bench: &Bench, names: &[String], module: Option<&str>) -> Outcome<usize> {
    nth::prepare()?;

    let mut cases = settings::cases();
    cases.extend(buffers::cases());
    cases.extend(exports::cases());
    cases.extend(life::cases(module));
    cases.retain(|case| names.is_empty() || names.iter().any(|name| case.name.starts_with(name)));
    if cases.is_empty() {
        return Err("no such case".into());
    }

    let start = Instant::now();
    let mut failed = 0;
    let mut table = Vec::new();
    for case in &cases {
        if let Some(path) = case.needs.filter(|path| !Path::new(path).exists()) {
            println!("# skipped faults: {}: this kernel has no {path}", case.name);
            continue;
        }
        sys::alarm(PATIENCE);
        let outcome = Ledger::take(bench).at("ledger").and_then(|before| {
            let tally = case.run(bench)?;
            runner::settled(bench, &before)?;
            Ok(tally)
        });
        match outcome {
            Ok(tally) => {
                println!("ok faults: {} (n={})", case.name, tally.sites);
                if !case.without.is_empty() {
                    let steps = &case.without;
                    println!("# faults: {}: steps {steps:?} are left out", case.name);
                }
                table.push((&case.name, tally));
            }
            Err(reason) => {
                failed += 1;
                println!("not ok faults: {} - {reason}", case.name);
            }
        }
    }
    sys::alarm(PATIENCE);
    match leaks() {
        Ok(None) => println!("# skipped faults: kmemleak: this kernel has none"),
        Ok(Some(found)) if found.is_empty() => println!("ok faults: kmemleak"),
        Ok(Some(found)) => {
            failed += 1;
            println!("not ok faults: kmemleak - memory was lost\n{found}");
        }
        Err(error) => {
            failed += 1;
            println!("not ok faults: kmemleak - {error}");
        }
    }
    sys::alarm(0);

    println!("# {:<44} {:>5}  how the call ended", "call", "steps");
    for (name, tally) in &table {
        println!("# {name:<44} {:>5}  {}", tally.sites, ends(tally));
    }
    let sites: u32 = table.iter().map(|(_, tally)| tally.sites).sum();
    let (calls, seconds) = (table.len(), start.elapsed().as_secs());
    println!("# {sites} steps of {calls} calls failed, one at a time, in {seconds} s");
    Ok(failed)
}
