// SPDX-License-Identifier: GPL-2.0

//! Descriptors that are sent over sockets.

use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;

use super::owned;

/// Sends a descriptor over a socket.
pub fn send_fd(socket: impl AsFd, fd: impl AsFd) -> io::Result<()> {
    send_with_fd(socket, &[0], fd)
}

/// Sends bytes over a socket, and a descriptor with the first of them.
pub fn send_with_fd(socket: impl AsFd, data: &[u8], fd: impl AsFd) -> io::Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    let mut part = libc::iovec {
        iov_base: data.as_ptr().cast_mut().cast(),
        iov_len: data.len(),
    };
    let mut control = [0u64; 4];
    // SAFETY: The message consists of pointers and lengths, for which zero is a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: These calculate; there is room for one descriptor, and it is aligned.
    unsafe {
        message.msg_controllen = libc::CMSG_SPACE(4) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as _;
        libc::CMSG_DATA(header).cast::<i32>().write_unaligned(fd);
    }
    // SAFETY: All that the message points to is alive, and `data` is only read.
    match unsafe { libc::sendmsg(socket.as_fd().as_raw_fd(), &message, 0) } {
        sent if sent >= 0 && sent as usize == data.len() => Ok(()),
        sent if sent >= 0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Receives a descriptor that [`send_fd`] has sent.
pub fn receive_fd(socket: impl AsFd) -> io::Result<OwnedFd> {
    let (_, mut fds) = receive_with_fds(socket, &mut [0])?;
    fds.pop().ok_or(io::ErrorKind::UnexpectedEof.into())
}

/// Receives bytes from a socket, and the descriptors that come with them: 16 at most.
///
/// Returns how many bytes there were, 0 at the end.
pub fn receive_with_fds(socket: impl AsFd, data: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut part = libc::iovec {
        iov_base: data.as_mut_ptr().cast(),
        iov_len: data.len(),
    };
    let mut control = [0u64; 10];
    // SAFETY: As in `send_with_fd()`.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = std::mem::size_of_val(&control) as _;
    let flags = libc::MSG_CMSG_CLOEXEC;
    // SAFETY: All that the message points to is alive, and as long as it says.
    let received = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &mut message, flags) };
    if received < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut fds = Vec::new();
    // SAFETY: The kernel has filled in the headers, if there are any; each says how long it is,
    // and descriptors are what follows one of this type.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&message);
        while !header.is_null() {
            if (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                let first = libc::CMSG_DATA(header).cast::<i32>();
                fds.extend((0..bytes / 4).map(|n| owned(first.add(n).read_unaligned())));
            }
            header = libc::CMSG_NXTHDR(&message, header);
        }
    }
    Ok((received as usize, fds))
}
