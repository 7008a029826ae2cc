// SPDX-License-Identifier: GPL-2.0

//! Tests of queues whose engine is a device, which is played by a timer: it writes to the addresses
//! that it was given, and interrupts when it has.

use super::{
    super::segments,
    queueing::anonymous,
    *, //
};
use crate::dma_buf::tests::{
    fence::Fence,
    staged::Staged, //
};
use kernel::{
    device,
    impl_has_hr_timer, //
    sync::ArcBorrow,
    time::{
        hrtimer::{
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerHandle,
            HrTimerPointer,
            HrTimerRestart,
            RelativeMode, //
        },
        Monotonic, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

pub(super) const PAGE: u32 = PAGE_SIZE as u32;
/// How long the device takes for a frame.
pub(super) const FRAME: Delta = Delta::from_millis(2);

type Buf<'a> = Buffer<'a, Camera<Dma>>;

/// Writes `byte` to all that the device was told of, and returns how much that is.
pub(super) fn write(buffer: &Buf<'_>, plane: usize, byte: u8) -> Result<usize> {
    let mut len = 0;

    for segment in buffer.segments(plane)? {
        // SAFETY: Without an IOMMU the device addresses memory as the CPU does, and this is memory
        // that it was given.
        unsafe {
            bindings::phys_to_virt(segment.addr)
                .cast::<u8>()
                .write_bytes(byte, segment.len)
        };
        len += segment.len;
    }
    Ok(len)
}

/// The first and the last byte of the first plane of a buffer of the queue's own.
fn ends(user: &User<Dma>, index: u32) -> Result<(u8, u8)> {
    // SAFETY: The buffer is there as long as the camera, and has a plane.
    unsafe {
        let vb = bindings::vb2_get_buffer(user.camera.queue.as_raw(), index);
        let addr = bindings::vb2_plane_vaddr(vb, 0).cast::<u8>();
        if addr.is_null() {
            return Err(EFAULT);
        }
        let len = (*vb).planes[0].length as usize;
        Ok((addr.read(), addr.add(len - 1).read()))
    }
}

/// A device that fills one buffer after another.
#[pin_data]
pub(super) struct Hardware {
    camera: Arc<Camera<Dma>>,
    #[pin]
    timer: HrTimer<Self>,
    sequence: Atomic<u32>,
    /// It does not complete anything any more.
    pub(super) is_dead: Atomic<bool>,
    /// It does not complete what it has taken.
    pub(super) is_stuck: Atomic<bool>,
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for Hardware {
        mode: RelativeMode<Monotonic>, field: self.timer
    }
}

impl Hardware {
    pub(super) fn new(camera: Arc<Camera<Dma>>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                camera,
                timer <- HrTimer::new(),
                sequence: Atomic::new(0),
                is_dead: Atomic::new(false),
                is_stuck: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }
}

impl HrTimerCallback for Hardware {
    type Pointer<'a> = Arc<Self>;

    /// The interrupt.
    fn run(this: ArcBorrow<'_, Self>, mut ctx: HrTimerCallbackContext<'_, Self>) -> HrTimerRestart {
        let sequence = this.sequence.fetch_add(1, Relaxed);

        if !this.is_dead.load(Relaxed) {
            this.camera.queue.with_active(|waiting, slot| {
                if slot.is_some() && this.is_stuck.load(Relaxed) {
                    return;
                }
                if let Some(buffer) = slot.take() {
                    match write(&buffer, 0, sequence as u8) {
                        Ok(len) => buffer.done(&FrameInfo::new(sequence, 0), &[len as u32]),
                        Err(_) => buffer.error(&META),
                    }
                }
                *slot = waiting.next();
            });
        }
        ctx.forward_now(FRAME);
        HrTimerRestart::Restart
    }
}

#[kunit_tests(vireo_vb2_dma)]
mod suite {
    use super::*;

    #[test]
    fn memory_of_the_queue_is_mapped() -> Result {
        let user = User::<Dma>::open_any(MMAP, 2, &[3 * PAGE + 100])?;
        user.queue(0, &[Plane::Mmap])?;
        user.start()?;
        let buffer = user.next()?;
        // No more than the plane has, though there are whole pages.
        assert_eq!(write(&buffer, 0, 0x5a)?, 3 * PAGE_SIZE + 100);
        assert!(buffer.segments(1).err() == Some(EINVAL));
        buffer.done(&META, &[1]);
        assert_eq!(user.dequeue()?.index, 0);
        assert!(ends(&user, 0)? == (0x5a, 0x5a));
        assert!(ends(&user, 1)? == (0, 0));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn memory_of_a_process_is_mapped() -> Result {
        let addr = anonymous(3 * PAGE_SIZE, true)?;
        let user = User::<Dma>::open_any(USERPTR, 1, &[2 * PAGE])?;
        user.start()?;
        for (offset, byte) in [(16, 1), (16, 2), (0, 3)] {
            user.queue(0, &[Plane::User(addr + offset, 2 * PAGE)])?;
            let buffer = user.next()?;
            assert_eq!(write(&buffer, 0, byte)?, 2 * PAGE_SIZE);
            buffer.done(&META, &[2 * PAGE]);
            user.dequeue()?;

            let mut seen = KVec::new();
            UserSlice::new(UserPtr::from_addr(addr + offset), 2 * PAGE_SIZE)
                .read_all(&mut seen, GFP_KERNEL)?;
            assert!(seen.iter().all(|seen| *seen == byte));
        }
        user.stop()?;
        user.request(0)?;
        assert_eq!(user.count(Counter::PagesPinned), 0);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn memory_of_an_exporter_is_mapped_once() -> Result {
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        let (first, memory, _) = Staged::export(2 * PAGE_SIZE, O_RDWR)?;
        let (second, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fds = [Fd::new(first)?, Fd::new(second)?];
        user.start()?;
        // They rotate over one index.
        for round in 1..5 {
            for fd in &fds {
                user.queue(0, &[Plane::Fd(fd.number(), PAGE)])?;
                let buffer = user.next()?;
                assert_eq!(write(&buffer, 0, round)?, PAGE_SIZE);
                buffer.done(&META, &[PAGE]);
                user.dequeue()?;
            }
        }
        assert_eq!(user.count(Counter::Maps), 2);
        assert_eq!(user.count(Counter::VMaps), 0);
        let mut bytes = [0; 2];
        memory.map().read(PAGE_SIZE - 1, &mut bytes)?;
        assert!(bytes == [4, 0]);
        drop((memory, fds));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn cache_keeps_no_mapped_memory_alive() -> Result {
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        let exports = [
            Staged::export(PAGE_SIZE, O_RDWR)?,
            Staged::export(PAGE_SIZE, O_RDWR)?,
        ];
        user.start()?;
        for (dmabuf, _, _) in exports {
            let fd = Fd::new(dmabuf)?;
            user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
            user.next()?.done(&META, &[1]);
            user.dequeue()?;
        }
        assert_eq!(user.count(Counter::Attaches), 2);
        for _ in 0..100 {
            if user.attached() == 1 {
                break;
            }
            fsleep(Delta::from_millis(10));
        }
        assert_eq!(user.attached(), 1);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn too_many_segments_are_refused() -> Result {
        let user = User::<Dma>::open_any(MMAP, 0, &[PAGE])?;
        user.device().limit_segments(PAGE);
        let sizes = [MAX_SEGMENTS as u32 * PAGE, (MAX_SEGMENTS as u32 + 1) * PAGE];
        for (index, size) in sizes.into_iter().enumerate() {
            assert_eq!(user.create(&[size])?, index as u32);
        }
        user.queue(0, &[Plane::Mmap])?;
        assert!(user.queue(1, &[Plane::Mmap]) == Err(EINVAL));
        assert_eq!(user.count(Counter::RefusedSegments), 1);
        user.start()?;
        let buffer = user.next()?;
        assert_eq!(buffer.segments(0)?.count(), MAX_SEGMENTS);
        assert!(buffer.segments(0)?.contiguous().err() == Some(EINVAL));
        drop(buffer);
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn long_segments_are_refused() -> Result {
        let user = User::<Dma>::open_any(MMAP, 0, &[PAGE])?;
        let dev: &device::Device = user.device().get();
        let dev = core::ptr::from_ref(dev).cast_mut().cast();
        // SAFETY: The device is bound.
        let told = unsafe { bindings::dma_get_max_seg_size(dev) };
        assert_eq!(told, MAX_SEGMENT_SIZE);
        assert!(user.close());

        let segments = |len: u32| {
            let mut sg = bindings::scatterlist {
                dma_address: 1 << 20,
                #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
                dma_length: len,
                length: len,
                ..Default::default()
            };
            let sgt = bindings::sg_table {
                sgl: &raw mut sg,
                nents: 1,
                orig_nents: 1,
            };
            // SAFETY: The table looks as if it were mapped, and outlives the iterator.
            let segments = unsafe { segments::Segments::new(&sgt, len as usize) };

            segments.are_within(&Camera::<Dma>::CONFIG)
        };
        assert!(segments(MAX_SEGMENT_SIZE));
        assert!(!segments(MAX_SEGMENT_SIZE + 1));
        Ok(())
    }

    #[test]
    fn frames_are_complete_in_interrupts() -> Result {
        let user = User::<Dma>::open_any(MMAP, 3, &[PAGE])?;
        for index in 0..3 {
            user.queue(index, &[Plane::Mmap])?;
        }
        let hardware = Hardware::new(user.camera.clone())?;
        user.start()?;
        let mut timer = hardware.clone().start(FRAME);

        let (mut frames, mut last) = (0, 0);
        for _ in 0..1000 {
            match user.dequeue() {
                Ok(frame) => {
                    let byte = frame.sequence as u8;
                    assert!(!frame.is_error && frame.sequence > last);
                    assert_eq!(frame.bytesused[0], PAGE);
                    assert!(ends(&user, frame.index)? == (byte, byte));
                    last = frame.sequence;
                    frames += 1;
                    user.queue(frame.index, &[Plane::Mmap])?;
                }
                Err(e) if e == EAGAIN => fsleep(Delta::from_millis(1)),
                Err(e) => return Err(e),
            }
            if frames == 50 {
                break;
            }
        }
        assert_eq!(frames, 50);

        // It dies, with a buffer in its slot.
        hardware.is_dead.store(true, Relaxed);
        user.camera.queue.error();
        while user.dequeue().is_ok() {}
        assert!(user.dequeue().err() == Some(EIO));
        timer.cancel();
        user.stop()?;
        assert!(user.camera.queue.with_active(|_, slot| slot.is_none()));

        // It is reset, and begins anew.
        hardware.is_dead.store(false, Relaxed);
        for index in 0..3 {
            user.queue(index, &[Plane::Mmap])?;
        }
        user.start()?;
        let mut timer = hardware.clone().start(FRAME);
        fsleep(Delta::from_millis(50));
        assert!(user.dequeue().is_ok());
        timer.cancel();
        drop((timer, hardware));
        assert!(user.close());
        Ok(())
    }

    #[test]
    fn device_needs_a_mask() -> Result {
        let device = || Device::new(c"vireo-kunit", false);

        assert!(User::<Dma>::open_on(device()?, MMAP, 1, &[PAGE]).err() == Some(EIO));
        assert!(User::<Cpu>::open_on(device()?, MMAP, 1, &[PAGE])?.close());
        Ok(())
    }

    #[test]
    fn fences_are_waited_for() -> Result {
        let user = User::<Dma>::open_any(DMABUF, 1, &[PAGE])?;
        let (dmabuf, _, _) = Staged::export(PAGE_SIZE, O_RDWR)?;
        let fd = Fd::new(dmabuf.clone())?;
        let fence = Fence::add(&dmabuf, bindings::dma_resv_usage_DMA_RESV_USAGE_READ)?;
        user.start()?;
        user.queue(0, &[Plane::Fd(fd.number(), 0)])?;
        assert!(user.camera.queue.next().is_none());
        fence.signal();
        user.next()?.done(&META, &[1]);
        drop((dmabuf, fd, fence));
        assert!(user.close());
        Ok(())
    }
}
