// SPDX-License-Identifier: GPL-2.0

//! What is said of frames.

use std::fmt;

use super::stamp::{self, Stamp};

/// What is wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has another size than the format asks for.
    Size { is: usize, should: usize },
    /// Two copies of the stamp are of different frames.
    Torn { first: Stamp, other: Stamp },
    /// Copy `copy` of the stamp is no stamp.
    Corrupt { copy: u8, why: stamp::Fault },
    /// Where copy `copy` of the stamp should be is copy `is`.
    Moved { copy: u8, is: u8 },
    /// A byte is not what the stamp says it is.
    Pixel {
        plane: usize,
        line: usize,
        byte: usize,
        is: u8,
        should: u8,
    },
    /// It comes from another device than the frames before, or than its first field.
    Stranger { device: u8 },
    /// It is not newer than a frame before.
    Repeated { last: u32 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Size { is, should } => write!(f, "misplaced: {is} bytes of {should}"),
            Fault::Torn { first, other } => write!(
                f,
                "torn: {} in one place, {} in another",
                first.frame.sequence, other.frame.sequence
            ),
            Fault::Corrupt { copy, why } => write!(f, "corrupt: copy {copy} of the stamp: {why:?}"),
            Fault::Moved { copy, is } => {
                write!(
                    f,
                    "misplaced: copy {is} of the stamp where {copy} should be"
                )
            }
            Fault::Pixel {
                plane,
                line,
                byte,
                is,
                should,
            } => write!(
                f,
                "misplaced: plane {plane} line {line} byte {byte} is {is:#04x}, not {should:#04x}"
            ),
            Fault::Stranger { device } => write!(f, "misplaced: from device {device}"),
            Fault::Repeated { last } => write!(f, "repeated: comes after {last}"),
        }
    }
}

/// What was found out about a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it says about itself, if it is in one piece.
    pub stamp: Option<Stamp>,
    /// How many frames are missing between the last good one and this.
    pub lost: u32,
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

impl Verdict {
    /// Whether nothing is wrong with the frame, whatever has been lost before it.
    pub fn is_ok(&self) -> bool {
        self.fault.is_none()
    }

    /// Returns the stamp of a good frame, or what is wrong in words.
    pub fn into_result(self) -> Result<Stamp, String> {
        match (self.stamp, self.fault) {
            (Some(stamp), None) => Ok(stamp),
            (Some(stamp), Some(fault)) => Err(format!("frame {}: {fault}", stamp.frame.sequence)),
            (None, Some(fault)) => Err(fault.to_string()),
            (None, None) => Err("no stamp".into()),
        }
    }
}

/// How many frames there were of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub frames: u64,
    pub ok: u64,
    pub torn: u64,
    pub corrupt: u64,
    pub repeated: u64,
    pub lost: u64,
    pub misplaced: u64,
    /// From how many good frames to the next, and for how long in nanoseconds.
    pub(super) steps: u64,
    pub(super) time: u64,
}

impl Counts {
    /// The frames that something is wrong with.
    pub fn wrong(&self) -> u64 {
        self.torn + self.corrupt + self.repeated + self.misplaced
    }

    /// The good frames a second, by the device's own clock.
    pub fn rate(&self) -> f64 {
        match self.time {
            0 => 0.0,
            time => self.steps as f64 * 1e9 / time as f64,
        }
    }

    pub(super) fn count(&mut self, verdict: &Verdict) {
        self.frames += 1;
        self.lost += u64::from(verdict.lost);
        *match verdict.fault {
            None => &mut self.ok,
            Some(Fault::Torn { .. }) => &mut self.torn,
            Some(Fault::Corrupt { .. }) => &mut self.corrupt,
            Some(Fault::Repeated { .. }) => &mut self.repeated,
            Some(
                Fault::Size { .. }
                | Fault::Moved { .. }
                | Fault::Pixel { .. }
                | Fault::Stranger { .. },
            ) => &mut self.misplaced,
        } += 1;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "frames {} ok {} torn {} corrupt {} repeated {} lost {} misplaced {} fps {:.2}",
            self.frames,
            self.ok,
            self.torn,
            self.corrupt,
            self.repeated,
            self.lost,
            self.misplaced,
            self.rate()
        )
    }
}
