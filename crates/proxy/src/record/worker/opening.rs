//! Accepting connections, and reaching their upstreams.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mio::net::TcpStream;
use mio::{Interest, Token};
use retake_model::{ConnId, ConnInfo, Direction};

use super::super::counters::Live;
use super::super::door::{dial, refuse};
use super::super::reader::Findings;
use super::super::session::Session;
use super::super::tls::Way;
use super::{ACCEPTS_PER_TURN, Worker};
use crate::limits::raise_open_files;

impl Worker {
    /// Takes the connections that wait at a door.
    pub(super) fn accept(&mut self, at: usize) {
        for _ in 0..ACCEPTS_PER_TURN {
            let (Some(door), Some(true)) = (self.doors.get(at), self.waiting.get(at)) else {
                return;
            };
            let Some(socket) = &door.socket else {
                return;
            };
            match socket.accept() {
                Ok((client, peer)) => self.open(at, client, peer),
                Err(error) => {
                    let wait = match error.kind() {
                        ErrorKind::WouldBlock => false,
                        ErrorKind::Interrupted | ErrorKind::ConnectionAborted => continue,
                        _ => !raise_open_files(),
                    };
                    self.refused = wait;
                    if let Some(waiting) = self.waiting.get_mut(at) {
                        *waiting = error.kind() != ErrorKind::WouldBlock;
                    }
                    return;
                }
            }
        }
    }

    fn open(&mut self, at: usize, mut client: TcpStream, peer: SocketAddr) {
        let Some(door) = self.doors.get(at) else {
            return;
        };
        Live::add(&door.counters.connections, 1);
        Live::add(&door.counters.open, 1);
        let info = ConnInfo {
            id: ConnId(self.shared.connections.fetch_add(1, Ordering::Relaxed)),
            direction: door.listen.direction,
            dependency: door.listen.dependency.clone(),
            protocol: door.listen.protocol,
            peer: Some(peer),
            target: Some(door.listen.upstream.clone()),
            process: None,
            opened: self.shared.clock.now(),
        };
        if info.direction == Direction::Inbound {
            self.shared.inbound.fetch_add(1, Ordering::AcqRel);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.sessions.push(None);
            self.sessions.len() - 1
        });
        let mut tried = 0;
        let server = loop {
            let Some(address) = door.upstream.address(tried) else {
                break None;
            };
            match dial(address, self.waiting.len() + slot * 2 + 1, &self.poll) {
                Ok(server) => break Some(server),
                Err(_) => tried += 1,
            }
        };
        let registered = self.poll.registry().register(
            &mut client,
            Token(self.waiting.len() + slot * 2),
            Interest::READABLE | Interest::WRITABLE,
        );
        // Whoever waits for more bytes than a packet holds is not made to wait longer by us.
        let _ = client.set_nodelay(true);
        let counters = Arc::clone(&door.counters);
        let mut findings = Findings {
            events: &mut self.events,
            door: at,
            protocols: self.shared.protocols,
            counters: &counters,
        };
        let (Some(server), Ok(())) = (server, registered) else {
            self.free.push(slot);
            refuse(&info, &client, &mut findings, &self.shared);
            return;
        };
        let way = match &self.shared.floor {
            Some(_) => Way::of(&door.listen),
            None => Way::Off,
        };
        let mut session = Session::new(info, at, client, server, way, &mut findings);
        session.tried = tried;
        if let Some(place) = self.sessions.get_mut(slot) {
            *place = Some(Box::new(session));
        }
    }

    /// The upstream accepted, or refused.
    pub(super) fn dialled(&mut self, slot: usize) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let Some(door) = self.doors.get(session.door) else {
            return self.close(slot, true);
        };
        let failed = match session.server.socket.take_error() {
            Ok(Some(_)) | Err(_) => true,
            Ok(None) => match session.server.socket.peer_addr() {
                Ok(_) => false,
                Err(error) if error.kind() == ErrorKind::NotConnected => return,
                Err(_) => true,
            },
        };
        if !failed {
            session.connected = true;
            door.upstream.answered(session.tried);
            let _ = session.server.socket.set_nodelay(true);
            session.client.readable = true;
            session.server.readable = true;
            return self.pump(slot);
        }
        while let Some(address) = door.upstream.address(session.tried + 1) {
            session.tried += 1;
            if let Ok(server) = dial(address, self.waiting.len() + slot * 2 + 1, &self.poll) {
                session.server.socket = server;
                return;
            }
        }
        Live::add(&door.counters.unreachable, 1);
        self.close(slot, true);
    }
}
