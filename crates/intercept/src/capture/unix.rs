//! Unix sockets: those of databases at their known places are taken over as TCP's are, others go
//! past and are told.

use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::net::{SocketAddrUnix, SocketFlags};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use retake_model::Direction;

use super::call::Call;
use super::loopback::errno;
use super::resolve::is_name_daemon;
use super::supervisor::Core;
use super::{Arrived, Route, Uncaptured};

/// Where the service's unix sockets are connected to: an abstract name of the kernel's choice.
pub(super) struct Door {
    socket: OwnedFd,
    name: SocketAddrUnix,
    /// One socket at a time is connected and accepted.
    pair: std::sync::Mutex<()>,
}

impl Door {
    /// Opens it.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(super) fn open() -> io::Result<Door> {
        let socket = rustix::net::socket_with(
            rustix::net::AddressFamily::UNIX,
            rustix::net::SocketType::STREAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None,
        )?;
        // Bound to no name, it gets one (`unix(7)`, autobind).
        rustix::net::bind(&socket, &SocketAddrUnix::new_unnamed())?;
        rustix::net::listen(&socket, 64)?;
        let name = SocketAddrUnix::try_from(rustix::net::getsockname(&socket)?)?;
        Ok(Door {
            socket,
            name,
            pair: std::sync::Mutex::default(),
        })
    }

    /// Connects the service's socket to us, and gives our end.
    fn join(&self, socket: &OwnedFd) -> io::Result<OwnedFd> {
        let one_at_a_time = super::sockets::lock(&self.pair);
        rustix::net::connect(socket, &self.name)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let ours = rustix::net::accept_with(&self.socket, flags)?;
        drop(one_at_a_time);
        Ok(ours)
    }
}

/// The port under which a database's socket is known, by the name of the file.
fn database(path: &Path) -> Option<u16> {
    let name = path.file_name()?.to_str()?;
    if let Some(port) = name.strip_prefix(".s.PGSQL.") {
        return port.parse().ok();
    }
    if !name.ends_with(".sock") {
        return None;
    }
    match name {
        _ if name.starts_with("mysql") || name.starts_with("mariadb") => Some(3306),
        _ if name.starts_with("redis") => Some(6379),
        _ => None,
    }
}

/// A `connect` of a unix socket to this name.
pub(super) fn connect(core: &Core, call: Call, name: &[u8]) {
    if core.plan.names.is_some() && is_name_daemon(name) {
        // The service then asks by DNS.
        call.fail(libc::ECONNREFUSED);
        return;
    }
    let path = match name.split_first() {
        None => return call.proceed(),
        Some((0, name)) => {
            let shown = Path::new("@").join(Path::new(OsStr::from_bytes(name)));
            core.director.passed(Uncaptured::Unix(shown));
            core.sockets.let_go_of(&call);
            return call.proceed();
        }
        Some(_) => PathBuf::from(OsStr::from_bytes(name)),
    };
    match database(&path) {
        Some(port) if path.is_absolute() => take_over(core, call, &path, port),
        _ => go_past(core, call, path),
    }
}

/// One that is not there is not worth a word.
fn go_past(core: &Core, call: Call, path: PathBuf) {
    if path.exists() {
        core.director.passed(Uncaptured::Unix(path));
        core.sockets.let_go_of(&call);
    }
    call.proceed();
}

fn take_over(core: &Core, call: Call, path: &Path, port: u16) {
    let Ok(taken) = core.sockets.take(&call) else {
        return go_past(core, call, path.to_owned());
    };
    let socket = SockRef::from(&taken.socket);
    let is_stream = socket.r#type().is_ok_and(|t| t == Type::STREAM);
    if !is_stream || socket.domain().ok() != Some(Domain::UNIX) || !call.still_waits() {
        return call.proceed();
    }
    let upstream = match core.director.connect_unix(path, call.by()) {
        Route::Leave => return go_past(core, call, path.to_owned()),
        Route::Refuse(errno) => {
            call.fail(errno);
            return;
        }
        Route::Serve => None,
        Route::Relay => match dial(path) {
            Ok(upstream) => Some(upstream),
            // The kernel says the same to the service, in its own folder and with its own rights.
            Err(_) => {
                core.sockets.let_go(taken.inode);
                return call.proceed();
            }
        },
    };
    let by = call.by();
    match core.unix.join(&taken.socket) {
        Ok(client) => {
            core.sockets.let_go(taken.inode);
            drop(taken);
            call.succeed(0);
            core.director.adopt(Arrived {
                client: client.into(),
                upstream,
                peer: None,
                wanted: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                name: path.to_str().map(Into::into),
                process: core.sockets.process_of(by),
                direction: Direction::Outbound,
            });
        }
        Err(error) => {
            call.fail(errno(&error));
        }
    }
}

/// The two families differ only in their addresses: what reads and writes one does the other.
fn dial(path: &Path) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.cloexec(), None)?;
    socket.connect(&SockAddr::unix(path)?)?;
    socket.set_nonblocking(true)?;
    Ok(TcpStream::from(OwnedFd::from(socket)))
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Door({:?})", self.socket.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_known_by_their_files() {
        for (path, port) in [
            ("/run/postgresql/.s.PGSQL.5432", Some(5432)),
            ("/tmp/.s.PGSQL.54321", Some(54321)),
            ("/tmp/.s.PGSQL.5432.lock", None),
            ("/run/mysqld/mysqld.sock", Some(3306)),
            ("/var/run/redis/redis-server.sock", Some(6379)),
            ("/run/docker.sock", None),
        ] {
            assert_eq!(database(Path::new(path)), port, "{path}");
        }
    }
}
