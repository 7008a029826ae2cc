// SPDX-License-Identifier: GPL-2.0

//! What is counted, and how it is told.

use std::fmt::Write;
use std::time::Duration;

/// What a driver may do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A register that does not exist was read or written.
    NoSuchRegister,
    /// A register that can only be read was written.
    ReadOnlyRegister,
    /// An access of another size than a word.
    BadAccess,
    /// A channel was set up anew while it was enabled.
    ConfiguredWhileEnabled,
    /// The address of a buffer, or of a table, was written while the chip was using it.
    AddressWhileInUse,
    /// Descriptors were written while the chip was using them.
    TableWhileInUse,
    /// There was no table, or no address.
    NoAddress,
    /// There was a table, and nothing in it.
    NoDescriptor,
    /// A descriptor that makes no sense.
    BadDescriptor,
    /// A frame did not fit.
    TooShort,
    /// The size of the frame is not what the scaler makes.
    SizeMismatch,
    /// A pixel format or a mode that does not exist.
    BadMode,
    /// The memory cannot be written: nothing is mapped there.
    DmaRefused,
    /// DMA was wanted while bus mastering was off.
    NotBusMaster,
}

impl Fault {
    pub const ALL: [Self; 14] = [
        Self::NoSuchRegister,
        Self::ReadOnlyRegister,
        Self::BadAccess,
        Self::ConfiguredWhileEnabled,
        Self::AddressWhileInUse,
        Self::TableWhileInUse,
        Self::NoAddress,
        Self::NoDescriptor,
        Self::BadDescriptor,
        Self::TooShort,
        Self::SizeMismatch,
        Self::BadMode,
        Self::DmaRefused,
        Self::NotBusMaster,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::NoSuchRegister => "no_such_register",
            Self::ReadOnlyRegister => "read_only_register",
            Self::BadAccess => "bad_access",
            Self::ConfiguredWhileEnabled => "configured_while_enabled",
            Self::AddressWhileInUse => "address_while_in_use",
            Self::TableWhileInUse => "table_while_in_use",
            Self::NoAddress => "no_address",
            Self::NoDescriptor => "no_descriptor",
            Self::BadDescriptor => "bad_descriptor",
            Self::TooShort => "too_short",
            Self::SizeMismatch => "size_mismatch",
            Self::BadMode => "bad_mode",
            Self::DmaRefused => "dma_refused",
            Self::NotBusMaster => "not_bus_master",
        }
    }
}

/// What a channel has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frames {
    /// Frames that have been written whole and told of.
    pub frames: u64,
    /// Of these, those into the very memory of the frame before in the same slot: the driver had
    /// no other, and may have given it back.
    pub reused: u64,
    /// Of these, those into memory whose pages are there more than once: a page for trash.
    pub trash: u64,
    /// Of these, those without a signal.
    pub blue: u64,
    /// Frames that ended because the channel was switched off.
    pub cut: u64,
    /// Frames after which the next one was complete before the driver asked about slots: it was
    /// late.
    pub overruns: u64,
    /// Fields that there was no time for: the machine was busy.
    pub late: u64,
    /// How often the channel was enabled.
    pub starts: u64,
}

/// Everything that is counted.
#[derive(Default)]
pub struct Counters {
    pub channels: Vec<Frames>,
    faults: [u64; Fault::ALL.len()],
    /// The fault last seen, in words.
    last: String,
    pub reads: u64,
    pub writes: u64,
    pub interrupts: u64,
    /// Interrupts that nobody has asked about for a second.
    pub ignored: u64,
    /// From an interrupt to the read of its status.
    pub latency: Duration,
    pub answered: u64,
    pub slowest: Duration,
    /// Bytes written by memory, and by messages.
    pub bytes: u64,
    pub message_bytes: u64,
}

impl Counters {
    pub fn new(channels: usize) -> Self {
        Self {
            channels: vec![Frames::default(); channels],
            ..Self::default()
        }
    }

    pub fn fault(&mut self, fault: Fault, what: impl FnOnce() -> String) {
        self.faults[fault as usize] += 1;
        self.last = format!("{}: {}", fault.name(), what());
    }

    pub fn count(&self, fault: Fault) -> u64 {
        self.faults[fault as usize]
    }

    pub fn answer(&mut self, latency: Duration) {
        self.latency += latency;
        self.answered += 1;
        self.slowest = self.slowest.max(latency);
    }

    /// The parts of an object of JSON that these are.
    pub fn json(&self) -> String {
        let mut text = String::from("\"channels\":[");
        for (n, channel) in self.channels.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let Frames {
                frames,
                reused,
                trash,
                blue,
                cut,
                overruns,
                late,
                starts,
            } = channel;
            let _ = write!(
                text,
                "{comma}{{\"frames\":{frames},\"reused\":{reused},\"trash\":{trash},\
                 \"blue\":{blue},\"cut\":{cut},\"overruns\":{overruns},\
                 \"late\":{late},\"starts\":{starts}}}"
            );
        }
        text.push_str("],\"faults\":{");
        for (n, fault) in Fault::ALL.into_iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\"{}\":{}", fault.name(), self.count(fault));
        }
        let mean = self.latency.checked_div(self.answered as u32);
        let _ = write!(
            text,
            "}},\"total_faults\":{},\"last_fault\":\"{}\",\"reads\":{},\"writes\":{},\
             \"interrupts\":{},\"ignored_interrupts\":{},\"irq_us\":{},\"irq_us_max\":{},\
             \"bytes\":{},\"message_bytes\":{}",
            self.faults.iter().sum::<u64>(),
            self.last,
            self.reads,
            self.writes,
            self.interrupts,
            self.ignored,
            mean.unwrap_or_default().as_micros(),
            self.slowest.as_micros(),
            self.bytes,
            self.message_bytes
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_by_their_names() {
        let mut counters = Counters::new(2);
        counters.fault(Fault::TooShort, || "channel 1".into());
        counters.fault(Fault::TooShort, || "channel 0".into());
        counters.fault(Fault::DmaRefused, || "at 0x1000".into());
        counters.channels[1].frames = 3;
        let json = counters.json();
        for part in [
            "\"too_short\":2,",
            "\"dma_refused\":1,",
            "\"no_descriptor\":0,",
            "\"total_faults\":3,",
            "\"last_fault\":\"dma_refused: at 0x1000\"",
            "{\"frames\":3,",
        ] {
            assert!(json.contains(part), "{part} in {json}");
        }
        for (n, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, n);
        }
    }
}
