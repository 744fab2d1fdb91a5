//! Sockets that we made for the service and that it bound to a port: had until it listens and while
//! it accepts, but only as long as it has them itself.
//!
//! While we hold one, the service's closing it does not free its port, and no call tells of that
//! (`close` is too frequent to be told). So it is looked for where somebody wants the port again,
//! and now and then.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use socket2::SockRef;

use super::sockets::{fd_of, lock};
use super::sys::process;
use super::{Pid, family};

/// Sockets that are held, at most: more are the service's alone.
const MOST: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Held {
    by_inode: Mutex<HashMap<u64, One>>,
}

#[derive(Debug)]
struct One {
    socket: Arc<OwnedFd>,
    /// Who had it when it was looked for last, and as what.
    by: Pid,
    fd: i32,
}

impl Held {
    /// Holds a socket that is a process's descriptor. One too many is not held.
    pub(super) fn hold(&self, inode: u64, socket: Arc<OwnedFd>, by: Pid, fd: i32) {
        if lock(&self.by_inode).len() >= MOST {
            self.look();
        }
        let mut all = lock(&self.by_inode);
        if all.len() < MOST {
            all.insert(inode, One { socket, by, fd });
        }
    }

    pub(super) fn get(&self, inode: u64) -> Option<Arc<OwnedFd>> {
        let all = lock(&self.by_inode);
        all.get(&inode).map(|one| Arc::clone(&one.socket))
    }

    pub(super) fn let_go(&self, inode: u64) -> Option<Arc<OwnedFd>> {
        lock(&self.by_inode).remove(&inode).map(|one| one.socket)
    }

    /// Somebody is about to bind to a port: what the service no longer has there is let go.
    pub(super) fn free(&self, port: u16) {
        self.look_at(|one| {
            let addr = SockRef::from(&one.socket).local_addr().ok();
            addr.and_then(|addr| addr.as_socket())
                .is_some_and(|addr| addr.port() == port)
        });
    }

    /// Lets go what the service no longer has.
    pub(super) fn look(&self) {
        self.look_at(|_| true);
    }

    /// Looking takes a while where a socket moved from one process to another, so it is done with
    /// nothing locked.
    fn look_at(&self, which: impl Fn(&One) -> bool) {
        // Without the sockets: what is let go meanwhile is to be closed.
        let these: Vec<(u64, Pid, i32)> = lock(&self.by_inode)
            .iter()
            .filter(|(_, one)| which(one))
            .map(|(inode, one)| (*inode, one.by, one.fd))
            .collect();
        for (inode, by, fd) in these {
            match whose(inode, by, fd) {
                Some((by, fd)) => {
                    if let Some(one) = lock(&self.by_inode).get_mut(&inode) {
                        (one.by, one.fd) = (by, fd);
                    }
                }
                None => {
                    self.let_go(inode);
                }
            }
        }
    }
}

/// A process of the service that has the socket, and as what: the same as before, as a rule.
fn whose(inode: u64, by: Pid, fd: i32) -> Option<(Pid, i32)> {
    if process::socket_inode(by, fd) == Some(inode) {
        return Some((by, fd));
    }
    let found = |by| fd_of(by, inode).map(|fd| (by, fd));
    found(by).or_else(|| family::captured().into_iter().find_map(found))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::os::fd::AsRawFd;

    use super::super::sockets::inode_of;
    use super::*;

    /// A listening socket as the service has it, and our duplicate of it, held.
    fn held() -> (Held, TcpListener, u64) {
        let theirs = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let ours = Arc::new(OwnedFd::from(theirs.try_clone().expect("a duplicate")));
        let inode = inode_of(&ours).expect("an inode");
        let held = Held::default();
        held.hold(inode, ours, std::process::id(), theirs.as_raw_fd());
        (held, theirs, inode)
    }

    #[test]
    fn a_socket_is_held_while_somebody_of_the_service_has_it() {
        let (held, theirs, inode) = held();
        held.look();
        assert!(held.get(inode).is_some());
        // Its number changes, as with `dup2`.
        let moved = theirs.try_clone().expect("a duplicate");
        drop(theirs);
        held.look();
        assert!(held.get(inode).is_some());
        drop(moved);
    }

    #[test]
    fn only_the_port_that_is_wanted_is_looked_at() {
        let (held, theirs, inode) = held();
        let port = theirs.local_addr().expect("an address").port();
        // Nobody is known to have it, as if it had been closed: this process holds a duplicate of
        // its own, which is not looked for in a process that is none of the service's.
        lock(&held.by_inode).get_mut(&inode).expect("held").by = u32::MAX;
        held.free(port.wrapping_add(1));
        assert!(held.get(inode).is_some());
        held.free(port);
        assert!(held.get(inode).is_none());
    }

    #[test]
    fn there_is_an_end_to_what_is_held() {
        let (held, theirs, inode) = held();
        let ours = held.get(inode).expect("held");
        for number in 0..2 * MOST as u64 {
            held.hold(u64::MAX - number, Arc::clone(&ours), u32::MAX, 0);
        }
        assert!(lock(&held.by_inode).len() <= MOST);
        assert!(held.get(inode).is_some(), "what is open stays");
        drop(theirs);
    }
}
