//! Questions that a client asks by itself, past us: asked once more, to learn the answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{MAX_WAITING, PATIENCE, Resolver, Shared, question, sent_to};

/// For how long a connection waits for the name of its address, from when the question was asked:
/// whoever connects has an answer, so ours is here, too, but for the thread that reads it.
const HELD: Duration = Duration::from_millis(100);

/// Questions that were asked and not answered yet.
#[derive(Debug, Default)]
pub(super) struct Noticed {
    asked: Mutex<Vec<Instant>>,
    answered: Condvar,
}

impl Noticed {
    fn asked(&self, at: Instant) {
        self.lock().push(at);
    }

    fn answered(&self, at: Instant) {
        let mut asked = self.lock();
        if let Some(index) = asked.iter().position(|other| *other == at) {
            asked.swap_remove(index);
        }
        drop(asked);
        self.answered.notify_all();
    }

    /// Waits while there is a question that was asked just now, and it is not known yet.
    fn settle(&self, is_known: impl Fn() -> bool) {
        let mut asked = self.lock();
        while let Some(left) = asked
            .iter()
            .filter_map(|at| HELD.checked_sub(at.elapsed()))
            .max()
        {
            if is_known() {
                return;
            }
            let woken = self.answered.wait_timeout(asked, left);
            asked = woken.map_or_else(|error| error.into_inner().0, |(asked, _)| asked);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Instant>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver {
    /// The client asks a server by itself, and will compare who answers: the server is asked the
    /// same by us, only to learn the answer.
    pub fn notice(&self, message: &[u8], server: SocketAddr) {
        if question(message).is_none() {
            return;
        }
        let shared = &self.shared;
        if shared.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            shared.waiting.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        if let Err(error) = ask(shared, message, server) {
            tracing::debug!(%error, %server, "a question is not followed");
            shared.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Waits, for a moment, until the answers are known that a client may have got by itself, where
    /// an address has no name yet.
    pub fn settle(&self, address: IpAddr) {
        let is_known = || self.shared.names.of(address).is_some();
        if !is_known() {
            self.shared.noticed.settle(is_known);
        }
    }
}

/// Sends the question before the client does, and waits for the answer apart.
fn ask(shared: &Arc<Shared>, message: &[u8], server: SocketAddr) -> io::Result<()> {
    let socket = sent_to(server, message, PATIENCE)?;
    let at = Instant::now();
    shared.noticed.asked(at);
    let all = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("retake-look-up".to_owned());
    let spawned = thread.spawn(move || {
        if let Err(error) = all.learn_from(&socket) {
            tracing::debug!(%error, %server, "a question was not answered to us");
        }
        all.noticed.answered(at);
        all.waiting.fetch_sub(1, Ordering::Relaxed);
    });
    if spawned.is_err() {
        shared.noticed.answered(at);
    }
    spawned.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

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
        // It may take longer than a connection waits where the machine is busy: then again.
        while names.of(address).is_none() {
            resolver.settle(address);
        }
        assert_eq!(names.of(address).as_deref(), Some("db.internal"));
    }

    #[test]
    fn nobody_waits_for_what_was_not_asked_or_is_known() {
        let noticed = Noticed::default();
        noticed.settle(|| false);
        let at = Instant::now();
        noticed.asked(at);
        noticed.settle(|| true);
        // An answer that does not come is waited for only so long.
        noticed.settle(|| false);
        assert!(at.elapsed() >= HELD);
        noticed.settle(|| false);
        noticed.answered(at);
        assert!(noticed.lock().is_empty());
    }
}
