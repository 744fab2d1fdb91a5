//! The door of the forward proxy: connections, and the heads of their requests.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use retake_wire::http1::forward::{self, Authority, ForwardRequest, NotForwarded};
use retake_wire::http1::message::usual_reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::pass::{Ended, pass};
use super::{Beyond, Refusal};
use crate::limits::raise_open_files;

/// How long to wait before accepting again after the system refused.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Hosts that one client connection may have open at a time.
const MOST_LINKS: usize = 16;

/// How long a refused client is read, so that closing does not take the answer from it.
const LAST_READS: Duration = Duration::from_secs(1);

/// A forward proxy on a thread of its own. Dropping it ends it; what was handed on goes on.
#[derive(Debug)]
pub struct ForwardProxy {
    addr: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ForwardProxy {
    /// Serves a listening socket, which must not block.
    ///
    /// # Errors
    /// The system gave no thread.
    pub fn start<B: Beyond>(
        socket: std::net::TcpListener,
        beyond: Arc<B>,
    ) -> io::Result<ForwardProxy> {
        let addr = socket.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("forward-proxy".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::spawn(accept(socket, beyond));
                    // An error means that the handle was dropped, which ends the proxy too.
                    let _ = ended.await;
                });
                // A name that is being looked up is nothing to wait for.
                runtime.shutdown_background();
            })?;
        Ok(ForwardProxy {
            addr,
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the forward proxy panicked");
        }
    }
}

async fn accept<B: Beyond>(socket: std::net::TcpListener, beyond: Arc<B>) {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "cannot serve the forward proxy");
            return;
        }
    };
    loop {
        match listener.accept().await {
            Ok((client, peer)) => {
                let _ = client.set_nodelay(true);
                let mut talk = Talk {
                    client,
                    peer,
                    beyond: Arc::clone(&beyond),
                    held: Vec::new(),
                    links: Vec::new(),
                };
                tokio::spawn(async move {
                    // An error is a peer's going away, which is its right.
                    let _ = talk.run().await;
                });
            }
            Err(_) if raise_open_files() => {}
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// The conversation with one client.
struct Talk<B: Beyond> {
    client: TcpStream,
    peer: SocketAddr,
    beyond: Arc<B>,
    /// What the client sent and nobody has got yet.
    held: Vec<u8>,
    /// Hosts that requests were passed on to, the last one last.
    links: Vec<(Authority, TcpStream)>,
}

impl<B: Beyond> Talk<B> {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            let request = match forward::request(&self.held) {
                Ok(Some((read, request))) => {
                    self.held.drain(..read.min(self.held.len()));
                    request
                }
                Ok(None) => {
                    if self.client.read_buf(&mut self.held).await? == 0 {
                        return Ok(());
                    }
                    continue;
                }
                Err(error) => return self.refuse(&unclear(&error)).await,
            };
            if request.tunnel {
                return self.tunnel(&request).await;
            }
            if !self.pass(request).await? {
                return Ok(());
            }
        }
    }

    /// Hands the connection on.
    async fn tunnel(&mut self, request: &ForwardRequest) -> io::Result<()> {
        let way = match self.beyond.find(&request.to, self.peer, true).await {
            Ok(way) => way,
            Err(refusal) => return self.refuse(&refusal).await,
        };
        self.client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await?;
        let client = self.take_client()?;
        self.beyond
            .join(client, way, std::mem::take(&mut self.held));
        Ok(())
    }

    /// Passes one request on; whether the client may ask again.
    async fn pass(&mut self, mut request: ForwardRequest) -> io::Result<bool> {
        let mut fresh = false;
        loop {
            let mut link = match self.link(&request.to, &mut fresh).await {
                Ok(link) => link,
                Err(refusal) => {
                    self.refuse(&refusal).await?;
                    return Ok(false);
                }
            };
            match pass(&mut self.client, &mut self.held, &mut link, &mut request).await? {
                Ended::Whole { keeps_server } => {
                    if keeps_server && self.links.len() < MOST_LINKS {
                        self.links.push((request.to.clone(), link));
                    }
                    return Ok(keeps_server && request.keep_alive);
                }
                // A server may close a connection that it kept at any time.
                Ended::Unanswered if !fresh && request.repeatable => {}
                Ended::Unanswered | Ended::Over => return Ok(false),
            }
        }
    }

    /// A connection to that host: a kept one on which nothing has come, else a new one.
    async fn link(&mut self, to: &Authority, fresh: &mut bool) -> Result<TcpStream, Refusal> {
        while let Some(at) = self.links.iter().rposition(|(known, _)| known == to) {
            let (_, link) = self.links.remove(at);
            match link.try_read(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(link),
                _ => {}
            }
        }
        *fresh = true;
        let way = self.beyond.find(to, self.peer, false).await?;
        let failed = |error: io::Error| Refusal::new(502, format!("no socket: {error}"));
        let (near, far) = pair().map_err(failed)?;
        self.beyond.join(far, way, Vec::new());
        TcpStream::from_std(near).map_err(failed)
    }

    async fn refuse(&mut self, refusal: &Refusal) -> io::Result<()> {
        let Refusal {
            status,
            why,
            headers,
        } = refusal;
        let body = format!("retake: {why}\n");
        let answer = format!(
            "HTTP/1.1 {status} {}\r\n{headers}content-type: text/plain; charset=utf-8\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            usual_reason(*status),
            body.len()
        );
        self.client.write_all(answer.as_bytes()).await?;
        self.client.shutdown().await?;
        let mut rest = [0; 4096];
        let drain = async { while self.client.read(&mut rest).await.is_ok_and(|n| n > 0) {} };
        let _ = tokio::time::timeout(LAST_READS, drain).await;
        Ok(())
    }

    /// The client's socket, to be handed on. What stays here is closed.
    fn take_client(&mut self) -> io::Result<std::net::TcpStream> {
        let (near, _far) = pair()?;
        let client = std::mem::replace(&mut self.client, TcpStream::from_std(near)?);
        client.into_std()
    }
}

fn unclear(error: &NotForwarded) -> Refusal {
    match error {
        NotForwarded::Scheme(_) => Refusal::new(501, error.to_string()),
        _ => Refusal::new(400, error.to_string()),
    }
}

/// Two sockets of which each gets what the other is given. They are of the unix family, which
/// needs no port; all that the relay and the mock servers do with a socket is the same.
pub(super) fn pair() -> io::Result<(std::net::TcpStream, std::net::TcpStream)> {
    let (near, far) = UnixStream::pair()?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    Ok((OwnedFd::from(near).into(), OwnedFd::from(far).into()))
}
