//! One side of a connection, with TLS or without.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

use super::Prefixed;

/// One side of a connection.
pub(crate) enum Stream {
    Plain(Prefixed<TcpStream>),
    /// Our end of TLS with a client.
    Client(Box<server::TlsStream<Prefixed<TcpStream>>>),
    /// Our end of TLS with a server.
    Server(Box<client::TlsStream<TcpStream>>),
    /// A handshake has it: nothing comes from here, and nothing can be sent.
    Shaking,
}

impl Stream {
    /// A socket without TLS.
    pub(crate) fn plain(socket: TcpStream) -> Stream {
        Stream::Plain(Prefixed::new(Vec::new(), socket))
    }

    /// The socket below.
    pub(crate) fn socket(&self) -> Option<&TcpStream> {
        match self {
            Stream::Plain(socket) => Some(socket.get_ref()),
            Stream::Client(tls) => Some(tls.get_ref().0.get_ref()),
            Stream::Server(tls) => Some(tls.get_ref().0),
            Stream::Shaking => None,
        }
    }

    /// Acknowledges what was read at once. A client says the last word of a TLS 1.3 handshake, and
    /// one with Nagle's algorithm sends no request until that is acknowledged, which the system
    /// puts off for 40 ms where there is nothing to send it with, such as session tickets.
    pub(crate) fn acknowledge(&self) {
        #[cfg(target_os = "linux")]
        if let Some(socket) = self.socket() {
            // Failing means that the socket is gone already.
            let _ = rustix::net::sockopt::set_tcp_quickack(socket, true);
        }
    }

    /// Closing is to be a reset.
    pub(crate) fn reset_on_close(&self) {
        if let Some(socket) = self.socket() {
            // Failing means that the socket is gone already.
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }

    /// Ends what is sent without a word of TLS, as the other side did.
    pub(crate) fn cut(&self) {
        if let Some(socket) = self.socket() {
            // Failing means that the socket is gone already.
            let _ = SockRef::from(socket).shutdown(Shutdown::Write);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Stream::Client(tls) => Pin::new(tls).poll_read(cx, buf),
            Stream::Server(tls) => Pin::new(tls).poll_read(cx, buf),
            Stream::Shaking => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Stream::Client(tls) => Pin::new(tls).poll_write(cx, bytes),
            Stream::Server(tls) => Pin::new(tls).poll_write(cx, bytes),
            Stream::Shaking => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Stream::Client(tls) => Pin::new(tls).poll_flush(cx),
            Stream::Server(tls) => Pin::new(tls).poll_flush(cx),
            Stream::Shaking => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Stream::Client(tls) => Pin::new(tls).poll_shutdown(cx),
            Stream::Server(tls) => Pin::new(tls).poll_shutdown(cx),
            Stream::Shaking => Poll::Ready(Ok(())),
        }
    }
}
