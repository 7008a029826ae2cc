// SPDX-License-Identifier: GPL-2.0

//! Reads the stamp of a frame, calculates the frame from it, and compares every pixel.
//!
//! The picture is calculated by the very code of the driver, so what is checked is the way of a
//! frame from the driver to here, not the arithmetic: that has tests of its own.
//!
//! A frame is looked at by itself first: a [`Fault::Size`], copies of the stamp that disagree, a
//! stamp that is no stamp, and pixels that are not what it says. Then comes its place among the
//! frames before: [`Fault::Repeated`], and what has been lost in between.

#![allow(unexpected_cfgs, reason = "the driver's sources ask for KUnit")]

#[path = "../../src/vireo/clock.rs"]
pub mod clock;
#[path = "../../src/vireo/colorimetry.rs"]
pub mod colorimetry;
#[path = "../../src/vireo/colour.rs"]
pub mod colour;
#[path = "../../src/vireo/conversion.rs"]
pub mod conversion;
#[path = "../../src/vireo/format.rs"]
pub mod format;
#[path = "../../src/vireo/layout.rs"]
pub mod layout;
#[path = "../../src/vireo/pacing.rs"]
pub mod pacing;
#[path = "../../src/vireo/pattern.rs"]
pub mod pattern;
#[path = "../../src/vireo/picture.rs"]
pub mod picture;
#[path = "../../src/vireo/stamp.rs"]
pub mod stamp;
#[path = "../../src/vireo/template.rs"]
pub mod template;
#[path = "../../src/vireo/xfer_func.rs"]
pub mod xfer_func;

pub mod fields;
mod pixels;
mod verdict;

use std::convert::Infallible;

use fields::Fields;
use layout::Layout;
use pixels::lift;
pub use pixels::picture;
use stamp::{Copies, Stamp};
use template::{Sink, Template};
pub use verdict::{Counts, Fault, Verdict};

/// A frame in the memory of a program.
pub struct Memory(pub Vec<u8>);

impl Sink for Memory {
    type Error = Infallible;

    fn write(&mut self, offset: usize, data: &[u8]) -> Result<(), Infallible> {
        self.0[offset..offset + data.len()].copy_from_slice(data);
        Ok(())
    }
}

/// Checks the frames of a stream.
pub struct Reader {
    /// That of a field, if a frame consists of fields.
    layout: Layout,
    fields: Fields,
    template: Option<Template<Vec<u8>>>,
    should: Memory,
    last: Option<Stamp>,
    /// The frames with faults since `last`, which have not been lost.
    faults: u32,
    counts: Counts,
}

impl Reader {
    /// Begins a stream of frames of this layout.
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            fields: Fields::None,
            template: None,
            should: Memory(vec![0; layout.sizeimage as usize]),
            last: None,
            faults: 0,
            counts: Counts::default(),
        }
    }

    /// Begins a stream of frames of the format that V4L2 calls `fourcc`.
    ///
    /// Returns [`None`] when the driver has no such format or size.
    pub fn for_format(fourcc: u32, width: u32, height: u32) -> Option<Self> {
        Self::padded(fourcc, width, height, &[])
    }

    /// The same with so many bytes from one line to the next in each plane of memory; 0 for as many
    /// as the line takes.
    pub fn padded(fourcc: u32, width: u32, height: u32, bytesperline: &[u32]) -> Option<Self> {
        let tight = Layout::negotiate(fourcc, width, height);
        // Lines without padding need not be a multiple of anything.
        let asked: Vec<u32> = bytesperline
            .iter()
            .zip(tight.mem_planes())
            .map(|(asked, part)| {
                if *asked == part.bytesperline {
                    0
                } else {
                    *asked
                }
            })
            .collect();
        let layout = tight.padded(&asked);
        let mut parts = layout.mem_planes().zip(bytesperline);

        ((layout.format.fourcc, layout.width, layout.height) == (fourcc, width, height)
            && parts.all(|(part, asked)| *asked == 0 || *asked == part.bytesperline))
        .then(|| Self::new(layout))
    }

    /// The same, of frames that consist of fields, each with a stamp.
    pub fn of_fields(
        fields: Fields,
        fourcc: u32,
        (width, height): (u32, u32),
        bytesperline: &[u32],
    ) -> Option<Self> {
        if height % fields.count() != 0 {
            return None;
        }
        Self::padded(fourcc, width, height / fields.count(), bytesperline)
            .map(|reader| reader.with_fields(fields))
    }

    /// Has frames consist of fields of this layout, each with a stamp.
    pub fn with_fields(self, fields: Fields) -> Self {
        Self { fields, ..self }
    }

    /// The layout of the frames, or of their fields.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The fields of the frames.
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// The bytes of a frame.
    pub fn sizeimage(&self) -> u32 {
        self.layout.sizeimage * self.fields.count()
    }

    /// What has been found so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Expects sequence numbers from the beginning again: the stream has been restarted.
    pub fn restart(&mut self) {
        self.last = None;
        self.faults = 0;
    }

    /// Checks the next frame.
    pub fn check(&mut self, frame: &[u8]) -> Verdict {
        let (stamp, fault) = match self.look_at(frame) {
            Ok((stamp, fault)) => (Some(stamp), fault),
            Err(fault) => (None, Some(fault)),
        };
        let mut verdict = Verdict {
            stamp,
            lost: 0,
            fault,
        };

        match (verdict.is_ok(), stamp) {
            (true, Some(stamp)) => {
                if let Some(last) = self.last {
                    let ahead = stamp.frame.sequence.wrapping_sub(last.frame.sequence);
                    let gap = ahead.div_ceil(self.fields.step()) - 1;

                    verdict.lost = gap.saturating_sub(self.faults);
                    self.counts.steps += 1;
                    self.counts.time += stamp.frame.timestamp - last.frame.timestamp;
                }
                self.last = Some(stamp);
                self.faults = 0;
            }
            // A frame that is there a second time is none of those that are missing.
            _ if matches!(verdict.fault, Some(Fault::Repeated { .. })) => (),
            _ => self.faults += 1,
        }
        self.counts.count(&verdict);
        verdict
    }

    /// Returns what a frame says about itself, which is what its first field says, and what is wrong
    /// with it nevertheless.
    fn look_at(&mut self, frame: &[u8]) -> Result<(Stamp, Option<Fault>), Fault> {
        let should = self.sizeimage() as usize;

        if frame.len() != should {
            return Err(Fault::Size {
                is: frame.len(),
                should,
            });
        }

        let fields = self.fields.split(&self.layout, frame);
        let mut stamps = Vec::with_capacity(fields.len());

        for field in &fields {
            stamps.push(self.stamp_of(field)?);
        }

        let first = stamps[0];

        if let Some(other) = stamps.get(1) {
            if other.frame.sequence != first.frame.sequence.wrapping_add(1) {
                return Err(Fault::Torn {
                    first,
                    other: *other,
                });
            }
            if other.frame.device != first.frame.device {
                let device = other.frame.device;

                return Ok((first, Some(Fault::Stranger { device })));
            }
        }

        let wrong = stamps
            .iter()
            .zip(&fields)
            .find_map(|(stamp, field)| self.compare(stamp, field));

        Ok((first, wrong.or_else(|| self.compare_to_last(&first))))
    }

    /// Returns what all copies of the stamp say.
    fn stamp_of(&self, frame: &[u8]) -> Result<Stamp, Fault> {
        let copies: Vec<_> = (0..Copies::of(&self.layout).count)
            .map(|copy| Stamp::decode(&lift(&self.layout, frame, copy)))
            .collect();
        let mut good = copies.iter().flatten();

        // What disagrees says more than what cannot be read.
        if let Some((first, _)) = good.next() {
            if let Some((other, _)) = good.find(|(other, _)| other != first) {
                return Err(Fault::Torn {
                    first: *first,
                    other: *other,
                });
            }
        }

        let mut stamp = None;

        for (copy, read) in (0..).zip(&copies) {
            match *read {
                Err(why) => return Err(Fault::Corrupt { copy, why }),
                Ok((_, is)) if is != copy => return Err(Fault::Moved { copy, is }),
                Ok((read, _)) => stamp = Some(read),
            }
        }
        stamp.ok_or(Fault::Corrupt {
            copy: 0,
            why: stamp::Fault::Kind,
        })
    }

    /// Compares a frame to what its stamp says it should be.
    fn compare(&mut self, stamp: &Stamp, frame: &[u8]) -> Option<Fault> {
        let rendered = self.template.take();
        let mut template = match rendered {
            Some(template) if *template.look() == stamp.look => template,
            _ => {
                let bytes = vec![0; template::len(&self.layout, &stamp.look)];

                Template::render(self.layout, stamp.look, bytes).unwrap_or_else(|bytes| {
                    unreachable!("{} bytes are as many as were asked for", bytes.len())
                })
            }
        };

        let Ok(()) = template.compose(&stamp.frame, &mut self.should);
        self.template = Some(template);

        // Line by line: there may be anything in the padding.
        for (n, plane) in self.layout.planes().enumerate() {
            for line in 0..plane.rows {
                let (is, should) = (&frame[plane.line(line)], &self.should.0[plane.line(line)]);

                if is != should {
                    let byte = is.iter().zip(should).position(|(a, b)| a != b)?;

                    return Some(Fault::Pixel {
                        plane: n,
                        line,
                        byte,
                        is: is[byte],
                        should: should[byte],
                    });
                }
            }
        }
        None
    }

    /// Compares a frame to the last good one.
    fn compare_to_last(&self, stamp: &Stamp) -> Option<Fault> {
        let last = self.last?.frame;
        let ahead = stamp.frame.sequence.wrapping_sub(last.sequence);

        if stamp.frame.device != last.device {
            return Some(Fault::Stranger {
                device: stamp.frame.device,
            });
        }
        if ahead == 0 || ahead > u32::MAX / 2 || stamp.frame.timestamp <= last.timestamp {
            return Some(Fault::Repeated {
                last: last.sequence,
            });
        }
        None
    }
}

/// Returns the code of the format with this name: up to four characters, or RGB24.
pub fn fourcc(name: &str) -> Option<u32> {
    let name = if name == "RGB24" { "RGB3" } else { name };
    let mut code = [b' '; 4];

    // Some names are shorter, and end in spaces.
    code.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    Some(format::fourcc(&code))
}

#[cfg(test)]
mod book;

#[cfg(test)]
mod tests;
