// SPDX-License-Identifier: GPL-2.0

//! The device's address space: what QEMU has told of it.

use super::link::lock;

use crate::sys::Mapping;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;

/// A range of addresses.
struct Range {
    size: u64,
    is_writable: bool,
    /// The memory behind it and where it begins there, if there was a descriptor.
    memory: Option<(Arc<Mapping>, u64)>,
}

/// A file of which all is mapped once, however many ranges are in it.
struct Shared {
    key: (u64, u64),
    memory: Arc<Mapping>,
}

/// How much is mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    pub ranges: usize,
    pub bytes: u64,
    /// How often something has been mapped, and unmapped.
    pub maps: u64,
    pub unmaps: u64,
}

#[derive(Default)]
struct Ranges {
    by_address: BTreeMap<u64, Range>,
    mapped: Mapped,
}

/// What could not be reached by memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is a range from here on for so many bytes, but no memory that this process can reach;
    /// or there is no range that is known.
    NoMemory { bytes: usize },
    /// The range may be read only.
    ReadOnly,
}

/// The address space.
#[derive(Default)]
pub struct Space {
    ranges: RwLock<Ranges>,
    files: Mutex<Vec<Shared>>,
}

impl Space {
    /// The memory of a file, mapped as a whole.
    fn memory(&self, fd: OwnedFd) -> Option<Arc<Mapping>> {
        let file = File::from(fd);
        let about = file.metadata().ok()?;
        let key = (about.dev(), about.ino());
        let mut files = lock(&self.files);
        // Those that no range is in any more.
        files.retain(|shared| Arc::strong_count(&shared.memory) > 1);
        if let Some(shared) = files.iter().find(|shared| shared.key == key) {
            return Some(shared.memory.clone());
        }
        let memory = Arc::new(Mapping::shared(&file, 0, about.len() as usize).ok()?);
        files.push(Shared {
            key,
            memory: memory.clone(),
        });
        Some(memory)
    }

    /// Adds a range, which must not overlap others.
    pub fn map(
        &self,
        iova: u64,
        size: u64,
        is_writable: bool,
        fd: Option<OwnedFd>,
        offset: u64,
    ) -> Result<(), i32> {
        let end = iova.checked_add(size).ok_or(libc::EINVAL)?;
        let memory = fd
            .and_then(|fd| self.memory(fd))
            .map(|memory| (memory, offset));
        if let Some((memory, offset)) = &memory {
            let within = offset.checked_add(size).ok_or(libc::EINVAL)?;
            if within > memory.len() as u64 {
                return Err(libc::EINVAL);
            }
        }
        let mut ranges = self.ranges.write().unwrap_or_else(PoisonError::into_inner);
        let before = ranges.by_address.range(..end).next_back();
        if size == 0 || before.is_some_and(|(start, range)| start + range.size > iova) {
            return Err(libc::EEXIST);
        }
        ranges.by_address.insert(
            iova,
            Range {
                size,
                is_writable,
                memory,
            },
        );
        ranges.mapped.maps += 1;
        ranges.mapped.bytes += size;
        Ok(())
    }

    /// Removes the ranges that lie in this one; QEMU also asks where there are none. Afterwards,
    /// nothing is written there.
    pub fn unmap(&self, iova: u64, size: u64) -> Result<(), i32> {
        let end = iova.saturating_add(size);
        let mut ranges = self.ranges.write().unwrap_or_else(PoisonError::into_inner);
        let within: Vec<_> = ranges
            .by_address
            .range(iova..end)
            .map(|(start, range)| (*start, range.size))
            .collect();
        let before = ranges.by_address.range(..iova).next_back();
        let is_cut = before.is_some_and(|(start, range)| start + range.size > iova)
            || within.iter().any(|(start, size)| start + size > end);
        if is_cut {
            return Err(libc::EINVAL);
        }
        for (start, size) in within {
            ranges.by_address.remove(&start);
            ranges.mapped.bytes -= size;
            ranges.mapped.unmaps += 1;
        }
        Ok(())
    }

    pub fn unmap_all(&self) {
        let mut ranges = self.ranges.write().unwrap_or_else(PoisonError::into_inner);
        ranges.mapped.unmaps += ranges.by_address.len() as u64;
        ranges.mapped.bytes = 0;
        ranges.by_address.clear();
    }

    pub fn mapped(&self) -> Mapped {
        let ranges = self.ranges.read().unwrap_or_else(PoisonError::into_inner);
        Mapped {
            ranges: ranges.by_address.len(),
            ..ranges.mapped
        }
    }

    /// Goes through memory from an address on, as far as there is some: calls `copy` with memory, a
    /// place in it, and a part of the `len` bytes. Returns how far it came, and why no further.
    fn walk(
        &self,
        iova: u64,
        len: usize,
        is_write: bool,
        mut copy: impl FnMut(&Mapping, usize, std::ops::Range<usize>),
    ) -> (usize, Option<Missing>) {
        let ranges = self.ranges.read().unwrap_or_else(PoisonError::into_inner);
        let mut done = 0;
        while done < len {
            let at = iova.wrapping_add(done as u64);
            let range = ranges
                .by_address
                .range(..=at)
                .next_back()
                .filter(|(start, range)| at - **start < range.size);
            let Some((start, range)) = range else {
                // Up to the next range that is known.
                let next = ranges.by_address.range(at..).next();
                let gap = next.map_or(u64::MAX, |(start, _)| start - at);
                let bytes = (len - done).min(gap.try_into().unwrap_or(usize::MAX));
                return (done, Some(Missing::NoMemory { bytes }));
            };
            let within = at - start;
            let rest = usize::try_from(range.size - within).unwrap_or(usize::MAX);
            let bytes = rest.min(len - done);
            if is_write && !range.is_writable {
                return (done, Some(Missing::ReadOnly));
            }
            match &range.memory {
                Some((memory, offset)) => {
                    let place = (offset + within) as usize;
                    copy(memory, place, done..done + bytes);
                }
                None => return (done, Some(Missing::NoMemory { bytes })),
            }
            done += bytes;
        }
        (done, None)
    }

    /// Writes by memory; how many bytes, and what is in the way of more.
    pub fn write(&self, iova: u64, data: &[u8]) -> (usize, Option<Missing>) {
        self.walk(iova, data.len(), true, |memory, place, part| {
            memory.write(place, &data[part]);
        })
    }

    /// Reads by memory; how many bytes, and what is in the way of more.
    pub fn read(&self, iova: u64, data: &mut [u8]) -> (usize, Option<Missing>) {
        self.walk(iova, data.len(), false, |memory, place, part| {
            memory.read(place, &mut data[part]);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::memfd;

    fn space() -> (Space, OwnedFd) {
        let space = Space::default();
        let fd = memfd(0x4000).expect("memory");
        (space, fd)
    }

    fn same(fd: &OwnedFd) -> Option<OwnedFd> {
        Some(fd.try_clone().expect("a descriptor"))
    }

    #[test]
    fn what_is_written_is_in_the_file() {
        let (space, fd) = space();
        // Two pages that are not neighbours in the file.
        assert_eq!(space.map(0x8000, 0x1000, true, same(&fd), 0x3000), Ok(()));
        assert_eq!(space.map(0x9000, 0x1000, true, same(&fd), 0x1000), Ok(()));
        assert_eq!(space.write(0x8ffe, &[1, 2, 3, 4]), (4, None));
        let map = Mapping::shared(&fd, 0, 0x4000).expect("a mapping");
        assert_eq!(map.bytes(0x3ffe, 2), [1, 2]);
        assert_eq!(map.bytes(0x1000, 2), [3, 4]);
        let mut read = [0; 4];
        assert_eq!(space.read(0x8ffe, &mut read), (4, None));
        assert_eq!(read, [1, 2, 3, 4]);
        assert_eq!(space.mapped().bytes, 0x2000);
        assert_eq!(lock(&space.files).len(), 1);
    }

    #[test]
    fn nothing_is_written_where_nothing_is_mapped() {
        let (space, fd) = space();
        assert_eq!(space.map(0x1000, 0x1000, true, same(&fd), 0), Ok(()));
        assert_eq!(space.map(0x3000, 0x1000, false, same(&fd), 0), Ok(()));
        assert_eq!(space.map(0x4000, 0x1000, true, None, 0), Ok(()));
        let missing = |bytes| Some(Missing::NoMemory { bytes });
        assert_eq!(space.write(0, &[1; 8]), (0, missing(8)));
        assert_eq!(space.write(0xffe, &[1; 8]), (0, missing(2)));
        assert_eq!(space.write(0x1ffe, &[1; 8]), (2, missing(6)));
        assert_eq!(space.write(0x3000, &[1]), (0, Some(Missing::ReadOnly)));
        assert_eq!(space.read(0x3000, &mut [0]), (1, None));
        assert_eq!(space.write(0x4fff, &[1]), (0, missing(1)));
        assert_eq!(space.unmap(0x1000, 0x1000), Ok(()));
        assert_eq!(space.write(0x1000, &[1]), (0, missing(1)));
    }

    #[test]
    fn ranges_do_not_overlap() {
        let (space, fd) = space();
        let map = |iova, size, offset| space.map(iova, size, true, same(&fd), offset);
        assert_eq!(map(0x2000, 0x2000, 0), Ok(()));
        assert_eq!(map(0x3000, 0x1000, 0), Err(libc::EEXIST));
        assert_eq!(map(0x1000, 0x4000, 0), Err(libc::EEXIST));
        assert_eq!(map(0x4000, 0x2000, 0x3000), Err(libc::EINVAL));
        assert_eq!(map(u64::MAX, 2, 0), Err(libc::EINVAL));
        assert_eq!(map(0x4000, 0x1000, 0x3000), Ok(()));
        assert_eq!(space.unmap(0x2000, 0x1000), Err(libc::EINVAL));
        assert_eq!(space.unmap(0x3000, 0x1000), Err(libc::EINVAL));
        assert_eq!(space.unmap(0x8000, u64::MAX), Ok(()));
        assert_eq!(space.unmap(0x1000, 0x4000), Ok(()));
        let mapped = space.mapped();
        assert_eq!((mapped.ranges, mapped.bytes), (0, 0));
        assert_eq!((mapped.maps, mapped.unmaps), (2, 2));
    }
}
