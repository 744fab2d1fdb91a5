//! The client that sends recorded requests.

use std::time::Duration;

use retake_model::{Blame, Value};

/// Sends recorded requests to one target over connections that it keeps alive. Several may be
/// sent at a time; each then has a connection of its own.
#[derive(Debug)]
pub struct ReplayClient {
    target: String,
}

impl ReplayClient {
    /// A client of `host:port`. It connects when it first sends.
    pub fn new(target: impl Into<String>) -> Self {
        ReplayClient {
            target: target.into(),
        }
    }

    /// Where it sends to, `host:port`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Sends a request tree (`docs/format.md`) and reads the response into the same form that a
    /// tap gives. `extra` headers replace recorded ones of the same name, else they are added.
    /// Nothing that the service may have acted on is sent twice.
    ///
    /// # Errors
    /// There is no whole response; the error says what happened and whose doing it is.
    pub async fn send(
        &self,
        request: &Value,
        extra: &[(String, String)],
        timeout: Duration,
    ) -> Result<Observed, SendError> {
        let _ = (request, extra, timeout);
        Err(SendError::Request {
            what: "not sent yet".to_owned(),
        })
    }
}

/// A response, as it was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The response's tree.
    pub response: Value,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The recorded request cannot be written as HTTP/1.
    #[error("the recorded request cannot be sent: {what}")]
    Request {
        /// What is wrong with it.
        what: String,
    },
    /// Nobody listens, or the address cannot be reached.
    #[error("cannot connect to {target}")]
    Connect {
        /// The target.
        target: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The connection was closed or reset before the response was whole.
    #[error("{target} closed the connection {when}")]
    Closed {
        /// The target.
        target: String,
        /// How far the response had come.
        when: String,
        /// What the system said, where it was an error.
        #[source]
        source: Option<std::io::Error>,
    },
    /// The response did not come in time.
    #[error("no response from {target} within {after:?} ({when})")]
    Timeout {
        /// The target.
        target: String,
        /// The limit.
        after: Duration,
        /// How far the response had come.
        when: String,
    },
    /// What came is no HTTP/1 response.
    #[error("{target} sent no HTTP response: {what}")]
    Garbage {
        /// The target.
        target: String,
        /// What is wrong with it.
        what: String,
    },
}

impl SendError {
    /// Whose doing it is.
    pub fn blame(&self) -> Blame {
        match self {
            SendError::Request { .. } => Blame::Recording,
            _ => Blame::App,
        }
    }
}
