//! `listen`: the service's ports are learned.

use std::sync::Arc;

use socket2::SockRef;

use super::call::Call;
use super::sockets::is_tcp;
use super::supervisor::Core;

pub(super) fn listen(core: &Arc<Core>, call: Call) {
    let by = call.by();
    let Ok(taken) = core.sockets.take(&call) else {
        return call.proceed();
    };
    if !is_tcp(&taken.socket) || !call.still_waits() {
        return call.proceed();
    }
    // Done here, the port is known (where the kernel chose it too) before the service goes on.
    let socket = SockRef::from(&taken.socket);
    if let Err(error) = socket.listen(call.int(1)) {
        call.fail(super::loopback::errno(&error));
        return;
    }
    if let Some(addr) = socket.local_addr().ok().and_then(|addr| addr.as_socket()) {
        core.sockets.listens(addr.port());
        core.director.listens(addr, by);
        if let Some(inbound) = &core.inbound {
            inbound.listens(taken.inode, core.director.records(addr));
        }
    }
    match core.inbound {
        // Its clients are had by it.
        Some(_) => core.sockets.hold(&call, taken.inode),
        None => drop(core.sockets.let_go(taken.inode)),
    }
    // From now on the service's closing it frees the port.
    drop(taken);
    call.succeed(0);
}
