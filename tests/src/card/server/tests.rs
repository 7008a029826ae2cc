// SPDX-License-Identifier: GPL-2.0

//! A card with a client in the place of QEMU, at the other end of a socket.

use super::*;

use super::super::protocol::command;
use super::super::protocol::irq_set;
use super::super::protocol::Header;
use super::super::protocol::HEADER;
use super::super::regs;
use super::super::regs::index;
use super::super::regs::Slot;
use super::super::report::Fault;
use super::super::Kind;

use crate::reader::fields::Fields;
use crate::reader::format::fourcc;
use crate::reader::Reader;
use crate::sys::memfd;
use crate::sys::send_with_fd;
use crate::sys::Mapping;

use std::io::Read;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// How long a client waits on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client sees of it.
struct Client {
    card: Arc<Card>,
    socket: UnixStream,
    server: Option<thread::JoinHandle<io::Result<()>>>,
    id: u16,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
        let server = self.server.take().expect("there is one");
        assert!(server.join().is_ok());
    }
}

/// A message of the card's.
type Received = (Header, Vec<u8>);

impl Client {
    fn new(kind: Kind) -> Self {
        let (socket, other) = UnixStream::pair().expect("two sockets");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut card = Card::new(kind, Link::new(other));
        // The machine may be busy with anything.
        card.is_patient = true;
        let card = Arc::new(card);
        let server = Some(thread::spawn({
            let card = card.clone();
            move || serve(&card)
        }));
        Self {
            card,
            socket,
            server,
            id: 0,
        }
    }

    fn receive(&mut self) -> Received {
        let mut bytes = [0; HEADER];
        self.socket.read_exact(&mut bytes).expect("a header");
        let header = Header::parse(&bytes);
        let mut body = vec![0; header.size as usize - HEADER];
        self.socket.read_exact(&mut body).expect("a body");
        (header, body)
    }

    /// Asks, and sees to what the card asks meanwhile.
    fn ask(&mut self, command: u16, body: &[u8], fd: Option<&OwnedFd>) -> Result<Vec<u8>, i32> {
        self.id += 1;
        let request = Header::request(self.id, command, body);
        match fd {
            Some(fd) => send_with_fd(&self.socket, &request, fd),
            None => self.socket.write_all(&request),
        }
        .expect("sent");
        let (header, body) = self.receive();
        assert!(header.is_reply());
        assert_eq!((header.id, header.command), (self.id, command));
        match header.error {
            0 => Ok(body),
            errno => Err(errno as i32),
        }
    }

    fn map(&mut self, iova: u64, size: u64, fd: Option<&OwnedFd>, offset: u64) {
        let mut body = [32u32.to_le_bytes(), 3u32.to_le_bytes()].concat();
        for long in [offset, iova, size] {
            body.extend(long.to_le_bytes());
        }
        assert_eq!(self.ask(command::DMA_MAP, &body, fd), Ok(Vec::new()));
    }

    fn unmap(&mut self, iova: u64, size: u64) {
        let body = protocol::dma_unmap(iova, size);
        self.ask(command::DMA_UNMAP, &body, None).expect("unmapped");
    }

    fn access(&mut self, region: u32, offset: u64, value: Option<u32>) -> u32 {
        let data = value.map(u32::to_le_bytes);
        let data = data.as_ref().map_or(&[][..], |data| &data[..]);
        let body = protocol::region_access(offset, region, 4, data);
        let command = match value {
            Some(_) => command::REGION_WRITE,
            None => command::REGION_READ,
        };
        let reply = self.ask(command, &body, None).expect("an access");
        reply.get(16..20).map_or(0, |data| {
            u32::from_le_bytes(data.try_into().expect("four bytes"))
        })
    }

    fn read(&mut self, register: usize) -> u32 {
        self.access(region::BAR0, register as u64 * 4, None)
    }

    fn write(&mut self, register: usize, value: u32) {
        self.access(region::BAR0, register as u64 * 4, Some(value));
    }

    /// An eventfd for INTx, or a socket in its place.
    fn listen(&mut self) -> UnixStream {
        let (here, there) = UnixStream::pair().expect("two sockets");
        let flags = irq_set::DATA_EVENTFD | irq_set::ACTION_TRIGGER;
        let words = [20, flags, 0, 0, 1].map(u32::to_le_bytes);
        let reply = self.ask(
            command::DEVICE_SET_IRQS,
            words.as_flattened(),
            Some(&there.into()),
        );
        assert_eq!(reply, Ok(Vec::new()));
        here.set_read_timeout(Some(PATIENCE)).expect("a socket");
        here
    }

    fn unmask(&mut self) {
        let flags = irq_set::DATA_NONE | irq_set::ACTION_UNMASK;
        let words = [20, flags, 0, 0, 1].map(u32::to_le_bytes);
        self.ask(command::DEVICE_SET_IRQS, words.as_flattened(), None)
            .expect("unmasked");
    }

    /// Has channel 0 capture small frames into two tables at 0x1000.
    fn start(&mut self, tables: &Mapping, buffers: [u64; 2]) {
        for (slot, buffer) in [Slot::P, Slot::B].into_iter().zip(buffers) {
            let table = 0x1000 + 0x800 * slot as u64;
            for (n, from) in (0..SIZE).step_by(4096).enumerate() {
                let len = (SIZE - from).min(4096) as u32;
                let words = [(1 << 30) | len, buffer as u32 + from as u32].map(u32::to_le_bytes);
                tables.write(0x800 * slot as usize + 8 * n, words.as_flattened());
            }
            self.write(index::page_table(0, slot), table as u32);
        }
        self.access(region::CONFIG, 4, Some(6));
        self.write(index::channel_config(0), (3 << 23) | (255 << 10));
        self.write(index::whp(0, false), (120 << 22) | (720 << 11) | 720);
        self.write(index::CHANNEL_ENABLE, 1);
        self.write(index::DMA_CMD, regs::DMA_CMD_ENABLE | 1);
    }
}

/// The bytes of a frame of 360x240.
const SIZE: usize = 360 * 240 * 2;

/// A frame as it should be; the number of its first field.
fn good(memory: &Mapping, offset: usize) -> u32 {
    let reader = Reader::for_format(fourcc(b"UYVY"), 360, 120).expect("a format");
    let mut reader = reader.with_fields(Fields::SeqTb);
    let verdict = reader.check(&memory.bytes(offset, SIZE));
    verdict.into_result().expect("a good frame").frame.sequence
}

#[test]
fn a_device_is_described() {
    let mut client = Client::new(Kind::Tw6864);
    let version = client.ask(command::VERSION, &[0, 0, 0, 0, b'{', b'}', 0], None);
    let version = version.expect("a version");
    assert_eq!(version[..4], [0; 4]);
    assert_eq!(version.last(), Some(&0));
    let refused = client.ask(command::VERSION, &[1, 0, 0, 0], None);
    assert_eq!(refused, Err(libc::EINVAL));
    let info = client.ask(command::DEVICE_GET_INFO, &[0; 16], None);
    assert_eq!(
        info.expect("info")[4..],
        [3, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0]
    );
    let mut size = |index: u8| {
        let mut body = [0; 32];
        body[8] = index;
        let info = client.ask(command::DEVICE_GET_REGION_INFO, &body, None)?;
        Ok::<_, i32>(u64::from_le_bytes(info[16..24].try_into().expect("eight")))
    };
    assert_eq!([0, 1, 6, 7, 8].map(&mut size), [4096, 0, 0, 256, 0].map(Ok));
    assert_eq!(size(9), Err(libc::EINVAL));
    assert_eq!(client.access(region::CONFIG, 0, None), 0x6864_1797);
    assert_eq!(client.ask(42, &[], None), Err(libc::ENOSYS));
}

#[test]
fn frames_come_by_memory() {
    let mut client = Client::new(Kind::Tw6869);
    let fd = memfd(0x10_0000).expect("memory");
    let memory = Mapping::shared(&fd, 0, 0x10_0000).expect("a mapping");
    client.map(0x1000, 0x1000, Some(&fd), 0);
    client.map(0x100_0000, 0x8_0000, Some(&fd), 0x8_0000);
    let mut interrupts = client.listen();
    client.start(&memory, [0x100_0000, 0x104_0000]);
    let mut last = 0;
    for count in [1, 2, 3] {
        for _ in 0..count {
            interrupts.read_exact(&mut [0; 8]).expect("an interrupt");
            assert_eq!(client.read(0), 1);
            client.unmask();
        }
        client.write(index::DMA_CMD, 0);
        // There may have been more meanwhile; the last one is whole in any case.
        let done = lock(&client.card.chip).counters.channels[0].frames;
        let first = last;
        last = done;
        let slot = (done - first - 1) % 2;
        assert_eq!(u64::from(client.read(1)), slot);
        let number = good(&memory, 0x8_0000 + 0x4_0000 * slot as usize);
        assert_eq!(number % 2, 0);
        client.write(index::DMA_CMD, regs::DMA_CMD_ENABLE | 1);
    }
    // Once it is disabled, nothing is written.
    client.write(index::DMA_CMD, 0);
    memory.fill(0x8_0000, 0x8_0000, 0xcc);
    thread::sleep(Duration::from_millis(100));
    assert!(memory
        .bytes(0x8_0000, 0x8_0000)
        .iter()
        .all(|byte| *byte == 0xcc));
    let chip = lock(&client.card.chip);
    assert!(Fault::ALL
        .into_iter()
        .all(|fault| chip.counters.count(fault) == 0));
}

#[test]
fn frames_come_by_messages() {
    let mut client = Client::new(Kind::Tw6869);
    let fd = memfd(0x1000).expect("memory");
    let tables = Mapping::shared(&fd, 0, 0x1000).expect("a mapping");
    let frame = memfd(SIZE.next_multiple_of(4096)).expect("memory");
    let frame = Mapping::shared(&frame, 0, SIZE.next_multiple_of(4096)).expect("a mapping");
    client.map(0x1000, 0x1000, Some(&fd), 0);
    // Half of it is known, and has no memory.
    client.map(0x100_0000, 0x1_0000, None, 0);
    client.start(&tables, [0x100_0000; 2]);
    let mut left = SIZE;
    let mut refused = true;
    while left > 0 {
        let (header, body) = client.receive();
        assert_eq!(header.command, command::DMA_WRITE);
        let long = |at: usize| u64::from_le_bytes(body[at..at + 8].try_into().expect("eight"));
        let (address, count) = (long(0), long(8) as usize);
        assert_eq!(body.len(), 16 + count);
        // The card answers although it waits for an answer itself.
        assert_eq!(client.read(index::CHANNEL_ENABLE), 1);
        frame.write((address - 0x100_0000) as usize, &body[16..]);
        left -= count;
        // It is counted, and does not end the frame.
        let answer = if refused {
            Err(libc::EFAULT)
        } else {
            Ok(Vec::new())
        };
        refused = false;
        client
            .socket
            .write_all(&header.reply(&answer))
            .expect("sent");
    }
    assert_eq!(good(&frame, 0) % 2, 0);
    let chip = lock(&client.card.chip);
    assert_eq!(chip.counters.count(Fault::DmaRefused), 1);
}

#[test]
fn nothing_is_written_where_it_was_unmapped() {
    let mut client = Client::new(Kind::Tw6869);
    let fd = memfd(0x10_0000).expect("memory");
    let memory = Mapping::shared(&fd, 0, 0x10_0000).expect("a mapping");
    client.map(0x1000, 0x1000, Some(&fd), 0);
    client.map(0x100_0000, 0x8_0000, Some(&fd), 0x8_0000);
    let mut interrupts = client.listen();
    client.start(&memory, [0x100_0000, 0x104_0000]);
    interrupts.read_exact(&mut [0; 8]).expect("an interrupt");
    client.write(index::DMA_CMD, 0);
    client.unmap(0x100_0000, 0x8_0000);
    memory.fill(0x8_0000, 0x8_0000, 0xcc);
    client.write(index::DMA_CMD, regs::DMA_CMD_ENABLE | 1);
    let (header, _) = client.receive();
    assert_eq!(header.command, command::DMA_WRITE);
    client.write(index::DMA_CMD, 0);
    assert!(memory
        .bytes(0x8_0000, 0x8_0000)
        .iter()
        .all(|byte| *byte == 0xcc));
}

#[test]
fn errors_on_demand() {
    use super::super::control::obey;

    let client = Client::new(Kind::Tw6864);
    let card = &client.card;
    for line in [
        "signal 3 2 pal",
        "signal 3 2 none",
        "fifo 0",
        "pointer 3",
        "timeout",
        "stall 1",
        "lose 2",
        "link down",
        "link up",
        "clear",
    ] {
        assert_eq!(obey(card, line), Ok("ok".into()), "{line}");
    }
    for line in [
        "",
        "fifo",
        "fifo 4",
        "signal 0 4 pal",
        "signal 0 0 x",
        "link",
        "unplug",
    ] {
        assert!(obey(card, line).is_err(), "{line}");
    }
    let json = obey(card, "json").expect("an object");
    assert!(json.starts_with("{\"chip\":\"tw6864\",\"link\":\"up\",\"channels\":[{"));
    assert!(json.ends_with('}') && !json.contains('\n'));
}
