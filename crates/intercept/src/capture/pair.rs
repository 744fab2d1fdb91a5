//! Connected pairs of TCP sockets on loopback: one end for the service, the other for us.
//!
//! A pair costs a connect and an accept, so a few wait in store, and a thread of their own makes
//! more while the service is being served.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

/// How many pairs wait in store.
const IN_STORE: usize = 32;

/// Connections of strangers that are thrown away before a pair is given up.
const STRANGERS: usize = 64;

/// Two ends of one connection.
#[derive(Debug)]
pub(super) struct Pair {
    /// The end for the service: blocking, closed on exec.
    pub(super) theirs: TcpStream,
    /// Our end: non-blocking.
    pub(super) ours: TcpStream,
}

/// Makes pairs of one address family.
#[derive(Debug)]
struct Maker {
    listener: TcpListener,
    at: SocketAddr,
}

impl Maker {
    fn new(ip: std::net::IpAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((ip, 0))?;
        let at = listener.local_addr()?;
        Ok(Maker { listener, at })
    }

    /// Others on this machine may connect to the listener too; a pair is known by its port.
    fn make(&self) -> io::Result<Pair> {
        let ours = TcpStream::connect(self.at)?;
        let local = ours.local_addr()?;
        for _ in 0..STRANGERS {
            let (theirs, peer) = self.listener.accept()?;
            if peer == local {
                ours.set_nonblocking(true)?;
                ours.set_nodelay(true)?;
                return Ok(Pair { theirs, ours });
            }
        }
        Err(io::Error::other("strangers connect faster than we do"))
    }
}

/// A store of pairs, for each address family: a service may look at the family of its socket.
#[derive(Debug)]
pub(super) struct Pairs {
    v4: Shelf,
    v6: Option<Shelf>,
}

impl Pairs {
    /// Opens the listeners, and begins to fill the store.
    ///
    /// # Errors
    /// The system gives no sockets or threads. That there is no IPv6 is none.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Pairs {
            v4: Shelf::new(Maker::new(Ipv4Addr::LOCALHOST.into())?)?,
            v6: match Maker::new(Ipv6Addr::LOCALHOST.into()) {
                Ok(maker) => Some(Shelf::new(maker)?),
                Err(_) => None,
            },
        })
    }

    /// A pair of the family that the address has.
    ///
    /// # Errors
    /// The system gives no more sockets.
    pub(super) fn take(&self, like: SocketAddr) -> io::Result<Pair> {
        match (&self.v6, like) {
            (Some(shelf), SocketAddr::V6(_)) => shelf.take(),
            _ => self.v4.take(),
        }
    }
}

#[derive(Debug)]
struct Shelf {
    store: Mutex<Receiver<io::Result<Pair>>>,
}

impl Shelf {
    fn new(maker: Maker) -> io::Result<Self> {
        let (to, store) = sync_channel(IN_STORE);
        thread::Builder::new()
            .name("capture-pairs".to_owned())
            .spawn(move || fill(&maker, &to))?;
        Ok(Shelf {
            store: Mutex::new(store),
        })
    }

    fn take(&self) -> io::Result<Pair> {
        let store = self
            .store
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match store.try_recv() {
            Ok(pair) => pair,
            Err(TryRecvError::Empty) => store.recv().unwrap_or_else(|_| Err(gone())),
            Err(TryRecvError::Disconnected) => Err(gone()),
        }
    }
}

/// Ends when the store is dropped.
fn fill(maker: &Maker, to: &SyncSender<io::Result<Pair>>) {
    while to.send(maker.make()).is_ok() {}
}

fn gone() -> io::Error {
    io::Error::other("the thread that makes pairs of sockets ended")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn the_ends_of_a_pair_belong_together_whoever_else_connects() {
        let pairs = Pairs::new().expect("sockets");
        for like in ["127.0.0.1:1", "[::1]:1"] {
            let like: SocketAddr = like.parse().expect("an address");
            for round in 0..100_u8 {
                let mut pair = pairs.take(like).expect("a pair");
                pair.ours.write_all(&[round]).expect("room");
                let mut byte = [0];
                pair.theirs.read_exact(&mut byte).expect("a byte");
                assert_eq!(byte, [round]);
            }
        }
    }

    #[test]
    fn strangers_are_thrown_away() {
        let maker = Maker::new(Ipv4Addr::LOCALHOST.into()).expect("a listener");
        let strangers: Vec<_> = (0..3)
            .map(|_| TcpStream::connect(maker.at).expect("a connection"))
            .collect();
        let pair = maker.make().expect("a pair");
        let ours = pair.ours.local_addr().expect("an address");
        assert_eq!(pair.theirs.peer_addr().expect("an address"), ours);
        assert!(
            strangers
                .iter()
                .all(|s| s.local_addr().is_ok_and(|a| a != ours))
        );
    }
}
