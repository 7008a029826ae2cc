// SPDX-License-Identifier: GPL-2.0

//! Mandatory methods are there.

include!("common/driver.rs");

struct Other;

#[vtable]
impl vb2::Operations for Other {
    //~^ error[E0046]: not all trait items implemented, missing: `queue_setup`
    type Owner = VideoDevice<Self>;
    type Engine = vb2::Cpu;
    type Active<'q> = ();
    type Stream = ();
    type BufferData = ();

    const CONFIG: vb2::Config = vb2::Config::DEFAULT;

    #[cfg(not(illegal))]
    fn queue_setup(_cx: &Context<'_, Self>) -> Result<vb2::PlaneSizes> {
        vb2::PlaneSizes::new(&[640 * 480])
    }

    fn start_streaming(_cx: &Context<'_, Self>) -> Result {
        Ok(())
    }
}

#[vtable]
impl v4l2::Capture for Other {
    //~^ error[E0046]: not all trait items implemented, missing: `g_fmt`
    type Driver = Device;

    fn enum_fmt(_cx: &Context<'_, Self>, _index: u32) -> Option<v4l2::FmtDesc> {
        None
    }

    #[cfg(not(illegal))]
    fn g_fmt(_cx: &Context<'_, Self>) -> Result<PixFormat> {
        Ok(FORMAT)
    }

    fn try_fmt(_cx: &Context<'_, Self>, _format: &PixFormat) -> Result<PixFormat> {
        Ok(FORMAT)
    }
}
