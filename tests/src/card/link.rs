// SPDX-License-Identifier: GPL-2.0

//! The connection to QEMU: whole messages, and the requests that go the other way.

use super::protocol::command;
use super::protocol::dma;
use super::protocol::flag;
use super::protocol::Header;
use super::protocol::DMA_PREFIX;
use super::protocol::HEADER;
use super::protocol::MAX_TRANSFER;

use crate::sys;

use std::collections::HashMap;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

/// How long QEMU may take for a DMA message. Its main loop may be held up by a processor.
const PATIENCE: Duration = Duration::from_secs(10);

/// Locks, whatever happened to a thread that held the lock before.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A message from QEMU.
pub struct Message {
    pub header: Header,
    pub body: Vec<u8>,
    pub fds: Vec<OwnedFd>,
}

type Answer = Result<Vec<u8>, i32>;

#[derive(Default)]
struct Pending {
    next: u16,
    waiting: HashMap<u16, mpsc::Sender<Answer>>,
    is_closed: bool,
}

/// A connection. One thread receives; any may send.
pub struct Link {
    socket: UnixStream,
    sending: Mutex<()>,
    pending: Mutex<Pending>,
}

impl Link {
    pub fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            sending: Mutex::new(()),
            pending: Mutex::default(),
        }
    }

    /// The next message; none at the end of the connection.
    pub fn receive(&self) -> io::Result<Option<Message>> {
        let mut bytes = [0; HEADER];
        let (received, fds) = sys::receive_with_fds(&self.socket, &mut bytes)?;
        if received == 0 {
            return Ok(None);
        }
        (&self.socket).read_exact(&mut bytes[received..])?;
        let header = Header::parse(&bytes);
        let size = (header.size as usize)
            .checked_sub(HEADER)
            .filter(|size| *size <= DMA_PREFIX + MAX_TRANSFER)
            .ok_or_else(|| io::Error::other(format!("a message of {} bytes", header.size)))?;
        let mut body = vec![0; size];
        (&self.socket).read_exact(&mut body)?;
        Ok(Some(Message { header, body, fds }))
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let _sending = lock(&self.sending);
        (&self.socket).write_all(bytes)
    }

    /// Answers a request, if it wants to be answered.
    pub fn reply(&self, to: &Header, body: &Answer) -> io::Result<()> {
        if to.flags & flag::NO_REPLY != 0 {
            return Ok(());
        }
        self.send(&to.reply(body))
    }

    /// Hands a reply to the thread that waits for it.
    pub fn complete(&self, message: Message) {
        let header = message.header;
        let answer = match header.flags & flag::ERROR {
            0 => Ok(message.body),
            _ => Err(header.error as i32),
        };
        if let Some(waiting) = lock(&self.pending).waiting.remove(&header.id) {
            // Who has lost patience does not want it any more.
            let _ = waiting.send(answer);
        }
    }

    /// Lets nobody wait any longer.
    pub fn close(&self) {
        let mut pending = lock(&self.pending);
        pending.is_closed = true;
        pending.waiting.clear();
    }

    /// Ends the connection from this side.
    pub fn hang_up(&self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    /// Asks QEMU for something, and waits for the answer. Not for the thread that receives, nor
    /// while a lock is held that it may need.
    fn ask(&self, command: u16, body: &[u8]) -> Answer {
        let (sender, receiver) = mpsc::channel();
        let id = {
            let mut pending = lock(&self.pending);
            if pending.is_closed {
                return Err(libc::ENOTCONN);
            }
            pending.next = pending.next.wrapping_add(1);
            let id = pending.next;
            pending.waiting.insert(id, sender);
            id
        };
        self.send(&Header::request(id, command, body))
            .map_err(|_| libc::ENOTCONN)?;
        match receiver.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                lock(&self.pending).waiting.remove(&id);
                Err(libc::ETIMEDOUT)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(libc::ENOTCONN),
        }
    }

    /// Has QEMU read from the device's address space.
    pub fn dma_read(&self, address: u64, data: &mut [u8]) -> Result<(), i32> {
        for (n, piece) in data.chunks_mut(MAX_TRANSFER).enumerate() {
            let at = address + (n * MAX_TRANSFER) as u64;
            let body = self.ask(command::DMA_READ, &dma(at, &[], piece.len()))?;
            let read = body.get(DMA_PREFIX..DMA_PREFIX + piece.len());
            piece.copy_from_slice(read.ok_or(libc::EIO)?);
        }
        Ok(())
    }

    /// Has QEMU write to the device's address space.
    pub fn dma_write(&self, address: u64, data: &[u8]) -> Result<(), i32> {
        for (n, piece) in data.chunks(MAX_TRANSFER).enumerate() {
            let at = address + (n * MAX_TRANSFER) as u64;
            self.ask(command::DMA_WRITE, &dma(at, piece, piece.len()))?;
        }
        Ok(())
    }
}
