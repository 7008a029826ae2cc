// SPDX-License-Identifier: GPL-2.0

//! What completing a buffer in an interrupt costs a driver in Rust, beside completion_c.c. For
//! "make bench" alone.
//!
//! Two nodes, with the engines `Cpu` and `Dma`. When a timer expires that stands for the hardware,
//! all buffers are completed, one after the other.

#![forbid(unsafe_code)]

use core::marker::PhantomData;
use kernel::{
    device::{
        Bound,
        Core,
        DeviceContext, //
    },
    driver,
    impl_has_hr_timer,
    platform,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        ArcBorrow, //
    },
    time::{
        hrtimer::{
            ArcHrTimerHandle,
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerPointer,
            HrTimerRestart,
            RelativeHardMode, //
        },
        Delta,
        Instant,
        Monotonic, //
    },
    InPlaceModule, //
};
use media::{
    platform::VirtualDevice,
    v4l2::{
        self,
        BufType,
        PixFormat,
        VideoDevice, //
    },
    vb2::{
        self,
        Buffer,
        Context,
        FrameInfo, //
    },
};

const NAME: &CStr = c"completion_rust";
const SIZE: u32 = 640 * 480;
const FORMAT: PixFormat = PixFormat::packed(640, 480, v4l2::fourcc(b"GREY"), 640);
const BURST: usize = 16;
const PERIOD: Delta = Delta::from_millis(10);

module! {
    type: Module,
    name: "completion_rust",
    authors: ["The vireo developers"],
    description: "Yardstick of make bench: completion of buffers in Rust",
    license: "GPL",
}

#[pin_data]
struct Module {
    // Dropped first.
    _device: VirtualDevice,
    #[pin]
    _driver: driver::Registration<platform::Adapter<Driver>>,
}

impl InPlaceModule for Module {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _driver <- driver::Registration::new(NAME, module),
            _device: VirtualDevice::new(NAME, -1, &[])?,
        })
    }
}

struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Self, Error> + 'bound {
        let pdev: &platform::Device<Bound> = pdev;
        let device = v4l2::Device::new(
            pdev,
            try_pin_init!(Device {
                cpu <- VideoDevice::new(BufType::VideoCapture, Node(PhantomData)),
                dma <- VideoDevice::new(BufType::VideoCapture, Node(PhantomData)),
            }),
        )?;

        device.register(pdev)?;
        Ok(Self)
    }
}

#[pin_data]
struct Device {
    #[pin]
    cpu: VideoDevice<Node<vb2::Cpu>>,
    #[pin]
    dma: VideoDevice<Node<vb2::Dma>>,
}

impl v4l2::Driver for Device {
    const NAME: &'static CStr = NAME;

    type ParentDevice<Ctx: DeviceContext> = platform::Device<Ctx>;
    type RegistrationData<'a> = ();

    fn nodes<'a>(&'a self, nodes: &mut v4l2::Nodes<'a, Self>) -> Result {
        nodes.add(&self.cpu)?;
        nodes.add(&self.dma)
    }
}

/// An engine that there is a node for.
trait Engine: vb2::Engine + Send + Sync + Sized {
    const NAME: &'static str;

    fn node(device: &Device) -> &VideoDevice<Node<Self>>;
}

impl Engine for vb2::Cpu {
    const NAME: &'static str = "Cpu";

    fn node(device: &Device) -> &VideoDevice<Node<Self>> {
        &device.cpu
    }
}

impl Engine for vb2::Dma {
    const NAME: &'static str = "Dma";

    fn node(device: &Device) -> &VideoDevice<Node<Self>> {
        &device.dma
    }
}

struct Node<E>(PhantomData<E>);

#[vtable]
impl<E: Engine> v4l2::Capture for Node<E> {
    type Driver = Device;

    fn enum_fmt(_cx: &Context<'_, Self>, index: u32) -> Option<v4l2::FmtDesc> {
        (index == 0).then_some(v4l2::FmtDesc::new(FORMAT.pixelformat))
    }

    fn g_fmt(_cx: &Context<'_, Self>) -> Result<PixFormat> {
        Ok(FORMAT)
    }

    fn try_fmt(_cx: &Context<'_, Self>, _format: &PixFormat) -> Result<PixFormat> {
        Ok(FORMAT)
    }
}

#[vtable]
impl<E: Engine> vb2::Operations for Node<E> {
    type Owner = VideoDevice<Self>;
    type Engine = E;
    type Active<'q> = Option<Buffer<'q, Self>>;
    type Stream = ArcHrTimerHandle<Hardware<E>>;
    type BufferData = ();

    const CONFIG: vb2::Config = vb2::Config::DEFAULT;

    fn queue_setup(_cx: &Context<'_, Self>) -> Result<vb2::PlaneSizes> {
        vb2::PlaneSizes::new(&[SIZE])
    }

    fn start_streaming(cx: &Context<'_, Self>) -> Result<Self::Stream> {
        let hardware = Arc::pin_init(
            pin_init!(Hardware {
                timer <- HrTimer::new(),
                device: cx.device().into(),
                sequence: Atomic::new(0),
                _engine: PhantomData,
            }),
            GFP_KERNEL,
        )?;

        Ok(hardware.start(PERIOD))
    }
}

#[pin_data]
struct Hardware<E: Engine> {
    #[pin]
    timer: HrTimer<Self>,
    device: ARef<v4l2::Device<Device>>,
    sequence: Atomic<u32>,
    _engine: PhantomData<E>,
}

impl<E: Engine> Hardware<E> {
    /// What the handler of an interrupt does: take, done, next. Whether there was one, and is now.
    #[inline(never)]
    fn complete(&self) -> (bool, bool) {
        let queue = E::node(&self.device).queue();

        queue.with_active(|waiting, active| {
            let taken = active.take();
            let is_done = taken.is_some();

            if let Some(buffer) = taken {
                let sequence = self.sequence.load(Relaxed);

                self.sequence.store(sequence.wrapping_add(1), Relaxed);
                buffer.done(&FrameInfo::new(sequence, 1), &[SIZE]);
            }
            *active = waiting.next();
            (is_done, active.is_some())
        })
    }
}

impl<E: Engine> HrTimerCallback for Hardware<E> {
    type Pointer<'a> = Arc<Self>;

    fn run(
        this: ArcBorrow<'_, Self>,
        mut context: HrTimerCallbackContext<'_, Self>,
    ) -> HrTimerRestart {
        let now = Instant::<Monotonic>::now;
        let mut count = 0;

        // The first one is taken, and the last one completed, outside of what is counted.
        let mut state = this.complete();
        let before = now();
        let start = now();
        while count < BURST - 1 {
            state = this.complete();
            if !state.0 {
                break;
            }
            count += 1;
        }
        let end = now();

        if count == BURST - 1 && state.1 {
            let cost = (end - start).as_nanos() - (start - before).as_nanos();

            pr_info!("completion Rust {} {}\n", E::NAME, cost / count as i64);
        }
        this.complete();

        context.forward_now(PERIOD);
        HrTimerRestart::Restart
    }
}

impl_has_hr_timer! {
    impl{E: Engine} HasHrTimer<Self> for Hardware<E> {
        mode: RelativeHardMode<Monotonic>, field: self.timer
    }
}
