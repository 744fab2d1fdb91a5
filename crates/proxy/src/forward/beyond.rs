//! Whom a client of the forward proxy is led to.

use std::future::Future;
use std::net::{SocketAddr, TcpStream};

use retake_wire::http1::forward::Authority;

/// Leads connections on.
pub trait Beyond: Send + Sync + 'static {
    /// A way that was found: what is needed to go on with it.
    type Way: Send;

    /// Finds whom a host and port lead to; `tunnel` where anything may be spoken there, else it
    /// is HTTP.
    fn find(
        &self,
        to: &Authority,
        peer: SocketAddr,
        tunnel: bool,
    ) -> impl Future<Output = Result<Self::Way, Refusal>> + Send;

    /// Has a way go on by itself with the socket to a client, which has sent `first` already.
    /// Called within a tokio runtime.
    fn join(&self, client: TcpStream, way: Self::Way, first: Vec<u8>);
}

/// Why a client is not led on, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// One sentence.
    pub why: String,
    /// Further header lines for the client, each with its end.
    pub headers: String,
}

impl Refusal {
    /// A refusal with that status.
    pub fn new(status: u16, why: impl Into<String>) -> Self {
        Refusal {
            status,
            why: why.into(),
            headers: String::new(),
        }
    }
}
