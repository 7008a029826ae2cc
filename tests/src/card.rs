// SPDX-License-Identifier: GPL-2.0

//! A model of Techwell's TW6864 and TW6869, as a vfio-user server for QEMU's `vfio-user-pci`.
//!
//! What is known of the chips is what the kernel's `tw686x` does to them. Where that leaves
//! a choice, the model takes what asks most of a driver: a table is read when a frame begins, and
//! may be in use until it ends; once a channel is disabled, nothing is written any more.
//!
//! One thread answers QEMU, from registers, and never waits; one makes fields and writes them. Both
//! hold the lock of the [`Chip`] for as long as a register access, or writing a descriptor, takes.

pub mod chip;
pub mod control;
pub mod engine;
pub mod frame;
pub mod irq;
pub mod link;
pub mod painter;
pub mod pci;
pub mod protocol;
pub mod regs;
pub mod report;
pub mod server;
pub mod signal;
pub mod space;

use chip::Chip;
use link::lock;
use link::Link;
use report::Fault;
use space::Missing;
use space::Space;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::Mutex;

/// Which chip it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Four channels, which share a pair of descriptor tables.
    Tw6864,
    /// Eight channels, each with tables of its own.
    Tw6869,
}

impl Kind {
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Tw6864, Self::Tw6869]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Tw6864 => "tw6864",
            Self::Tw6869 => "tw6869",
        }
    }

    pub fn device_id(self) -> u16 {
        match self {
            Self::Tw6864 => 0x6864,
            Self::Tw6869 => 0x6869,
        }
    }

    pub fn channels(self) -> usize {
        match self {
            Self::Tw6864 => 4,
            Self::Tw6869 => 8,
        }
    }

    pub fn has_shared_tables(self) -> bool {
        self == Self::Tw6864
    }
}

/// The card in its slot.
pub struct Card {
    pub chip: Mutex<Chip>,
    pub space: Space,
    pub link: Link,
    /// QEMU's monitor, and the name of the device there.
    pub monitor: Option<(PathBuf, String)>,
    /// A field lasts longer if there is no time for it, and is not left out as from a camera.
    pub is_patient: bool,
    is_over: AtomicBool,
}

impl Card {
    pub fn new(kind: Kind, link: Link) -> Self {
        Self {
            chip: Mutex::new(Chip::new(kind)),
            space: Space::default(),
            link,
            monitor: None,
            is_patient: false,
            is_over: AtomicBool::new(false),
        }
    }

    /// Whether QEMU has gone.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.link.close();
    }

    /// Writes bytes of a frame of a channel, as long as the frame is wanted; whether it still is.
    ///
    /// Memory is written under the chip's lock: when a register access that ends the frame has been
    /// answered, nothing is written any more.
    fn dma_write(&self, n: usize, generation: u32, address: u64, data: &[u8]) -> bool {
        let mut done = 0;
        while done < data.len() {
            let at = address + done as u64;
            let missing = {
                let mut chip = lock(&self.chip);
                if !chip.is_current(n, generation) {
                    return false;
                }
                let (written, missing) = self.space.write(at, &data[done..]);
                done += written;
                chip.counters.bytes += written as u64;
                if missing == Some(Missing::ReadOnly) {
                    chip.counters
                        .fault(Fault::DmaRefused, || format!("{at:#x} is read only"));
                    return true;
                }
                missing
            };
            let Some(Missing::NoMemory { bytes }) = missing else {
                continue;
            };
            let at = address + done as u64;
            // Nobody waits for this thread meanwhile.
            let sent = self.link.dma_write(at, &data[done..done + bytes]);
            done += bytes;
            let mut chip = lock(&self.chip);
            match sent {
                Ok(()) => chip.counters.message_bytes += bytes as u64,
                Err(errno) => chip.counters.fault(Fault::DmaRefused, || {
                    format!("channel {n} at {at:#x}: errno {errno}")
                }),
            }
        }
        true
    }

    /// Reads what a driver has left for the chip.
    fn dma_read(&self, address: u64, data: &mut [u8]) -> Result<(), i32> {
        let mut done = 0;
        while done < data.len() {
            let at = address + done as u64;
            let (read, missing) = self.space.read(at, &mut data[done..]);
            done += read;
            if let Some(Missing::NoMemory { bytes }) = missing {
                let at = address + done as u64;
                self.link.dma_read(at, &mut data[done..done + bytes])?;
                done += bytes;
            }
        }
        Ok(())
    }

    /// All that is known, in a line.
    pub fn json(&self) -> String {
        let mapped = self.space.mapped();
        let chip = lock(&self.chip);
        format!(
            "{{\"chip\":\"{}\",\"link\":\"{}\",{},\"mapped_ranges\":{},\"mapped_bytes\":{},\
             \"maps\":{},\"unmaps\":{}}}",
            chip.kind.name(),
            if chip.is_link_down { "down" } else { "up" },
            chip.counters.json(),
            mapped.ranges,
            mapped.bytes,
            mapped.maps,
            mapped.unmaps
        )
    }
}
