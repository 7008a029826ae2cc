// SPDX-License-Identifier: GPL-2.0

//! Tests of inputs, of analogue standards, and of the events that tell of them.

use super::*;
use crate::v4l2::{
    Input,
    InputFault,
    Std, //
};
use core::mem::MaybeUninit;

/// The current input and standard.
#[pin_data]
struct Decoder {
    #[pin]
    current: Mutex<(u32, Std)>,
}

#[pin_data]
struct Tuner {
    #[pin]
    node: VideoDevice<Decoder>,
}

impl Driver for Tuner {
    const NAME: &'static CStr = c"vireo-kunit";

    type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;
    type RegistrationData<'a> = ();

    fn nodes<'a>(&'a self, nodes: &mut Nodes<'a, Self>) -> Result {
        nodes.add(&self.node)
    }
}

#[vtable]
impl Capture for Decoder {
    type Driver = Tuner;

    const STANDARDS: Std = Std::LINES_525.union(Std::LINES_625);
    const SOURCE_CHANGES: bool = true;

    fn enum_fmt(_cx: &Context<'_, Self>, index: u32) -> Option<FmtDesc> {
        (index == 0).then_some(FmtDesc::new(FORMAT.pixelformat))
    }

    fn g_fmt(_cx: &Context<'_, Self>) -> Result<PixFormat> {
        Ok(FORMAT)
    }

    fn try_fmt(_cx: &Context<'_, Self>, _format: &PixFormat) -> Result<PixFormat> {
        Ok(FORMAT)
    }

    fn enum_input(_cx: &Context<'_, Self>, index: u32) -> Option<Input> {
        match index {
            0 => Some(Input {
                status: InputFault::NoSignal.into(),
                std: Self::STANDARDS,
                ..Input::new(c"Composite")
            }),
            1 => Some(Input::new(c"Test")),
            _ => None,
        }
    }

    fn g_input(cx: &Context<'_, Self>) -> Result<u32> {
        Ok(cx.current.lock().0)
    }

    fn s_input(cx: &Context<'_, Self>, index: u32) -> Result {
        cx.current.lock().0 = index;
        Ok(())
    }

    fn g_std(cx: &Context<'_, Self>) -> Result<Std> {
        Ok(cx.current.lock().1)
    }

    fn s_std(cx: &Context<'_, Self>, std: Std) -> Result {
        cx.current.lock().1 = std;
        Ok(())
    }

    fn querystd(cx: &Context<'_, Self>) -> Result<Std> {
        if cx.current.lock().0 == 0 {
            Ok(Std::UNKNOWN)
        } else {
            Ok(Std::PAL)
        }
    }
}

#[vtable]
impl Operations for Decoder {
    type Owner = VideoDevice<Self>;
    type Engine = vb2::Cpu;
    type Active<'q> = ();
    type Stream = ();
    type BufferData = ();

    const CONFIG: Config = Config::DEFAULT;

    fn queue_setup(_cx: &Context<'_, Self>) -> Result<PlaneSizes> {
        PlaneSizes::new(&[FORMAT.planes[0].sizeimage])
    }

    fn start_streaming(_cx: &Context<'_, Self>) -> Result {
        Ok(())
    }
}

/// A node that a user has open.
struct User {
    device: ARef<Device<Tuner>>,
    file: KBox<bindings::file>,
    _inode: KBox<bindings::inode>,
    fh: KBox<bindings::v4l2_fh>,
    _parent: faux::Registration,
}

type Table = ioctl::VTable<Decoder>;

impl User {
    fn new() -> Result<Self> {
        let parent = faux::Registration::new(&next_name()?, None)?;
        let device = Device::new::<Error>(
            parent.as_ref(),
            try_pin_init!(Tuner {
                node <- VideoDevice::new::<Error>(
                    BufType::VideoCapture,
                    try_pin_init!(Decoder {
                        current <- new_mutex!((0, Std::NTSC)),
                    }),
                ),
            }),
        )?;
        device.register(parent.as_ref())?;

        // SAFETY: All zeroes is what C makes these of. What is used of them is set below: the
        // number of the node, and the handle.
        let (mut file, mut inode, mut fh) = unsafe {
            (
                KBox::<MaybeUninit<bindings::file>>::init(pin_init::init_zeroed(), GFP_KERNEL)?
                    .assume_init(),
                KBox::<MaybeUninit<bindings::inode>>::init(pin_init::init_zeroed(), GFP_KERNEL)?
                    .assume_init(),
                KBox::<MaybeUninit<bindings::v4l2_fh>>::init(pin_init::init_zeroed(), GFP_KERNEL)?
                    .assume_init(),
            )
        };
        // SAFETY: The node is registered.
        unsafe {
            let vdev = device.node.as_raw();

            inode.i_rdev = (*vdev).dev.devt;
            file.f_inode = &mut *inode;
            bindings::v4l2_fh_init(&mut *fh, vdev);
            bindings::v4l2_fh_add(&mut *fh, &mut *file);
        }
        Ok(Self {
            device,
            file,
            _inode: inode,
            fh,
            _parent: parent,
        })
    }

    /// Calls `f` as an ioctl does.
    fn ioctl(&mut self, f: impl FnOnce(*mut bindings::file) -> i32) -> Result {
        let queue = self.device.node.queue();

        // SAFETY: The mutex is initialized, and not held by this thread.
        unsafe { bindings::mutex_lock(queue.lock()) };
        let result = to_result(f(&mut *self.file));
        // SAFETY: It was locked above.
        unsafe { bindings::mutex_unlock(queue.lock()) };
        result
    }

    fn enum_input(&mut self, index: u32) -> Result<bindings::v4l2_input> {
        let mut input = bindings::v4l2_input {
            index,
            capabilities: bindings::V4L2_IN_CAP_STD,
            ..Default::default()
        };
        let op = Table::OPS.vidioc_enum_input.ok_or(ENOTTY)?;

        // SAFETY: The file is open, and the lock held.
        self.ioctl(|file| unsafe { op(file, ptr::null_mut(), &mut input) })?;
        Ok(input)
    }

    fn s_input(&mut self, index: u32) -> Result {
        let op = Table::OPS.vidioc_s_input.ok_or(ENOTTY)?;

        // SAFETY: As above.
        self.ioctl(|file| unsafe { op(file, ptr::null_mut(), index) })
    }

    fn s_std(&mut self, std: Std) -> Result {
        let op = Table::OPS.vidioc_s_std.ok_or(ENOTTY)?;

        // SAFETY: As above.
        self.ioctl(|file| unsafe { op(file, ptr::null_mut(), std.into_raw()) })
    }

    fn querystd(&mut self) -> Result<Std> {
        let mut std = Decoder::STANDARDS.into_raw();
        let op = Table::OPS.vidioc_querystd.ok_or(ENOTTY)?;

        // SAFETY: As above.
        self.ioctl(|file| unsafe { op(file, ptr::null_mut(), &mut std) })?;
        Ok(Std::from_raw(std))
    }

    fn subscribe(&mut self, type_: u32, id: u32) -> Result {
        let sub = bindings::v4l2_event_subscription {
            type_,
            id,
            ..Default::default()
        };
        let op = Table::OPS.vidioc_subscribe_event.ok_or(ENOTTY)?;
        let fh: *mut _ = &mut *self.fh;

        // SAFETY: As above; the handle is that of the file.
        self.ioctl(|_| unsafe { op(fh, &sub) })
    }

    /// The event that has waited longest.
    fn event(&mut self) -> Result<bindings::v4l2_event> {
        let mut event = bindings::v4l2_event::default();

        // SAFETY: The handle is in use, and the call does not wait.
        to_result(unsafe { bindings::v4l2_event_dequeue(&mut *self.fh, &mut event, 1) })?;
        Ok(event)
    }

    fn request(&mut self, count: u32) -> Result {
        request(self.device.node.queue(), count)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // SAFETY: The handle was added to the node, and is not used any more.
        unsafe {
            bindings::v4l2_fh_del(&mut *self.fh, &mut *self.file);
            bindings::v4l2_fh_exit(&mut *self.fh);
        }
    }
}

#[kunit_tests(vireo_v4l2_source)]
mod suite {
    use super::*;

    #[test]
    fn inputs_are_those_of_the_driver() -> Result {
        let mut user = User::new()?;
        let first = user.enum_input(0)?;
        assert!(first.name.starts_with(b"Composite\0"));
        assert_eq!(first.type_, bindings::V4L2_INPUT_TYPE_CAMERA);
        assert_eq!(first.status, bindings::V4L2_IN_ST_NO_SIGNAL);
        assert_eq!(first.std, Decoder::STANDARDS.into_raw());
        assert_eq!(first.capabilities, bindings::V4L2_IN_CAP_STD);
        let second = user.enum_input(1)?;
        assert!(second.status == 0 && second.std == 0 && second.capabilities == 0);
        assert!(user.enum_input(2).err() == Some(EINVAL));

        assert!(user.s_input(2) == Err(EINVAL));
        user.s_input(1)?;
        assert_eq!(user.device.node.current.lock().0, 1);
        // While there are buffers it cannot change, though it can be set to what it is.
        user.request(2)?;
        assert!(user.s_input(0) == Err(EBUSY));
        user.s_input(1)?;
        user.request(0)?;
        user.s_input(0)
    }

    #[test]
    fn standards_are_those_of_the_driver() -> Result {
        let mut user = User::new()?;
        assert!(user.s_std(Std::UNKNOWN) == Err(EINVAL));
        user.s_std(Std::PAL)?;
        assert!(user.device.node.current.lock().1 == Std::PAL);
        user.request(2)?;
        assert!(user.s_std(Std::NTSC) == Err(EBUSY));
        user.s_std(Std::PAL)?;
        user.request(0)?;
        user.s_std(Std::SECAM)?;
        assert!(user.device.node.current.lock().1 == Std::SECAM);

        assert!(user.querystd()? == Std::UNKNOWN);
        user.s_input(1)?;
        assert!(user.querystd()? == Std::PAL);
        Ok(())
    }

    #[test]
    fn changes_of_the_source_are_told() -> Result {
        let mut user = User::new()?;
        let source_change = bindings::V4L2_EVENT_SOURCE_CHANGE;
        // There is no such input.
        assert!(user.subscribe(source_change, 2) == Err(EINVAL));
        user.subscribe(source_change, 1)?;
        user.device.node.queue_source_change(0);
        assert!(user.event().err() == Some(ENOENT));

        user.device.node.queue_source_change(1);
        user.device.node.queue_source_change(1);
        let event = user.event()?;
        assert_eq!(event.type_, source_change);
        assert_eq!(event.id, 1);
        // SAFETY: This is the member of the type.
        let changes = unsafe { event.u.src_change.changes };
        assert_eq!(changes, bindings::V4L2_EVENT_SRC_CH_RESOLUTION);
        // They are one.
        assert!(user.event().err() == Some(ENOENT));
        Ok(())
    }
}
