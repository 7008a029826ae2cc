// SPDX-License-Identifier: GPL-2.0

//! Everything at once, at random, from many processes and threads, for a given time.
//!
//! What is done is a function of a seed; when it is done is not, so that a seed that fails may have
//! to be run more than once.

pub mod cards;
pub mod keeper;
pub mod worker;

use std::collections::BTreeMap;

/// The driver of the cameras, which lend their memory to others as well.
const VIREO: &str = "vireo";

/// Random numbers from a seed (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// Whether something that happens once in `n` times happens now.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of some.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// How often each thing was done.
#[derive(Default)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub fn add(&mut self, what: &str, by: u64) {
        *self.0.entry(what.to_string()).or_default() += by;
    }

    pub fn get(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    pub fn count(&mut self, what: &str) {
        self.add(what, 1);
    }

    /// Lines that [`Tally::read`] understands.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|(what, n)| format!("tally {n} {what}"))
    }

    /// Takes over a line of another one, if it is one.
    pub fn read(&mut self, line: &str) -> bool {
        let mut words = line.splitn(3, ' ');
        let (Some("tally"), Some(n), Some(what)) = (words.next(), words.next(), words.next())
        else {
            return false;
        };
        match n.parse() {
            Ok(n) => {
                self.add(what, n);
                true
            }
            Err(_) => false,
        }
    }
}
