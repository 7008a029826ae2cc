// SPDX-License-Identifier: GPL-2.0

//! A device that captures into the memory of another: frames go from peer to peer, and the CPU
//! looks at them where they have arrived.

use crate::reader::fields::Fields;
use crate::reader::Reader;
use crate::stream::Frame;
use crate::suite::bench::Context;
use crate::suite::bench::Outcome;
use crate::sys;
use crate::sys::Mapping;
use crate::v4l2::Device;
use crate::v4l2::DMABUF;
use crate::vfio::Function;

use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// What memory that nobody writes is filled with.
const UNTOUCHED: u8 = 0xee;

/// A capture device, and a BAR with room for some of its frames.
pub struct Peer<'a> {
    device: &'a Device,
    function: &'a Function,
    map: Mapping,
    /// The bytes of a frame, and those from one buffer to the next.
    size: usize,
    step: usize,
    buffers: Vec<OwnedFd>,
    reader: Reader,
    streams: bool,
}

impl<'a> Peer<'a> {
    /// Exports as many buffers as there is room for in a BAR, four at most.
    pub fn new(device: &'a Device, function: &'a Function, bar: u32) -> Outcome<Self> {
        let pix = device.format().at("G_FMT")?;
        let size = pix.sizeimage as usize;
        let step = sys::page_align(size);
        let room = function.size(bar).at("BAR")? / step;
        let buffers = (0..room.min(4))
            .map(|n| function.export(bar, n * step, step))
            .collect::<std::io::Result<Vec<_>>>()
            .at("VFIO_DEVICE_FEATURE_DMA_BUF")?;

        if buffers.len() < 2 {
            return Err(format!(
                "the BAR has no room for two frames of {size} bytes"
            ));
        }
        let fields = Fields::from_v4l2(pix.field).ok_or("a field order that is not known")?;
        let size_of_frame = (pix.width, pix.height);
        let strides = [pix.bytesperline];
        let reader = Reader::of_fields(fields, pix.pixelformat, size_of_frame, &strides)
            .ok_or("the reader does not know the format")?;
        Ok(Self {
            device,
            function,
            map: function.map(bar).at("mapping the BAR")?,
            size,
            step,
            buffers,
            reader,
            streams: false,
        })
    }

    fn queue(&self, index: u32) -> std::io::Result<()> {
        self.device
            .queue_dmabuf(index, &self.buffers[index as usize])
    }

    fn fill(&self) {
        self.map.fill(0, self.step * self.buffers.len(), UNTOUCHED);
    }

    /// Whether nothing was written since it was filled.
    fn is_untouched(&self) -> bool {
        let len = self.step * self.buffers.len();
        self.map.bytes(0, len).iter().all(|byte| *byte == UNTOUCHED)
    }

    fn start(&mut self) -> Outcome {
        let count = self.buffers.len() as u32;
        let there = self.device.request(DMABUF, count).at("REQBUFS")?;
        if there < count {
            return Err(format!("{there} buffers of {count}"));
        }
        for index in 0..count {
            self.queue(index).at("QBUF")?;
        }
        self.device.stream_on().at("STREAMON")?;
        self.streams = true;
        Ok(())
    }

    fn dequeue(&self) -> Outcome<Frame> {
        let buffer = self.device.dequeue(DMABUF).at("DQBUF")?;
        Ok(buffer.into())
    }

    /// Takes so many frames, looks at each in the BAR, and gives the buffers back.
    fn frames(&mut self, count: u32) -> Outcome {
        for n in 0..count {
            let frame = self.dequeue()?;
            if frame.failed || frame.bytesused != self.size {
                return Err(format!("frame {n}: {frame:?}"));
            }
            let offset = frame.index as usize * self.step;
            let data = self.map.bytes(offset, self.size);
            self.reader
                .check(&data)
                .into_result()
                .map_err(|e| format!("frame {n}: {e}"))?;
            self.queue(frame.index).at("QBUF")?;
        }
        Ok(())
    }

    /// Takes buffers until one has an error: when that was, and how many they are.
    fn first_error(&self) -> Outcome<(Instant, usize)> {
        for n in 1..=self.buffers.len() {
            if self.dequeue()?.failed {
                return Ok((Instant::now(), n));
            }
        }
        Err("no buffer has an error".into())
    }

    /// Frames arrive in the BAR.
    pub fn stream(&mut self, frames: u32) -> Outcome<String> {
        self.fill();
        self.start()?;
        self.frames(frames)?;
        Ok(format!("{frames} frames of {} bytes", self.size))
    }

    /// The exporter refuses, or its memory cannot be reached: nothing is written.
    pub fn refused(&mut self, errno: i32) -> Outcome<String> {
        self.fill();
        let count = self.buffers.len() as u32;
        self.device.request(DMABUF, count).at("REQBUFS")?;
        match self.queue(0) {
            Ok(()) => return Err("QBUF has taken it".into()),
            Err(e) if e.raw_os_error() == Some(errno) => (),
            Err(e) => return Err(format!("QBUF: {e}")),
        }
        if !self.is_untouched() {
            return Err("it was written".into());
        }
        Ok(format!(
            "QBUF: {}",
            std::io::Error::from_raw_os_error(errno)
        ))
    }

    /// The memory is revoked while the device writes it: within bounded time, after which nothing
    /// is written, and buffers come back with an error. Then it is there again.
    pub fn revoke(&mut self, rounds: u32, patience: Duration) -> Outcome<String> {
        let (mut slowest, mut latest) = (Duration::ZERO, Duration::ZERO);

        self.fill();
        self.start()?;
        for round in 0..rounds {
            // At another moment of the frame each time.
            self.frames(2)?;
            thread::sleep(Duration::from_millis(u64::from(round * 7 % 33)));

            let start = Instant::now();
            let (took, back) = thread::scope(|scope| {
                let back = scope.spawn(|| self.first_error());
                let revoked = if round % 2 == 0 {
                    self.function.enable_memory(false).at("revoking")
                } else {
                    self.function.reset().at("VFIO_DEVICE_RESET")
                };
                let took = start.elapsed();
                let back = back
                    .join()
                    .map_err(|_| "a thread has panicked".to_string())??;
                revoked.map(|()| (took, back))
            })?;
            let (back, dequeued) = (back.0.duration_since(start), back.1);
            slowest = slowest.max(took);
            latest = latest.max(back);
            self.function.enable_memory(true).at("enabling")?;
            self.fill();
            if took.max(back) > patience {
                let (took, back) = (took.as_millis(), back.as_millis());
                return Err(format!("round {round}: {took} ms, the buffer {back} ms"));
            }
            for _ in dequeued..self.buffers.len() {
                self.dequeue()?;
            }
            // The device goes on, for longer than it has slots.
            thread::sleep(Duration::from_millis(150));
            if !self.is_untouched() {
                return Err(format!("round {round}: written after it was revoked"));
            }
            for index in 0..self.buffers.len() as u32 {
                self.queue(index).at("QBUF")?;
            }
        }
        self.frames(4)?;
        Ok(format!(
            "{rounds} times, {:.1} ms at most, a buffer back in {:.1} ms",
            slowest.as_secs_f64() * 1e3,
            latest.as_secs_f64() * 1e3
        ))
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        if self.streams {
            let _ = self.device.stream_off();
        }
        let _ = self.device.request(DMABUF, 0);
    }
}
