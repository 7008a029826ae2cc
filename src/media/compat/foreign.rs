// SPDX-License-Identifier: GPL-2.0

//! References that C owns.

use core::ptr::NonNull;
use kernel::{
    ffi::c_void,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::ForeignOwnable, //
};

/// An [`ARef`] that C can own.
pub struct ForeignARef<T: AlwaysRefCounted>(ARef<T>);

impl<T: AlwaysRefCounted> From<&T> for ForeignARef<T> {
    fn from(object: &T) -> Self {
        Self(object.into())
    }
}

// SAFETY: The pointer is that of a counted object, so it is not null, and aligned as `T` is.
unsafe impl<T: AlwaysRefCounted> ForeignOwnable for ForeignARef<T> {
    const FOREIGN_ALIGN: usize = core::mem::align_of::<T>();

    type Borrowed<'a>
        = &'a T
    where
        Self: 'a;
    type BorrowedMut<'a>
        = &'a T
    where
        Self: 'a;

    fn into_foreign(self) -> *mut c_void {
        ARef::into_raw(self.0).as_ptr().cast()
    }

    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: By the safety requirements the pointer came from `into_foreign()`, and so has a
        // reference.
        Self(unsafe { ARef::from_raw(NonNull::new_unchecked(ptr.cast())) })
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> &'a T {
        // SAFETY: By the safety requirements the reference lasts for `'a`.
        unsafe { &*ptr.cast() }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> &'a T {
        // SAFETY: As above: who counts references has none that is mutable.
        unsafe { Self::borrow(ptr) }
    }
}
