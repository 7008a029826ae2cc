// SPDX-License-Identifier: GPL-2.0

//! Frames that consist of fields. Each field is a picture of half the height, with a stamp of its
//! own; the second one of a frame has the next sequence number.

use super::layout::Layout;

use crate::uapi;

use std::borrow::Cow;

/// How the fields of a frame lie in memory. Corresponds to `enum v4l2_field`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fields {
    /// `V4L2_FIELD_NONE`: no fields, a sequence number for each frame.
    #[default]
    None,
    /// `V4L2_FIELD_TOP` or `V4L2_FIELD_BOTTOM`: one field, every second one.
    One,
    /// `V4L2_FIELD_ALTERNATE`: one field, of both kinds by turns.
    Alternate,
    /// `V4L2_FIELD_SEQ_TB`: one after the other, the first one first.
    SeqTb,
    /// `V4L2_FIELD_INTERLACED`: line by line, by turns.
    Interlaced,
}

impl Fields {
    /// Returns what V4L2 calls by this number.
    pub fn from_v4l2(field: u32) -> Option<Self> {
        Some(match field {
            uapi::V4L2_FIELD_NONE => Self::None,
            uapi::V4L2_FIELD_TOP | uapi::V4L2_FIELD_BOTTOM => Self::One,
            uapi::V4L2_FIELD_ALTERNATE => Self::Alternate,
            uapi::V4L2_FIELD_SEQ_TB => Self::SeqTb,
            uapi::V4L2_FIELD_INTERLACED | uapi::V4L2_FIELD_INTERLACED_TB => Self::Interlaced,
            _ => return None,
        })
    }

    /// Returns what has this name on a command line.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "one" => Self::One,
            "alternate" => Self::Alternate,
            "seq-tb" => Self::SeqTb,
            "interlaced" => Self::Interlaced,
            _ => return None,
        })
    }

    /// How many fields a frame has in memory.
    pub fn count(self) -> u32 {
        match self {
            Self::None | Self::One | Self::Alternate => 1,
            Self::SeqTb | Self::Interlaced => 2,
        }
    }

    /// How far the sequence number goes from a frame to the next.
    pub fn step(self) -> u32 {
        match self {
            Self::None | Self::Alternate => 1,
            Self::One | Self::SeqTb | Self::Interlaced => 2,
        }
    }

    /// Takes a frame apart. `layout` is that of a field.
    pub fn split<'a>(self, layout: &Layout, frame: &'a [u8]) -> Vec<Cow<'a, [u8]>> {
        match self {
            Self::None | Self::One | Self::Alternate => vec![frame.into()],
            Self::SeqTb => {
                let (first, second) = frame.split_at(layout.sizeimage as usize);
                vec![first.into(), second.into()]
            }
            Self::Interlaced => {
                let line = layout.bytesperline() as usize;
                let field = |n| {
                    let lines = frame.chunks_exact(line).skip(n).step_by(2);
                    lines.flatten().copied().collect::<Vec<_>>().into()
                };
                vec![field(0), field(1)]
            }
        }
    }

    /// Puts the lines of a frame in the order in which they are shown, with its layout.
    pub fn weave(self, layout: &Layout, frame: &[u8]) -> (Layout, Vec<u8>) {
        let line = layout.bytesperline();
        let whole = match self.count() {
            1 => *layout,
            count => {
                let height = layout.height * count;
                let tight = Layout::negotiate(layout.format.fourcc, layout.width, height);
                match tight.bytesperline() == line {
                    true => tight,
                    false => tight.padded(&[line]),
                }
            }
        };
        let frame = match self {
            Self::SeqTb => {
                let line = line as usize;
                let (first, second) = frame.split_at(layout.sizeimage as usize);
                let pairs = first.chunks_exact(line).zip(second.chunks_exact(line));
                pairs.flat_map(|(a, b)| [a, b]).flatten().copied().collect()
            }
            _ => frame.to_vec(),
        };
        (whole, frame)
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::fourcc;
    use super::super::pattern::phase;
    use super::super::picture::PictureParams;
    use super::super::stamp::Frame;
    use super::super::tests::made;
    use super::super::Fault;
    use super::super::Reader;
    use super::*;

    const FORMATS: [&[u8; 4]; 3] = [b"UYVY", b"YUYV", b"RGBP"];

    fn field(layout: Layout, sequence: u32) -> Vec<u8> {
        let look = PictureParams::default();
        let frame = Frame {
            device: 3,
            sequence,
            timestamp: 16_683_333 * (u64::from(sequence) + 1),
            phase: phase(&layout, &look, sequence),
            flaw: false,
        };
        made(layout, look, frame)
    }

    /// Frames of these fields.
    fn frame(layout: Layout, fields: Fields, sequences: [u32; 2]) -> Vec<u8> {
        let [first, second] = sequences.map(|sequence| field(layout, sequence));
        match fields {
            Fields::None | Fields::One | Fields::Alternate => first,
            Fields::SeqTb => [first, second].concat(),
            Fields::Interlaced => {
                let line = layout.bytesperline() as usize;
                let pairs = first.chunks(line).zip(second.chunks(line));
                pairs.flat_map(|(a, b)| [a, b]).flatten().copied().collect()
            }
        }
    }

    /// What is tried: all formats and sizes of a capture card, as fields.
    fn layouts() -> impl Iterator<Item = Layout> {
        let sizes = [(720, 240), (720, 288), (360, 120), (360, 144), (720, 120)];
        FORMATS.into_iter().flat_map(move |format| {
            sizes.map(|(width, height)| Layout::negotiate(fourcc(format), width, height))
        })
    }

    #[test]
    fn a_good_stream_of_fields() {
        for layout in layouts() {
            for fields in [Fields::SeqTb, Fields::Interlaced, Fields::One] {
                let mut reader = Reader::new(layout).with_fields(fields);
                for n in 0..3 {
                    let verdict = reader.check(&frame(layout, fields, [2 * n, 2 * n + 1]));
                    assert!(verdict.is_ok(), "{fields:?} {verdict:?}");
                    assert_eq!(verdict.lost, 0);
                }
                // Two frames are missing.
                let verdict = reader.check(&frame(layout, fields, [10, 11]));
                assert!(verdict.is_ok());
                assert_eq!(verdict.lost, 2);
            }
        }
    }

    #[test]
    fn fields_of_two_frames() {
        let layout = Layout::negotiate(fourcc(b"UYVY"), 720, 240);
        for fields in [Fields::SeqTb, Fields::Interlaced] {
            for sequences in [[4, 7], [4, 3], [4, 4]] {
                let mut reader = Reader::new(layout).with_fields(fields);
                let verdict = reader.check(&frame(layout, fields, sequences));
                assert!(matches!(verdict.fault, Some(Fault::Torn { .. })));
            }
        }
    }

    #[test]
    fn a_wrong_byte_of_either_field() {
        let layout = Layout::negotiate(fourcc(b"YUYV"), 360, 120);
        for fields in [Fields::SeqTb, Fields::Interlaced] {
            let good = frame(layout, fields, [4, 5]);
            for at in (0..good.len()).step_by(good.len() / 97) {
                let mut frame = good.clone();
                frame[at] ^= 1;
                let verdict = Reader::new(layout).with_fields(fields).check(&frame);
                assert!(!verdict.is_ok());
            }
        }
    }

    #[test]
    fn fields_in_another_order_than_they_should_be() {
        let layout = Layout::negotiate(fourcc(b"UYVY"), 720, 240);
        for (is, should) in [
            (Fields::SeqTb, Fields::Interlaced),
            (Fields::Interlaced, Fields::SeqTb),
            (Fields::SeqTb, Fields::One),
        ] {
            let frame = frame(layout, is, [4, 5]);
            assert!(!Reader::new(layout)
                .with_fields(should)
                .check(&frame)
                .is_ok());
        }
    }

    #[test]
    fn a_frame_is_woven() {
        let layout = Layout::negotiate(fourcc(b"UYVY"), 720, 240);
        let (seq, interlaced) = (
            frame(layout, Fields::SeqTb, [0, 1]),
            frame(layout, Fields::Interlaced, [0, 1]),
        );
        let (whole, woven) = Fields::SeqTb.weave(&layout, &seq);
        assert_eq!((whole.width, whole.height), (720, 480));
        assert!(woven == interlaced);
        assert!(Fields::Interlaced.weave(&layout, &interlaced).1 == interlaced);
    }
}
