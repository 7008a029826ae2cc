// SPDX-License-Identifier: GPL-2.0

//! The device's interrupts, as eventfds of QEMU's.

use super::protocol::irq_set;

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

/// Kinds of interrupts, by their numbers in vfio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    IntX,
    Msi,
    MsiX,
    /// An error that QEMU stops the machine for.
    Error,
    /// The device would like to be unplugged. QEMU does not listen to those of vfio-user.
    Request,
}

impl Kind {
    pub const COUNT: u32 = 5;

    pub fn from_index(index: u32) -> Option<Self> {
        Some(match index {
            0 => Self::IntX,
            1 => Self::Msi,
            2 => Self::MsiX,
            3 => Self::Error,
            4 => Self::Request,
            _ => return None,
        })
    }

    /// The flags and the number of these, as GET_IRQ_INFO says them.
    pub fn info(self) -> (u32, u32) {
        const EVENTFD: u32 = 1;
        const MASKABLE: u32 = 1 << 1;
        const AUTOMASKED: u32 = 1 << 2;
        const NO_RESIZE: u32 = 1 << 3;
        match self {
            Self::IntX => (EVENTFD | MASKABLE | AUTOMASKED, 1),
            Self::Msi => (EVENTFD | NO_RESIZE, 1),
            Self::MsiX => (EVENTFD | NO_RESIZE, 0),
            Self::Error | Self::Request => (EVENTFD, 1),
        }
    }
}

/// An eventfd, if there is one.
#[derive(Default)]
struct Event(Option<File>);

impl Event {
    fn signal(&mut self) -> bool {
        let one = 1u64.to_ne_bytes();
        self.0
            .as_mut()
            .is_some_and(|file| file.write_all(&one).is_ok())
    }
}

/// The state of the interrupts.
#[derive(Default)]
pub struct Interrupts {
    events: [Event; Kind::COUNT as usize],
    /// INTx has been told of, and is not to be told of again until QEMU says so.
    is_masked: bool,
    /// Whether the chip wants to interrupt.
    line: bool,
}

impl Interrupts {
    pub fn set(
        &mut self,
        kind: Kind,
        flags: u32,
        count: u32,
        fds: Vec<OwnedFd>,
    ) -> Result<(), i32> {
        let event = &mut self.events[kind as usize];
        if count > kind.info().1 {
            return Err(libc::EINVAL);
        }
        if flags & irq_set::ACTION_TRIGGER != 0 {
            if flags & irq_set::DATA_EVENTFD != 0 {
                // None stands for -1.
                event.0 = fds.into_iter().next().map(File::from);
                self.is_masked = false;
                self.tell(kind == Kind::IntX);
            } else if count == 0 {
                event.0 = None;
            } else {
                event.signal();
            }
        } else if flags & irq_set::ACTION_MASK != 0 {
            self.is_masked = true;
        } else if flags & irq_set::ACTION_UNMASK != 0 {
            self.is_masked = false;
            self.tell(true);
        }
        Ok(())
    }

    pub fn is_msi(&self) -> bool {
        self.events[Kind::Msi as usize].0.is_some()
    }

    /// Tells of an interrupt. INTx is a level, and told of while it is there; a message is sent
    /// when it comes.
    fn tell(&mut self, is_level: bool) {
        if !self.line {
            return;
        }
        if self.is_msi() {
            if !is_level {
                self.events[Kind::Msi as usize].signal();
            }
        } else if !self.is_masked {
            self.is_masked = self.events[Kind::IntX as usize].signal();
        }
    }

    /// Sets what the chip wants.
    pub fn set_line(&mut self, line: bool) {
        let is_new = line && !self.line;
        self.line = line;
        if is_new {
            self.tell(false);
        }
    }

    pub fn line(&self) -> bool {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    const EVENTFD: u32 = irq_set::DATA_EVENTFD | irq_set::ACTION_TRIGGER;
    const UNMASK: u32 = irq_set::DATA_NONE | irq_set::ACTION_UNMASK;

    /// A socket in the place of an eventfd: each interrupt is eight bytes.
    fn event() -> (UnixStream, Vec<OwnedFd>) {
        let (here, there) = UnixStream::pair().expect("two sockets");
        here.set_nonblocking(true).expect("a socket");
        (here, vec![there.into()])
    }

    fn count(mut socket: &UnixStream) -> usize {
        let mut bytes = [0; 256];
        socket.read(&mut bytes).map_or(0, |bytes| bytes / 8)
    }

    #[test]
    fn intx_is_told_of_once_until_it_is_unmasked() {
        let (socket, fds) = event();
        let mut irq = Interrupts::default();
        irq.set_line(true);
        // Somebody has come who did not hear of it.
        assert_eq!(irq.set(Kind::IntX, EVENTFD, 1, fds), Ok(()));
        assert_eq!(count(&socket), 1);
        irq.set_line(false);
        irq.set_line(true);
        assert_eq!(count(&socket), 0);
        irq.set(Kind::IntX, UNMASK, 1, Vec::new())
            .expect("unmasked");
        assert_eq!(count(&socket), 1);
        irq.set_line(false);
        irq.set(Kind::IntX, UNMASK, 1, Vec::new())
            .expect("unmasked");
        assert_eq!(count(&socket), 0);
    }

    #[test]
    fn a_message_is_sent_when_an_interrupt_comes() {
        let (intx, fds) = event();
        let mut irq = Interrupts::default();
        irq.set(Kind::IntX, EVENTFD, 1, fds).expect("set");
        let (msi, fds) = event();
        irq.set(Kind::Msi, EVENTFD, 1, fds).expect("set");
        for _ in 0..3 {
            irq.set_line(true);
            irq.set_line(true);
            irq.set_line(false);
        }
        assert_eq!((count(&intx), count(&msi)), (0, 3));
        irq.set(
            Kind::Msi,
            irq_set::DATA_NONE | irq_set::ACTION_TRIGGER,
            0,
            Vec::new(),
        )
        .expect("gone");
        irq.set_line(true);
        assert_eq!((count(&intx), count(&msi)), (1, 0));
    }

    #[test]
    fn there_are_no_more_than_it_says() {
        let mut irq = Interrupts::default();
        assert_eq!(
            irq.set(Kind::MsiX, EVENTFD, 1, Vec::new()),
            Err(libc::EINVAL)
        );
        assert_eq!(Kind::from_index(5), None);
    }
}
