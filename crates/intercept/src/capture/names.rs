//! `getpeername`: the service is told where its socket really leads.

use std::io;
use std::net::SocketAddr;

use super::call::Call;
use super::supervisor::Core;
use super::sys::address;

pub(super) fn getpeername(core: &Core, call: Call) {
    let Some(given) = leads(core, &call) else {
        return call.proceed();
    };
    let mut len = [0; 4];
    let length_at = call.argument(2);
    if call.read(length_at, &mut len).is_err() || !call.still_waits() {
        return call.proceed();
    }
    let Ok(room) = usize::try_from(i32::from_ne_bytes(len)) else {
        call.fail(libc::EINVAL);
        return;
    };
    let name = address::write(given);
    match write(&call, &name, room) {
        Ok(()) => {
            call.succeed(0);
        }
        Err(_) => call.proceed(),
    }
}

/// Where the socket leads, if it is one that was captured. The kernel says of a socket that still
/// waits, or no longer is, that it is not connected.
fn leads(core: &Core, call: &Call) -> Option<SocketAddr> {
    let (inode, is_connected) = match core.sockets.take(call) {
        Ok(taken) => {
            let socket = socket2::SockRef::from(&taken.socket);
            (taken.inode, socket.peer_addr().is_ok())
        }
        Err(_) => (core.sockets.inode(call)?, true),
    };
    let given = core.sockets.leads(inode)?;
    (is_connected && !core.pending.has(inode)).then_some(given)
}

/// As much of the name as there is room for, and its whole length (`getpeername(2)`).
fn write(call: &Call, name: &[u8], room: usize) -> io::Result<()> {
    let part = name.get(..room.min(name.len())).unwrap_or_default();
    if !part.is_empty() {
        call.write(call.argument(1), part)?;
    }
    let len = u32::try_from(name.len()).unwrap_or(u32::MAX);
    call.write(call.argument(2), &len.to_ne_bytes())?;
    Ok(())
}
