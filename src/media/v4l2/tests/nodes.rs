// SPDX-License-Identifier: GPL-2.0

//! Tests of how a device is registered and goes, by a driver with two nodes.

use super::*;

/// What happens to a device, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    DataMade,
    ControlsSet(u32),
    Started(u32),
    Stopped(u32),
    DataDropped,
    DeviceDropped,
}

use Event::*;

#[pin_data]
struct Notes {
    #[pin]
    events: Mutex<KVec<Event>>,
}

impl Notes {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self { events <- new_mutex!(KVec::new()) }),
            GFP_KERNEL,
        )
    }

    fn add(&self, event: Event) {
        // A test that lacks an event fails.
        let _ = self.events.lock().push(event, GFP_KERNEL);
    }

    fn are(&self, events: &[Event]) -> bool {
        self.events.lock()[..] == *events
    }
}

/// Where a device fails to be registered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    None,
    Data,
    Node(u32),
}

#[pin_data(PinnedDrop)]
struct Card {
    #[pin]
    nodes: [VideoDevice<Channel>; 2],
    failure: Failure,
    notes: Arc<Notes>,
}

#[pinned_drop]
impl PinnedDrop for Card {
    fn drop(self: Pin<&mut Self>) {
        self.notes.add(DeviceDropped);
    }
}

impl Driver for Card {
    const NAME: &'static CStr = c"vireo-kunit";

    type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;
    type RegistrationData<'a> = Hardware<'a>;

    fn nodes<'a>(&'a self, nodes: &mut Nodes<'a, Self>) -> Result {
        self.nodes.iter().try_for_each(|node| nodes.add(node))
    }
}

/// Borrows from the bound parent, and from the device.
struct Hardware<'a> {
    device: &'a Device<Card>,
    parent: &'a device::Device<Bound>,
}

impl<'a> RegistrationData<'a, Card> for Hardware<'a> {
    fn new(
        device: &'a Device<Card>,
        parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        device.notes.add(DataMade);
        if device.failure == Failure::Data {
            return Err(EIO);
        }
        Ok(Self {
            device,
            parent: parent.as_ref(),
        })
    }
}

impl Drop for Hardware<'_> {
    fn drop(&mut self) {
        self.device.notes.add(DataDropped);
    }
}

struct Channel {
    number: u32,
    failure: Failure,
    notes: Arc<Notes>,
}

static CONTROLS: [ctrl::Config; 1] = [ctrl::Config::standard(
    ctrl::Id::BRIGHTNESS,
    ctrl::Kind::Boolean(false),
)];

#[vtable]
impl Capture for Channel {
    type Driver = Card;

    fn controls(&self) -> &'static [ctrl::Config] {
        &CONTROLS
    }

    fn enum_fmt(_cx: &Context<'_, Self>, index: u32) -> Option<FmtDesc> {
        (index == 0).then_some(FmtDesc::new(FORMAT.pixelformat))
    }

    fn g_fmt(_cx: &Context<'_, Self>) -> Result<PixFormat> {
        Ok(FORMAT)
    }

    fn try_fmt(_cx: &Context<'_, Self>, _format: &PixFormat) -> Result<PixFormat> {
        Ok(FORMAT)
    }

    fn s_ctrl(cx: &Context<'_, Self>, _id: ctrl::Id, _value: i32) -> Result {
        cx.notes.add(ControlsSet(cx.number));
        if cx.failure == Failure::Node(cx.number) {
            return Err(EIO);
        }

        let data = cx.registration_data();
        let is_right = ptr::eq(data.device, cx.device())
            && ptr::eq(data.parent, cx.parent().as_ref())
            && ptr::eq(&cx.device().nodes[cx.number as usize], cx.owner());
        if is_right {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }
}

#[vtable]
impl Operations for Channel {
    type Owner = VideoDevice<Self>;
    type Engine = vb2::Cpu;
    type Active<'q> = Option<Buffer<'q, Self>>;
    type Stream = ();
    type BufferData = ();

    const CONFIG: Config = Config {
        io_modes: &[IoMode::Mmap],
        min_queued_buffers: 1,
        ..Config::DEFAULT
    };

    fn queue_setup(_cx: &Context<'_, Self>) -> Result<PlaneSizes> {
        PlaneSizes::new(&[FORMAT.planes[0].sizeimage])
    }

    fn start_streaming(cx: &Context<'_, Self>) -> Result {
        cx.notes.add(Started(cx.number));
        cx.queue()
            .with_active(|waiting, slot| *slot = waiting.next());
        Ok(())
    }

    fn stop_streaming(cx: &Context<'_, Self>, _stream: ()) {
        cx.notes.add(Stopped(cx.number));
    }
}

/// A device, with its parent and what has happened to it.
struct Bench {
    device: ARef<Device<Card>>,
    notes: Arc<Notes>,
    parent: faux::Registration,
}

impl Bench {
    fn new(failure: Failure) -> Result<Self> {
        let parent = faux::Registration::new(&next_name()?, None)?;
        let notes = Notes::new()?;
        let (all, each) = (notes.clone(), notes.clone());
        let channel = move |number| {
            let notes = each.clone();

            VideoDevice::new::<Error>(
                BufType::VideoCapture,
                Ok(Channel {
                    number,
                    failure,
                    notes,
                }),
            )
        };
        let device = Device::new::<Error>(
            parent.as_ref(),
            try_pin_init!(Card {
                nodes <- pin_init::pin_init_array_from_fn(move |i| channel(i as u32)),
                failure,
                notes: all,
            }),
        )?;

        Ok(Self {
            device,
            notes,
            parent,
        })
    }

    fn register(&self) -> Result {
        self.device.register(self.parent.as_ref())
    }

    fn is_registered(&self, number: usize) -> bool {
        // SAFETY: The node is initialized.
        unsafe { bindings::video_is_registered(self.device.nodes[number].as_raw()) }
    }

    fn queue(&self, number: usize) -> &vb2::Queue<Channel> {
        self.device.nodes[number].queue()
    }

    fn request(&self, number: usize) -> Result {
        request(self.queue(number), 2)
    }

    fn stream(&self, number: usize) -> Result {
        stream(self.queue(number))
    }

    /// Unbinds the parent, and gives up the device.
    fn end(self) -> Arc<Notes> {
        drop(self.parent);
        drop(self.device);
        self.notes
    }
}

#[kunit_tests(vireo_v4l2_device)]
mod suite {
    use super::*;

    #[test]
    fn nodes_are_undone_in_reverse() -> Result {
        let bench = Bench::new(Failure::None)?;
        assert!(!bench.is_registered(0));
        bench.register()?;
        assert!(bench.is_registered(0) && bench.is_registered(1));
        bench.stream(0)?;
        bench.stream(1)?;
        assert!(bench.end().are(&[
            DataMade,
            ControlsSet(0),
            ControlsSet(1),
            Started(0),
            Started(1),
            Stopped(1),
            Stopped(0),
            DataDropped,
            DeviceDropped,
        ]));
        Ok(())
    }

    #[test]
    fn data_that_fails_leaves_nothing() -> Result {
        let bench = Bench::new(Failure::Data)?;
        assert!(bench.register() == Err(EIO));
        assert!(!bench.is_registered(0));
        assert!(bench.end().are(&[DataMade, DeviceDropped]));
        Ok(())
    }

    #[test]
    fn node_that_fails_takes_the_others_away() -> Result {
        let bench = Bench::new(Failure::Node(1))?;
        assert!(bench.register() == Err(EIO));
        assert!(!bench.is_registered(0) && !bench.is_registered(1));
        assert!(bench.end().are(&[
            DataMade,
            ControlsSet(0),
            ControlsSet(1),
            DataDropped,
            DeviceDropped,
        ]));
        Ok(())
    }

    #[test]
    fn device_is_registered_once() -> Result {
        let other = Bench::new(Failure::None)?;
        let bench = Bench::new(Failure::None)?;
        assert!(bench.device.register(other.parent.as_ref()) == Err(EINVAL));
        bench.register()?;
        assert!(bench.register() == Err(EBUSY));
        assert!(bench.is_registered(0));
        bench.end();
        // It was never registered.
        assert!(other.end().are(&[DeviceDropped]));
        Ok(())
    }

    #[test]
    fn hardware_may_go_while_it_streams() -> Result {
        let bench = Bench::new(Failure::None)?;
        // Before there is anything to unregister, this does nothing.
        bench.device.schedule_unregister();
        bench.register()?;
        assert!(bench.is_registered(0) && bench.is_registered(1));
        bench.stream(1)?;
        bench.device.schedule_unregister();
        for _ in 0..1000 {
            if bench.notes.events.lock().last() == Some(&DataDropped) {
                break;
            }
            fsleep(Delta::from_millis(5));
        }
        assert!(!bench.is_registered(0) && !bench.is_registered(1));
        let device = bench.device.clone();
        assert!(bench.end().are(&[
            DataMade,
            ControlsSet(0),
            ControlsSet(1),
            Started(1),
            Stopped(1),
            DataDropped,
        ]));
        // The module may be gone by now.
        device.schedule_unregister();
        drop(device);
        Ok(())
    }

    #[test]
    fn who_comes_late_starts_nothing() -> Result {
        let bench = Bench::new(Failure::None)?;
        bench.register()?;
        let Bench {
            device,
            notes,
            parent,
        } = bench;
        drop(parent);
        // read() and poll() go this way, if they have waited for the lock meanwhile.
        let bench = Bench {
            device,
            notes,
            parent: faux::Registration::new(c"vireo-kunit-other", None)?,
        };
        assert!(bench.request(0) == Err(ENODEV));
        assert!(bench.stream(0) == Err(ENODEV));
        assert!(bench.end().are(&[
            DataMade,
            ControlsSet(0),
            ControlsSet(1),
            DataDropped,
            DeviceDropped,
        ]));
        Ok(())
    }

    #[test]
    fn ioctls_without_a_method_are_not_there() {
        type Table = ioctl::VTable<Channel>;

        for ops in [&Table::OPS, &Table::OPS_MPLANE] {
            assert!(ops.vidioc_enum_framesizes.is_none());
            assert!(ops.vidioc_enum_frameintervals.is_none());
            assert!(ops.vidioc_g_parm.is_none());
            assert!(ops.vidioc_s_parm.is_none());
            assert!(ops.vidioc_g_selection.is_none());
            assert!(ops.vidioc_s_selection.is_none());
            assert!(ops.vidioc_g_std.is_none());
            assert!(ops.vidioc_s_std.is_none());
            assert!(ops.vidioc_querystd.is_none());
        }
    }
}
