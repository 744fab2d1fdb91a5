//! Questions that a client asks by itself, past us: asked once more, to learn the answer.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{PATIENCE, Resolver, question, sent_to};

/// How many questions wait for their answers. Of more, the oldest are given up.
const MAX_NOTICED: usize = 64;

/// For how long a connection waits for the name of its address, from when the question was asked:
/// whoever connects has an answer, and ours, which was asked for before, is seldom later.
const HELD: Duration = Duration::from_millis(100);

/// Questions that were asked and whose answers were not read yet.
#[derive(Debug, Default)]
pub(super) struct Noticed(Mutex<VecDeque<Question>>);

#[derive(Debug)]
struct Question {
    socket: UdpSocket,
    asked: Instant,
}

impl Noticed {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Question>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver {
    /// The client asks a server by itself, and will compare who answers: the server is asked the
    /// same by us, before, only to learn the answer.
    pub fn notice(&self, message: &[u8], server: SocketAddr) {
        if question(message).is_none() {
            return;
        }
        match sent_to(server, message, HELD) {
            Ok(socket) => {
                let mut noticed = self.shared.noticed.lock();
                noticed.retain(|question| question.asked.elapsed() < PATIENCE);
                if noticed.len() >= MAX_NOTICED {
                    noticed.pop_front();
                }
                let asked = Instant::now();
                noticed.push_back(Question { socket, asked });
            }
            Err(error) => tracing::debug!(%error, %server, "a question is not followed"),
        }
    }

    /// Reads the answers that a client may have got by itself, where an address has no name yet.
    /// It is waited for those to what was asked just now.
    pub fn settle(&self, address: IpAddr) {
        let is_known = || self.shared.names.of(address).is_some();
        if is_known() {
            return;
        }
        let mut noticed = self.shared.noticed.lock();
        noticed.retain(|question| !self.learned(question, None));
        noticed.retain(|question| {
            let left = HELD.checked_sub(question.asked.elapsed());
            is_known() || left.is_none_or(|left| !self.learned(question, Some(left)))
        });
    }

    /// Whether there is an answer, which is then known, or none will come.
    fn learned(&self, question: &Question, within: Option<Duration>) -> bool {
        let socket = &question.socket;
        let set = match within {
            None => socket.set_nonblocking(true),
            Some(within) => socket
                .set_nonblocking(false)
                .and_then(|()| socket.set_read_timeout(Some(within.max(Duration::from_millis(1))))),
        };
        match set.and_then(|()| self.shared.learn_from(socket)) {
            Ok(_) => true,
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::query;
    use super::super::{Names, Reply, Source, answer};
    use super::*;

    #[test]
    fn what_a_client_asks_by_itself_is_learned_before_it_connects() {
        let real = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let server = real.local_addr().expect("bound");
        let address: IpAddr = [10, 9, 8, 7].into();
        let names = Arc::new(Names::default());
        let resolver =
            Resolver::start(names.clone(), Source::Real, Box::new(|_| {})).expect("started");
        resolver.notice(&query("db.internal"), server);
        let mut buffer = [0; 512];
        let (length, client) = real.recv_from(&mut buffer).expect("asked");
        let asked = &buffer[..length];
        let reply = answer(
            asked,
            &question(asked).expect("one"),
            Reply::Addresses(&[address]),
        );
        real.send_to(&reply, client).expect("answered");
        resolver.settle(address);
        assert_eq!(names.of(address).as_deref(), Some("db.internal"));
    }

    #[test]
    fn only_what_was_asked_just_now_is_waited_for() {
        let real = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let server = real.local_addr().expect("bound");
        let address: IpAddr = [10, 9, 8, 7].into();
        let names = Arc::new(Names::default());
        let resolver =
            Resolver::start(names.clone(), Source::Real, Box::new(|_| {})).expect("started");
        let begun = Instant::now();
        for _ in 0..2 * MAX_NOTICED {
            resolver.notice(&query("db.internal"), server);
        }
        assert_eq!(resolver.shared.noticed.lock().len(), MAX_NOTICED);
        resolver.settle(address);
        assert!(begun.elapsed() >= HELD);
        // Later ones are looked at, no more.
        resolver.settle(address);
        assert_eq!(resolver.shared.noticed.lock().len(), MAX_NOTICED);
        // Where the address is known nobody looks.
        names.learn("db.internal", address);
        resolver.settle(address);
        // Refused, none will come.
        drop(real);
        resolver.notice(&query("db.internal"), server);
        resolver.settle([10, 9, 8, 6].into());
        assert!(resolver.shared.noticed.lock().len() < MAX_NOTICED);
    }
}
