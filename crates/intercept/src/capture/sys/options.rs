//! Socket options that no safe crate has.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

/// Whether the socket keeps its errors in a queue (`IP_RECVERR`, `IPV6_RECVERR`).
pub fn has_error_queue(socket: &impl AsFd) -> bool {
    is_set(socket, libc::IPPROTO_IP, libc::IP_RECVERR)
        || is_set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
}

/// Whether a socket of TCP is connected, or about to be (`tcpi_state` is neither `TCP_CLOSE` nor
/// `TCP_LISTEN`).
pub fn is_underway(socket: &impl AsFd) -> bool {
    const CLOSE: u8 = 7;
    const LISTEN: u8 = 10;
    let mut state: u8 = CLOSE;
    let mut len: libc::socklen_t = 1;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel writes at most `len` bytes, which is the size of the state; it is the
    // first member of `struct tcp_info`.
    let result = unsafe {
        libc::getsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut state).cast(),
            &raw mut len,
        )
    };
    result == 0 && state != CLOSE && state != LISTEN
}

fn is_set(socket: &impl AsFd, level: libc::c_int, name: libc::c_int) -> bool {
    let mut value: libc::c_int = 0;
    let mut len: libc::socklen_t = 4;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel writes at most `len` bytes, which is the size of the value.
    let result =
        unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut len) };
    result == 0 && value != 0
}
