// SPDX-License-Identifier: GPL-2.0

//! Tests of what happens while a device is registered, apart from the callbacks of its nodes:
//! interrupts, work, suspend and resume.

use super::*;
use crate::{
    compat::irq_request,
    v4l2::{
        IrqHandler,
        Irqs,
        RegistrationContext, //
    },
};
use kernel::{
    ffi::c_ulong,
    irq::{
        Flags,
        IrqReturn, //
    },
};

/// An interrupt line without hardware.
struct Line(u32);

impl Line {
    fn new() -> Result<Self> {
        // SAFETY: Any line will do.
        let irq = unsafe {
            bindings::__irq_alloc_descs(
                -1,
                0,
                1,
                bindings::NUMA_NO_NODE,
                ptr::null_mut(),
                ptr::null(),
            )
        };
        let irq = u32::try_from(irq).map_err(|_| ENOSPC)?;

        // SAFETY: The line is this test's, and nobody uses it yet. An edge that comes before there
        // is a handler would be kept for it by some architectures.
        unsafe {
            bindings::irq_modify_status(irq, 0, bindings::IRQ_LEVEL as c_ulong);
            bindings::irq_set_chip_and_handler_name(
                irq,
                &raw const bindings::dummy_irq_chip,
                Some(bindings::handle_simple_irq),
                ptr::null(),
            )
        };
        Ok(Self(irq))
    }

    /// Interrupts.
    fn fire(&self) {
        // SAFETY: The line is there; without a handler this does nothing.
        unsafe { bindings::generic_handle_irq_safe(self.0) };
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // SAFETY: The line is this test's.
        unsafe { bindings::irq_free_descs(self.0, 1) };
    }
}

/// What the device does wrong.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    /// It requests a line that there is not, after one that there is.
    Request,
    /// It cannot be suspended.
    Suspend,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Interrupt,
    Stopped,
    Worked,
    Suspended,
    Resumed,
    Dropped,
}

/// What happens is noted in interrupt context as well.
#[pin_data]
struct Shared {
    #[pin]
    seen: SpinLockIrq<([Option<Seen>; 16], usize)>,
    line: Line,
    fault: Atomic<u32>,
}

impl Shared {
    fn note(&self, what: Seen) {
        let mut seen = self.seen.lock();
        let count = seen.1;

        if let Some(slot) = seen.0.get_mut(count) {
            *slot = Some(what);
        }
        seen.1 += 1;
    }

    fn are(&self, what: &[Seen]) -> bool {
        let seen = self.seen.lock();

        seen.1 == what.len() && seen.0.iter().flatten().eq(what)
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault.load(Relaxed) == fault as u32
    }
}

#[pin_data]
struct Grabber {
    #[pin]
    nodes: [VideoDevice<Port>; 2],
    shared: Arc<Shared>,
}

impl Driver for Grabber {
    const NAME: &'static CStr = c"vireo-kunit";

    type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;
    type RegistrationData<'a> = Registers<'a>;

    fn nodes<'a>(&'a self, nodes: &mut Nodes<'a, Self>) -> Result {
        self.nodes.iter().try_for_each(|node| nodes.add(node))
    }
}

struct Registers<'a> {
    device: &'a Device<Grabber>,
    parent: &'a device::Device<Bound>,
}

impl<'a> RegistrationData<'a, Grabber> for Registers<'a> {
    fn new(
        device: &'a Device<Grabber>,
        parent: &'a faux::Device<Bound>,
    ) -> impl PinInit<Self, Error> + 'a {
        Ok(Self {
            device,
            parent: parent.as_ref(),
        })
    }

    fn request_irqs<'d>(&'d self, irqs: &mut Irqs<'d, Grabber>) -> Result {
        let shared = &self.device.shared;

        let request = irq_request(self.parent, shared.line.0);
        irqs.request::<Interrupt>(request, Flags::TRIGGER_NONE, c"vireo-kunit")?;
        if shared.has(Fault::Request) {
            let request = irq_request(self.parent, u32::MAX);
            irqs.request::<Interrupt>(request, Flags::TRIGGER_NONE, c"vireo-kunit")?;
        }
        Ok(())
    }

    fn work(cx: &RegistrationContext<'a, Grabber>) {
        cx.shared.note(Seen::Worked);
    }

    fn suspend(cx: &RegistrationContext<'a, Grabber>) -> Result {
        if cx.shared.has(Fault::Suspend) {
            return Err(EIO);
        }
        cx.shared.note(Seen::Suspended);
        Ok(())
    }

    fn resume(cx: &RegistrationContext<'a, Grabber>) -> Result {
        cx.shared.note(Seen::Resumed);
        Ok(())
    }
}

impl Drop for Registers<'_> {
    fn drop(&mut self) {
        // Nobody handles these any more.
        self.device.shared.line.fire();
        self.device.schedule_work(Delta::ZERO);
        self.device.shared.note(Seen::Dropped);
    }
}

struct Interrupt;

impl IrqHandler<Grabber> for Interrupt {
    fn handle(cx: &RegistrationContext<'_, Grabber>) -> IrqReturn {
        // All that it needs is there.
        let is_right = ptr::eq(cx.registration_data().device, cx.device())
            && ptr::eq::<device::Device>(&**cx.parent().as_ref(), cx.device().parent());
        if !is_right {
            return IrqReturn::None;
        }

        cx.shared.note(Seen::Interrupt);
        cx.nodes[0].queue().with_active(|waiting, slot| {
            if let Some(buffer) = slot.take() {
                buffer.done(&vb2::FrameInfo::new(0, 0), &[1]);
            }
            *slot = waiting.next();
        });
        IrqReturn::Handled
    }
}

struct Port(Arc<Shared>);

#[vtable]
impl Capture for Port {
    type Driver = Grabber;

    fn enum_fmt(_cx: &Context<'_, Self>, index: u32) -> Option<FmtDesc> {
        (index == 0).then_some(FmtDesc::new(FORMAT.pixelformat))
    }

    fn g_fmt(_cx: &Context<'_, Self>) -> Result<PixFormat> {
        Ok(FORMAT)
    }

    fn try_fmt(_cx: &Context<'_, Self>, _format: &PixFormat) -> Result<PixFormat> {
        Ok(FORMAT)
    }
}

#[vtable]
impl Operations for Port {
    type Owner = VideoDevice<Self>;
    type Engine = vb2::Cpu;
    type Active<'q> = Option<Buffer<'q, Self>>;
    type Stream = ();
    type BufferData = ();

    const CONFIG: Config = Config::DEFAULT;

    fn queue_setup(_cx: &Context<'_, Self>) -> Result<PlaneSizes> {
        PlaneSizes::new(&[FORMAT.planes[0].sizeimage])
    }

    fn start_streaming(_cx: &Context<'_, Self>) -> Result {
        Ok(())
    }

    fn stop_streaming(cx: &Context<'_, Self>, _stream: ()) {
        cx.0.note(Seen::Stopped);
        // The handler is there for as long as a node streams.
        cx.0.line.fire();
    }
}

struct Setup {
    device: ARef<Device<Grabber>>,
    shared: Arc<Shared>,
    parent: faux::Registration,
}

impl Setup {
    fn new(fault: Fault) -> Result<Self> {
        let parent = faux::Registration::new(&next_name()?, None)?;
        let line = Line::new()?;
        let shared = Arc::pin_init(
            pin_init!(Shared {
                seen <- new_spinlock_irq!(([None; 16], 0)),
                line,
                fault: Atomic::new(fault as u32),
            }),
            GFP_KERNEL,
        )?;
        let (all, each) = (shared.clone(), shared.clone());
        let node =
            move |_| VideoDevice::new::<Error>(BufType::VideoCapture, Ok(Port(each.clone())));
        let device = Device::new::<Error>(
            parent.as_ref(),
            try_pin_init!(Grabber {
                nodes <- pin_init::pin_init_array_from_fn(node),
                shared: all,
            }),
        )?;

        Ok(Self {
            device,
            shared,
            parent,
        })
    }

    fn register(&self) -> Result {
        self.device.register(self.parent.as_ref())
    }

    /// Calls what the PM core would.
    fn pm(&self, node: usize, is_suspend: bool) -> Result {
        // SAFETY: The node was registered; its device stays valid, and has a type.
        to_result(unsafe {
            let dev = &raw mut (*self.device.nodes[node].as_raw()).dev;
            let ops = &*(*(*dev).type_).pm;
            let op = if is_suspend { ops.suspend } else { ops.resume };
            op.ok_or(EINVAL)?(dev)
        })
    }

    fn end(self) -> Arc<Shared> {
        drop(self.parent);
        drop(self.device);
        self.shared
    }
}

#[kunit_tests(vireo_v4l2_registration)]
mod suite {
    use super::*;

    #[test]
    fn interrupts_are_handled_while_registered() -> Result {
        let setup = Setup::new(Fault::None)?;
        setup.shared.line.fire();
        setup.register()?;
        setup.shared.line.fire();
        stream(setup.device.nodes[0].queue())?;
        setup.shared.line.fire();
        setup.shared.line.fire();
        assert!(dequeue(setup.device.nodes[0].queue())? == 0);
        let shared = setup.end();
        shared.line.fire();
        assert!(shared.are(&[
            Seen::Interrupt,
            Seen::Interrupt,
            Seen::Interrupt,
            Seen::Stopped,
            Seen::Interrupt,
            Seen::Dropped,
        ]));
        Ok(())
    }

    #[test]
    fn request_that_fails_frees_the_others() -> Result {
        let setup = Setup::new(Fault::Request)?;
        assert!(setup.register() == Err(EINVAL));
        setup.shared.line.fire();
        let shared = setup.end();
        assert!(shared.are(&[Seen::Dropped]));
        Ok(())
    }

    #[test]
    fn work_runs_while_registered() -> Result {
        let setup = Setup::new(Fault::None)?;
        setup.device.schedule_work(Delta::ZERO);
        setup.register()?;
        setup.device.schedule_work(Delta::from_secs(3600));
        // It is the last that counts.
        setup.device.schedule_work(Delta::from_millis(1));
        for _ in 0..1000 {
            if setup.shared.are(&[Seen::Worked]) {
                break;
            }
            fsleep(Delta::from_millis(5));
        }
        assert!(setup.shared.are(&[Seen::Worked]));

        // It is cancelled, and so is what comes later.
        setup.device.schedule_work(Delta::from_secs(3600));
        let device = setup.device.clone();
        let shared = setup.end();
        device.schedule_work(Delta::ZERO);
        fsleep(Delta::from_millis(100));
        assert!(shared.are(&[Seen::Worked, Seen::Dropped]));
        drop(device);
        Ok(())
    }

    #[test]
    fn device_is_suspended_once() -> Result {
        let setup = Setup::new(Fault::None)?;
        setup.register()?;
        setup.pm(1, true)?;
        setup.pm(0, true)?;
        assert!(setup.shared.are(&[Seen::Suspended]));
        setup.pm(0, false)?;
        setup.pm(1, false)?;
        assert!(setup.shared.are(&[Seen::Suspended, Seen::Resumed]));

        // Nothing has happened where it fails.
        setup.shared.fault.store(Fault::Suspend as u32, Relaxed);
        assert!(setup.pm(1, true) == Err(EIO));
        setup.pm(1, false)?;
        assert!(setup.shared.are(&[Seen::Suspended, Seen::Resumed]));
        let shared = setup.end();
        assert!(shared.are(&[Seen::Suspended, Seen::Resumed, Seen::Dropped]));
        Ok(())
    }

    #[test]
    fn device_that_is_gone_is_not_suspended() -> Result {
        let setup = Setup::new(Fault::None)?;
        setup.register()?;
        let Setup {
            device,
            shared,
            parent,
        } = setup;
        drop(parent);
        assert!(device.suspend().is_ok() && device.resume().is_ok());
        assert!(shared.are(&[Seen::Dropped]));
        drop(device);
        Ok(())
    }
}
