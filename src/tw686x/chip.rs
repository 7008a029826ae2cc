// SPDX-License-Identifier: GPL-2.0

//! The chips, and their channels.

use kernel::{
    num::Bounded,
    prelude::*, //
};

/// What a chip has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chip {
    /// Its name.
    pub(crate) name: &'static CStr,
    /// How many channels there are.
    pub(crate) channels: u8,
    /// Whether each channel has tables of its own. On the chips of the first generation all of them
    /// share a pair.
    pub(crate) has_own_tables: bool,
}

impl Chip {
    pub(crate) const TW6864: Self = Self {
        name: c"TW6864",
        channels: 4,
        has_own_tables: false,
    };
    pub(crate) const TW6865: Self = Self {
        name: c"TW6865",
        channels: 4,
        has_own_tables: true,
    };
    /// Its other four channels are those of a TW2865 beside it, which nobody has tried.
    pub(crate) const TW6868: Self = Self {
        name: c"TW6868",
        channels: 4,
        has_own_tables: false,
    };
    pub(crate) const TW6869: Self = Self {
        name: c"TW6869",
        channels: 8,
        has_own_tables: true,
    };

    /// The channels of the chip.
    pub(crate) fn channels(&self) -> impl Iterator<Item = ChannelId> {
        (0..self.channels.min(ChannelId::COUNT)).map(ChannelId)
    }

    /// How many banks of decoders there are, of four each.
    pub(crate) fn banks(&self) -> usize {
        usize::from(self.channels).div_ceil(4)
    }
}

/// The number of a channel.
///
/// # Invariants
///
/// It is less than [`COUNT`](Self::COUNT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelId(u8);

impl ChannelId {
    /// How many channels a chip may have.
    pub(crate) const COUNT: u8 = 8;

    pub(crate) fn index(self) -> usize {
        self.0.into()
    }

    /// The index of the channel's decoder: there are four in each of two banks, which are four
    /// times as far from each other as they need to be.
    pub(crate) fn decoder(self) -> usize {
        match self.index() {
            first @ ..4 => first,
            second => second + 12,
        }
    }
}

/// A set of channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChannelSet(u8);

impl ChannelSet {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn contains(self, id: ChannelId) -> bool {
        !(self & id.into()).is_empty()
    }

    /// Those that are not in `other`.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl From<ChannelId> for ChannelSet {
    fn from(id: ChannelId) -> Self {
        Self(1 << id.0)
    }
}

impl core::ops::BitAnd for ChannelSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl core::ops::BitOr for ChannelSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl core::ops::BitXor for ChannelSet {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

impl From<Bounded<u32, 8>> for ChannelSet {
    fn from(bits: Bounded<u32, 8>) -> Self {
        Self(bits.get() as u8)
    }
}

impl From<ChannelSet> for Bounded<u32, 8> {
    fn from(set: ChannelSet) -> Self {
        set.0.into()
    }
}

/// One of the two buffers that a channel writes by turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Side {
    /// The first after the channel was enabled.
    #[default]
    P,
    /// The second.
    B,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::P, Self::B];

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// What a bit of a register stands for.
    pub(crate) fn of(is_second: bool) -> Self {
        if is_second {
            Self::B
        } else {
            Self::P
        }
    }
}

#[cfg(CONFIG_KUNIT = "y")]
#[kernel::macros::kunit_tests(tw686x_chip)]
mod tests {
    use super::*;

    #[test]
    fn chips_have_their_channels() {
        assert_eq!(Chip::TW6864.channels().count(), 4);
        assert_eq!(Chip::TW6864.banks(), 1);
        assert_eq!(Chip::TW6869.channels().count(), 8);
        assert_eq!(Chip::TW6869.banks(), 2);
        assert!(Chip::TW6869
            .channels()
            .map(ChannelId::decoder)
            .eq([0, 1, 2, 3, 16, 17, 18, 19]));
    }

    #[test]
    fn channels_are_bits() {
        let all = ChannelSet(0xa5);
        assert!(all.contains(ChannelId(5)) && !all.contains(ChannelId(6)));
        assert!(all.without(ChannelSet(0x0f)) == ChannelSet(0xa0));
        assert!(ChannelSet::from(ChannelId(7)) == ChannelSet(0x80));
        assert!(ChannelSet::EMPTY.is_empty() && !all.is_empty());
        assert!(ChannelSet::from(Bounded::<u32, 8>::from(all)) == all);
    }
}
