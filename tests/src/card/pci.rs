// SPDX-License-Identifier: GPL-2.0

//! PCI configuration space: one BAR of memory, INTx and MSI, power management.

/// The size of configuration space.
pub const SIZE: usize = 256;

/// The size of BAR 0.
pub const BAR_SIZE: usize = 4096;

const COMMAND: usize = 0x04;
const STATUS: usize = 0x06;
const BAR0: usize = 0x10;
const CAPABILITIES: usize = 0x34;
const INTERRUPT: usize = 0x3c;

const POWER: usize = 0x40;
const MSI: usize = 0x50;
const EXPRESS: usize = 0x70;

/// What a write to configuration space means to the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    None,
    /// It was without power, and comes back without what was in its registers.
    Woken,
}

/// Configuration space. Bits that are not in `writable` keep their value.
pub struct Config {
    bytes: [u8; SIZE],
    writable: [u8; SIZE],
}

impl Config {
    /// That of a Techwell device.
    pub fn new(device: u16) -> Self {
        let mut config = Self {
            bytes: [0; SIZE],
            writable: [0; SIZE],
        };
        let mut set = |at: usize, value: &[u8]| {
            config.bytes[at..at + value.len()].copy_from_slice(value);
        };
        let [low, high] = device.to_le_bytes();
        // Techwell; multimedia video controller; revision 1.
        set(0, &[0x97, 0x17, low, high]);
        set(STATUS, &[0x10, 0]);
        set(0x08, &[1, 0, 0x00, 0x04]);
        set(0x2c, &[0x97, 0x17, low, high]);
        set(CAPABILITIES, &[POWER as u8]);
        set(INTERRUPT, &[0, 1]);
        // Power management 1.2: D0 and D3hot, and no memory of the one in the other.
        set(POWER, &[0x01, MSI as u8, 0x03, 0x00]);
        // One message, 64-bit addresses.
        set(MSI, &[0x05, EXPRESS as u8, 0x80, 0x00]);
        // A legacy endpoint, one lane at 2.5 GT/s.
        set(EXPRESS, &[0x10, 0, 0x11, 0x00]);
        set(EXPRESS + 0x0c, &[0x11, 0, 0, 0]);
        set(EXPRESS + 0x12, &[0x11, 0x00]);

        let mut allow = |at: usize, bits: &[u8]| {
            config.writable[at..at + bits.len()].copy_from_slice(bits);
        };
        // Memory, bus master, parity, SERR, INTx off.
        allow(COMMAND, &[0x46, 0x05]);
        allow(BAR0, &(!(BAR_SIZE as u32 - 1)).to_le_bytes());
        allow(INTERRUPT, &[0xff]);
        allow(POWER + 4, &[0x03]);
        allow(MSI + 2, &[0x01]);
        allow(MSI + 4, &[0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        allow(MSI + 12, &[0xff, 0xff]);
        config
    }

    pub fn read(&self, offset: u64, count: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        self.bytes.get(start..start.checked_add(count)?)
    }

    pub fn write(&mut self, offset: u64, data: &[u8]) -> Option<Effect> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(data.len())?;
        let before = self.has_power();
        let bits = self.writable.get(start..end)?;
        for ((byte, bits), new) in self.bytes[start..end].iter_mut().zip(bits).zip(data) {
            *byte = *byte & !bits | new & bits;
        }
        Some(match !before && self.has_power() {
            true => Effect::Woken,
            false => Effect::None,
        })
    }

    /// Whether it is in D0.
    pub fn has_power(&self) -> bool {
        self.bytes[POWER + 4] & 3 == 0
    }

    /// Whether it may access memory.
    pub fn is_bus_master(&self) -> bool {
        self.bytes[COMMAND] & 4 != 0
    }

    /// Whether INTx must stay silent.
    pub fn is_intx_off(&self) -> bool {
        self.bytes[COMMAND + 1] & 4 != 0
    }

    /// Back to what it was at the beginning, but for what the firmware has set.
    pub fn reset(&mut self) {
        let device = u16::from_le_bytes([self.bytes[2], self.bytes[3]]);
        *self = Self::new(device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_large_it_is() {
        let mut config = Config::new(0x6869);
        assert_eq!(config.read(0, 4), Some(&[0x97, 0x17, 0x69, 0x68][..]));
        assert_eq!(config.write(0x10, &[0xff; 4]), Some(Effect::None));
        assert_eq!(config.read(0x10, 4), Some(&[0, 0xf0, 0xff, 0xff][..]));
        // What is not there stays 0, what is read only stays what it is.
        config.write(0x14, &[0xff; 4]);
        config.write(0, &[0xff; 4]);
        assert_eq!(config.read(0x14, 4), Some(&[0; 4][..]));
        assert_eq!(config.read(0, 1), Some(&[0x97][..]));
    }

    #[test]
    fn capabilities_are_a_list() {
        let config = Config::new(0x6864);
        let mut at = config.bytes[CAPABILITIES] as usize;
        let mut ids = Vec::new();
        while at != 0 {
            ids.push(config.bytes[at]);
            at = config.bytes[at + 1] as usize;
        }
        assert_eq!(ids, [1, 5, 16]);
    }

    #[test]
    fn bits_of_the_command() {
        let mut config = Config::new(0x6869);
        assert!(!config.is_bus_master() && !config.is_intx_off());
        config.write(4, &[6, 4]);
        assert!(config.is_bus_master() && config.is_intx_off());
        config.reset();
        assert!(!config.is_bus_master());
    }

    #[test]
    fn power_comes_back() {
        let mut config = Config::new(0x6869);
        assert_eq!(config.write(0x44, &[3, 0]), Some(Effect::None));
        assert!(!config.has_power());
        assert_eq!(config.write(0x44, &[0, 0]), Some(Effect::Woken));
        assert_eq!(config.write(0x44, &[0, 0]), Some(Effect::None));
    }

    #[test]
    fn there_is_an_end() {
        let mut config = Config::new(0x6869);
        assert_eq!(config.read(252, 4).map(<[u8]>::len), Some(4));
        assert_eq!(config.read(253, 4), None);
        assert_eq!(config.read(u64::MAX, 4), None);
        assert_eq!(config.write(255, &[0, 0]), None);
    }
}
