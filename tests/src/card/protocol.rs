// SPDX-License-Identifier: GPL-2.0

//! The messages of vfio-user, version 0.0, as far as a PCI device without migration needs them.
//!
//! Integers are little endian. A message begins with a [`Header`]; what follows depends on the
//! command. See `docs/interop/vfio-user.rst` in QEMU's source.

/// The size of a [`Header`] in a message.
pub const HEADER: usize = 16;

/// The most bytes of data in a message, either way.
pub const MAX_TRANSFER: usize = 1 << 20;

/// Where the data of DMA_READ and DMA_WRITE is: behind an address and a count.
pub const DMA_PREFIX: usize = 16;

/// Numbers of commands.
pub mod command {
    pub const VERSION: u16 = 1;
    pub const DMA_MAP: u16 = 2;
    pub const DMA_UNMAP: u16 = 3;
    pub const DEVICE_GET_INFO: u16 = 4;
    pub const DEVICE_GET_REGION_INFO: u16 = 5;
    pub const DEVICE_GET_IRQ_INFO: u16 = 7;
    pub const DEVICE_SET_IRQS: u16 = 8;
    pub const REGION_READ: u16 = 9;
    pub const REGION_WRITE: u16 = 10;
    pub const DMA_READ: u16 = 11;
    pub const DMA_WRITE: u16 = 12;
    pub const DEVICE_RESET: u16 = 13;
}

/// Bits of [`Header::flags`].
pub mod flag {
    /// The low bits: 0 for a request, 1 for a reply.
    pub const TYPE: u32 = 0xf;
    pub const REPLY: u32 = 1;
    pub const NO_REPLY: u32 = 1 << 4;
    pub const ERROR: u32 = 1 << 5;
}

/// Bits of the flags of SET_IRQS, as in `struct vfio_irq_set`.
pub mod irq_set {
    pub const DATA_NONE: u32 = 1;
    pub const DATA_EVENTFD: u32 = 1 << 2;
    pub const ACTION_MASK: u32 = 1 << 3;
    pub const ACTION_UNMASK: u32 = 1 << 4;
    pub const ACTION_TRIGGER: u32 = 1 << 5;
}

/// How a message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub id: u16,
    pub command: u16,
    /// Of the whole message.
    pub size: u32,
    pub flags: u32,
    pub error: u32,
}

impl Header {
    pub fn parse(bytes: &[u8; HEADER]) -> Self {
        let mut fields = Fields(bytes);
        let mut half = || fields.u16().unwrap_or(0);
        let (id, command) = (half(), half());
        let mut word = || fields.u32().unwrap_or(0);
        Self {
            id,
            command,
            size: word(),
            flags: word(),
            error: word(),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size as usize);
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(self.command.to_le_bytes());
        for word in [self.size, self.flags, self.error] {
            bytes.extend(word.to_le_bytes());
        }
        bytes
    }

    pub fn is_reply(&self) -> bool {
        self.flags & flag::TYPE == flag::REPLY
    }

    /// The message that answers this one.
    pub fn reply(&self, body: &Result<Vec<u8>, i32>) -> Vec<u8> {
        let (error, body) = match body {
            Ok(body) => (None, &body[..]),
            Err(errno) => (Some(*errno), &[][..]),
        };
        let header = Self {
            size: (HEADER + body.len()) as u32,
            flags: flag::REPLY | error.map_or(0, |_| flag::ERROR),
            error: error.unwrap_or(0) as u32,
            ..*self
        };
        let mut bytes = header.encode();
        bytes.extend(body);
        bytes
    }

    /// A request, whole, of the server to the client.
    pub fn request(id: u16, command: u16, body: &[u8]) -> Vec<u8> {
        let header = Self {
            id,
            command,
            size: (HEADER + body.len()) as u32,
            flags: 0,
            error: 0,
        };
        let mut bytes = header.encode();
        bytes.extend(body);
        bytes
    }
}

/// Takes integers from the front of a message.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], i32> {
        let (field, rest) = self.0.split_first_chunk().ok_or(libc::EINVAL)?;
        self.0 = rest;
        Ok(*field)
    }

    fn u16(&mut self) -> Result<u16, i32> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, i32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, i32> {
        self.take().map(u64::from_le_bytes)
    }
}

/// What the client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Version {
        major: u16,
        minor: u16,
    },
    DmaMap {
        flags: u32,
        offset: u64,
        iova: u64,
        size: u64,
    },
    DmaUnmap {
        all: bool,
        iova: u64,
        size: u64,
    },
    DeviceInfo,
    RegionInfo {
        index: u32,
    },
    IrqInfo {
        index: u32,
    },
    SetIrqs {
        flags: u32,
        index: u32,
        count: u32,
    },
    RegionRead {
        offset: u64,
        region: u32,
        count: u32,
    },
    RegionWrite {
        offset: u64,
        region: u32,
        data: Vec<u8>,
    },
    Reset,
}

impl Request {
    /// Whether device memory may be written, in the flags of [`DmaMap`](Self::DmaMap).
    pub const MAP_WRITE: u32 = 1 << 1;

    /// Reads what follows the header; an errno if it makes no sense.
    pub fn parse(command: u16, body: &[u8]) -> Result<Self, i32> {
        let mut fields = Fields(body);
        Ok(match command {
            command::VERSION => Self::Version {
                major: fields.u16()?,
                minor: fields.u16()?,
            },
            command::DMA_MAP => {
                let _argsz = fields.u32()?;
                Self::DmaMap {
                    flags: fields.u32()?,
                    offset: fields.u64()?,
                    iova: fields.u64()?,
                    size: fields.u64()?,
                }
            }
            command::DMA_UNMAP => {
                let _argsz = fields.u32()?;
                let flags = fields.u32()?;
                // Of the others, one asks for a bitmap of dirty pages.
                if flags & !2 != 0 {
                    return Err(libc::EINVAL);
                }
                Self::DmaUnmap {
                    all: flags & 2 != 0,
                    iova: fields.u64()?,
                    size: fields.u64()?,
                }
            }
            command::DEVICE_GET_INFO => Self::DeviceInfo,
            command::DEVICE_GET_REGION_INFO | command::DEVICE_GET_IRQ_INFO => {
                let _argsz = fields.u32()?;
                let _flags = fields.u32()?;
                let index = fields.u32()?;
                match command {
                    command::DEVICE_GET_IRQ_INFO => Self::IrqInfo { index },
                    _ => Self::RegionInfo { index },
                }
            }
            command::DEVICE_SET_IRQS => {
                let _argsz = fields.u32()?;
                let flags = fields.u32()?;
                let index = fields.u32()?;
                let _start = fields.u32()?;
                Self::SetIrqs {
                    flags,
                    index,
                    count: fields.u32()?,
                }
            }
            command::REGION_READ => Self::RegionRead {
                offset: fields.u64()?,
                region: fields.u32()?,
                count: match fields.u32()? {
                    count if count as usize <= MAX_TRANSFER => count,
                    _ => return Err(libc::E2BIG),
                },
            },
            command::REGION_WRITE => {
                let offset = fields.u64()?;
                let region = fields.u32()?;
                let count = fields.u32()? as usize;
                Self::RegionWrite {
                    offset,
                    region,
                    data: fields.0.get(..count).ok_or(libc::EINVAL)?.to_vec(),
                }
            }
            command::DEVICE_RESET => Self::Reset,
            _ => return Err(libc::ENOSYS),
        })
    }
}

/// Joins the words of a reply.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The reply to VERSION. A minor version above that of QEMU, which is 0, is refused.
pub fn version() -> Vec<u8> {
    let capabilities = format!(
        "{{\"capabilities\":{{\"max_msg_fds\":8,\"max_data_xfer_size\":{MAX_TRANSFER},\
         \"pgsizes\":4096}}}}\0"
    );
    let mut body = words(&[0]);
    body.extend(capabilities.bytes());
    body
}

/// The reply to DEVICE_GET_INFO: a PCI device that can be reset.
pub fn device_info(regions: u32, irqs: u32) -> Vec<u8> {
    const RESET: u32 = 1;
    const PCI: u32 = 2;
    words(&[16, RESET | PCI, regions, irqs])
}

/// The reply to DEVICE_GET_REGION_INFO: a region that can be read and written, or none.
pub fn region_info(index: u32, size: u64) -> Vec<u8> {
    let flags = if size > 0 { 3 } else { 0 };
    let mut body = words(&[32, flags, index, 0]);
    body.extend(size.to_le_bytes());
    body.extend(0u64.to_le_bytes());
    body
}

/// The reply to DEVICE_GET_IRQ_INFO.
pub fn irq_info(index: u32, flags: u32, count: u32) -> Vec<u8> {
    words(&[16, flags, index, count])
}

/// The reply to REGION_READ, or without data to REGION_WRITE.
pub fn region_access(offset: u64, region: u32, count: u32, data: &[u8]) -> Vec<u8> {
    let mut body = offset.to_le_bytes().to_vec();
    body.extend(words(&[region, count]));
    body.extend(data);
    body
}

/// The reply to DMA_UNMAP.
pub fn dma_unmap(iova: u64, size: u64) -> Vec<u8> {
    let mut body = words(&[24, 0]);
    body.extend(iova.to_le_bytes());
    body.extend(size.to_le_bytes());
    body
}

/// What DMA_READ says, and DMA_WRITE before the data.
pub fn dma(address: u64, data: &[u8], count: usize) -> Vec<u8> {
    let mut body = address.to_le_bytes().to_vec();
    body.extend((count as u64).to_le_bytes());
    body.extend(data);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives() {
        let header = Header {
            id: 0x0102,
            command: command::REGION_READ,
            size: 32,
            flags: flag::NO_REPLY,
            error: 5,
        };
        let bytes: [u8; HEADER] = header.encode().try_into().expect("16 bytes");
        assert_eq!(bytes[..8], [2, 1, 9, 0, 32, 0, 0, 0]);
        assert_eq!(Header::parse(&bytes), header);
    }

    #[test]
    fn a_reply_has_the_number_of_its_request() {
        let request = Header::parse(&[7, 0, 4, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(!request.is_reply());
        let reply = request.reply(&Ok(vec![1, 2, 3, 4]));
        let header = Header::parse(reply[..HEADER].try_into().expect("16 bytes"));
        assert!(header.is_reply());
        assert_eq!((header.id, header.command, header.size), (7, 4, 20));
        let refused = request.reply(&Err(libc::EINVAL));
        let header = Header::parse(refused[..].try_into().expect("no more"));
        assert_eq!(header.flags, flag::REPLY | flag::ERROR);
        assert_eq!(header.error, libc::EINVAL as u32);
    }

    #[test]
    fn requests_are_read() {
        let mut map = words(&[32, 3]);
        for long in [0x1000u64, 0x8000_0000, 0x2000] {
            map.extend(long.to_le_bytes());
        }
        assert_eq!(
            Request::parse(command::DMA_MAP, &map),
            Ok(Request::DmaMap {
                flags: 3,
                offset: 0x1000,
                iova: 0x8000_0000,
                size: 0x2000
            })
        );
        let write = region_access(0x28, 0, 4, &[4, 3, 2, 1]);
        assert_eq!(
            Request::parse(command::REGION_WRITE, &write),
            Ok(Request::RegionWrite {
                offset: 0x28,
                region: 0,
                data: vec![4, 3, 2, 1]
            })
        );
        assert_eq!(
            Request::parse(command::DEVICE_SET_IRQS, &words(&[20, 0x24, 1, 0, 1])),
            Ok(Request::SetIrqs {
                flags: irq_set::DATA_EVENTFD | irq_set::ACTION_TRIGGER,
                index: 1,
                count: 1
            })
        );
    }

    #[test]
    fn what_is_too_short_is_refused() {
        for (command, size) in [
            (command::VERSION, 4),
            (command::DMA_MAP, 32),
            (command::DMA_UNMAP, 24),
            (command::DEVICE_GET_REGION_INFO, 12),
            (command::DEVICE_GET_IRQ_INFO, 12),
            (command::DEVICE_SET_IRQS, 20),
            (command::REGION_READ, 16),
            (command::REGION_WRITE, 16),
        ] {
            assert!(Request::parse(command, &vec![0; size]).is_ok());
            assert_eq!(
                Request::parse(command, &vec![0; size - 1]),
                Err(libc::EINVAL)
            );
        }
        // One that says it has more data than there is, and one that wants too much.
        let mut write = region_access(0, 0, 5, &[0; 4]);
        assert_eq!(
            Request::parse(command::REGION_WRITE, &write),
            Err(libc::EINVAL)
        );
        write = region_access(0, 0, MAX_TRANSFER as u32 + 1, &[]);
        assert_eq!(
            Request::parse(command::REGION_READ, &write),
            Err(libc::E2BIG)
        );
        assert_eq!(Request::parse(6, &[]), Err(libc::ENOSYS));
    }
}
