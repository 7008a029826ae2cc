// SPDX-License-Identifier: GPL-2.0

//! A frame on its way: what it consists of, and where its bytes go.

use super::regs::Slot;
use super::report::Fault;
use super::signal::field_lines;

use crate::reader::format::fourcc;

use std::ops::Range;

/// The size of a descriptor.
pub const DESCRIPTOR: usize = 8;

/// The most bytes that a descriptor stands for.
const DESCRIPTOR_MAX: u32 = 4096;

/// Pixels of both fields of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    pub fourcc: u32,
    pub width: u32,
    /// Of one field.
    pub lines: u32,
}

impl Geometry {
    /// What the configuration of a channel asks for.
    pub fn of(config: u32, is_625: bool) -> Option<Self> {
        const HALF_WIDTH: u32 = 1 << 23;
        const HALF_HEIGHT: u32 = 1 << 24;
        Some(Self {
            fourcc: match (config >> 20) & 7 {
                0 => fourcc(b"UYVY"),
                5 => fourcc(b"RGBP"),
                6 => fourcc(b"YUYV"),
                _ => return None,
            },
            width: if config & HALF_WIDTH != 0 { 360 } else { 720 },
            lines: field_lines(is_625) / if config & HALF_HEIGHT != 0 { 2 } else { 1 },
        })
    }

    /// The bytes of a line: all formats have two for a pixel.
    pub fn line(&self) -> usize {
        2 * self.width as usize
    }

    /// The bytes of a field.
    pub fn field(&self) -> usize {
        self.line() * self.lines as usize
    }

    /// Whether this is what a register says.
    pub fn is_whp(&self, whp: u32) -> bool {
        (whp & 0x7ff, whp >> 22) == (self.line() as u32, self.lines)
    }
}

/// How a channel finds its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By descriptors: both fields one after the other.
    Table { address: u64, count: usize },
    /// At an address: the lines of both fields by turns, a pitch being that of one field.
    Frame { address: u64, pitch: u32 },
    /// At an address for each field, or for the first alone.
    Fields { first: u64, second: Option<u64> },
}

/// What a channel has decided to do at the beginning of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub generation: u32,
    pub slot: Slot,
    pub mode: Mode,
    pub geometry: Geometry,
}

/// A piece of memory, from a byte of a frame on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    start: usize,
    address: u64,
    len: usize,
}

/// Where the bytes of a frame go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pieces: Vec<Piece>,
}

impl Target {
    /// Reads descriptors until they are enough; with it comes what is wrong with them.
    pub fn from_table(table: &[u8], bytes: usize) -> (Self, Option<Fault>) {
        const VALID: u32 = 1 << 30;
        const FLAGS: u32 = 7 << 29;
        let mut pieces = Vec::new();
        let (mut start, mut fault) = (0, None);
        for descriptor in table.chunks_exact(DESCRIPTOR) {
            if start >= bytes {
                break;
            }
            let word = |at: usize| {
                let bytes = descriptor[at..at + 4].try_into();
                u32::from_le_bytes(bytes.unwrap_or_default())
            };
            let (what, address) = (word(0), word(4));
            if (what, address) == (0, 0) {
                break;
            }
            let len = what & !FLAGS;
            if what & FLAGS != VALID || len == 0 || len > DESCRIPTOR_MAX || address == 0 {
                fault = Some(Fault::BadDescriptor);
                break;
            }
            pieces.push(Piece {
                start,
                address: address.into(),
                len: len as usize,
            });
            start += len as usize;
        }
        let fault = fault.or(match start {
            0 => Some(Fault::NoDescriptor),
            _ if start < bytes => Some(Fault::TooShort),
            _ => None,
        });
        (Self { pieces }, fault)
    }

    /// How many bytes of a table were looked at.
    pub fn table_bytes(&self) -> usize {
        self.pieces.len() * DESCRIPTOR
    }

    /// The lines of a frame in one piece of memory, in the order in which they come.
    pub fn interlaced(address: u64, pitch: u32, geometry: &Geometry) -> Self {
        let line = |field: u64, row: u64| address + (2 * row + field) * u64::from(pitch);
        Self::lines(geometry, line)
    }

    /// Fields in memory of their own; a second one without memory is left out.
    pub fn fields(first: u64, second: Option<u64>, geometry: &Geometry) -> Self {
        let mut target = Self::lines(geometry, |field, row| {
            let base = if field == 0 {
                first
            } else {
                second.unwrap_or(0)
            };
            base + row * geometry.line() as u64
        });
        if second.is_none() {
            target.pieces.truncate(geometry.lines as usize);
        }
        target
    }

    fn lines(geometry: &Geometry, address: impl Fn(u64, u64) -> u64) -> Self {
        let len = geometry.line();
        let lines = (0..2).flat_map(|field| (0..geometry.lines).map(move |row| (field, row)));
        let pieces = lines.enumerate().map(|(n, (field, row))| Piece {
            start: n * len,
            address: address(field, row.into()),
            len,
        });
        Self {
            pieces: pieces.collect(),
        }
    }

    /// The parts of memory that a part of the frame goes to: an address, and which bytes.
    pub fn parts(&self, range: Range<usize>) -> impl Iterator<Item = (u64, Range<usize>)> + '_ {
        let first = self
            .pieces
            .partition_point(|piece| piece.start + piece.len <= range.start);
        self.pieces[first..]
            .iter()
            .take_while({
                let end = range.end;
                move |piece| piece.start < end
            })
            .map(move |piece| {
                let start = piece.start.max(range.start);
                let end = (piece.start + piece.len).min(range.end);
                (piece.address + (start - piece.start) as u64, start..end)
            })
    }

    /// Whether most of it goes to pages that are there more than once.
    pub fn is_trash(&self) -> bool {
        let mut pages: Vec<_> = self
            .pieces
            .iter()
            .map(|piece| piece.address >> 12)
            .collect();
        pages.sort_unstable();
        pages.dedup();
        let full = self.pieces.iter().filter(|piece| piece.len >= 2048).count();
        pages.len() < full / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(descriptors: &[(u32, u32)]) -> Vec<u8> {
        let words = descriptors
            .iter()
            .flat_map(|(what, address)| [what, address]);
        words.flat_map(|word| word.to_le_bytes()).collect()
    }

    const VALID: u32 = 0x4000_0000;

    #[test]
    fn descriptors_are_followed() {
        let table = table(&[
            (VALID | 4096, 0x10_0000),
            (VALID | 100, 0x20_0ff0),
            (VALID | 4096, 0x30_0000),
            (0, 0),
        ]);
        let (target, fault) = Target::from_table(&table, 5000);
        assert_eq!(fault, None);
        assert_eq!(target.table_bytes(), 24);
        assert_eq!(
            target.parts(0..5000).collect::<Vec<_>>(),
            [
                (0x10_0000, 0..4096),
                (0x20_0ff0, 4096..4196),
                (0x30_0000, 4196..5000)
            ]
        );
        assert_eq!(
            target.parts(4000..4100).collect::<Vec<_>>(),
            [(0x10_0000 + 4000, 4000..4096), (0x20_0ff0, 4096..4100)]
        );
        assert_eq!(target.parts(4196..4196).count(), 0);
        // What comes after the last byte is not looked at.
        assert_eq!(Target::from_table(&table, 4096).0.table_bytes(), 8);
    }

    #[test]
    fn descriptors_that_make_no_sense() {
        let fault = |descriptors: &[_]| Target::from_table(&table(descriptors), 8192).1;
        assert_eq!(fault(&[]), Some(Fault::NoDescriptor));
        assert_eq!(fault(&[(0, 0); 4]), Some(Fault::NoDescriptor));
        let good = (VALID | 4096, 0x1000);
        assert_eq!(fault(&[good]), Some(Fault::TooShort));
        assert_eq!(fault(&[good, good]), None);
        for bad in [
            (4096, 0x1000),
            (VALID, 0x1000),
            (VALID | 4097, 0x1000),
            (VALID | 4096, 0),
            (0xc000_0000 | 4096, 0x1000),
        ] {
            assert_eq!(fault(&[good, bad]), Some(Fault::BadDescriptor), "{bad:x?}");
        }
    }

    #[test]
    fn lines_take_turns() {
        let geometry = Geometry::of(0x0180_0000, false).expect("UYVY");
        assert_eq!((geometry.width, geometry.lines), (360, 120));
        let target = Target::interlaced(0x1000, 720, &geometry);
        let parts: Vec<_> = target.parts(0..2 * geometry.field()).collect();
        assert_eq!(parts.len(), 240);
        assert_eq!(parts[0].0, 0x1000);
        assert_eq!(parts[1].0, 0x1000 + 2 * 720);
        assert_eq!(parts[120], (0x1000 + 720, 86400..87120));
        let field = Target::fields(0x1000, None, &geometry);
        assert_eq!(field.parts(0..2 * geometry.field()).count(), 120);
        assert_eq!(field.parts(0..1440).nth(1), Some((0x1000 + 720, 720..1440)));
    }

    #[test]
    fn sizes_and_formats() {
        let of = |config, is_625| Geometry::of(config, is_625);
        assert_eq!(of(1 << 20, false), None);
        let geometry = of(5 << 20, true).expect("RGB565");
        assert_eq!((geometry.width, geometry.lines), (720, 288));
        assert_eq!(geometry.fourcc, fourcc(b"RGBP"));
        assert!(geometry.is_whp((288 << 22) | (1440 << 11) | 1440));
        assert!(!geometry.is_whp((240 << 22) | (1440 << 11) | 1440));
    }

    #[test]
    fn a_page_for_trash_is_recognised() {
        let trash = table(&[(VALID | 4096, 0x5000); 170]);
        assert!(Target::from_table(&trash, 170 * 4096).0.is_trash());
        let pages: Vec<_> = (1..171).map(|n| (VALID | 4096, n << 12)).collect();
        assert!(!Target::from_table(&table(&pages), 170 * 4096).0.is_trash());
        let geometry = Geometry::of(0, false).expect("UYVY");
        assert!(!Target::interlaced(0x1000, 1440, &geometry).is_trash());
    }
}
