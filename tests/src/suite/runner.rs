// SPDX-License-Identifier: GPL-2.0

//! Runs tests, each in a process of its own.

use super::bench::Bench;
use super::bench::Ledger;
use super::bench::Outcome;
use super::Cameras;
use super::Test;
use super::AFTERWARDS;

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Runs what `vireo-test one NAME` does, and says what it said.
fn run(bench: &Bench, name: &str, limit: Duration) -> Outcome {
    let own = std::env::current_exe().map_err(|e| format!("own path: {e}"))?;
    let mut child = Command::new(own)
        .args(["one", "--driver", &bench.driver, name])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|e| format!("spawn: {e}"))?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() > limit => {
                // Not waited for: a process that the kernel does not let go cannot be killed.
                let _ = child.kill();
                return Err(format!("still runs after {} s", limit.as_secs()));
            }
            Ok(None) => thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(format!("wait: {error}")),
        }
    };
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout
            .read_to_string(&mut said)
            .map_err(|e| format!("stdout: {e}"))?;
    }
    match status.code() {
        Some(0) => Ok(()),
        Some(_) => Err(said.trim().replace('\n', "; ")),
        None => Err(format!("{status}")),
    }
}

/// What a test has used must come back, if not at once.
pub(crate) fn settled(bench: &Bench, before: &Ledger) -> Outcome {
    let start = Instant::now();
    loop {
        let now = Ledger::take(bench).map_err(|e| format!("ledger: {e}"))?;
        if now == *before {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(5) {
            return Err(format!("left behind: {now:?} instead of {before:?}"));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Runs the tests and prints a line for each; how many failed.
pub fn all(bench: &Bench, tests: &[&Test]) -> usize {
    let mut failed = 0;
    for test in tests {
        if let Some(path) = test.needs.filter(|path| !Path::new(path).exists()) {
            println!("# skipped {}: this kernel has no {path}", test.name);
            continue;
        }
        let lack = match test.cameras {
            Cameras::Multiplanar if !bench.has_multiplanar() => Some("no multi-planar camera"),
            Cameras::Errors if !bench.has_errors() => Some("no camera makes errors"),
            _ => None,
        };
        if let Some(lack) = lack {
            println!("# skipped {}: {lack}", test.name);
            continue;
        }
        let start = Instant::now();
        let outcome = Ledger::take(bench)
            .map_err(|e| format!("ledger: {e}"))
            .and_then(|before| {
                run(bench, test.name, Duration::from_secs(test.limit))?;
                settled(bench, &before)?;
                run(bench, AFTERWARDS, Duration::from_secs(60))
                    .map_err(|e| format!("afterwards: {e}"))
            });
        match outcome {
            Ok(()) => println!("ok {}", test.name),
            Err(reason) => {
                failed += 1;
                println!("not ok {} - {reason}", test.name);
            }
        }
        println!(
            "# {} took {:.1} s",
            test.name,
            start.elapsed().as_secs_f64()
        );
    }
    failed
}
