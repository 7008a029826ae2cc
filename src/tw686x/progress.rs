// SPDX-License-Identifier: GPL-2.0

//! Which frames a channel has completed.

use super::chip::Side;
use core::num::NonZeroU64;

/// How long a channel may be silent, in nanoseconds, before it is restarted.
const PATIENCE: u64 = 1_000_000_000;

/// What is known of the frames of a channel since it was started.
///
/// The engine fills P and B by turns, and says which one it has completed last: that one is not in
/// use until the other is complete. If it is the same as before, then an even number of frames has
/// come, which may be none: where a frame was complete between looking for the interrupt and asking
/// for the buffer, the interrupt is still to be seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// The buffer that was completed last; B before there was any.
    last: Side,
    /// When that was, or when the channel was enabled: then the first frame begins up to the time
    /// of one later.
    time: u64,
    /// Whether there was no frame since the channel was enabled.
    is_first: bool,
    /// Whether an interrupt from now on tells of something new.
    is_exact: bool,
    /// The number of the next frame.
    sequence: u32,
    /// Whether there was a signal.
    has_signal: bool,
    /// How long a frame takes, in nanoseconds. Of a channel that does not stream there is none: an
    /// interrupt may come late, and find it stopped.
    frame_nanos: Option<NonZeroU64>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            last: Side::B,
            time: 0,
            is_first: true,
            is_exact: true,
            sequence: 0,
            has_signal: true,
            frame_nanos: None,
        }
    }
}

impl Progress {
    /// Of a channel that is to stream frames which take so long.
    pub(crate) fn new(frame_nanos: u64) -> Self {
        Self {
            frame_nanos: NonZeroU64::new(frame_nanos),
            ..Self::default()
        }
    }

    /// The channel is about to be enabled, and begins with P.
    pub(crate) fn restart(&mut self, now: u64) {
        self.last = Side::B;
        self.time = now;
        self.is_first = true;
        self.is_exact = true;
    }

    /// Whether there was an interrupt since it was asked which buffer is complete, or just before.
    pub(crate) fn note_interrupt(&mut self, was_there: bool) {
        self.is_exact = !was_there;
    }

    /// There was an interrupt, and `side` was completed last. Returns the number of the frame, if
    /// it is new: those before it that nobody has seen are lost.
    pub(crate) fn complete(&mut self, side: Side, now: u64) -> Option<u32> {
        let frames = now.saturating_sub(self.time) / self.frame_nanos?.get();
        let lost = match (side != self.last, self.is_first) {
            // An odd number of frames has come: the one before them may have been seen late.
            (true, false) => frames / 2 * 2,
            // The first of them may have begun late.
            (true, true) => frames.saturating_sub(1) / 2 * 2,
            // An even number.
            (false, _) if self.is_exact => frames.max(2) / 2 * 2 - 1,
            (false, _) => return None,
        };
        let sequence = self.sequence.wrapping_add(lost as u32);

        self.last = side;
        self.time = now;
        self.is_first = false;
        self.sequence = sequence.wrapping_add(1);
        Some(sequence)
    }

    /// Whether the signal has come back: the chip wants the channel to be restarted then.
    pub(crate) fn has_recovered(&mut self, has_signal: bool) -> bool {
        let had_signal = core::mem::replace(&mut self.has_signal, has_signal);

        has_signal && !had_signal
    }

    /// Whether nothing has come for too long.
    pub(crate) fn is_stalled(&self, now: u64) -> bool {
        self.frame_nanos.is_some() && now.saturating_sub(self.time) > PATIENCE
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(tw686x_progress)]
mod tests {
    use super::*;

    const FRAME: u64 = 40_000_000;

    fn started() -> Progress {
        let mut progress = Progress::new(FRAME);

        progress.restart(1000 * FRAME);
        progress
    }

    #[test]
    fn buffers_take_turns() {
        let mut progress = started();
        for (n, side) in (0..10).zip([Side::P, Side::B].into_iter().cycle()) {
            let now = (1001 + n) * FRAME;
            assert!(progress.complete(side, now) == Some(n as u32));
            progress.note_interrupt(n % 2 == 0);
        }
    }

    #[test]
    fn lateness_is_no_loss() {
        let mut progress = started();
        assert!(progress.complete(Side::P, 1001 * FRAME + FRAME * 9 / 10) == Some(0));
        assert!(progress.complete(Side::B, 1002 * FRAME) == Some(1));
        assert!(progress.complete(Side::P, 1003 * FRAME) == Some(2));
    }

    #[test]
    fn lost_frames_leave_gaps() {
        let mut progress = started();
        assert!(progress.complete(Side::P, 1001 * FRAME) == Some(0));
        // One was missed.
        assert!(progress.complete(Side::P, 1003 * FRAME + FRAME / 2) == Some(2));
        assert!(progress.complete(Side::B, 1004 * FRAME) == Some(3));
        // The last one was seen late, so that two more are not two frames away.
        assert!(progress.complete(Side::P, 1005 * FRAME + FRAME / 2) == Some(4));
        assert!(progress.complete(Side::P, 1007 * FRAME) == Some(6));
        // Two, and three.
        assert!(progress.complete(Side::B, 1010 * FRAME) == Some(9));
        assert!(progress.complete(Side::B, 1014 * FRAME) == Some(13));
        assert!(progress.complete(Side::P, 1015 * FRAME) == Some(14));
    }

    #[test]
    fn interrupt_may_tell_of_nothing_new() {
        let mut progress = started();
        assert!(progress.complete(Side::P, 1001 * FRAME) == Some(0));
        progress.note_interrupt(true);
        // However late that is.
        assert!(progress.complete(Side::P, 1009 * FRAME).is_none());
        assert!(progress.complete(Side::B, 1009 * FRAME).is_some());
        progress.note_interrupt(false);
        assert!(progress.complete(Side::B, 1009 * FRAME + 1).is_some());
    }

    #[test]
    fn first_frame_may_begin_late() {
        let mut progress = started();
        assert!(progress.complete(Side::P, 1002 * FRAME + FRAME / 2) == Some(0));
        assert!(progress.complete(Side::B, 1003 * FRAME) == Some(1));
        let mut progress = started();
        assert!(progress.complete(Side::B, 1002 * FRAME + FRAME / 2) == Some(1));
        assert!(progress.complete(Side::P, 1003 * FRAME) == Some(2));
        let mut progress = started();
        assert!(progress.complete(Side::P, 1003 * FRAME) == Some(2));
    }

    #[test]
    fn restart_begins_with_the_first() {
        let mut progress = started();
        assert!(progress.complete(Side::P, 1001 * FRAME) == Some(0));
        progress.restart(2000 * FRAME);
        assert!(progress.complete(Side::P, 2001 * FRAME) == Some(1));
    }

    #[test]
    fn channel_that_does_not_stream_has_no_frames() {
        let mut progress = Progress::default();
        assert!(progress.complete(Side::P, FRAME).is_none());
        assert!(!progress.is_stalled(u64::MAX));
    }

    #[test]
    fn silence_is_noticed() {
        let mut progress = started();
        assert!(!progress.is_stalled(1000 * FRAME + PATIENCE));
        assert!(progress.is_stalled(1001 * FRAME + PATIENCE));
        progress.complete(Side::P, 1001 * FRAME + PATIENCE);
        assert!(!progress.is_stalled(1001 * FRAME + PATIENCE));
    }

    #[test]
    fn recovery_is_noticed_once() {
        let mut progress = started();
        assert!(!progress.has_recovered(true));
        assert!(!progress.has_recovered(false));
        assert!(progress.has_recovered(true));
        assert!(!progress.has_recovered(true));
    }
}
