//! One socket of a relayed connection.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use rustix::net::{RecvFlags, SendFlags};
use socket2::SockRef;

/// One socket of a session.
pub(super) struct End {
    pub(super) socket: TcpStream,
    /// The system may have bytes for us. It says so once per arrival.
    pub(super) readable: bool,
    /// The system said that the peer sends no more: what is left is to be read up to its end.
    pub(super) hung_up: bool,
    /// Bytes of it wait for the end of the turn; until then no more are read.
    pub(super) waits: bool,
    /// The peer's end of stream, or a reset, was read.
    pub(super) ended: bool,
    /// It was reset.
    pub(super) broken: bool,
    /// It was told that no more will come.
    shut: bool,
    /// What it does not take yet, at most one buffer: while there is any, the other side is not
    /// read.
    pub(super) out: Vec<u8>,
    pub(super) received: u64,
}

/// What a read gave.
pub(super) enum Arrived {
    Bytes(usize),
    Nothing,
    End,
    Broken,
}

impl End {
    pub(super) fn new(socket: TcpStream) -> Self {
        End {
            socket,
            readable: false,
            hung_up: false,
            waits: false,
            ended: false,
            broken: false,
            shut: false,
            out: Vec::new(),
            received: 0,
        }
    }

    pub(super) fn reset_on_close(&mut self) {
        // Failing means that the socket is gone already.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Arrived {
        loop {
            match receive(&self.socket, buffer) {
                Ok(0) => {
                    self.ended = true;
                    // After a failed write the system reports a reset as an end.
                    return if self.broken {
                        Arrived::Broken
                    } else {
                        Arrived::End
                    };
                }
                Ok(n) => {
                    self.received += n as u64;
                    // A short read took everything; later bytes are announced again.
                    self.readable = n == buffer.len() || self.hung_up || self.broken;
                    return Arrived::Bytes(n);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Arrived::Nothing;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.ended = true;
                    self.broken = true;
                    return Arrived::Broken;
                }
            }
        }
    }

    /// Writes as much as the socket takes, and keeps the rest.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        if !self.out.is_empty() {
            self.out.extend_from_slice(bytes);
            return;
        }
        match write_some(&self.socket, bytes) {
            Ok(written) => {
                if let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
                    self.out.extend_from_slice(rest);
                }
            }
            Err(_) => self.fail(),
        }
    }

    /// Writes what was kept. True when the socket takes more.
    pub(super) fn flush(&mut self) -> bool {
        if self.broken {
            return false;
        }
        if self.out.is_empty() {
            return true;
        }
        match write_some(&self.socket, &self.out) {
            Ok(written) if written == self.out.len() => {
                // The memory is given back: most connections never need it again.
                self.out = Vec::new();
                true
            }
            Ok(written) => {
                self.out.drain(..written);
                false
            }
            Err(_) => {
                self.fail();
                false
            }
        }
    }

    /// A write failed: the peer was reset. What it had sent before can still be read.
    fn fail(&mut self) {
        self.broken = true;
        self.readable = true;
        self.out = Vec::new();
    }

    pub(super) fn shut(&mut self) {
        if !self.shut && !self.broken {
            self.shut = true;
            // Failing means that the peer is gone, which reading will tell.
            let _ = self.socket.shutdown(Shutdown::Write);
        }
    }
}

fn write_some(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match transmit(socket, rest) {
            Ok(0) => break,
            Ok(n) => written += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// Reads by the system call itself: the C library's `recv` may be cancelled, and pays for it on
/// every call.
fn receive(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    socket.try_io(|| {
        let (n, _) = rustix::net::recv(socket, buffer, RecvFlags::empty())?;
        Ok(n)
    })
}

/// Writes by the system call itself, as [`receive`] reads.
fn transmit(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    socket.try_io(|| Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?))
}
