// SPDX-License-Identifier: GPL-2.0

//! Frames against what they should look like, and against what the device said of them.

use crate::reader::fields::Fields;
use crate::reader::stamp::Stamp;
use crate::reader::Counts;
use crate::reader::Reader;
use crate::stream::Frame;
use crate::stream::Stream;
use crate::v4l2::Device;

use std::io;
use std::path::Path;

/// Checks the frames of one device, in the format that it has when this is made.
pub struct Checker {
    size: usize,
    /// Reads the pixels; only vireo and the model of a card stamp their frames.
    reader: Option<Reader>,
    /// The number of the device, where the stamp has what the driver says.
    number: Option<u8>,
    last: Option<Frame>,
    stamp: Option<Stamp>,
    /// Frames that the device made when it had no buffer.
    pub lost: u32,
    pub frames: u32,
}

impl Checker {
    pub fn new(device: &Device) -> io::Result<Self> {
        let pix = device.format()?;
        let node = device.identity(Path::new(""))?;
        let number = node.bus.strip_prefix("platform:vireo.");
        let reader = if number.is_some() || node.driver.starts_with("tw686") {
            let fields = Fields::from_v4l2(pix.field)
                .ok_or_else(|| io::Error::other("the reader does not know the fields"))?;
            let (size, strides) = ((pix.width, pix.height), [pix.bytesperline]);
            let reader = Reader::of_fields(fields, pix.pixelformat, size, &strides)
                .ok_or_else(|| io::Error::other("the reader does not know the format"))?;
            if reader.sizeimage() != pix.sizeimage {
                return Err(io::Error::other("the reader expects another size"));
            }
            Some(reader)
        } else {
            None
        };
        let number = number.map(str::parse).transpose();
        Ok(Self {
            size: pix.sizeimage as usize,
            reader,
            number: number.map_err(io::Error::other)?,
            last: None,
            stamp: None,
            lost: 0,
            frames: 0,
        })
    }

    /// What the last good frame said of itself.
    pub fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// What the reader has counted.
    pub fn counts(&self) -> Option<&Counts> {
        self.reader.as_ref().map(Reader::counts)
    }

    /// Says what is wrong with a frame.
    pub fn check(&mut self, frame: &Frame, data: &[u8]) -> Result<(), String> {
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
        if let Some(reader) = &mut self.reader {
            let stamp = reader.check(data).into_result()?;
            let read = stamp.frame;
            if let Some(number) = self.number {
                let told = (frame.sequence, frame.timestamp, number);
                let found = (read.sequence, read.timestamp / 1000 * 1000, read.device);
                if found != told {
                    return Err(format!("the stamp says {found:?}, the device {told:?}"));
                }
            }
            self.stamp = Some(stamp);
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
