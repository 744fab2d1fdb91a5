//! `socket` and `bind`, where a socket of the service cannot be duplicated: we make it ourselves,
//! give it to the service, and have it already when it is connected.

use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, socket_with};

use super::call::Call;
use super::connect::given;
use super::supervisor::Core;
use super::sys::address::Given;

/// `IPPROTO_MPTCP`
const MPTCP: i32 = 262;

/// Makes the socket in the service's place. Only calls for streams and datagrams come here.
pub(super) fn socket(core: &Core, call: Call) {
    let (family, kind, protocol) = (call.int(0), call.int(1).cast_unsigned(), call.int(2));
    let family = match family {
        libc::AF_INET => AddressFamily::INET,
        libc::AF_INET6 => AddressFamily::INET6,
        libc::AF_UNIX => AddressFamily::UNIX,
        _ => return call.proceed(),
    };
    let (kind, flags) = (kind & 0xf, kind & !0xf);
    let (made, known) = if kind == libc::SOCK_DGRAM.cast_unsigned() {
        let known = matches!(protocol, 0 | libc::IPPROTO_UDP);
        (SocketType::DGRAM, known && core.plan.names.is_some())
    } else {
        let known = match family {
            AddressFamily::UNIX => protocol == 0,
            _ => matches!(protocol, 0 | libc::IPPROTO_TCP | MPTCP),
        };
        (SocketType::STREAM, known)
    };
    let flags = SocketFlags::from_bits_retain(flags);
    if !known || !(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK).contains(flags) {
        return call.proceed();
    }
    let protocol = u32::try_from(protocol)
        .ok()
        .and_then(std::num::NonZeroU32::new)
        .map(Protocol::from_raw);
    let made = socket_with(family, made, flags | SocketFlags::CLOEXEC, protocol);
    let socket = match made {
        Ok(socket) => socket,
        Err(error) => {
            call.fail(error.raw_os_error());
            return;
        }
    };
    let by = call.by();
    let Ok(copy) = socket.try_clone() else {
        return call.proceed();
    };
    match core.sockets.made(socket, by) {
        Ok(inode) => {
            let close_on_exec = flags.contains(SocketFlags::CLOEXEC);
            if call
                .give(std::os::fd::AsFd::as_fd(&copy), close_on_exec)
                .is_err()
            {
                core.sockets.let_go(inode);
            }
        }
        Err(_) => call.proceed(),
    }
}

/// A socket that was bound to a port is held only while the service has it, so that the service's
/// closing it frees the port.
pub(super) fn bind(core: &Core, call: Call) {
    if let Some(inode) = core.sockets.inode(&call) {
        match given(&call) {
            Some(Given::Inet(addr)) => core.sockets.bound(&call, inode, addr.port()),
            // What listens there is none of ours.
            Some(Given::Unix(_)) => drop(core.sockets.let_go(inode)),
            _ => {}
        }
    }
    call.proceed();
}
