//! Questions to name servers by datagrams that go out without a `connect`, and their answers.
//!
//! musl, dnspython, Netty and others send each question to a server by `sendto`, and take an answer
//! only from the address that they asked. While recording they are let go, and the same is asked
//! once more to learn the answer. On replay the question is sent to our name server, from the
//! client's own socket; so the answer wakes the client as natively, and when it is received, the
//! client is told that it came from the one that it asked.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::RecvFlags;
use socket2::{SockAddr, SockRef, Type};

use super::call::Call;
use super::connect::{DNS, reachable};
use super::message::Room;
use super::resolve::Resolver;
use super::sockets::{Taken, lock};
use super::supervisor::Core;
use super::sys::address::{self, Given, plain};
use super::sys::tell::{Tell, When};

/// The largest question that is read. RFC 1035 has 512 bytes, extensions (RFC 6891) few more.
const MAX_QUESTION: usize = 4096;
/// The largest answer over UDP.
const MAX_ANSWER: usize = 65_535;
/// How many sockets are known, and how many questions of each. Beyond it all are forgotten: who
/// waits for an answer then asks again.
const MAX_SOCKETS: usize = 4096;
const MAX_QUESTIONS: usize = 1024;
/// For how long a blocking call is held for an answer; our server answers sooner, if with failure.
const PATIENCE: Duration = Duration::from_secs(11);

/// Sockets whose questions were led to our name server, by their inode.
#[derive(Debug, Default)]
pub(super) struct Datagrams(Mutex<HashMap<u64, Asked>>);

/// Whom the client of one socket asked.
#[derive(Debug, Clone)]
enum Asked {
    /// The one that it is connected to.
    One(SocketAddr),
    /// One for each question, by the number that stands in it and in its answer.
    Each(HashMap<[u8; 2], SocketAddr>),
}

impl Datagrams {
    /// The calls that are told to us. Streams are read and written without addresses, so only
    /// datagrams cost more; but `recvmsg` hides its addresses, so it is told on replay alone.
    pub(super) fn tells(leads: bool, is_replay: bool) -> Vec<Tell> {
        let mut tells = vec![Tell::new(libc::SYS_sendto, &[When::Pointer(4)])];
        if leads {
            tells.push(Tell::new(libc::SYS_recvfrom, &[When::Pointer(4)]));
            if is_replay {
                tells.push(Tell::new(libc::SYS_recvmsg, &[]));
            }
        }
        tells
    }

    /// A socket was connected to our server in place of this one.
    pub(super) fn connected(&self, inode: u64, wanted: SocketAddr) {
        self.insert(inode, |asked| *asked = Asked::One(wanted));
    }

    fn sent(&self, inode: u64, number: [u8; 2], wanted: SocketAddr) {
        self.insert(inode, |asked| match asked {
            Asked::Each(all) if all.len() < MAX_QUESTIONS => {
                all.insert(number, wanted);
            }
            _ => *asked = Asked::Each(HashMap::from([(number, wanted)])),
        });
    }

    fn insert(&self, inode: u64, change: impl FnOnce(&mut Asked)) {
        let mut sockets = lock(&self.0);
        if sockets.len() >= MAX_SOCKETS && !sockets.contains_key(&inode) {
            sockets.clear();
        }
        change(
            sockets
                .entry(inode)
                .or_insert_with(|| Asked::Each(HashMap::new())),
        );
    }

    fn knows(&self, inode: u64) -> bool {
        lock(&self.0).contains_key(&inode)
    }

    /// Whom the client asked that got this answer.
    fn wanted(&self, inode: u64, answer: &[u8]) -> Option<SocketAddr> {
        match lock(&self.0).get(&inode)? {
            Asked::One(wanted) => Some(*wanted),
            Asked::Each(all) => all.get(answer.first_chunk()?).copied(),
        }
    }
}

/// `sendto` with an address.
pub(super) fn sendto(core: &Core, call: Call) {
    let Some(names) = &core.plan.names else {
        return call.proceed();
    };
    let Some(given) = name_server(&call) else {
        return call.proceed();
    };
    let Some(question) = question(&call) else {
        return call.proceed();
    };
    if !names.is_recorded() {
        if call.still_waits() {
            names.notice(&question, plain(given));
        }
        return call.proceed();
    }
    if core.plan.leads_datagrams()
        && let Ok(taken) = core.sockets.take(&call)
        && call.still_waits()
        && lead(core, names, &taken, &question, given).is_ok()
    {
        call.succeed(i64::try_from(question.len()).unwrap_or(0));
        return;
    }
    call.proceed();
}

/// The address that a call sends to, where that is a name server's.
fn name_server(call: &Call) -> Option<SocketAddr> {
    let len = usize::try_from(call.int(5)).ok()?;
    let mut bytes = [0; address::LARGEST];
    let bytes = bytes.get_mut(..len)?;
    if call.read(call.argument(4), bytes).ok()? != len {
        return None;
    }
    match address::read(bytes) {
        Given::Inet(given) if given.port() == DNS => Some(reachable(given)),
        _ => None,
    }
}

/// The message that a call sends; none where it is no question of ours to look at.
fn question(call: &Call) -> Option<Vec<u8>> {
    let len = usize::try_from(call.argument(2)).ok()?;
    let mut message = vec![0; Some(len).filter(|len| *len <= MAX_QUESTION)?];
    let read = call.read(call.argument(1), &mut message).ok()?;
    (read == len && super::dns::question(&message).is_some()).then_some(message)
}

/// Sends the question to our server, from the client's own socket.
fn lead(
    core: &Core,
    names: &Resolver,
    taken: &Taken,
    question: &[u8],
    given: SocketAddr,
) -> io::Result<()> {
    let socket = SockRef::from(&taken.socket);
    if socket.r#type()? != Type::DGRAM {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let missing = || io::Error::from(io::ErrorKind::AddrNotAvailable);
    let number = question.first_chunk().ok_or_else(missing)?;
    let ours = names.instead_of(given).ok_or_else(missing)?;
    let mut own = socket.local_addr()?.as_socket().ok_or_else(missing)?;
    if own.port() == 0 {
        // As the kernel does it where one sends that is not bound; here the port is known before.
        socket.bind(&SockAddr::from(own))?;
        own = socket.local_addr()?.as_socket().ok_or_else(missing)?;
    }
    names.client_wants(SocketAddr::new(ours.ip(), own.port()), plain(given));
    core.datagrams.sent(taken.inode, *number, given);
    socket.send_to(question, &ours.into())?;
    Ok(())
}

/// `recvfrom` with room for an address, and `recvmsg`.
pub(super) fn receive(core: &Arc<Core>, call: Call) {
    let Ok(taken) = core.sockets.take(&call) else {
        return call.proceed();
    };
    if !core.datagrams.knows(taken.inode) {
        return call.proceed();
    }
    let Some(room) = Room::of(&call) else {
        return call.proceed();
    };
    let socket = SockRef::from(&taken.socket);
    let blocks = !room.flags.contains(RecvFlags::DONTWAIT) && !socket.nonblocking().unwrap_or(true);
    if !blocks || has_answer(&taken.socket, Duration::ZERO) {
        return answer(core, call, &taken, &room);
    }
    // A thread of its own waits: others go on meanwhile.
    let limit = socket.read_timeout().ok().flatten();
    let core = Arc::clone(core);
    let waiting = std::thread::Builder::new()
        .name("retake-answer".to_owned())
        .spawn(move || {
            if !has_answer(&taken.socket, limit.unwrap_or(PATIENCE).min(PATIENCE))
                && limit.is_none()
            {
                return call.proceed();
            }
            answer(&core, call, &taken, &room);
        });
    if let Err(error) = waiting {
        // The call went with the closure: the kernel runs it.
        tracing::debug!(%error, "an answer is received without us");
    }
}

fn has_answer(socket: &OwnedFd, within: Duration) -> bool {
    let mut ready = [PollFd::new(socket, PollFlags::IN)];
    let within = Timespec::try_from(within).ok();
    poll(&mut ready, within.as_ref()).is_ok_and(|count| count > 0)
}

/// Receives in the client's place what came from our server; everything else it receives itself.
fn answer(core: &Core, call: Call, taken: &Taken, room: &Room) {
    let mut message = vec![0; MAX_ANSWER];
    let mut take = |flags| rustix::net::recvfrom(&taken.socket, &mut message[..], flags);
    let from = match take(RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, _, from)) => from.and_then(|from| SocketAddr::try_from(from).ok()),
        Err(error) => {
            call.fail(error.raw_os_error());
            return;
        }
    };
    let ours = core.plan.names.as_ref();
    if !ours.is_some_and(|ours| from.is_some_and(|from| ours.is_at(from))) || !call.still_waits() {
        return call.proceed();
    }
    let peek = room.flags & RecvFlags::PEEK;
    let length = match take(RecvFlags::DONTWAIT | peek) {
        Ok((_, length, _)) => length,
        Err(error) => {
            call.fail(error.raw_os_error());
            return;
        }
    };
    let message = message.get(..length).unwrap_or_default();
    let wanted = core.datagrams.wanted(taken.inode, message).or(from);
    match room.fill(&call, message, wanted) {
        Ok(length) => call.succeed(i64::try_from(length).unwrap_or(0)),
        Err(_) => call.fail(libc::EFAULT),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_comes_from_the_one_that_was_asked() {
        let [first, second] =
            ["10.0.0.1:53", "10.0.0.2:53"].map(|a| a.parse().expect("an address"));
        let datagrams = Datagrams::default();
        datagrams.sent(7, [1, 1], first);
        datagrams.sent(7, [1, 2], second);
        datagrams.connected(8, second);
        assert_eq!(datagrams.wanted(7, &[1, 1, 0x81, 0x80]), Some(first));
        assert_eq!(datagrams.wanted(7, &[1, 2, 0x81, 0x80]), Some(second));
        assert_eq!(datagrams.wanted(7, &[9, 9, 0x81, 0x80]), None);
        assert_eq!(datagrams.wanted(7, &[1]), None);
        assert_eq!(datagrams.wanted(8, &[9, 9, 0x81, 0x80]), Some(second));
        assert!(!datagrams.knows(9));
        // What is held has a bound.
        for number in 0..=u16::try_from(MAX_QUESTIONS).expect("small") {
            datagrams.sent(7, number.to_be_bytes(), first);
        }
        let held = match lock(&datagrams.0).get(&7) {
            Some(Asked::Each(all)) => all.len(),
            other => panic!("{other:?}"),
        };
        assert!(held <= MAX_QUESTIONS, "{held}");
    }
}
