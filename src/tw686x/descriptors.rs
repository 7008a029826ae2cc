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

/// The bytes of a descriptor.
pub(crate) const SIZE: usize = size_of::<u64>();

/// That a descriptor is one: zero ends the list.
const VALID: u64 = 1 << 30;

/// The descriptors of a buffer, as they are in memory: each has the length of a piece and a flag in
/// its first word, and the address in the second, little-endian.
///
/// # Invariants
///
/// There is room for [`COUNT`], or none at all; `len` are used, and one that is zero follows if
/// there is room for it.
#[derive(Default)]
pub(crate) struct List {
    words: KVec<u64>,
    len: usize,
}

impl List {
    /// Makes descriptors of `bytes` bytes in these segments.
    ///
    /// `EINVAL` where they need more than [`COUNT`], are not aligned or beyond 4 GiB, or are less;
    /// `ENOMEM`.
    pub(crate) fn fill(&mut self, segments: impl Iterator<Item = Segment>, bytes: usize) -> Result {
        if self.words.is_empty() {
            self.words.resize(COUNT, 0, GFP_KERNEL)?;
        }
        let mut left = bytes;
        let mut len = 0;

        self.len = 0;
        for segment in segments {
            let used = segment.len.min(left);

            len += self.cut(len, segment.addr, used)?;
            left -= used;
            if left == 0 {
                break;
            }
        }
        if left > 0 {
            return Err(EINVAL);
        }
        if let Some(end) = self.words.get_mut(len) {
            *end = 0;
        }
        // INVARIANT: As many were made, and then the end.
        self.len = len;
        Ok(())
    }

    /// Cuts a segment into pieces, from descriptor `at` on; how many there are.
    fn cut(&mut self, at: usize, addr: u64, bytes: usize) -> Result<usize> {
        let room = (1u64 << 32).saturating_sub(addr);

        if bytes as u64 > room || addr % ALIGN != 0 {
            return Err(EINVAL);
        }
        let count = bytes.div_ceil(MAX_LEN);
        let words = self.words.get_mut(at..at + count).ok_or(EINVAL)?;
        let mut word = (addr << 32) | VALID | MAX_LEN as u64;

        // An interrupt has to wait for this: no more than an addition for each.
        for slot in &mut *words {
            *slot = word.to_le();
            word = word.wrapping_add((MAX_LEN as u64) << 32);
        }
        if let (Some(last), rest @ 1..) = (words.last_mut(), bytes % MAX_LEN) {
            *last = (u64::from_le(*last) - MAX_LEN as u64 + rest as u64).to_le();
        }
        Ok(count)
    }

    /// Pieces that all lie in the same `page`, so that a frame of this size goes nowhere.
    pub(crate) fn trash(page: u64, bytes: usize) -> Result<Self> {
        let mut list = Self::default();
        let pieces = (0..bytes).step_by(MAX_LEN).map(|offset| Segment {
            addr: page,
            len: MAX_LEN.min(bytes - offset),
        });

        list.fill(pieces, bytes)?;
        Ok(list)
    }

    /// What is to be in a table.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let len = COUNT.min(self.len + 1);

        self.words.get(..len).unwrap_or_default().as_bytes()
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

    fn has<const N: usize>(list: &List, words: [u64; N]) -> bool {
        list.as_bytes() == words.map(u64::to_le).as_bytes()
    }

    #[test]
    fn segments_are_cut() -> Result {
        let list = fill(&[(0x1000, 0x1800), (0xffff_f000, 0x1000)], 0x2400)?;
        assert!(has(
            &list,
            [
                0x0000_1000_4000_1000,
                0x0000_2000_4000_0800,
                0xffff_f000_4000_0c00,
                0,
            ]
        ));
        Ok(())
    }

    #[test]
    fn shorter_list_ends() -> Result {
        let mut list = fill(&[(0x1000, 0x3000)], 0x3000)?;
        let segment = Segment {
            addr: 0x8000,
            len: 0x1000,
        };
        list.fill([segment].into_iter(), 0x800)?;
        assert!(has(&list, [0x0000_8000_4000_0800, 0]));
        assert!(list.fill([segment].into_iter(), 0x1001) == Err(EINVAL));
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
        let full = fill(&[(0, COUNT * MAX_LEN)], COUNT * MAX_LEN)?;
        assert_eq!(full.as_bytes().len(), COUNT * SIZE);
        let bytes = COUNT * MAX_LEN + 4;
        assert!(fill(&[(0, bytes)], bytes).err() == Some(EINVAL));
        Ok(())
    }

    #[test]
    fn trash_is_one_page() -> Result {
        let list = List::trash(0x7000, 10_000)?;
        assert!(has(
            &list,
            [
                0x0000_7000_4000_1000,
                0x0000_7000_4000_1000,
                0x0000_7000_4000_0710,
                0,
            ]
        ));
        Ok(())
    }
}
