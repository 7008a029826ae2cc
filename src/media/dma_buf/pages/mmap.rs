// SPDX-License-Identifier: GPL-2.0

//! Mappings of pages into processes.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::Pages;
use crate::{
    bindings,
    compat::MAYSHARE, //
};
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    mm::virt::{
        flags,
        VmaNew, //
    },
    prelude::*,
    sync::aref::AlwaysRefCounted, //
};

impl Pages {
    /// Maps the memory into a process, which shares it.
    pub fn mmap(&self, vma: &VmaNew) -> Result {
        // With `MAP_PRIVATE`, the first write would part the process from the others.
        if vma.flags() & (flags::SHARED | MAYSHARE) == 0 {
            return Err(EINVAL);
        }
        vma.set_dontexpand();
        vma.set_dontdump();

        // SAFETY: The mapping is being set up, so it is ours to change; the array is only read, and
        // the C function goes by its length.
        unsafe {
            let raw = vma.as_ptr();
            to_result(bindings::vm_map_pages(
                raw,
                self.as_raw().as_ptr().cast_mut(),
                self.as_raw().len(),
            ))?;

            // The callbacks rely on what is set here: a reference for each mapping.
            (*raw).vm_private_data = core::ptr::from_ref(self).cast_mut().cast();
            (*raw).vm_ops = &VM_OPS.0;
        }
        self.inc_ref();
        Ok(())
    }
}

/// The operations of the mappings that [`Pages::mmap`] makes.
struct VmOps(bindings::vm_operations_struct);

// SAFETY: Nobody changes the operations.
unsafe impl Sync for VmOps {}

static VM_OPS: VmOps = VmOps(bindings::vm_operations_struct {
    open: Some(open_callback),
    close: Some(close_callback),
    ..pin_init::zeroed()
});

/// # Safety
///
/// `vma` must be a copy of a mapping that [`Pages::mmap`] has set up.
unsafe extern "C" fn open_callback(vma: *mut bindings::vm_area_struct) {
    // SAFETY: By the safety requirements the original has a reference.
    unsafe { &*(*vma).vm_private_data.cast::<Pages>() }.inc_ref();
}

/// # Safety
///
/// `vma` must be a mapping that [`Pages::mmap`] has set up, or a copy of one, and is given up.
unsafe extern "C" fn close_callback(vma: *mut bindings::vm_area_struct) {
    // SAFETY: By the safety requirements the mapping has a reference, which goes with it.
    unsafe { Pages::dec_ref(NonNull::new_unchecked((*vma).vm_private_data.cast())) };
}
