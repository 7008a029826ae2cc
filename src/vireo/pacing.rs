// SPDX-License-Identifier: GPL-2.0

//! When frames are due.
//!
//! Frame `n` is due a whole number of intervals after the start, each time computed anew from the
//! exact fraction, so nothing adds up however long a stream runs.

#![allow(unreachable_pub, reason = "public to the reader in `tests`")]

use core::num::NonZero;

use super::format::gcd;

/// The interval that nobody chose: 30 frames a second.
pub const DEFAULT: (u32, u32) = (1, 30);

/// The shortest interval: a millisecond.
pub const MIN: (u32, u32) = (1, 1000);

/// The longest interval: ten seconds.
pub const MAX: (u32, u32) = (10, 1);

const NSEC_PER_SEC: u64 = 1_000_000_000;

/// Whether one interval is shorter than the other.
pub(crate) fn below(a: (u32, u32), b: (u32, u32)) -> bool {
    u64::from(a.0) * u64::from(b.1) < u64::from(b.0) * u64::from(a.1)
}

/// Returns the interval nearest to `num / den` seconds, in its lowest terms.
pub fn negotiate(num: u32, den: u32) -> (u32, u32) {
    if num == 0 || den == 0 {
        return DEFAULT;
    }
    if below((num, den), MIN) {
        return MIN;
    }
    if below(MAX, (num, den)) {
        return MAX;
    }

    let common = gcd(num, den);

    (num / common, den / common)
}

/// The intervals that there are to choose from.
///
/// # Invariants
///
/// Both lie between [`MIN`] and [`MAX`], in their lowest terms, and the first is not above the
/// second.
#[allow(dead_code, reason = "for the driver")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The shortest.
    pub min: (u32, u32),
    /// The longest.
    pub max: (u32, u32),
}

#[allow(dead_code, reason = "for the driver")]
impl Limits {
    /// From `min_fps` to `max_fps` frames a second; with a `min_fps` of 0, as few as can be.
    pub fn new(min_fps: u32, max_fps: u32) -> Self {
        let min = negotiate(1, max_fps);

        // INVARIANT: What is negotiated lies between the two; a rate below 1 is only for `MAX`.
        Self {
            min,
            max: match min_fps {
                0 => MAX,
                _ => longer(min, negotiate(1, min_fps)),
            },
        }
    }

    /// Returns the interval nearest to `num / den` seconds, in its lowest terms.
    pub fn negotiate(&self, num: u32, den: u32) -> (u32, u32) {
        let asked = longer(self.min, negotiate(num, den));

        if below(self.max, asked) {
            self.max
        } else {
            asked
        }
    }
}

/// The longer of two intervals.
fn longer(a: (u32, u32), b: (u32, u32)) -> (u32, u32) {
    if below(a, b) {
        b
    } else {
        a
    }
}

/// The deadlines of a stream.
///
/// # Invariants
///
/// `num / den` is an interval as [`negotiate`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacer {
    /// When frame `first` is due, in nanoseconds.
    start: u64,
    /// The first frame that the interval holds for.
    first: u64,
    num: NonZero<u64>,
    den: NonZero<u64>,
}

impl Pacer {
    /// Begins with frame 0 at `start` nanoseconds, and goes on every `num / den` seconds.
    pub fn new(start: u64, num: u32, den: u32) -> Self {
        let (num, den) = negotiate(num, den);

        // INVARIANT: The interval is negotiated.
        Self {
            start,
            first: 0,
            num: NonZero::new(num.into()).unwrap_or(NonZero::<u64>::MIN),
            den: NonZero::new(den.into()).unwrap_or(NonZero::<u64>::MIN),
        }
    }

    /// Changes the interval: frame `n` is due as before, those after it by the new one.
    pub fn change(&self, n: u64, num: u32, den: u32) -> Self {
        Self {
            first: n,
            ..Self::new(self.deadline(n), num, den)
        }
    }

    /// Goes on after a pause: frame `n` is due an interval after `now`.
    #[allow(dead_code, reason = "for the driver")]
    pub fn resume(&self, n: u64, now: u64) -> Self {
        let Self { num, den, .. } = *self;
        let interval = Self {
            start: 0,
            first: 0,
            num,
            den,
        }
        .deadline(1);

        match n.checked_sub(1) {
            Some(first) => Self {
                start: now,
                first,
                num,
                den,
            },
            None => Self {
                start: now.saturating_add(interval),
                first: 0,
                num,
                den,
            },
        }
    }

    /// Returns when frame `n` is due, in nanoseconds, rounded down.
    pub fn deadline(&self, n: u64) -> u64 {
        let Self { num, den, .. } = *self;
        let n = n.saturating_sub(self.first);

        // `n` intervals in seconds and nanoseconds: `den` of them make `num` whole seconds. The
        // remainders are below 2^32, so their products with 2^32 and 10^9 fit.
        let part = n % den * num.get();
        let sec = (n / den)
            .saturating_mul(num.get())
            .saturating_add(part / den);
        let nsec = part % den * NSEC_PER_SEC / den;

        self.start
            .saturating_add(sec.saturating_mul(NSEC_PER_SEC))
            .saturating_add(nsec)
    }

    /// Returns how many frames are due at `now`: the number of the first one that is not.
    pub fn due(&self, now: u64) -> u64 {
        let Self { num, den, .. } = *self;

        let Some(elapsed) = now.checked_sub(self.start) else {
            return self.first;
        };

        // Deadlines are rounded down, so frame `n` is due when `n` intervals are less than one
        // nanosecond more than what has elapsed.
        let (sec, nsec) = match (elapsed / NSEC_PER_SEC, elapsed % NSEC_PER_SEC + 1) {
            (sec, NSEC_PER_SEC) => (sec + 1, 0),
            time => time,
        };

        // `num` seconds make `den` whole intervals. In what is left, `sec % num` is less than
        // `num`, so the sum is at most `num * den`, and fits.
        let part = nsec * den.get();
        let dens = sec % num * den.get() + part / NSEC_PER_SEC;
        let more = dens % num != 0 || part % NSEC_PER_SEC != 0;

        self.first
            .saturating_add((sec / num).saturating_mul(den.get()))
            .saturating_add(dens / num)
            .saturating_add(more.into())
    }
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_pacing))]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;
    const YEAR: u64 = 366 * 24 * HOUR;
    const INTERVALS: [(u32, u32); 9] = [
        (1, 1000),
        (10, 1),
        (1, 30),
        (1001, 30000),
        (1, 7),
        (3, 1),
        (355, 113),
        (4_294_967, 4_294_967_291),
        (4_294_967_291, 429_496_730),
    ];

    #[test]
    fn intervals_are_adjusted() {
        for (asked, given) in [
            ((0, 0), DEFAULT),
            ((0, 25), DEFAULT),
            ((1, 0), DEFAULT),
            ((1, 25), (1, 25)),
            ((40, 1000), (1, 25)),
            ((1001, 30000), (1001, 30000)),
            ((1, 1000), (1, 1000)),
            ((1, 1001), MIN),
            ((1, u32::MAX), MIN),
            ((10, 1), (10, 1)),
            ((10_001, 1000), MAX),
            ((u32::MAX, 1), MAX),
            ((u32::MAX, u32::MAX), (1, 1)),
        ] {
            assert_eq!(negotiate(asked.0, asked.1), given);
            assert_eq!(negotiate(given.0, given.1), given);
        }
    }

    #[test]
    fn intervals_have_limits() {
        for (min_fps, max_fps, asked, given) in [
            (0, 30, (0, 0), (1, 30)),
            (0, 30, (1, 60), (1, 30)),
            (0, 30, (1001, 30000), (1001, 30000)),
            (0, 30, (999, 30000), (1, 30)),
            (0, 30, (11, 1), (10, 1)),
            (0, 15, (0, 0), (1, 15)),
            (0, 1000, (1, 2000), (1, 1000)),
            (25, 30, (10, 1), (1, 25)),
            (25, 30, (1, 25), (1, 25)),
            (25, 30, (1, 26), (1, 26)),
            (60, 100, (0, 0), (1, 60)),
            (1, 1, (1, 30), (1, 1)),
            (1000, 1000, (10, 1), (1, 1000)),
            (50, 20, (1, 30), (1, 20)),
        ] {
            let limits = Limits::new(min_fps, max_fps);

            assert_eq!(limits.negotiate(asked.0, asked.1), given);
            assert_eq!(limits.negotiate(given.0, given.1), given);
        }
        assert_eq!(Limits::new(0, 1000), Limits { min: MIN, max: MAX });
    }

    #[test]
    fn frames_do_not_drift() {
        // After the time that makes a whole number of frames, nothing is left over.
        for cycles in [1, HOUR, YEAR / 1001, 100 * YEAR / 1001] {
            let sec = 1001 * cycles;

            assert_eq!(
                Pacer::new(5, 1001, 30000).deadline(30000 * cycles),
                5 + sec * NSEC_PER_SEC
            );
            assert_eq!(
                Pacer::new(5, 1, 1000).deadline(1000 * sec),
                5 + sec * NSEC_PER_SEC
            );
        }
        assert_eq!(Pacer::new(0, 1, 30).deadline(1), 33_333_333);
        assert_eq!(Pacer::new(0, 1, 30).deadline(2), 66_666_666);
        assert_eq!(Pacer::new(0, 1, 30).deadline(3), 100_000_000);
        assert_eq!(Pacer::new(0, 10, 1).deadline(7), 70 * NSEC_PER_SEC);
    }

    #[test]
    fn an_hour_frame_by_frame() {
        let pacer = Pacer::new(1_000, 1001, 30000);
        let mut last = None;

        for n in 0..HOUR * 30000 / 1001 {
            let deadline = pacer.deadline(n);

            if let Some(last) = last {
                let interval: u64 = deadline - last;

                assert!(interval == 33_366_666 || interval == 33_366_667);
            }
            assert_eq!(pacer.due(deadline), n + 1);
            last = Some(deadline);
        }
    }

    #[test]
    fn a_frame_is_due_at_its_deadline() {
        for (num, den) in INTERVALS {
            let pacer = Pacer::new(12_345, num, den);

            assert_eq!(pacer.due(0), 0);
            assert_eq!(pacer.due(12_344), 0);
            for n in [
                0,
                1,
                2,
                29,
                30,
                31,
                999,
                1000,
                1001,
                1_234_567,
                1_000_000_007,
            ] {
                let deadline = pacer.deadline(n);

                assert_eq!(pacer.due(deadline - 1), n);
                assert_eq!(pacer.due(deadline), n + 1);
                assert_eq!(pacer.due(pacer.deadline(n + 1) - 1), n + 1);
            }
        }
    }

    #[test]
    fn late_by_many_frames() {
        let pacer = Pacer::new(NSEC_PER_SEC, 1, 1000);

        // A second and a half late: the next frame is far ahead, and on the same grid.
        assert_eq!(pacer.due(2_500_000_001), 1501);
        assert_eq!(pacer.deadline(1501), 2_501_000_000);
    }

    #[test]
    fn nothing_overflows() {
        for (num, den) in INTERVALS {
            let pacer = Pacer::new(u64::MAX, num, den);

            assert_eq!(pacer.deadline(u64::MAX), u64::MAX);
            assert_eq!(pacer.due(u64::MAX), 1);
            assert!(Pacer::new(0, num, den).due(u64::MAX) > 1_000_000_000);
            assert!(Pacer::new(0, num, den).deadline(u64::MAX) > 100 * YEAR);
            assert_eq!(pacer.change(u64::MAX, num, den).due(u64::MAX), u64::MAX);
        }
        assert_eq!(Pacer::new(0, 10, 1).due(u64::MAX), 1_844_674_408);
    }

    #[test]
    fn frames_go_on_after_a_pause() {
        let pacer = Pacer::new(1_000, 1, 1000);
        let resumed = pacer.resume(5, 9_000_000_000);

        assert_eq!(resumed.deadline(4), 9_000_000_000);
        assert_eq!(resumed.deadline(5), 9_001_000_000);
        assert_eq!(resumed.deadline(6), 9_002_000_000);
        assert_eq!(resumed.due(9_000_999_999), 5);
        assert_eq!(pacer.resume(0, 7_000).deadline(0), 1_007_000);
        assert_eq!(pacer.resume(0, 7_000).deadline(1), 2_007_000);
        assert_eq!(
            pacer.resume(u64::MAX, u64::MAX).deadline(u64::MAX),
            u64::MAX
        );
    }

    #[test]
    fn a_new_interval_counts_from_the_next_frame() {
        let pacer = Pacer::new(1_000, 1, 1000).change(5, 1, 10);

        assert_eq!(pacer.deadline(4), 5_001_000);
        assert_eq!(pacer.deadline(5), 5_001_000);
        assert_eq!(pacer.deadline(6), 105_001_000);
        assert_eq!(pacer.due(5_000_999), 5);
        assert_eq!(pacer.due(5_001_000), 6);
        assert_eq!(pacer.due(105_000_999), 6);
        assert_eq!(pacer.due(105_001_000), 7);
    }
}
