// SPDX-License-Identifier: GPL-2.0

//! Frames against what they should look like, and against what the device said of them.

use crate::stream::Frame;
use crate::stream::Stream;
use crate::v4l2::Device;

use std::io;

/// Checks the frames of one device, in the format that it has when this is made.
pub struct Checker {
    size: usize,
    last: Option<Frame>,
    /// Frames that the device made when it had no buffer.
    pub lost: u32,
    pub frames: u32,
}

impl Checker {
    pub fn new(device: &Device) -> io::Result<Self> {
        let pix = device.format()?;
        Ok(Self {
            size: pix.sizeimage as usize,
            last: None,
            lost: 0,
            frames: 0,
        })
    }

    /// Says what is wrong with a frame.
    pub fn check(&mut self, frame: &Frame, _data: &[u8]) -> Result<(), String> {
        self.frames += 1;
        let last = self.last.replace(*frame);
        if frame.failed {
            return Err(format!("frame {} has the error flag", frame.sequence));
        }
        if frame.bytesused != self.size {
            return Err(format!("{} bytes used of {}", frame.bytesused, self.size));
        }
        if let Some(last) = last {
            if frame.sequence <= last.sequence {
                return Err(format!("frame {} after {}", frame.sequence, last.sequence));
            }
            if frame.timestamp <= last.timestamp {
                return Err(format!("time {} after {}", frame.timestamp, last.timestamp));
            }
            self.lost += frame.sequence - last.sequence - 1;
        }
        Ok(())
    }
}

/// Takes `count` frames from a stream, checks each, and gives the buffers back.
pub fn frames(stream: &Stream<'_>, count: u32) -> Result<Checker, String> {
    let mut checker = Checker::new(stream.device()).map_err(|e| format!("format: {e}"))?;
    for n in 0..count {
        let (frame, data) = stream.next().map_err(|e| format!("frame {n}: {e}"))?;
        checker.check(&frame, &data)?;
        stream
            .queue(frame.index)
            .map_err(|e| format!("queueing again: {e}"))?;
    }
    Ok(checker)
}
