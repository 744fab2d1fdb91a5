//! Connections that were accepted and dialled elsewhere.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mio::net::TcpStream;
use mio::{Interest, Token};
use retake_intercept::Listen;
use retake_model::{ConnInfo, Direction};
use socket2::SockRef;

use super::Worker;
use crate::record::adopt::Adopted;
use crate::record::counters::Live;
use crate::record::door::{Door, Upstream, refuse};
use crate::record::reader::Findings;
use crate::record::session::{Session, Turn};
use crate::record::tls::Way;

impl Worker {
    /// Goes on with connections that were accepted and dialled elsewhere.
    pub(super) fn adopt_all(&mut self) {
        for adopted in self.inbox.take() {
            self.adopt(adopted);
        }
    }

    fn adopt(&mut self, adopted: Adopted) {
        let Adopted {
            info,
            counters,
            mut client,
            mut server,
            first,
            renaming,
        } = adopted;
        let door = self.door_of(&info, &counters);
        Live::add(&counters.connections, 1);
        Live::add(&counters.open, 1);
        if info.direction == Direction::Inbound {
            self.shared.has_inbound.store(true, Ordering::Relaxed);
            self.shared.inbound.fetch_add(1, Ordering::AcqRel);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.sessions.push(None);
            self.sessions.len() - 1
        });
        let by_client = self.watch(&mut client, slot, 0);
        let by_server = self.watch(&mut server, slot, 1);
        let mut findings = Findings {
            events: &mut self.events,
            door,
            protocols: self.shared.protocols,
            counters: &counters,
        };
        if by_client.and(by_server).is_err() {
            self.free.push(slot);
            return refuse(&info, &client, &mut findings, &self.shared);
        }
        let way = match &self.shared.floor {
            Some(_) => Way::of_adopted(info.direction, self.shared.ends_service_tls),
            None => Way::Off,
        };
        let session = Session::joined(info, door, client, server, way, &mut findings);
        let mut session = Box::new(session);
        session.renaming = renaming;
        let mut turn = Turn {
            slot,
            arrivals: &mut self.arrivals,
            buffer: &mut self.buffer,
            clock: self.shared.clock,
            findings,
        };
        for piece in first.chunks(turn.buffer.len()) {
            if let Some(place) = turn.buffer.get_mut(..piece.len()) {
                place.copy_from_slice(piece);
                session.begin_with(piece.len(), &mut turn);
            }
        }
        if let Some(place) = self.sessions.get_mut(slot) {
            *place = Some(session);
        }
        self.pump(slot);
    }

    /// Gives a session the name that its client said, where that is known by another.
    pub(super) fn rename(&mut self, slot: usize) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        if !session.has_spoken {
            return;
        }
        let Some(door) = self.doors.get(session.door) else {
            return;
        };
        let mut counters = Arc::clone(&door.counters);
        let Some((event, info)) = session.renamed(&mut counters) else {
            return;
        };
        let door = self.door_of(&info, &counters);
        if let Some(Some(session)) = self.sessions.get_mut(slot) {
            session.door = door;
        }
        self.events.push((door, event));
    }

    /// Has the system tell of a socket by its own token: the client's of a slot (side 0), or the
    /// server's (side 1).
    fn watch(&self, socket: &mut TcpStream, slot: usize, side: usize) -> io::Result<()> {
        let _ = socket.set_nodelay(true);
        // A socket that stays blocking could stop the whole thread.
        SockRef::from(&*socket).set_nonblocking(true)?;
        let token = Token(self.waiting.len() + slot * 2 + side);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        // It was watched from the inbox already, unless the system refused.
        registry
            .reregister(socket, token, interest)
            .or_else(|_| registry.register(socket, token, interest))
    }

    /// The door without a socket whose counters are those of a dependency.
    fn door_of(&mut self, info: &ConnInfo, counters: &Arc<Live>) -> usize {
        if let Some(known) = self.later.get(&info.dependency) {
            return *known;
        }
        let target = info.target.clone().unwrap_or_default();
        let listen = Listen {
            addr: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            direction: info.direction,
            dependency: info.dependency.clone(),
            protocol: info.protocol,
            upstream: target,
            upstream_tls: false,
            serves_tls: false,
        };
        self.doors.push(Door {
            socket: None,
            listen,
            upstream: Arc::new(Upstream::nowhere()),
            counters: Arc::clone(counters),
        });
        self.later
            .insert(info.dependency.clone(), self.doors.len() - 1);
        self.doors.len() - 1
    }
}
