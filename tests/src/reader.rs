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

use std::convert::Infallible;
use std::fmt;

use colorimetry::{Colorimetry, Quantization};
use colour::Colour;
use fields::Fields;
use format::{Channel, Sample};
use layout::{Layout, Plane};
use stamp::{Copies, Stamp};
use template::{Sink, Template};

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
    steps: u64,
    time: u64,
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

    fn count(&mut self, verdict: &Verdict) {
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

/// Returns the group of a plane that shows pixel `x` of line `y`, and its samples.
fn group<'a>(
    plane: &Plane,
    frame: &'a [u8],
    x: usize,
    y: usize,
) -> (&'a [u8], &'static [Sample], usize) {
    let component = plane.component;
    let width = usize::from(component.width.get());
    let bytes = usize::from(component.bytes.get());
    let line = y / usize::from(component.height.get());
    let start = plane.line(line).start + x / width * bytes;

    (
        &frame[start..start + bytes],
        component.samples(line),
        x % width,
    )
}

/// Takes the bytes of copy `copy` of the stamp out of a frame.
fn lift(layout: &Layout, frame: &[u8], copy: u8) -> [u8; stamp::BYTES] {
    let first = Copies::of(layout).line(copy);
    let width = layout.width as usize;
    let mut bytes = [0; stamp::BYTES];

    for plane in layout
        .planes()
        .filter(|plane| plane.component.bears_stamp())
        .take(1)
    {
        for bit in 0..stamp::BITS {
            let (group, samples, pixel) = group(&plane, frame, bit % width, first + bit / width);
            let white = samples
                .iter()
                .find(|sample| {
                    sample.channel.tells_brightness() && usize::from(sample.pixel) == pixel
                })
                .is_some_and(|sample| sample.get(group) >> (sample.bits - 1) != 0);

            bytes[bit / 8] |= u8::from(white) << (7 - bit % 8);
        }
    }
    bytes
}

/// Returns a frame as a picture: red, green and blue of each pixel.
///
/// Of a mosaic, each pixel has the colours of the four that it is one of. Colour space and transfer
/// function stay what they are.
pub fn picture(layout: &Layout, colorimetry: &Colorimetry, frame: &[u8]) -> Vec<u8> {
    let colour = Colour::of(colorimetry);
    // Screens want the full range.
    let full = Colour::get(colorimetry.ycbcr_enc, Quantization::FullRange);
    let is_mosaic = layout.format.components[0].lines.len() > 1;
    let mut picture = Vec::with_capacity(3 * layout.width as usize * layout.height as usize);

    for y in 0..layout.height as usize {
        for x in 0..layout.width as usize {
            let (mut ycc, mut rgb) = ([0; 3], [0; 3]);
            let mut take = |x, y| {
                for plane in layout.planes() {
                    let (group, samples, pixel) = group(&plane, frame, x, y);
                    // A sample stands for the pixels up to the next one of its channel, but in
                    // a mosaic.
                    let shows = |sample: &&Sample| {
                        let n = usize::from(sample.pixel);
                        n == pixel || n < pixel && !is_mosaic
                    };

                    for sample in samples.iter().filter(shows) {
                        let value = colour.value(sample.channel, sample.get(group), sample.bits);

                        match sample.channel {
                            Channel::Y => ycc[0] = value,
                            Channel::Cb => ycc[1] = value,
                            Channel::Cr => ycc[2] = value,
                            Channel::R => rgb[0] = value,
                            Channel::G => rgb[1] = value,
                            Channel::B => rgb[2] = value,
                            Channel::A | Channel::X => (),
                        }
                    }
                }
            };

            if is_mosaic {
                for n in 0..4 {
                    take(x / 2 * 2 + n % 2, y / 2 * 2 + n / 2);
                }
            } else {
                take(x, y);
            }
            for value in match layout.format.is_yuv() {
                true => colour.rgb(ycc),
                false => rgb,
            } {
                picture.push(full.code(Channel::R, value, 8).to_le_bytes()[0]);
            }
        }
    }
    picture
}

#[cfg(test)]
mod book;

#[cfg(test)]
mod tests {
    use super::colorimetry::Colorspace;
    use super::format::{fourcc, Format, FORMATS};
    use super::pattern::phase;
    use super::picture::{Pattern, PictureParams};
    use super::stamp::Frame;
    use super::*;

    /// A small frame that is all stamp, a narrow one, and one with four copies.
    const SIZES: [(u32, u32); 4] = [(32, 16), (66, 130), (320, 240), (322, 98)];

    fn layouts() -> impl Iterator<Item = Layout> {
        FORMATS
            .iter()
            .flat_map(|f| SIZES.map(|(w, h)| Layout::negotiate(f.fourcc, w, h)))
    }

    #[test]
    fn padding_is_not_looked_at() {
        for tight in layouts() {
            let layout = tight.padded(&[2000; 3]);
            let mut frame = nth(layout, 5);

            for plane in layout.planes() {
                assert!(plane.stride > plane.bytes);
                for line in 0..plane.rows {
                    let padding = plane.line(line).end..plane.line(line).start + plane.stride;

                    frame[padding].fill(0x11);
                }
            }
            assert!(Reader::new(layout).check(&frame).is_ok());
            // The last byte of the last line is.
            let last = layout.planes().last().expect("a plane");

            frame[last.line(last.rows - 1).end - 1] ^= 1;
            assert!(!Reader::new(layout).check(&frame).is_ok());
        }
    }

    pub(super) fn made(layout: Layout, look: PictureParams, frame: Frame) -> Vec<u8> {
        let bytes = vec![0; template::len(&layout, &look)];
        let mut template = Template::render(layout, look, bytes).expect("fits");
        let mut memory = Memory(vec![0xaa; layout.sizeimage as usize]);

        let Ok(()) = template.compose(&frame, &mut memory);
        memory.0
    }

    /// Makes the frame that a stream has at this place.
    fn nth(layout: Layout, sequence: u32) -> Vec<u8> {
        let frame = Frame {
            device: 2,
            sequence,
            timestamp: 1_000_000 * (u64::from(sequence) + 1),
            phase: phase(&layout, &PictureParams::default(), sequence),
            flaw: false,
        };

        made(layout, PictureParams::default(), frame)
    }

    #[test]
    fn a_good_stream() {
        for layout in layouts() {
            let mut reader = Reader::new(layout);

            for n in 0..20 {
                let verdict = reader.check(&nth(layout, n));

                assert!(verdict.is_ok(), "{verdict:?}");
                assert_eq!(verdict.lost, 0);
                assert_eq!(verdict.stamp.expect("good").frame.sequence, n);
            }
            assert_eq!(
                reader.counts().to_string(),
                "frames 20 ok 20 torn 0 corrupt 0 repeated 0 lost 0 misplaced 0 fps 1000.00"
            );
        }
    }

    #[test]
    fn every_look_is_recognised() {
        for layout in layouts() {
            let mut reader = Reader::new(layout);
            let mut n = 0;

            for pattern in Pattern::ALL {
                for (brightness, contrast, hue) in [(128, 128, 0), (0, 255, -128), (255, 0, 77)] {
                    for (hflip, vflip) in [(true, false), (false, true), (true, true)] {
                        n += 1;

                        let look = PictureParams {
                            pattern,
                            brightness,
                            contrast,
                            hue,
                            hflip,
                            vflip,
                            ..PictureParams::default()
                        };
                        let frame = Frame {
                            device: 0,
                            sequence: n,
                            timestamp: n.into(),
                            phase: phase(&layout, &look, n),
                            flaw: false,
                        };
                        let verdict = reader.check(&made(layout, look, frame));

                        assert_eq!(verdict.into_result(), Ok(Stamp { frame, look }));
                    }
                }
            }
        }
    }

    #[test]
    fn a_torn_frame() {
        for layout in layouts() {
            let copies = Copies::of(&layout);

            for at in 1..copies.count {
                // Everything from one of the copies on belongs to the frame before.
                let line = copies.line(at) - 1;
                let (mut frame, before) = (nth(layout, 8), nth(layout, 7));

                for plane in layout.planes() {
                    let row = line / usize::from(plane.component.height.get());
                    let range = plane.line(row).start..plane.offset + plane.size();

                    frame[range.clone()].copy_from_slice(&before[range]);
                }

                let verdict = Reader::new(layout).check(&frame);

                match verdict.fault {
                    Some(Fault::Torn { first, other }) => {
                        assert_eq!((first.frame.sequence, other.frame.sequence), (8, 7));
                    }
                    fault => panic!("{fault:?}"),
                }
            }
        }
    }

    #[test]
    fn a_tear_between_two_copies() {
        // Less than a third of the picture, and no stamp in it.
        let layout = Layout::negotiate(fourcc(b"YUYV"), 320, 240);
        let (mut frame, before) = (nth(layout, 8), nth(layout, 7));
        let bytes = layout.bytesperline() as usize;

        frame[10 * bytes..70 * bytes].copy_from_slice(&before[10 * bytes..70 * bytes]);
        match Reader::new(layout).check(&frame).fault {
            Some(Fault::Pixel { line: 10, .. }) => (),
            fault => panic!("{fault:?}"),
        }
    }

    #[test]
    fn a_corrupt_stamp() {
        for layout in layouts() {
            let copies = Copies::of(&layout);

            for copy in 0..copies.count {
                let mut frame = nth(layout, 3);
                let bytes = layout.bytesperline() as usize;
                let start = copies.line(copy) * bytes;

                let group = usize::from(layout.format.components[0].bytes.get());

                // The first pixels: bit 7 of the first byte, and some more.
                for byte in &mut frame[start..start + group] {
                    *byte ^= 0xff;
                }

                let fault = Reader::new(layout).check(&frame).fault;

                assert_eq!(
                    fault,
                    Some(Fault::Corrupt {
                        copy,
                        why: stamp::Fault::Check
                    })
                );
            }
        }
    }

    #[test]
    fn a_frame_that_was_never_written() {
        for layout in layouts() {
            for fill in [0, 0x80, 0xff] {
                let frame = vec![fill; layout.sizeimage as usize];
                let fault = Reader::new(layout).check(&frame).fault;

                assert!(matches!(fault, Some(Fault::Corrupt { copy: 0, .. })));
            }
        }
    }

    #[test]
    fn one_wrong_byte_anywhere() {
        for layout in layouts() {
            let good = nth(layout, 5);
            let mut reader = Reader::new(layout);

            for at in (0..good.len()).step_by(good.len() / 97) {
                let mut frame = good.clone();

                frame[at] ^= 1;

                let fault = reader.check(&frame).fault;

                match fault {
                    Some(Fault::Pixel {
                        plane, line, byte, ..
                    }) => {
                        let plane = layout.planes().nth(plane).expect("a plane");

                        assert_eq!(plane.line(line).start + byte, at);
                    }
                    fault => panic!("{fault:?}"),
                }
            }
            assert_eq!(reader.counts().misplaced, reader.counts().frames);
        }
    }

    #[test]
    fn a_frame_that_is_shifted() {
        for layout in layouts() {
            for by in [1, layout.bytesperline() as usize] {
                let mut frame = nth(layout, 5);

                frame.rotate_right(by);
                assert!(!Reader::new(layout).check(&frame).is_ok());
            }
        }
    }

    #[test]
    fn copies_in_the_wrong_order() {
        let layout = Layout::negotiate(fourcc(b"RGB3"), 320, 240);
        let mut frame = nth(layout, 5);
        let bytes = layout.bytesperline() as usize;
        let copies = Copies::of(&layout);

        frame.copy_within(0..copies.lines * bytes, copies.line(1) * bytes);
        assert_eq!(
            Reader::new(layout).check(&frame).fault,
            Some(Fault::Moved { copy: 1, is: 0 })
        );
    }

    #[test]
    fn a_frame_of_another_size() {
        for layout in layouts() {
            let frame = nth(layout, 5);
            let should = frame.len();

            assert_eq!(
                Reader::new(layout).check(&frame[1..]).fault,
                Some(Fault::Size {
                    is: should - 1,
                    should
                })
            );
        }
    }

    #[test]
    fn repeated_and_stale_frames() {
        for layout in layouts() {
            let mut reader = Reader::new(layout);

            for (n, ok) in [
                (4, true),
                (4, false),
                (5, true),
                (3, false),
                (5, false),
                (6, true),
            ] {
                let fault = reader.check(&nth(layout, n)).fault;

                assert_eq!(fault.is_none(), ok);
                assert!(matches!(fault, None | Some(Fault::Repeated { .. })));
            }
            assert_eq!(reader.counts().repeated, 3);
            assert_eq!(reader.counts().lost, 0);
            reader.restart();
            assert!(reader.check(&nth(layout, 0)).is_ok());
        }
    }

    #[test]
    fn a_timestamp_that_goes_back() {
        let layout = Layout::default();
        let mut reader = Reader::new(layout);

        for (sequence, timestamp, ok) in [(0, 100, true), (1, 99, false), (2, 101, true)] {
            let frame = Frame {
                sequence,
                timestamp,
                ..Frame::default()
            };

            assert_eq!(
                reader
                    .check(&made(layout, PictureParams::default(), frame))
                    .is_ok(),
                ok
            );
        }
    }

    #[test]
    fn lost_frames() {
        for layout in layouts() {
            let mut reader = Reader::new(layout);

            // The sequence of a stream may begin anywhere.
            for (n, lost) in [(9, 0), (10, 0), (13, 2), (14, 0), (1014, 999)] {
                let verdict = reader.check(&nth(layout, n));

                assert!(verdict.is_ok());
                assert_eq!(verdict.lost, lost);
            }
            assert_eq!(reader.counts().lost, 1001);

            // A frame with a fault is there, if only half.
            let mut torn = nth(layout, 1015);
            torn[0] ^= 0xff;
            assert!(!reader.check(&torn).is_ok());
            assert_eq!(reader.check(&nth(layout, 1017)).lost, 1);
        }
    }

    #[test]
    fn sequences_wrap() {
        let layout = Layout::default();
        let mut reader = Reader::new(layout);

        for (n, (sequence, lost)) in [(u32::MAX - 1, 0), (u32::MAX, 0), (2, 2)]
            .into_iter()
            .enumerate()
        {
            let frame = Frame {
                sequence,
                timestamp: n as u64,
                ..Frame::default()
            };
            let verdict = reader.check(&made(layout, PictureParams::default(), frame));

            assert!(verdict.is_ok());
            assert_eq!(verdict.lost, lost);
        }
    }

    #[test]
    fn a_frame_of_another_device() {
        let layout = Layout::default();
        let mut reader = Reader::new(layout);

        assert!(reader.check(&nth(layout, 1)).is_ok());

        let frame = Frame {
            device: 7,
            sequence: 2,
            timestamp: u64::MAX,
            phase: 0,
            flaw: false,
        };

        assert_eq!(
            reader
                .check(&made(layout, PictureParams::default(), frame))
                .fault,
            Some(Fault::Stranger { device: 7 })
        );
    }

    #[test]
    fn formats_have_names() {
        for format in FORMATS {
            let code = format.fourcc.to_le_bytes();
            let name = std::str::from_utf8(&code).expect("a name");

            assert_eq!(super::fourcc(name), Some(format.fourcc));
            assert_eq!(super::fourcc(name.trim_end()), Some(format.fourcc));
        }
        assert_eq!(super::fourcc("RGB24"), Some(fourcc(b"RGB3")));
        assert_eq!(super::fourcc("RGB48"), None);
    }

    #[test]
    fn formats_are_not_adjusted() {
        assert!(Reader::for_format(fourcc(b"NV12"), 640, 480).is_some());
        assert!(Reader::for_format(fourcc(b"NV12"), 641, 480).is_none());
        assert!(Reader::for_format(fourcc(b"NV12"), 640, 8).is_none());
        assert!(Reader::for_format(fourcc(b"????"), 640, 480).is_none());
        assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[0]).is_some());
        assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[640]).is_some());
        assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[704]).is_some());
        assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[639]).is_none());
        assert!(Reader::padded(fourcc(b"NV12"), 640, 480, &[641]).is_none());
        assert!(Reader::padded(fourcc(b"YU12"), 642, 480, &[642]).is_some());
        assert!(Reader::padded(fourcc(b"YU12"), 642, 480, &[648]).is_some());
        assert!(Reader::padded(fourcc(b"NM12"), 640, 480, &[704, 768]).is_some());
    }

    #[test]
    fn a_picture_has_the_colours_of_the_bars() {
        let grey = |format: &&&Format| format.is_yuv() && !format.has_chroma();

        for format in FORMATS.iter().filter(|format| !grey(&format)) {
            let layout = Layout::negotiate(format.fourcc, 640, 480);
            let look = PictureParams {
                pattern: Pattern::Bars100,
                colorimetry: Colorimetry::default_of(Colorspace::Srgb, format.is_yuv()),
                ..PictureParams::default()
            };
            let frame = made(layout, look, Frame::default());
            let picture = picture(&layout, &look.colorimetry, &frame);

            assert_eq!(picture.len(), 640 * 480 * 3);
            for (x, rgb) in [
                (40, [255, 255, 255]),
                (120, [255, 255, 0]),
                (440, [255, 0, 0]),
            ] {
                let at = 3 * (100 * 640 + x);

                for (is, should) in picture[at..at + 3].iter().zip(rgb) {
                    assert!(is.abs_diff(should) <= 2, "{:?}", &picture[at..at + 3]);
                }
            }
        }
    }
}
