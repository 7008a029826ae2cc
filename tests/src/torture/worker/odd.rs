// SPDX-License-Identifier: GPL-2.0

//! Calls that make no sense, and those of others at the wrong moment.

use super::*;

impl Worker {
    /// Calls that must be refused, or do no harm.
    pub(super) fn odd_calls(&mut self, device: &Device) -> Outcome {
        self.note("odd".into());
        let odd = |what: &str, result: io::Result<()>| match result {
            Ok(()) => Err(End::Wrong(format!("{what}: accepted"))),
            Err(e) if e.raw_os_error() == Some(libc::EINVAL) => Ok(()),
            other => other.at(what),
        };
        let size = device.format().at("G_FMT")?.sizeimage as usize;
        let count = device.request(v4l2::DMABUF, 2).at("REQBUFS")?;
        odd("an index too far", device.queue_fd(count, 0, size))?;
        odd("no descriptor", device.queue_fd(0, -1, size))?;
        let small = dmabuf::udmabuf(sys::page()).at("udmabuf")?;
        if size > sys::page() {
            odd("too small", device.queue_dmabuf(0, &small))?;
        }
        let read_only = dmabuf::heap(size, libc::O_RDONLY).at("heap")?;
        odd("read-only", device.queue_dmabuf(0, &read_only))?;
        // One dma-buf on two indices, and what was kept of others.
        if let Some((fd, len)) = self.bag.last() {
            if *len >= size {
                for index in 0..2 {
                    device
                        .queue_dmabuf(index, fd)
                        .at_or("QBUF of what was kept", libc::EINVAL)?;
                }
            }
        }
        device.stream_on().at("STREAMON")?;
        // It may be this camera, which holds no buffers of its own: then there is none to export.
        let other = Device::open(&self.node(VIREO)?.path).at("open another")?;
        if let Ok(fds) = stream::export_buffers(&other, 1, size) {
            let twice = other.export(0, libc::O_RDWR).at("EXPBUF")?;
            let read_only = other.export(0, libc::O_RDONLY).at("EXPBUF")?;
            odd("read-only", device.queue_dmabuf(1, &read_only))?;
            for (index, fd) in [&fds[0], &twice].into_iter().enumerate() {
                device
                    .queue_dmabuf(index as u32, fd)
                    .at_or("QBUF of one export twice", libc::EINVAL)?;
            }
            thread::sleep(Duration::from_millis(self.random.below(50) as u64));
            self.tally.count("exports on two indices");
        }
        device
            .request(v4l2::DMABUF, 0)
            .at_or("REQBUFS(0)", libc::EBUSY)?;
        Ok(())
    }
}

/// Calls from another thread on the same file; how many.
pub(super) fn disturb(device: &Device, seed: u64, is_over: &AtomicBool) -> u64 {
    let mut random = Random::new(seed);
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        count += 1;
        // Whatever they return: the stream's thread finds what has become of it.
        match random.below(30) {
            0 => drop(device.stream_off()),
            1 => drop(device.stream_on()),
            2 => drop(device.request(v4l2::MMAP, 0)),
            3 => drop(device.export(0, libc::O_RDWR)),
            n if n < 10 => drop(device.query(v4l2::MMAP, n as u32)),
            n if n < 20 => drop(device.set_control(uapi::V4L2_CID_HUE, n as i32)),
            n if n < 25 => drop(device.format()),
            _ => drop(device.set_format(0, 320, 240)),
        }
        thread::sleep(Duration::from_millis(1 + random.below(15) as u64));
    }
    count
}
