// SPDX-License-Identifier: GPL-2.0

//! Kernel threads that are paced by a high-resolution timer.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)

use crate::{
    bindings,
    compat::{
        owner_module,
        this_module, //
    },
    time, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::from_err_ptr,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    types::NotThreadSafe, //
};

/// What a [`Thread`] does.
#[vtable]
pub trait Function: Send + 'static {
    /// Runs in the thread, once. Returns soon after [`Context::sleep_until`] has said
    /// [`WakeUp::Stop`].
    fn run(&mut self, context: &Context);
}

/// The view that a running [`Function`] has of its own thread.
///
/// # Invariants
///
/// Exists only in a kernel thread that was made by [`Thread::spawn`].
pub struct Context(NotThreadSafe);

impl Context {
    /// Whether the owner of the [`Thread`] waits for it to end.
    pub fn should_stop(&self) -> bool {
        // SAFETY: By the type invariant this is a kernel thread.
        unsafe { bindings::kthread_should_stop() }
    }

    /// The time that [`sleep_until`](Self::sleep_until) goes by, in nanoseconds.
    pub fn now(&self) -> u64 {
        time::now()
    }

    /// Sleeps until the monotonic clock (`CLOCK_MONOTONIC`) shows `deadline`, in nanoseconds.
    ///
    /// The deadline is absolute, so a late wake-up does not delay the ones after it. The thread is
    /// freezable: while tasks are frozen it does not return.
    pub fn sleep_until(&self, deadline: u64) -> WakeUp {
        let mut expires: bindings::ktime_t = i64::try_from(deadline).unwrap_or(i64::MAX);

        loop {
            let mut was_frozen = false;

            // SAFETY: By the type invariant this is a kernel thread, which is running; it may
            // sleep.
            if unsafe { bindings::kthread_freezable_should_stop(&mut was_frozen) } {
                return WakeUp::Stop;
            }
            if was_frozen {
                return WakeUp::Thawed;
            }

            // The state is set before the flags are read: a stop or a freeze in between finds the
            // thread sleeping, and wakes it.
            //
            // SAFETY: A thread may set its own state; it is running again before it returns.
            unsafe { bindings::set_current_state(bindings::TASK_IDLE) };

            // SAFETY: A thread may ask about itself.
            if self.should_stop() || unsafe { bindings::freezing(bindings::get_current()) } {
                // SAFETY: As above.
                unsafe { bindings::__set_current_state(bindings::TASK_RUNNING) };
                continue;
            }

            // SAFETY: `expires` is valid for the call, and the state was set above.
            let ret = unsafe {
                bindings::schedule_hrtimeout(&mut expires, bindings::hrtimer_mode_HRTIMER_MODE_ABS)
            };
            if ret == 0 {
                return if self.should_stop() {
                    WakeUp::Stop
                } else {
                    WakeUp::Due
                };
            }
        }
    }
}

/// Why [`Context::sleep_until`] has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeUp {
    /// The time has come.
    Due,
    /// The thread was frozen meanwhile, as all tasks are while the system suspends. The time may
    /// have come or not.
    Thawed,
    /// The thread is to end.
    Stop,
}

/// An owned kernel thread: dropping it ends the thread and waits for that.
///
/// The module that the function is in stays as long as this does, even if it is forgotten.
///
/// # Invariants
///
/// - A reference to the function's module is owned by this type.
/// - `task` is a task made by `kthread_create_on_node()`, with a reference owned by this type.
/// - `function` is a `KBox<F>` turned into a pointer; nobody but the task's function uses it until
///   the task has ended.
pub struct Thread<F: Function> {
    task: NonNull<bindings::task_struct>,
    function: NonNull<F>,
    _p: PhantomData<KBox<F>>,
}

// SAFETY: A thread may be stopped from any other thread, and `F` is `Send`.
unsafe impl<F: Function> Send for Thread<F> {}

// SAFETY: There is nothing that a shared reference can do.
unsafe impl<F: Function> Sync for Thread<F> {}

impl<F: Function> Thread<F> {
    /// Starts a thread called `name` that runs `function`.
    pub fn spawn(name: &CStr, function: F) -> Result<Self> {
        let module = this_module::<owner_module!(F as Function)>().as_ptr();
        let function = KBox::new(function, GFP_KERNEL)?;
        // SAFETY: The module is the caller's, or null where it is built in, which always succeeds.
        if !unsafe { bindings::try_module_get(module) } {
            return Err(ENODEV);
        }
        let function = KBox::into_raw(function);

        // SAFETY:
        // - `callback` takes a pointer to an `F`, which is what it is given;
        // - the format takes one string, which lives until the call returns.
        let task = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(Self::callback),
                function.cast(),
                bindings::NUMA_NO_NODE,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        });

        let reclaim = || {
            // SAFETY: `function` came from `KBox::into_raw()`, and on failure no thread has it. The
            // reference to the module was taken above.
            unsafe {
                drop(KBox::from_raw(function));
                bindings::module_put(module);
            }
        };
        let task = task.inspect_err(|_| reclaim())?;

        // A thread that has returned may be gone before it is stopped: hold on to the task.
        //
        // SAFETY: `task` was just created and has not been woken, so it is alive.
        unsafe {
            bindings::get_task_struct(task);
            bindings::wake_up_process(task);
        }

        // INVARIANT: The references were taken above; `function` belongs to the thread alone.
        Ok(Self {
            // SAFETY: `from_err_ptr()` has refused errors, and the C function never returns NULL.
            task: unsafe { NonNull::new_unchecked(task) },
            // SAFETY: A box is never null.
            function: unsafe { NonNull::new_unchecked(function) },
            _p: PhantomData,
        })
    }

    /// # Safety
    ///
    /// `data` must be the `F` that [`Thread::spawn`] has given away.
    unsafe extern "C" fn callback(data: *mut c_void) -> c_int {
        // SAFETY: By the safety requirements, and since the owner does not touch it while the
        // thread lives.
        let function = unsafe { &mut *data.cast::<F>() };

        // SAFETY: This is a kernel thread, of itself.
        unsafe { bindings::set_freezable() };
        // INVARIANT: This is a kernel thread made by `spawn()`.
        function.run(&Context(NotThreadSafe));
        0
    }
}

impl<F: Function> Drop for Thread<F> {
    fn drop(&mut self) {
        // A thread that was never scheduled ends without running its function, which is why the
        // function is freed here and not there.
        //
        // SAFETY: By the type invariants the task is alive and its reference is ours to give up.
        unsafe { bindings::kthread_stop_put(self.task.as_ptr()) };

        // SAFETY: By the type invariants, and since the thread has ended.
        unsafe {
            drop(KBox::from_raw(self.function.as_ptr()));
            bindings::module_put(this_module::<owner_module!(F as Function)>().as_ptr());
        }
    }
}
