//! What becomes of the connections that capture takes: relayed and recorded, or answered by mocks.

mod account;
mod book;
mod errors;
mod learned;
mod own_name;
mod record;
mod replay;
mod start;
mod strangers;
#[cfg(test)]
mod tests;
mod trust;

use std::sync::Arc;

use retake_intercept::capture::{Director, Plan};

pub use book::Known;
pub(crate) use learned::{Learned, captured_before, names_before, served_before};
pub(crate) use record::RecordDirector;
pub(crate) use replay::ReplayDirector;
pub(crate) use start::{clocked, known, reachable, recording, replaying};
pub(crate) use trust::{Trusted, trust};

/// How a service is captured.
pub struct Capture {
    /// What is captured, and how.
    pub plan: Plan,
    /// What becomes of it.
    pub director: Arc<dyn Director>,
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// Whether one of these listening addresses is the one that is wanted.
fn is_among(own: &[std::net::SocketAddr], wanted: std::net::SocketAddr) -> bool {
    own.iter().any(|own| {
        own.port() == wanted.port() && (own.ip() == wanted.ip() || own.ip().is_unspecified())
    })
}
