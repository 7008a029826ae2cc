// SPDX-License-Identifier: GPL-2.0

//! Everything at once, at random, for a given time.

use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use vireo_tests::torture::keeper::Keeper;
use vireo_tests::torture::keeper::Options;
use vireo_tests::torture::worker::Worker;

const USAGE: &str = "\
usage: vireo-torture [--seed N] [--seconds N] [--workers N] [--module FILE]
                     [--card PORT]

Works with four cameras in all the ways that there are, from several processes
and threads, while they are unbound, revoke their memory, and lose their users;
checks every frame, and that nothing is left. With a module, it is loaded again
now and then. With the control port of a capture card (/dev/vport1p2), most of
the processes work with its channels, and it fails, dies and comes back.

Exit status: 0 when all is well, 1 when something is wrong.";

fn parse() -> Result<Options, lexopt::Error> {
    let mut options = Options {
        seed: 1,
        time: Duration::from_secs(60),
        workers: 4,
        module: None,
        card: None,
    };
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("seed") => options.seed = args.value()?.parse()?,
            Long("seconds") => options.time = Duration::from_secs(args.value()?.parse()?),
            Long("workers") => options.workers = args.value()?.parse()?,
            Long("module") => options.module = Some(args.value()?.string()?),
            Long("card") => options.card = Some(args.value()?.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    if options.workers == 0 {
        return Err("--workers: there must be one".into());
    }
    Ok(options)
}

/// What the keeper starts; not for people.
fn worker(driver: &str, seed: &str, millis: &str) -> ExitCode {
    let (Ok(seed), Ok(millis)) = (seed.parse(), millis.parse()) else {
        return ExitCode::from(2);
    };
    match Worker::new(driver, seed).run(Duration::from_millis(millis)) {
        Ok(tally) => {
            tally.lines().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn main() -> ExitCode {
    let args = std::env::args().collect::<Vec<_>>();
    if let [_, command, driver, seed, millis] = &args[..] {
        if command == "worker" {
            return worker(driver, seed, millis);
        }
    }
    let options = match parse() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("vireo-torture: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let (seed, time) = (options.seed, options.time);
    println!("seed {seed}, {} s", time.as_secs());
    match Keeper::new(options).and_then(Keeper::run) {
        Ok(tally) => {
            tally.lines().for_each(|line| println!("{line}"));
            println!("ok torture: seed {seed}, {} s", time.as_secs());
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("not ok torture: seed {seed} - {why}");
            println!("again: make torture SEED={seed} FOR={}", time.as_secs());
            ExitCode::FAILURE
        }
    }
}
