// SPDX-License-Identifier: GPL-2.0

//! The frame sizes and rates that a camera enumerates.
//!
//! A camera takes any size and rate in its limits. Programs that look at a list before they choose
//! (browsers, VLC, Qt, SDL) are given what webcams usually have, with fewer rates where a frame is
//! large.

use super::pacing::{
    below,
    Limits, //
};

/// The usual frame sizes. Programs that do not choose take the first one.
const SIZES: [(u32, u32); 10] = [
    (640, 480),
    (160, 120),
    (320, 180),
    (320, 240),
    (640, 360),
    (800, 600),
    (1280, 720),
    (1920, 1080),
    (2560, 1440),
    (3840, 2160),
];

/// The usual intervals, the shortest first.
const INTERVALS: [(u32, u32); 13] = [
    (1, 240),
    (1, 120),
    (1, 90),
    (1, 60),
    (1, 50),
    (1, 30),
    (1, 25),
    (1, 24),
    (1, 20),
    (1, 15),
    (1, 10),
    (2, 15),
    (1, 5),
];

/// The pixels of the largest frame that has every rate of the camera.
const FULL_RATE_PIXELS: u64 = 1920 * 1080;

/// Returns the sizes of a camera whose largest frame is `max`, which is one of them where
/// `with_max`, and where no usual size fits.
pub(crate) fn sizes(max: (u32, u32), with_max: bool) -> impl Iterator<Item = (u32, u32)> {
    let fits = move |size: &(u32, u32)| size.0 <= max.0 && size.1 <= max.1;
    let usual = move || SIZES.into_iter().filter(fits);
    let is_missing = !usual().any(|size| size == max);
    let is_only = usual().next().is_none();

    usual().chain((is_missing && (with_max || is_only)).then_some(max))
}

/// Returns which of these sizes is the nearest, as `v4l2_find_nearest_size()` does.
pub(crate) fn nearest(max: (u32, u32), with_max: bool, asked: (u32, u32)) -> (u32, u32) {
    let distance = |size: &(u32, u32)| {
        u64::from(size.0.abs_diff(asked.0)) + u64::from(size.1.abs_diff(asked.1))
    };

    sizes(max, with_max).min_by_key(distance).unwrap_or(max)
}

/// Returns the intervals of a camera at a frame size, the shortest first. There is at least one.
pub(crate) fn intervals(limits: Limits, size: (u32, u32)) -> impl Iterator<Item = (u32, u32)> {
    let pixels = u64::from(size.0) * u64::from(size.1);
    // The pixel rate is that of a full-rate frame at the highest frame rate, or less.
    let is_slow_enough = move |interval: &(u32, u32)| {
        let (num, den) = (u64::from(interval.0), u64::from(interval.1));
        let (min_num, min_den) = (u64::from(limits.min.0), u64::from(limits.min.1));

        pixels * den * min_num <= FULL_RATE_PIXELS * num * min_den
    };
    let usual = INTERVALS
        .into_iter()
        .filter(move |&interval| below(limits.min, interval) && !below(limits.max, interval));
    let all = move || {
        core::iter::once(limits.min)
            .chain(usual.clone())
            .filter(is_slow_enough)
    };
    let fallback = all().next().is_none().then_some(limits.min);

    all().chain(fallback)
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(vireo_modes)]
mod tests {
    use super::*;

    #[test]
    fn sizes_fit_the_sensor() {
        assert!(sizes((7680, 4320), false).eq(SIZES));
        assert!(sizes((3840, 2160), true).eq(SIZES));
        assert!(sizes((640, 480), true).eq([
            (640, 480),
            (160, 120),
            (320, 180),
            (320, 240),
            (640, 360)
        ]));
        // A size of the camera's own comes last.
        assert!(sizes((648, 488), true).last() == Some((648, 488)));
        assert!(sizes((648, 488), false).last() == Some((640, 360)));
        // Where nothing usual fits there is that one alone.
        assert!(sizes((32, 16), false).eq([(32, 16)]));
        assert!(sizes((160, 4320), true).eq([(160, 120), (160, 4320)]));
    }

    #[test]
    fn sizes_out_of_range_become_usual() {
        let max = (7680, 4320);

        assert!(nearest(max, false, (0, 0)) == (160, 120));
        assert!(nearest(max, false, (u32::MAX, u32::MAX)) == (3840, 2160));
        assert!(nearest(max, true, (u32::MAX, u32::MAX)) == max);
        assert!(nearest(max, false, (640, 1)) == (640, 360));
        assert!(nearest((32, 16), false, (0, 0)) == (32, 16));
    }

    #[test]
    fn large_frames_have_fewer_rates() {
        let limits = Limits::new(0, 30);
        let usual = [
            (1, 30),
            (1, 25),
            (1, 24),
            (1, 20),
            (1, 15),
            (1, 10),
            (2, 15),
            (1, 5),
        ];

        assert!(intervals(limits, (160, 120)).eq(usual));
        assert!(intervals(limits, (1920, 1080)).eq(usual));
        assert!(intervals(limits, (2560, 1440)).eq(usual[4..].iter().copied()));
        assert!(intervals(limits, (3840, 2160)).eq([(2, 15), (1, 5)]));
        assert!(intervals(limits, (7680, 4320)).eq([(1, 30)]));
    }

    #[test]
    fn rates_keep_to_the_limits() {
        let size = (640, 480);

        assert!(intervals(Limits::new(25, 30), size).eq([(1, 30), (1, 25)]));
        assert!(intervals(Limits::new(0, 4), size).eq([(1, 4)]));
        assert!(intervals(Limits::new(12, 12), size).eq([(1, 12)]));
        assert!(intervals(Limits::new(0, 1000), size).next() == Some((1, 1000)));
        assert!(intervals(Limits::new(0, 1000), size).nth(1) == Some((1, 240)));
        for max_fps in [1, 4, 5, 29, 30, 60, 75, 240, 1000] {
            for min_fps in [0, 1, max_fps / 2, max_fps] {
                let limits = Limits::new(min_fps, max_fps);
                let mut last = None;

                for interval in intervals(limits, size) {
                    assert!(limits.negotiate(interval.0, interval.1) == interval);
                    assert!(last.is_none_or(|last| below(last, interval)));
                    last = Some(interval);
                }
                assert!(last.is_some());
            }
        }
    }
}
