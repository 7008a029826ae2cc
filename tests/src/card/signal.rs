// SPDX-License-Identifier: GPL-2.0

//! What comes in: a standard, or nothing, at each of the four inputs of a channel.

use std::time::Duration;

/// A television standard, by the number that it has in a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Standard {
    NtscM,
    Pal,
    Secam,
    Ntsc443,
    PalM,
    PalNc,
    Pal60,
}

impl Standard {
    pub const ALL: [Self; 7] = [
        Self::NtscM,
        Self::Pal,
        Self::Secam,
        Self::Ntsc443,
        Self::PalM,
        Self::PalNc,
        Self::Pal60,
    ];

    /// Bits of the register that says which standards may be detected.
    const ENABLES: [u32; 7] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40];

    pub fn name(self) -> &'static str {
        match self {
            Self::NtscM => "ntsc",
            Self::Pal => "pal",
            Self::Secam => "secam",
            Self::Ntsc443 => "ntsc-443",
            Self::PalM => "pal-m",
            Self::PalNc => "pal-nc",
            Self::Pal60 => "pal-60",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(code as usize).copied()
    }

    /// Whether a decoder that looks for these finds it.
    pub fn is_among(self, enables: u32) -> bool {
        enables & Self::ENABLES[self as usize] != 0
    }

    pub fn is_625(self) -> bool {
        matches!(self, Self::Pal | Self::Secam | Self::PalNc)
    }
}

/// How long a field takes.
pub fn field_period(is_625: bool) -> Duration {
    if is_625 {
        Duration::from_millis(20)
    } else {
        // 60000/1001 a second.
        Duration::from_nanos(16_683_333)
    }
}

/// How many lines of a field are seen.
pub fn field_lines(is_625: bool) -> u32 {
    if is_625 {
        288
    } else {
        240
    }
}

/// What is plugged in, at each input.
pub type Inputs = [Option<Standard>; 4];

/// What is plugged in at the beginning: a camera for each kind of lines, nothing, and one more.
pub const INPUTS: Inputs = [
    Some(Standard::NtscM),
    Some(Standard::Pal),
    None,
    Some(Standard::Pal60),
];

/// The state of a decoder, as its first register says it.
pub fn vidstat(signal: Option<Standard>, is_second_field: bool) -> u32 {
    const LOSS: u32 = 1 << 7;
    const H_LOCK: u32 = 1 << 6;
    const SUBCARRIER_LOCK: u32 = 1 << 5;
    const FIELD: u32 = 1 << 4;
    const V_LOCK: u32 = 1 << 3;
    const IS_50_HZ: u32 = 1 << 0;

    let field = if is_second_field { FIELD } else { 0 };
    match signal {
        None => LOSS | field,
        Some(standard) => {
            let rate = if standard.is_625() { IS_50_HZ } else { 0 };
            H_LOCK | SUBCARRIER_LOCK | V_LOCK | field | rate
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standards_have_names_and_numbers() {
        for (code, standard) in (0..).zip(Standard::ALL) {
            assert_eq!(Standard::from_code(code), Some(standard));
            assert_eq!(Standard::parse(standard.name()), Some(standard));
            assert!(standard.is_among(0x7f));
            assert!(!standard.is_among(0x7f & !Standard::ENABLES[code as usize]));
        }
        assert_eq!(Standard::from_code(7), None);
        assert_eq!(Standard::parse("none"), None);
    }

    #[test]
    fn a_decoder_says_what_it_sees() {
        assert_eq!(vidstat(None, false), 0x80);
        assert_eq!(vidstat(Some(Standard::NtscM), false), 0x68);
        assert_eq!(vidstat(Some(Standard::Pal), true), 0x79);
    }
}
