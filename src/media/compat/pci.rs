// SPDX-License-Identifier: GPL-2.0

//! What differs of PCI devices.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

use kernel::{
    device::Bound,
    pci::{
        Device,
        IrqTypes, //
    },
    prelude::*, //
};

// In 7.2 vectors belong to devres, which frees them when the device is unbound, after what was
// registered with devres later; and there is a range of them.
#[cfg(kernel_lacks_pci_irq_vectors)]
mod irq_vectors {
    use core::ops::RangeInclusive;
    use kernel::{
        irq::IrqRequest,
        pci,
        prelude::*, //
    };

    /// As `kernel::pci::IrqVector`.
    pub struct IrqVector<'a>(IrqRequest<'a>);

    impl<'a> From<IrqVector<'a>> for IrqRequest<'a> {
        fn from(vector: IrqVector<'a>) -> Self {
            vector.0
        }
    }

    /// As `kernel::pci::IrqVectorRegistration`.
    pub struct IrqVectorRegistration<'a>(pub(super) RangeInclusive<pci::IrqVector<'a>>);

    impl<'a> IrqVectorRegistration<'a> {
        /// The vector at `index`. `EINVAL` if there is none; any but the first cannot be had.
        pub fn index(&self, index: usize) -> Result<IrqVector<'a>> {
            if index != 0 {
                return Err(EINVAL);
            }
            (*self.0.start()).try_into().map(IrqVector)
        }
    }
}
#[cfg(kernel_lacks_pci_irq_vectors)]
pub use self::irq_vectors::IrqVectorRegistration;
#[cfg(not(kernel_lacks_pci_irq_vectors))]
pub use kernel::pci::IrqVectorRegistration;

/// As `Device::alloc_irq_vectors`.
pub fn alloc_irq_vectors(
    dev: &Device<Bound>,
    min_vecs: u32,
    max_vecs: u32,
    irq_types: IrqTypes,
) -> Result<IrqVectorRegistration<'_>> {
    let vectors = dev.alloc_irq_vectors(min_vecs, max_vecs, irq_types)?;

    #[cfg(kernel_lacks_pci_irq_vectors)]
    let vectors = IrqVectorRegistration(vectors);
    Ok(vectors)
}

/// What a driver is told about a device that it probes, see [`id_info`].
#[cfg(not(kernel_lacks_pci_no_id_info))]
pub type IdInfo<'a, T> = Option<&'a T>;
/// In 7.2 it is always told something: what is known of the first ID, where there is nothing.
#[cfg(kernel_lacks_pci_no_id_info)]
pub type IdInfo<'a, T> = &'a T;

/// What is known about a device. Nothing, where it was bound by an ID that the user has added.
pub fn id_info<T>(info: IdInfo<'_, T>) -> Option<&T> {
    #[cfg(kernel_lacks_pci_no_id_info)]
    let info = Some(info);
    info
}

// In 7.2 what modpost reads has a name.
#[cfg(kernel_lacks_pci_device_table)]
#[doc(hidden)]
#[macro_export]
macro_rules! __pci_device_table {
    ($name:ident, $info:ty, $table:expr) => {
        ::kernel::pci_device_table!($name, MODULE_PCI_TABLE, $info, $table);
    };
}
#[cfg(kernel_lacks_pci_device_table)]
pub use crate::__pci_device_table as pci_device_table;
#[cfg(not(kernel_lacks_pci_device_table))]
pub use kernel::pci_device_table;
