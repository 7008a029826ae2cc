// SPDX-License-Identifier: GPL-2.0

//! A card, and what binds it.

use super::{
    channel::Channel,
    chip::Chip,
    hardware::Hardware, //
};
use kernel::{
    device::{
        Core,
        DeviceContext, //
    },
    pci,
    prelude::*, //
};
use media::{
    compat::pci::{
        id_info,
        pci_device_table,
        IdInfo, //
    },
    v4l2::{
        self,
        BufType,
        VideoDevice, //
    },
};

/// A card with one chip.
pub(crate) struct Card {
    pub(crate) chip: &'static Chip,
    pub(crate) channels: KVec<Pin<KBox<VideoDevice<Channel>>>>,
}

impl Card {
    fn new(chip: &'static Chip) -> Result<Self> {
        let mut channels = KVec::new();

        for id in chip.channels() {
            let channel = VideoDevice::new(BufType::VideoCapture, Channel::new(id, chip));
            channels.push(KBox::pin_init(channel, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        Ok(Self { chip, channels })
    }
}

impl v4l2::Driver for Card {
    const NAME: &'static CStr = c"tw686x_rust";

    type ParentDevice<Ctx: DeviceContext> = pci::Device<Ctx>;
    type RegistrationData<'a> = Hardware<'a>;

    fn nodes<'a>(&'a self, nodes: &mut v4l2::Nodes<'a, Self>) -> Result {
        self.channels
            .iter()
            .try_for_each(|channel| nodes.add(&**channel))
    }
}

/// The driver.
pub(crate) struct Driver;

pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [
        (
            pci::DeviceId::from_id(pci::Vendor::TECHWELL, 0x6864),
            &Chip::TW6864
        ),
        (
            pci::DeviceId::from_id(pci::Vendor::TECHWELL, 0x6865),
            &Chip::TW6865
        ),
        (
            pci::DeviceId::from_id(pci::Vendor::TECHWELL, 0x6868),
            &Chip::TW6868
        ),
        (
            pci::DeviceId::from_id(pci::Vendor::TECHWELL, 0x6869),
            &Chip::TW6869
        ),
    ]
);

impl pci::Driver for Driver {
    type IdInfo = &'static Chip;
    type Data<'bound> = Self;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        info: IdInfo<'bound, Self::IdInfo>,
    ) -> impl PinInit<Self, Error> + 'bound {
        let chip: &'static Chip = id_info(info).ok_or(ENODEV)?;

        pdev.enable_device_mem()?;
        pdev.set_master();

        let device = v4l2::Device::<Card>::new(pdev, Card::new(chip))?;
        device.register(pdev)?;
        device.schedule_work(kernel::time::Delta::ZERO);
        dev_info!(pdev, "{} with {} channels\n", chip.name, chip.channels);
        Ok(Self)
    }
}
