// SPDX-License-Identifier: GPL-2.0

//! Descriptors: what tells the engine where to write a frame.

use kernel::prelude::*;
use media::vb2::Segment;

/// How many descriptors a table has for one buffer of a channel.
pub(crate) const COUNT: usize = 256;

/// The most bytes of a descriptor.
pub(crate) const MAX_LEN: usize = 4096;

/// What the addresses of descriptors are multiples of. Nothing is known of others, so there are
/// none.
const ALIGN: u64 = 4;

/// A piece of memory in a table: the length and a flag in the first word, the address in the
/// second, little-endian. One that is zero ends the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Descriptor(u64);

impl Descriptor {
    /// That there is such a piece.
    const VALID: u64 = 1 << 30;

    pub(crate) const END: Self = Self(0);

    /// A piece that ends within the first 4 GiB, and has [`MAX_LEN`] bytes at most.
    fn new(addr: u64, len: usize) -> Result<Self> {
        let is_addressable = addr
            .checked_add(len as u64)
            .is_some_and(|end| end <= 1 << 32);

        if !is_addressable || addr % ALIGN != 0 || len == 0 || len > MAX_LEN {
            return Err(EINVAL);
        }
        Ok(Self((addr << 32) | Self::VALID | len as u64))
    }

    /// As it is in memory.
    pub(crate) fn to_le(self) -> u64 {
        self.0.to_le()
    }

    /// Cuts `bytes` bytes into pieces that all lie in the same `page`, so that a frame of this size
    /// goes nowhere.
    pub(crate) fn trash(page: u64, bytes: usize) -> impl Iterator<Item = Self> {
        (0..bytes).step_by(MAX_LEN).map(move |offset| {
            let len = MAX_LEN.min(bytes - offset);

            Self::new(page, len).unwrap_or(Self::END)
        })
    }
}

/// The descriptors of a buffer.
#[derive(Default)]
pub(crate) struct List(KVec<Descriptor>);

impl List {
    /// Makes descriptors of `bytes` bytes in these segments.
    ///
    /// `EINVAL` where they need more than [`COUNT`], are not aligned, or are less; `ENOMEM`.
    pub(crate) fn fill(&mut self, segments: impl Iterator<Item = Segment>, bytes: usize) -> Result {
        let mut left = bytes;

        self.0.clear();
        self.0.reserve(COUNT, GFP_KERNEL)?;
        for segment in segments {
            let used = segment.len.min(left);

            for offset in (0..used).step_by(MAX_LEN) {
                if self.0.len() == COUNT {
                    return Err(EINVAL);
                }
                let len = MAX_LEN.min(used - offset);
                let descriptor = Descriptor::new(segment.addr + offset as u64, len)?;
                self.0.push_within_capacity(descriptor)?;
            }
            left -= used;
        }
        if left == 0 {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Descriptor> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(tw686x_descriptors)]
mod tests {
    use super::*;

    fn fill(segments: &[(u64, usize)], bytes: usize) -> Result<List> {
        let mut list = List::default();

        list.fill(
            segments.iter().map(|(addr, len)| Segment {
                addr: *addr,
                len: *len,
            }),
            bytes,
        )?;
        Ok(list)
    }

    #[test]
    fn segments_are_cut() -> Result {
        let list = fill(&[(0x1000, 0x1800), (0xffff_f000, 0x1000)], 0x2400)?;
        assert!(list.iter().map(|d| d.0).eq([
            0x0000_1000_4000_1000,
            0x0000_2000_4000_0800,
            0xffff_f000_4000_0c00,
        ]));
        Ok(())
    }

    #[test]
    fn what_cannot_be_is_refused() {
        // Too little, beyond what can be addressed, and not aligned.
        assert!(fill(&[(0x1000, 0x1000)], 0x1001).err() == Some(EINVAL));
        assert!(fill(&[(0xffff_f000, 0x1004)], 0x1004).err() == Some(EINVAL));
        assert!(fill(&[(1 << 32, 4)], 4).err() == Some(EINVAL));
        assert!(fill(&[(0x1002, 0x1000)], 0x1000).err() == Some(EINVAL));
    }

    #[test]
    fn there_is_a_bound() -> Result {
        assert_eq!(
            fill(&[(0, COUNT * MAX_LEN)], COUNT * MAX_LEN)?
                .iter()
                .count(),
            COUNT
        );
        let bytes = COUNT * MAX_LEN + 4;
        assert!(fill(&[(0, bytes)], bytes).err() == Some(EINVAL));
        Ok(())
    }

    #[test]
    fn trash_is_one_page() {
        let mut bytes = 0;
        for descriptor in Descriptor::trash(0x7000, 10_000) {
            assert_eq!(descriptor.0 >> 32, 0x7000);
            bytes += descriptor.0 & 0x1fff;
        }
        assert_eq!(bytes, 10_000);
    }
}
