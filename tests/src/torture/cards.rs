// SPDX-License-Identifier: GPL-2.0

//! What the owner of a capture card, and the card itself, may do to those who stream from it.

use super::Random;
use super::Tally;

use std::fs;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// The driver that is tried.
pub const DRIVER: &str = "tw686x_rust";

const PCI: &str = "/sys/bus/pci";
const VENDOR: &str = "0x1797";

/// A model of a card, and the function that it is in the guest.
pub struct Cards {
    address: String,
    port: BufReader<File>,
    channels: usize,
    /// The bytes that are mapped for the card when nobody streams.
    mapped: u64,
    /// What was done in this round, and when.
    done: Vec<String>,
}

/// The numbers with this name in an object of JSON, together.
fn sum(json: &str, name: &str) -> u64 {
    json.split(&format!("\"{name}\":"))
        .skip(1)
        .filter_map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            rest[..end].parse::<u64>().ok()
        })
        .sum()
}

/// Writes to a file of the PCI bus.
fn write(path: String, what: &str) -> Result<(), String> {
    fs::write(&path, what).map_err(|e| format!("{path}: {e}"))
}

impl Cards {
    /// The first card, and the model's control port.
    pub fn open(port: &str) -> Result<Self, String> {
        let at = |what: &str, e: std::io::Error| format!("{what}: {e}");
        let devices = fs::read_dir(format!("{PCI}/devices")).map_err(|e| at("PCI", e))?;
        let address = devices
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| fs::read_to_string(path.join("vendor")).is_ok_and(|v| v.trim() == VENDOR))
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .ok_or("there is no card")?;
        let file = File::options().read(true).write(true).open(port);
        let mut this = Self {
            address,
            port: BufReader::new(file.map_err(|e| at(port, e))?),
            channels: 0,
            mapped: 0,
            done: Vec::new(),
        };
        let json = this.ask("json")?;
        this.channels = json.matches("\"starts\":").count();
        this.mapped = sum(&json, "mapped_bytes");
        Ok(this)
    }

    /// What the model answers.
    fn ask(&mut self, words: &str) -> Result<String, String> {
        let mut line = String::new();
        self.port
            .get_mut()
            .write_all(format!("{words}\n").as_bytes())
            .and_then(|()| self.port.read_line(&mut line))
            .map_err(|e| format!("{words}: {e}"))?;
        if line.starts_with("error") {
            return Err(format!("{words}: {line}"));
        }
        Ok(line)
    }

    fn is_there(&self) -> bool {
        Path::new(&format!("{PCI}/devices/{}/driver", self.address)).exists()
    }

    /// The function goes, as when it is unplugged.
    fn remove(&self) -> Result<(), String> {
        write(format!("{PCI}/devices/{}/remove", self.address), "1")
    }

    /// It is found again.
    fn rescan(&self) -> Result<(), String> {
        write(format!("{PCI}/rescan"), "1")?;
        if self.is_there() {
            Ok(())
        } else {
            Err(format!("{} was not bound again", self.address))
        }
    }

    /// One thing that may happen to a card.
    pub fn meddle(&mut self, random: &mut Random, tally: &mut Tally) -> Result<(), String> {
        let channel = random.below(self.channels);
        let what = random.below(9);
        let now = crate::sys::monotonic().as_millis();
        self.done.push(format!("{now}: {what} of {channel}"));
        match what {
            0 => {
                tally.count("unbinds of the card");
                write(format!("{PCI}/drivers/{DRIVER}/unbind"), &self.address)?;
                thread::sleep(Duration::from_millis(random.below(100) as u64));
                write(format!("{PCI}/drivers/{DRIVER}/bind"), &self.address)
            }
            1 => {
                tally.count("removals of the card");
                self.remove()?;
                self.rescan()
            }
            2 => {
                tally.count("dead links");
                self.ask("link down")?;
                // Noticed, or not yet.
                thread::sleep(Duration::from_millis(random.below(2000) as u64));
                self.remove()?;
                // It has forgotten everything.
                self.ask("link up")?;
                self.rescan()
            }
            3 => {
                tally.count("timeouts");
                self.ask("timeout").map(drop)
            }
            what => {
                let what = ["fifo", "pointer", "stall", "lose"][what % 4];
                tally.count(&format!("errors ({what})"));
                self.ask(&format!("{what} {channel}")).map(drop)
            }
        }
    }

    /// What was done to the card since this was asked last.
    pub fn done(&mut self) -> String {
        std::mem::take(&mut self.done).join(", ")
    }

    /// What a chip would not forgive was not done, and nothing is mapped that is not used.
    pub fn settled(&mut self) -> Result<(), String> {
        let json = self.ask("json")?;
        let number = |name: &str| sum(&json, name);
        // Who is so late that the chip has come to a slot again may be too late for the table.
        let forgiven = if number("overruns") > 0 {
            number("table_while_in_use")
        } else {
            0
        };
        if number("total_faults") > forgiven {
            return Err(format!("the model says: {json}"));
        }
        if number("mapped_bytes") != self.mapped {
            return Err(format!("not {} bytes are mapped: {json}", self.mapped));
        }
        self.ask("clear").map(drop)
    }
}
