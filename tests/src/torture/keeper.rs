// SPDX-License-Identifier: GPL-2.0

//! Starts the processes, does to the cameras what their owner could, and looks at what is left.

use super::cards;
use super::cards::Cards;
use super::Random;
use super::Tally;
use super::VIREO;
use crate::counters::Counters;
use crate::sys;
use crate::v4l2;

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// How long the processes of a round work.
const ROUND: Duration = Duration::from_secs(6);

/// The cameras that the module is loaded with.
const CAMERAS: usize = 4;

pub struct Options {
    pub seed: u64,
    pub time: Duration,
    pub workers: usize,
    /// The module, to load it again.
    pub module: Option<String>,
    /// The control port of a capture card, which is tortured as well.
    pub card: Option<String>,
}

pub struct Keeper {
    options: Options,
    cards: Option<Cards>,
    random: Random,
    tally: Tally,
}

fn camera(number: usize) -> String {
    format!("vireo.{number}")
}

impl Keeper {
    pub fn new(options: Options) -> Result<Self, String> {
        Ok(Self {
            random: Random::new(options.seed),
            cards: options.card.as_deref().map(Cards::open).transpose()?,
            tally: Tally::default(),
            options,
        })
    }

    /// Tortures for as long as asked; what was counted, or what is wrong.
    pub fn run(mut self) -> Result<Tally, String> {
        let end = Instant::now() + self.options.time;
        let mut round = 0;
        while Instant::now() < end {
            let outcome = self.round(round);
            let done = self.cards.as_mut().map(Cards::done).unwrap_or_default();
            outcome.map_err(|e| format!("round {round}: {e} {done}"))?;
            self.settled()?;
            if self.options.module.is_some() && self.random.once_in(3) {
                self.reload()?;
            }
            round += 1;
        }
        self.tally.add("rounds", round);
        // Sessions that are all turned away try nothing.
        for (what, least) in [("frames checked", 20), ("sessions that ended well", 3)] {
            let count = self.tally.get(what);
            if count < least * round {
                return Err(format!("only {count} {what} in {round} rounds"));
            }
        }
        let felt = ["frames with the error flag", "refused what was taken back"];
        let felt = felt.map(|what| self.tally.get(what)).iter().sum::<u64>();
        if felt < round / 20 {
            return Err(format!(
                "only {felt} revocations were felt in {round} rounds"
            ));
        }
        Ok(self.tally)
    }

    fn spawn(&mut self, round: u64, worker: usize) -> Result<Child, String> {
        let own = std::env::current_exe().map_err(|e| format!("own path: {e}"))?;
        let seed = self.options.seed ^ (round << 8) ^ worker as u64;
        // Of cards there are fewer, with more nodes each.
        let driver = match &self.cards {
            Some(_) if worker % 4 != 0 => cards::DRIVER,
            _ => VIREO,
        };
        let millis = ROUND.as_millis().to_string();
        Command::new(own)
            .args(["worker", driver, &seed.to_string(), &millis])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("spawn: {e}"))
    }

    /// Lets processes work, and their cameras come and go meanwhile.
    fn round(&mut self, round: u64) -> Result<(), String> {
        let mut workers = Vec::new();
        for worker in 0..self.options.workers {
            workers.push((self.spawn(round, worker)?, false));
        }
        let end = Instant::now() + ROUND;
        while Instant::now() < end {
            let pause = 50 + self.random.below(700) as u64;
            thread::sleep(Duration::from_millis(pause));
            self.meddle(&mut workers)?;
        }
        for number in 0..CAMERAS {
            let _ = fs::write(format!("/sys/kernel/debug/{}/revoke", camera(number)), "0");
        }
        let patience = Instant::now() + Duration::from_secs(60);
        for (number, (mut child, was_killed)) in workers.into_iter().enumerate() {
            while child
                .try_wait()
                .map_err(|e| format!("wait: {e}"))?
                .is_none()
            {
                if Instant::now() > patience {
                    return Err(format!("process {number} does not end"));
                }
                thread::sleep(Duration::from_millis(20));
            }
            let status = child.wait().map_err(|e| format!("wait: {e}"))?;
            let mut said = String::new();
            if let Some(mut stdout) = child.stdout.take() {
                stdout
                    .read_to_string(&mut said)
                    .map_err(|e| format!("stdout: {e}"))?;
            }
            let mut rest = Vec::new();
            for line in said.lines() {
                if !self.tally.read(line) {
                    rest.push(line);
                }
            }
            // A process that had failed before it was killed has not died of that.
            let has_died_of_it = was_killed && status.signal() == Some(libc::SIGKILL);
            if !status.success() && !has_died_of_it {
                return Err(format!("process {number}: {status}: {}", rest.join("; ")));
            }
        }
        Ok(())
    }

    /// One thing that the owner of the cameras may do.
    fn meddle(&mut self, workers: &mut [(Child, bool)]) -> Result<(), String> {
        if let Some(cards) = &mut self.cards {
            if self.random.once_in(2) {
                return cards.meddle(&mut self.random, &mut self.tally);
            }
        }
        let number = self.random.below(CAMERAS);
        match self.random.below(10) {
            0 | 1 => {
                let name = camera(number);
                let driver = "/sys/bus/platform/drivers/vireo";
                if fs::write(format!("{driver}/unbind"), &name).is_ok() {
                    self.tally.count("unbinds");
                    let pause = self.random.below(100) as u64;
                    thread::sleep(Duration::from_millis(pause));
                    fs::write(format!("{driver}/bind"), &name)
                        .map_err(|e| format!("bind of {name}: {e}"))?;
                }
            }
            2 | 3 => {
                let path = format!("/sys/kernel/debug/{}/revoke", camera(number));
                if fs::write(&path, "1").is_ok() {
                    self.tally.count("revocations");
                    let pause = self.random.below(60) as u64;
                    thread::sleep(Duration::from_millis(pause));
                    // It may be unbound by now: then there is nothing to be let go.
                    let _ = fs::write(&path, "0");
                }
            }
            4 => {
                let index = self.random.below(workers.len());
                if let Some((child, was_killed)) = workers.get_mut(index) {
                    if !*was_killed && child.kill().is_ok() {
                        *was_killed = true;
                        self.tally.count("kills");
                    }
                }
            }
            5 => {
                self.tally.count("shortages of memory");
                fs::write("/proc/sys/vm/drop_caches", "3")
                    .map_err(|e| format!("drop_caches: {e}"))?;
                // Not every kernel has this one.
                let _ = fs::write("/proc/sys/vm/compact_memory", "1");
            }
            6 => {
                let path = format!("/sys/kernel/debug/{}/status", camera(number));
                let _ = fs::read_to_string(path);
            }
            _ => {}
        }
        Ok(())
    }

    /// With nobody left, everything must balance.
    fn settled(&mut self) -> Result<(), String> {
        if let Some(cards) = &mut self.cards {
            cards.settled()?;
        }
        let start = Instant::now();
        loop {
            let mut unbalanced = Vec::new();
            for number in 0..CAMERAS {
                let name = camera(number);
                let counters =
                    Counters::read(&name).map_err(|e| format!("counters of {name}: {e}"))?;
                unbalanced.extend(counters.unbalanced().into_iter().map(|u| (number, u)));
            }
            if unbalanced.is_empty() {
                return Ok(());
            }
            if start.elapsed() > Duration::from_secs(10) {
                return Err(format!("nobody is left, but: {unbalanced:?}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The module goes and comes again, with other cameras.
    fn reload(&mut self) -> Result<(), String> {
        let Some(module) = &self.options.module else {
            return Ok(());
        };
        sys::delete_module(c"vireo").map_err(|e| format!("rmmod: {e}"))?;
        let kind = self.random.below(3);
        let status = Command::new("insmod")
            .arg(module)
            .arg(format!("n_devs={CAMERAS}"))
            .arg("max_fps=100")
            .arg(format!("multiplanar={}", if kind == 1 { 0 } else { kind }))
            .status()
            .map_err(|e| format!("insmod: {e}"))?;
        if !status.success() {
            return Err(format!("insmod: {status}"));
        }
        self.tally.count("reloads");
        let start = Instant::now();
        while v4l2::nodes()
            .map_err(|e| format!("nodes: {e}"))?
            .iter()
            .filter(|node| node.driver == VIREO)
            .count()
            < CAMERAS
        {
            if start.elapsed() > Duration::from_secs(10) {
                return Err("the cameras do not come".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
