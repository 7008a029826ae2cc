// SPDX-License-Identifier: GPL-2.0

//! System calls, with the little `unsafe` that they need, all in here.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::_rdtsc;
use std::fs;
use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::ptr;
use std::thread;
use std::time::Duration;

mod mapping;
mod socket;

pub use mapping::Mapping;
pub use socket::{receive_fd, receive_with_fds, send_fd, send_with_fd};

/// The size of a page.
pub fn page() -> usize {
    // SAFETY: No memory involved.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// `bytes`, rounded up to whole pages.
pub fn page_align(bytes: usize) -> usize {
    bytes.next_multiple_of(page())
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Calls `ioctl` with an argument that has exactly the size that the number says.
pub fn ioctl<T: Copy>(fd: BorrowedFd<'_>, request: u32, argument: &mut T) -> io::Result<i32> {
    assert_eq!(
        (request >> 16) as usize & 0x3fff,
        mem::size_of::<T>(),
        "ioctl {request:#x} with an argument of another size"
    );
    // SAFETY: The kernel reads and writes the bytes of `argument` only, as many as it has; plain
    // data in every structure used here. Addresses in them are of memory that is the caller's to
    // give away (`Mapping`), or are wrong on purpose, for the kernel to find out.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), request.into(), ptr::from_mut(argument)) })
}

/// The time-stamp counter.
#[inline(always)]
fn time_stamp() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: Reading a counter has no preconditions.
    return unsafe { _rdtsc() };
    #[cfg(target_arch = "aarch64")]
    {
        let count;
        // SAFETY: Reading a counter has no preconditions.
        unsafe { std::arch::asm!("mrs {}, cntvct_el0", out(reg) count) };
        count
    }
}

/// Calls `ioctl`, and says how far the time-stamp counter went meanwhile: how many instructions it
/// took, in a guest whose clock counts those.
pub fn ioctl_counted<T: Copy>(
    fd: BorrowedFd<'_>,
    request: u32,
    argument: &mut T,
) -> io::Result<u64> {
    let fd = fd.as_raw_fd();
    let argument = ptr::from_mut(argument);
    let start = time_stamp();
    // SAFETY: As in `ioctl`.
    let result = unsafe { libc::ioctl(fd, request.into(), argument) };
    let end = time_stamp();
    check(result)?;
    Ok(end - start)
}

/// The time-stamp counter over a system call that does nothing, and over none.
pub fn idle_counts() -> (u64, u64) {
    let start = time_stamp();
    // SAFETY: No memory involved.
    unsafe { libc::syscall(libc::SYS_getppid) };
    let called = time_stamp();
    (called - start, time_stamp() - called)
}

/// Waits for `events`; the events that came, 0 when the time is over.
pub fn poll(fd: BorrowedFd<'_>, events: i16, timeout: Duration) -> io::Result<i16> {
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events,
        revents: 0,
    };
    let ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: One structure, which outlives the call.
    check(unsafe { libc::poll(&mut poll, 1, ms) })?;
    Ok(poll.revents)
}

/// A set of one descriptor that is waited for.
pub struct Epoll(OwnedFd);

impl Epoll {
    /// Adds `fd`, to wait for `events`.
    pub fn new(fd: impl AsFd, events: i32) -> io::Result<Self> {
        // SAFETY: No memory involved; the descriptor is new, and nobody else's.
        let epoll =
            unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: 0,
        };
        // SAFETY: One structure, which is copied.
        check(unsafe {
            libc::epoll_ctl(
                epoll.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                fd.as_fd().as_raw_fd(),
                &mut event,
            )
        })?;
        Ok(Self(epoll))
    }

    /// The events that came, 0 when the time is over.
    pub fn wait(&self, timeout: Duration) -> io::Result<i32> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        let ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: Room for one event, which outlives the call.
        check(unsafe { libc::epoll_wait(self.0.as_raw_fd(), &mut event, 1, ms) })?;
        Ok(event.events as i32)
    }
}

/// An anonymous file of `size` bytes that cannot shrink, as udmabuf wants it.
pub fn memfd(size: usize) -> io::Result<OwnedFd> {
    // SAFETY: A string with its NUL.
    let fd = check(unsafe {
        libc::memfd_create(
            c"vireo-test".as_ptr(),
            libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING,
        )
    })?;
    // SAFETY: A new descriptor, which nobody else owns.
    let file = unsafe { File::from_raw_fd(fd) };
    file.set_len(size as u64)?;
    // SAFETY: No memory involved.
    check(unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) })?;
    Ok(file.into())
}

/// Waits until nobody else has a file locked, and has it locked from then on (`LOCK_EX`): until the
/// last descriptor is closed.
pub fn lock_file(file: impl AsFd) -> io::Result<()> {
    // SAFETY: No memory involved.
    check(unsafe { libc::flock(file.as_fd().as_raw_fd(), libc::LOCK_EX) }).map(|_| ())
}

/// Forbids writing to an anonymous file (`F_SEAL_WRITE`), of which there must be no mapping for that.
pub fn seal_write(file: impl AsFd) -> io::Result<()> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: No memory involved.
    check(unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, libc::F_SEAL_WRITE) }).map(|_| ())
}

/// Runs `f` in a copy of this process, which must have no other threads; whether it said yes.
pub fn in_child(f: impl FnOnce() -> bool) -> io::Result<bool> {
    let mut status = 0;
    // SAFETY: There is no thread whose locks the copy would find taken. It leaves without running
    // what this process has for its own end.
    unsafe {
        let pid = check(libc::fork())?;
        if pid == 0 {
            libc::_exit(i32::from(!f()));
        }
        check(libc::waitpid(pid, &mut status, 0))?;
    }
    Ok(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0)
}

/// Takes over a descriptor that an ioctl has just returned.
pub fn owned(fd: i32) -> OwnedFd {
    assert!(fd >= 0, "not a descriptor: {fd}");
    // SAFETY: The kernel has just installed it for us; no one else knows of it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The access mode that a descriptor was opened with.
pub fn access_mode(fd: BorrowedFd<'_>) -> io::Result<i32> {
    // SAFETY: No memory involved.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })
        .map(|flags| flags & libc::O_ACCMODE)
}

/// Tries to unload a module, without waiting for its users to go.
pub fn delete_module(name: &std::ffi::CStr) -> io::Result<()> {
    // SAFETY: A string with its NUL.
    let result = unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) };
    check(result as libc::c_int).map(|_| ())
}

/// Loads a module from memory.
pub fn init_module(image: &[u8], params: &std::ffi::CStr) -> io::Result<()> {
    // SAFETY: As many bytes as it says, and a string with its NUL.
    let result = unsafe {
        libc::syscall(
            libc::SYS_init_module,
            image.as_ptr(),
            image.len(),
            params.as_ptr(),
        )
    };
    check(result as libc::c_int).map(|_| ())
}

/// The descriptor that would be given out next.
pub fn lowest_free_descriptor() -> io::Result<i32> {
    File::open("/dev/null").map(|file| file.as_raw_fd())
}

/// Closes all descriptors from `first` on, which nothing in this process may own any more.
pub fn close_from(first: i32) {
    // SAFETY: By what the caller knows.
    unsafe { libc::close_range(first as libc::c_uint, libc::c_uint::MAX, 0) };
}

/// Has a signal end this process in some seconds; 0 for never.
pub fn alarm(seconds: u32) {
    // SAFETY: No memory involved.
    unsafe { libc::alarm(seconds) };
}

/// The monotonic clock, as in the timestamps of buffers.
pub fn monotonic() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: One structure, which outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Leaves a file for somebody outside, who takes it away; waits until that has happened.
pub fn tell(path: &Path, words: &str, patience: Duration) -> io::Result<()> {
    let until = monotonic() + patience;
    // Whoever sees it sees all of it.
    let new = path.with_extension("new");
    fs::write(&new, words)?;
    fs::rename(new, path)?;
    while path.exists() {
        if monotonic() > until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Sleeps until a time of [`monotonic()`].
pub fn sleep_until(time: Duration) {
    let until = libc::timespec {
        tv_sec: time.as_secs() as _,
        tv_nsec: time.subsec_nanos().into(),
    };
    // SAFETY: One structure, which outlives the call.
    unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &until,
            ptr::null_mut(),
        )
    };
}

/// Calls an `ioctl` that has no argument.
pub fn ioctl_none(fd: impl AsFd, request: u32) -> io::Result<()> {
    assert_eq!(
        (request >> 16) & 0x3fff,
        0,
        "ioctl {request:#x} has an argument"
    );
    // SAFETY: No memory involved.
    check(unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), request.into()) }).map(|_| ())
}

/// Becomes a user without any rights, who may lock so many bytes of memory.
pub fn become_ordinary_user(memlock: u64) -> io::Result<()> {
    const NOBODY: u32 = 65534;
    let limit = libc::rlimit {
        rlim_cur: memlock,
        rlim_max: memlock,
    };
    // SAFETY: The struct is only read, and there are no groups to read.
    unsafe {
        check(libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit))?;
        check(libc::setgroups(0, ptr::null()))?;
        check(libc::setgid(NOBODY))?;
        check(libc::setuid(NOBODY)).map(|_| ())
    }
}

/// A line of a file of /proc that gives a size in KiB, in bytes.
fn kibibytes(path: &str, name: &str) -> io::Result<u64> {
    std::fs::read_to_string(path)?
        .lines()
        .find_map(|line| {
            line.strip_prefix(name)?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .map(|size: u64| size * 1024)
        .ok_or_else(|| io::Error::other(format!("{path} has no {name}")))
}

/// How much memory the machine has.
pub fn total_memory() -> io::Result<u64> {
    kibibytes("/proc/meminfo", "MemTotal:")
}

/// How much memory could be allocated.
pub fn available_memory() -> io::Result<u64> {
    kibibytes("/proc/meminfo", "MemAvailable:")
}

/// Calls an `ioctl` whose argument is a number.
pub fn ioctl_value(
    fd: BorrowedFd<'_>,
    request: libc::c_ulong,
    value: libc::c_ulong,
) -> io::Result<i32> {
    // SAFETY: No memory involved.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), request, value) })
}

/// Has a child do something before it becomes another program: system calls, and nothing else.
pub fn before_exec(
    command: &mut std::process::Command,
    call: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: By what the caller knows.
    unsafe { std::os::unix::process::CommandExt::pre_exec(command, call) };
}
