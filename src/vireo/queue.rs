// SPDX-License-Identifier: GPL-2.0

//! The queue: which buffers the camera needs, and when it works.

use super::{
    camera::Camera,
    format,
    stream::Sensor, //
};
use kernel::prelude::*;
use media::{
    kthread,
    v4l2::VideoDevice,
    vb2::{
        self,
        Context,
        IoMode, //
    },
};

#[vtable]
impl vb2::Operations for Camera {
    type Owner = VideoDevice<Self>;
    type Engine = vb2::Cpu;
    // The sensor is a thread, which has a buffer for as long as it fills it.
    type Active<'q> = ();
    type Stream = kthread::Thread<Sensor>;
    type BufferData = ();

    const CONFIG: vb2::Config = vb2::Config {
        io_modes: &[
            IoMode::Mmap,
            IoMode::UserPtr,
            IoMode::DmaBuf,
            IoMode::Read, //
        ],
        // The sensor does not wait: three frames of slack for a client that is held up.
        min_reqbufs_allocation: 4,
        min_queued_buffers: 0,
        max_num_buffers: 64,
        // Ten buffers of the largest size in YUV 4:2:0; any user may ask for them.
        max_bytes: 512 << 20,
        max_segments: usize::MAX,
        max_segment_size: u32::MAX,
    };

    fn queue_setup(cx: &Context<'_, Self>) -> Result<vb2::PlaneSizes> {
        let layout = cx.settings.lock().layout;
        let mut sizes = [0; format::MAX_MEM_PLANES];
        let mut count = 0;

        for (size, part) in sizes.iter_mut().zip(layout.mem_planes()) {
            *size = part.sizeimage;
            count += 1;
        }
        vb2::PlaneSizes::new(sizes.get(..count).unwrap_or(&[]))
    }

    fn timestamp_source(cx: &Context<'_, Self>) -> vb2::TimestampSource {
        cx.settings.lock().timestamps
    }

    fn start_streaming(cx: &Context<'_, Self>) -> Result<Self::Stream> {
        let sensor = Sensor::new(cx.device())?;

        cx.latency.reset();
        kthread::Thread::spawn(c"vireo", sensor)
    }
}
