// SPDX-License-Identifier: GPL-2.0

//! Sessions with a multi-planar camera.

use super::*;
use crate::mplane;

impl Worker {
    pub(super) fn multiplanar(&mut self, node: &Identity, size: (u32, u32)) -> Outcome {
        let format = **self.random.of(&[b"NM12", b"YM12", b"NV12", b"YUYV"]);
        let padded = [0; 3].map(|_| *self.random.of(&PADDED));
        self.note(format!("multi {} {size:?} {padded:?}", node.bus));
        let fourcc = u32::from_le_bytes(format);
        let mut camera = mplane::Camera::open_padded(&node.path, fourcc, size, &padded)
            .at_or("open", libc::EINVAL)?;
        let indices = 2 + self.random.below(3);
        let kind = self.random.below(3);
        let count = self.random.below(20);
        let mut buffers = Vec::new();
        for _ in 0..indices {
            let planes = camera.sizes.iter().map(|size| match kind {
                0 => mplane::Memory::anonymous(*size),
                1 => mplane::Memory::dmabuf(dmabuf::udmabuf(*size)?, *size),
                _ => mplane::Memory::dmabuf(dmabuf::heap(*size, libc::O_RDWR)?, *size),
            });
            buffers.push(planes.collect::<io::Result<Vec<_>>>().at("planes")?);
        }
        let memory = if kind == 0 {
            v4l2::USERPTR
        } else {
            v4l2::DMABUF
        };
        camera
            .device
            .request(memory, indices as u32)
            .at("REQBUFS")?;
        if !camera.is_as_set().at("G_FMT")? {
            return Err(End::Expected("the format of somebody else".into()));
        }
        for (index, memory) in buffers.iter().enumerate() {
            camera.queue(index as u32, memory).at("QBUF")?;
        }
        camera.device.stream_on().at("STREAMON")?;
        for _ in 0..count {
            let frame = camera.dequeue(&buffers).map_err(|e| {
                if e.contains("No such device") {
                    End::Expected("DQBUF: ENODEV".into())
                } else {
                    End::Wrong(e)
                }
            })?;
            camera.check(&frame).map_err(End::Wrong)?;
            self.tally.count("multi-planar frames checked");
            camera
                .queue(frame.index, &buffers[frame.index as usize])
                .at("QBUF")?;
        }
        Ok(())
    }
}
