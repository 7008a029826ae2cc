// SPDX-License-Identifier: GPL-2.0

//! How late the sensor's thread wakes up, as a histogram.

use kernel::{
    fmt,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// How many buckets there are for each doubling.
const PER_OCTAVE: u64 = 4;

/// One for each of the first nanoseconds, and then up to more than four hours.
const BUCKETS: usize = 172;

/// Wake-ups by how late they were. Counted by one thread, read by any.
pub(crate) struct Latency {
    counts: [Atomic<u64>; BUCKETS],
    /// The latest, in nanoseconds.
    most: Atomic<u64>,
}

/// The bucket of a time in nanoseconds.
fn bucket(nsec: u64) -> usize {
    let Some(octave) = nsec.checked_ilog2().filter(|octave| *octave >= 2) else {
        return nsec as usize;
    };
    // Its two bits after the first.
    let part = (nsec >> (octave - 2)) % PER_OCTAVE;

    ((u64::from(octave - 1) * PER_OCTAVE + part) as usize).min(BUCKETS - 1)
}

/// The first time that is beyond a bucket.
fn end(bucket: usize) -> u64 {
    let next = bucket as u64 + 1;

    match next / PER_OCTAVE {
        0 => next,
        octave => (PER_OCTAVE + next % PER_OCTAVE) << (octave - 1),
    }
}

impl Latency {
    pub(crate) const fn new() -> Self {
        Self {
            counts: [const { Atomic::new(0) }; BUCKETS],
            most: Atomic::new(0),
        }
    }

    /// Begins anew.
    pub(crate) fn reset(&self) {
        for count in &self.counts {
            count.store(0, Relaxed);
        }
        self.most.store(0, Relaxed);
    }

    /// Counts a wake-up that was so late.
    pub(crate) fn count(&self, nsec: u64) {
        if let Some(count) = self.counts.get(bucket(nsec)) {
            count.add(1, Relaxed);
        }
        if nsec > self.most.load(Relaxed) {
            self.most.store(nsec, Relaxed);
        }
    }

    /// How late a part of all is at the most, in nanoseconds: `part` of a thousand of them.
    fn permille(&self, part: u64) -> u64 {
        let total: u64 = self.counts.iter().map(|count| count.load(Relaxed)).sum();
        let rank = (total * part).div_ceil(1000).max(1);
        let mut sum = 0;

        for (n, count) in self.counts.iter().enumerate() {
            sum += count.load(Relaxed);
            if sum >= rank {
                return end(n).min(self.most.load(Relaxed));
            }
        }
        0
    }

    /// Writes what is known, in microseconds, and each bucket that is not empty.
    pub(crate) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.counts.iter().map(|count| count.load(Relaxed)).sum();
        let most = self.most.load(Relaxed);

        writeln!(f, "wakeups {total}")?;
        for (name, nsec) in [
            ("p50", self.permille(500)),
            ("p90", self.permille(900)),
            ("p99", self.permille(990)),
            ("max", most),
        ] {
            writeln!(f, "{name} {}.{:03}", nsec / 1000, nsec % 1000)?;
        }
        for (n, count) in self.counts.iter().enumerate() {
            let count = count.load(Relaxed);

            if count > 0 {
                let end = end(n);

                writeln!(f, "below {}.{:03} {count}", end / 1000, end % 1000)?;
            }
        }
        Ok(())
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(vireo_jitter)]
mod tests {
    use super::*;
    use kernel::prelude::*;

    #[test]
    fn buckets_follow_each_other() {
        let mut first = 0;

        for n in 0..BUCKETS {
            assert!(end(n) > first);
            assert_eq!(bucket(first), n);
            assert_eq!(bucket(end(n) - 1), n);
            // None is wider than a quarter of where it begins.
            assert!(n < 4 || (end(n) - first) * PER_OCTAVE <= first);
            first = end(n);
        }
        assert!(first > 4 * 3600 * 1_000_000_000);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn parts_are_counted_from_below() -> Result {
        let latency = KBox::new(Latency::new(), GFP_KERNEL)?;

        assert_eq!(latency.permille(990), 0);
        for n in 1..=100 {
            latency.count(1000 * n);
        }
        for (part, nsec) in [(500, 50_000), (900, 90_000), (990, 99_000)] {
            let found = latency.permille(part);

            assert!(found >= nsec && found <= nsec * 5 / 4);
        }
        assert_eq!(latency.permille(1000), 100_000);
        latency.reset();
        assert_eq!(latency.permille(1000), 0);
        Ok(())
    }
}
