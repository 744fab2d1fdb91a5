//! `getpeername` and `getsockname`: the service is told where its socket really leads.

use std::io;
use std::net::SocketAddr;

use super::call::Call;
use super::supervisor::Core;
use super::sys::address;

pub(super) fn getpeername(core: &Core, call: Call) {
    let name = leads(core, &call);
    answer(call, name);
}

/// Only sockets that were accepted have another name than the kernel says: those that were
/// connected are on this machine's loopback, which `getsockname` shows.
pub(super) fn getsockname(core: &Core, call: Call) {
    let name = core.inbound.as_ref().and_then(|inbound| {
        let inode = core.sockets.inode(&call)?;
        Some(inbound.names(inode)?.local)
    });
    answer(call, name);
}

fn answer(call: Call, name: Option<SocketAddr>) {
    let Some(name) = name.filter(|_| call.still_waits()) else {
        return call.proceed();
    };
    match write_name(&call, name) {
        Ok(()) => {
            call.succeed(0);
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            call.fail(libc::EINVAL);
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
    let accepted = || Some(core.inbound.as_ref()?.names(inode)?.peer);
    let given = core.sockets.leads(inode).or_else(accepted)?;
    (is_connected && !core.pending.has(inode)).then_some(given)
}

/// Writes a name to where the call's second and third argument ask for it: as much as there is
/// room for, and its whole length (`getpeername(2)`, `accept(2)`).
///
/// # Errors
/// `InvalidInput`: the room is negative. Else the memory is not the caller's.
pub(super) fn write_name(call: &Call, name: SocketAddr) -> io::Result<()> {
    write_name_at(call, call.argument(1), call.argument(2), name)
}

/// The same for a name whose place and room stand elsewhere.
///
/// # Errors
/// As above.
pub(super) fn write_name_at(call: &Call, at: u64, len_at: u64, name: SocketAddr) -> io::Result<()> {
    let mut room = [0; 4];
    if call.read(len_at, &mut room)? != room.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let room = usize::try_from(i32::from_ne_bytes(room))
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let name = address::write(name);
    let part = name.get(..room.min(name.len())).unwrap_or_default();
    if !part.is_empty() {
        call.write(at, part)?;
    }
    let len = u32::try_from(name.len()).unwrap_or(u32::MAX);
    call.write(len_at, &len.to_ne_bytes())?;
    Ok(())
}
