// SPDX-License-Identifier: GPL-2.0

//! Samples: what is measured, and in which bits of a group of pixels it is.

/// What a sample measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Luma.
    Y,
    /// Blue difference.
    Cb,
    /// Red difference.
    Cr,
    /// Red.
    R,
    /// Green.
    G,
    /// Blue.
    B,
    /// Alpha.
    A,
    /// Nothing; always 0.
    X,
}

impl Channel {
    /// Whether the sample alone tells black from white.
    pub fn tells_brightness(self) -> bool {
        !matches!(self, Self::Cb | Self::Cr | Self::A | Self::X)
    }

    /// Whether it is a part of luma and the two differences.
    pub fn is_yuv(self) -> bool {
        matches!(self, Self::Y | Self::Cb | Self::Cr)
    }
}

/// One sample within a group of pixels.
///
/// A group is a little-endian number, so byte `n` begins at bit `8 * n`.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What is sampled.
    pub channel: Channel,
    /// Which pixel of the group is sampled.
    pub pixel: u8,
    /// The size of the sample in bits, 16 at most.
    pub bits: u8,
    /// The least significant bit of the sample, but for what is kept apart.
    pub lsb: u8,
    /// How many of its least significant bits are kept apart, and from which bit on.
    pub apart: (u8, u8),
}

impl Sample {
    /// A sample of `bits` bits from `lsb` on.
    pub(super) const fn new(channel: Channel, pixel: u8, lsb: u8, bits: u8) -> Self {
        Self {
            channel,
            pixel,
            bits,
            lsb,
            apart: (0, 0),
        }
    }

    /// Puts `code` where the sample is in `group`; what lies outside the group is left out.
    pub fn put(&self, group: &mut [u8], code: u16) {
        let (apart, lsb) = self.apart;

        put(group, self.lsb, self.bits - apart, code >> apart);
        if apart > 0 {
            put(group, lsb, apart, code);
        }
    }

    /// Takes the sample out of `group`.
    #[allow(dead_code, reason = "for the tests and the reader")]
    pub fn get(&self, group: &[u8]) -> u16 {
        let (apart, lsb) = self.apart;

        (get(group, self.lsb, self.bits - apart) << apart) | get(group, lsb, apart)
    }
}

/// Puts the `bits` least significant bits of `code` into `group`, from bit `lsb` on.
fn put(group: &mut [u8], lsb: u8, bits: u8, code: u16) {
    let shift = lsb % 8;
    let mask = ((1u32 << bits) - 1) << shift;
    let code = (u32::from(code) << shift) & mask;

    for ((dst, code), mask) in group
        .iter_mut()
        .skip(usize::from(lsb / 8))
        .zip(code.to_le_bytes())
        .zip(mask.to_le_bytes())
    {
        *dst = (*dst & !mask) | code;
    }
}

/// Takes `bits` bits out of `group`, from bit `lsb` on.
#[allow(dead_code, reason = "for the tests and the reader")]
fn get(group: &[u8], lsb: u8, bits: u8) -> u16 {
    let mut code = [0; 4];

    for (dst, src) in code.iter_mut().zip(group.iter().skip(usize::from(lsb / 8))) {
        *dst = *src;
    }
    ((u32::from_le_bytes(code) >> (lsb % 8)) & ((1 << bits) - 1)) as u16
}

#[cfg(any(CONFIG_KUNIT = "y", test))]
#[cfg_attr(CONFIG_KUNIT = "y", kernel::macros::kunit_tests(vireo_format_sample))]
mod tests {
    use super::*;

    #[test]
    fn samples_of_any_size() {
        let sample = Sample::new(Channel::G, 0, 5, 6);
        let mut group = [0xff, 0xff];

        sample.put(&mut group, 0);
        assert_eq!(group, [0x1f, 0xf8]);
        sample.put(&mut group, 0xffe1);
        assert_eq!(group, [0x3f, 0xfc]);
        assert_eq!(sample.get(&group), 0x21);

        let sample = Sample::new(Channel::G, 0, 6, 16);
        let mut group = [0; 4];

        sample.put(&mut group, 0x8001);
        assert_eq!(group, [0x40, 0x00, 0x20, 0x00]);
        assert_eq!(sample.get(&group), 0x8001);
    }
}
