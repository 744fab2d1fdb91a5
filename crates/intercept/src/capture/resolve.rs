//! A name server of our own on the loopback, to which the app's look-ups are led.
//!
//! While recording it passes every question to the server that the app wanted, and the answers back
//! as they came; it only reads which name led to which address ([`Names`]), so that a connection to
//! `10.1.2.3` can be named `db.internal`. On replay it answers from the recording, and a name that
//! was not recorded does not exist.
//!
//! Who can be led here: whoever connects a UDP socket to port 53 and takes the answer of any server
//! (glibc and so Python, Ruby, PHP, Node's `lookup` and Java; Go). Who compares the answer's sender
//! would refuse ours where it cannot be told another: see [`takes_any_answer`]. c-ares (Node's
//! `resolve4`, gRPC) is told of ours by the file in which it looks for servers: see
//! [`Resolver::settings`]. Who asks without connecting (musl) is let go while recording, and the
//! same is asked once more: see [`Resolver::notice`].

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Names;
use super::dns::{Reply, addresses, answer, question};
use super::looked_up::MAX_NAMES;
use noticed::Noticed;

mod noticed;

/// How many questions wait for a real server at a time. More are dropped, as networks do: the
/// client asks again.
const MAX_WAITING: usize = 256;

/// For how long a real server is waited for. Clients give up and ask again after 5 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// The port of name servers.
const DNS: u16 = 53;

/// The largest message over UDP.
const MAX_MESSAGE: usize = 65_535;

/// Where answers come from.
#[derive(Debug, Clone, Default)]
pub enum Source {
    /// From the server that the app asked.
    #[default]
    Real,
    /// From the recording.
    Recorded {
        /// Names in lower case, with their addresses.
        hosts: HashMap<String, Vec<IpAddr>>,
        /// Whether the app's server is asked for what was not recorded.
        others_real: bool,
    },
}

/// Told of each name that is asked for while recording, and on replay of each that was not recorded.
pub type OnMiss = Box<dyn Fn(&str) + Send + Sync>;

/// The server.
#[derive(Debug)]
pub struct Resolver {
    v4: SocketAddr,
    v6: Option<SocketAddr>,
    shared: Arc<Shared>,
}

struct Shared {
    names: Arc<Names>,
    source: Source,
    on_miss: OnMiss,
    /// Which server a client wanted, by the client's own address.
    wanted: Mutex<HashMap<SocketAddr, SocketAddr>>,
    /// Which servers the others want, who came by [`Resolver::settings`].
    default: Mutex<Vec<SocketAddr>>,
    waiting: AtomicUsize,
    noticed: Noticed,
    stop: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Resolver {
    /// Starts it, on free ports of 127.0.0.1 and, where there is one, ::1.
    ///
    /// # Errors
    /// No port is to be had.
    pub fn start(names: Arc<Names>, source: Source, on_miss: OnMiss) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            names,
            source,
            on_miss,
            wanted: Mutex::default(),
            default: Mutex::default(),
            waiting: AtomicUsize::new(0),
            noticed: Noticed::default(),
            stop: AtomicBool::new(false),
        });
        let v4 = serve(Ipv4Addr::LOCALHOST.into(), &shared)?;
        let v6 = serve(Ipv6Addr::LOCALHOST.into(), &shared).ok();
        Ok(Resolver { v4, v6, shared })
    }

    /// Whether answers come from a recording.
    pub fn is_recorded(&self) -> bool {
        matches!(self.shared.source, Source::Recorded { .. })
    }

    /// Where a socket that wanted `server` is connected to instead. `None` where its family has no
    /// address of ours.
    pub fn instead_of(&self, server: SocketAddr) -> Option<SocketAddr> {
        match server {
            SocketAddr::V4(_) => Some(self.v4),
            SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
                Some(_) => Some(SocketAddr::new(
                    Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(),
                    self.v4.port(),
                )),
                None => self.v6,
            },
        }
    }

    /// Whether an address is ours.
    pub fn is_at(&self, address: SocketAddr) -> bool {
        canonical(address) == self.v4 || Some(address) == self.v6
    }

    /// The settings of a resolver that may name a port behind a server, as c-ares does: ours in
    /// place of the servers that `theirs` names, which are asked for what comes. None where one of
    /// those cannot be understood.
    pub fn settings(&self, theirs: &str) -> Option<String> {
        let mut settings = format!("nameserver {}\n", self.v4);
        let mut servers = Vec::new();
        for line in theirs.lines() {
            match line.trim().strip_prefix("nameserver") {
                Some(address) => {
                    let address: IpAddr = address.trim().parse().ok()?;
                    servers.push(SocketAddr::new(address, DNS));
                }
                None => {
                    settings.push_str(line);
                    settings.push('\n');
                }
            }
        }
        if servers.is_empty() {
            return None;
        }
        *self.shared.lock_default() = servers;
        Some(settings)
    }

    /// Says which server a client wanted, before it asks. `client` is its socket's own address.
    pub fn client_wants(&self, client: SocketAddr, wanted: SocketAddr) {
        let mut all = self.shared.lock_wanted();
        if all.len() > MAX_NAMES {
            // Ports of long ago. A client that is forgotten asks again.
            all.clear();
        }
        all.insert(canonical(client), wanted);
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // An empty message wakes each thread.
        for address in [Some(self.v4), self.v6].into_iter().flatten() {
            let any = SocketAddr::new(address.ip(), 0);
            let _ = UdpSocket::bind(any).and_then(|socket| socket.send_to(&[], address));
        }
    }
}

impl Shared {
    fn lock_wanted(&self) -> MutexGuard<'_, HashMap<SocketAddr, SocketAddr>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_default(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.default.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Our own answer; `None` where the real server is to be asked.
    fn own_answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        let Source::Recorded { hosts, others_real } = &self.source else {
            if let Some(asked) = question(message) {
                (self.on_miss)(&asked.name);
            }
            return None;
        };
        let asked = question(message)?;
        if let Some(addresses) = hosts.get(&asked.name) {
            for address in addresses {
                self.names.learn(&asked.name, *address);
            }
            return Some(answer(message, &asked, Reply::Addresses(addresses)));
        }
        if *others_real {
            return None;
        }
        // Resolvers try a recorded name with the search list's domains at its end too.
        let searched = hosts.keys().any(|host| {
            asked
                .name
                .strip_prefix(&**host)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        if !searched {
            (self.on_miss)(&asked.name);
        }
        Some(answer(message, &asked, Reply::NoSuchName))
    }

    /// Asks the real servers, one after the other, until one answers.
    fn forward(&self, message: &[u8], servers: &[SocketAddr]) -> io::Result<Vec<u8>> {
        let share = u32::try_from(servers.len()).unwrap_or(u32::MAX).max(1);
        let mut last = io::ErrorKind::NotFound.into();
        for server in servers {
            match self.ask(message, *server, PATIENCE / share) {
                Ok(reply) => return Ok(reply),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn ask(&self, message: &[u8], server: SocketAddr, patience: Duration) -> io::Result<Vec<u8>> {
        self.learn_from(&sent_to(server, message, patience)?)
    }

    /// Waits for the answer to what a socket asked.
    fn learn_from(&self, socket: &UdpSocket) -> io::Result<Vec<u8>> {
        let mut reply = vec![0; MAX_MESSAGE];
        let length = socket.recv(&mut reply)?;
        reply.truncate(length);
        if let Some(asked) = question(&reply) {
            for address in addresses(&reply) {
                self.names.learn(&asked.name, address);
            }
        }
        Ok(reply)
    }
}

/// A socket that asked a server.
fn sent_to(server: SocketAddr, message: &[u8], patience: Duration) -> io::Result<UdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(patience))?;
    socket.send(message)?;
    Ok(socket)
}

/// Whether a client's socket shows that it takes an answer from any server.
///
/// `error_queue` is the socket's `IP_RECVERR` (glibc sets it before it connects), `broadcast` its
/// `SO_BROADCAST` (Go sets it on every UDP socket). A socket without either is left to the server
/// that it wanted: better a connection without a name than a look-up that fails.
pub fn takes_any_answer(error_queue: bool, broadcast: bool) -> bool {
    error_queue || broadcast
}

/// Whether a unix socket is one over which glibc looks names up by a daemon, past DNS. Refused, it
/// asks by DNS, which the same daemon answers.
pub fn is_name_daemon(path: &[u8]) -> bool {
    [
        &b"/run/systemd/resolve/io.systemd.Resolve"[..],
        b"/var/run/nscd/socket",
        b"/run/nscd/socket",
    ]
    .contains(&path)
}

fn serve(ip: IpAddr, shared: &Arc<Shared>) -> io::Result<SocketAddr> {
    let socket = Arc::new(UdpSocket::bind(SocketAddr::new(ip, 0))?);
    let address = socket.local_addr()?;
    let shared = shared.clone();
    std::thread::Builder::new()
        .name("retake-names".to_owned())
        .spawn(move || receive(&socket, &shared))?;
    Ok(address)
}

fn receive(socket: &Arc<UdpSocket>, shared: &Arc<Shared>) {
    let mut buffer = vec![0; MAX_MESSAGE];
    loop {
        // An error here is of an earlier answer that found nobody.
        let Ok((length, client)) = socket.recv_from(&mut buffer) else {
            if shared.stop.load(Ordering::Relaxed) {
                return;
            }
            continue;
        };
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let message = buffer.get(..length).unwrap_or_default();
        if let Some(reply) = shared.own_answer(message) {
            let _ = socket.send_to(&reply, client);
            continue;
        }
        let wanted = shared.lock_wanted().get(&canonical(client)).copied();
        let servers = wanted.map_or_else(|| shared.lock_default().clone(), |one| vec![one]);
        if servers.is_empty() {
            continue;
        }
        if shared.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            shared.waiting.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (ours, all, message) = (socket.clone(), shared.clone(), message.to_vec());
        let asking = std::thread::Builder::new()
            .name("retake-look-up".to_owned())
            .spawn(move || {
                let reply = all.forward(&message, &servers).or_else(|_| {
                    question(&message)
                        .map(|asked| answer(&message, &asked, Reply::Failure))
                        .ok_or(io::ErrorKind::InvalidData)
                });
                if let Ok(reply) = reply {
                    let _ = ours.send_to(&reply, client);
                }
                all.waiting.fetch_sub(1, Ordering::Relaxed);
            });
        if asking.is_err() {
            shared.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn query(name: &str) -> Vec<u8> {
        let mut message = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).expect("short"));
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        message
    }

    fn ask(resolver: &Resolver, wanted: SocketAddr, message: &[u8]) -> Vec<u8> {
        let client = UdpSocket::bind("127.0.0.1:0").expect("a port");
        client
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("set");
        resolver.client_wants(client.local_addr().expect("bound"), wanted);
        client
            .connect(resolver.instead_of(wanted).expect("v4"))
            .expect("connected");
        client.send(message).expect("sent");
        let mut reply = vec![0; 512];
        let length = client.recv(&mut reply).expect("answered");
        reply.truncate(length);
        reply
    }

    #[test]
    fn questions_go_to_the_wanted_server_and_answers_are_remembered() {
        let real = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let wanted = real.local_addr().expect("bound");
        let address: IpAddr = [10, 9, 8, 7].into();
        let server = std::thread::spawn(move || {
            let mut buffer = vec![0; 512];
            let (length, from) = real.recv_from(&mut buffer).expect("asked");
            let message = buffer.get(..length).expect("inside");
            let asked = question(message).expect("a question");
            let reply = answer(message, &asked, Reply::Addresses(&[address]));
            real.send_to(&reply, from).expect("answered");
        });
        let names = Arc::new(Names::default());
        let resolver =
            Resolver::start(names.clone(), Source::Real, Box::new(|_| {})).expect("started");
        let reply = ask(&resolver, wanted, &query("db.internal"));
        server.join().expect("answered");
        assert_eq!(addresses(&reply), [address]);
        assert_eq!(names.of(address).as_deref(), Some("db.internal"));
        assert_eq!(names.of([1, 1, 1, 1].into()), None);
    }

    #[test]
    fn on_replay_only_recorded_names_exist() {
        let missed = Arc::new(Mutex::new(Vec::new()));
        let told = missed.clone();
        let source = Source::Recorded {
            hosts: HashMap::from([("db.internal".to_owned(), vec![[10, 9, 8, 7].into()])]),
            others_real: false,
        };
        let names = Arc::new(Names::default());
        let resolver = Resolver::start(
            names.clone(),
            source,
            Box::new(move |name| told.lock().expect("lock").push(name.to_owned())),
        )
        .expect("started");
        // Nobody listens there: it is not asked.
        let wanted = "127.0.0.1:9".parse().expect("an address");
        let reply = ask(&resolver, wanted, &query("db.internal"));
        assert_eq!(addresses(&reply), [IpAddr::from([10, 9, 8, 7])]);
        assert_eq!(
            names.of([10, 9, 8, 7].into()).as_deref(),
            Some("db.internal")
        );
        for name in ["other.internal", "db.internal.lan"] {
            let reply = ask(&resolver, wanted, &query(name));
            assert_eq!(reply.get(3).map(|b| b & 0xf), Some(3), "{name}");
        }
        assert_eq!(*missed.lock().expect("lock"), ["other.internal"]);
    }

    #[test]
    fn settings_name_ours_in_place_of_theirs() {
        let names = Arc::new(Names::default());
        let resolver = Resolver::start(names, Source::Real, Box::new(|_| {})).expect("started");
        let theirs = "search lan\nnameserver 10.0.0.1\nnameserver ::1\noptions ndots:1";
        let expect = format!("nameserver {}\nsearch lan\noptions ndots:1\n", resolver.v4);
        assert_eq!(resolver.settings(theirs), Some(expect));
        let servers = ["10.0.0.1:53", "[::1]:53"].map(|a| a.parse().expect("an address"));
        assert_eq!(*resolver.shared.lock_default(), servers);
        for strange in [
            "",
            "search lan",
            "nameserver 10.0.0.2\nnameserver fe80::1%eth0",
        ] {
            assert_eq!(resolver.settings(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_server_that_does_not_answer_is_a_failure_for_the_client() {
        let names = Arc::new(Names::default());
        let resolver = Resolver::start(names, Source::Real, Box::new(|_| {})).expect("started");
        // A port that was just free: the loopback refuses at once.
        let wanted = UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port");
        let reply = ask(&resolver, wanted, &query("db.internal"));
        assert_eq!(reply.get(3).map(|b| b & 0xf), Some(2));
    }
}
