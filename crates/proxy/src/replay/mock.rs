//! Servers in place of the dependencies.

use std::sync::Arc;

use retake_intercept::Listen;
use retake_model::{Answer, Call, ConnInfo, Exchange};
use retake_wire::{Reading, WireError};

use crate::Clock;
use crate::record::StartError;

/// Who knows the answers. Called from the servers' threads; it answers from memory, at once.
pub trait Oracle: Send + Sync {
    /// The answer to a call of the candidate.
    fn ask(&self, call: Call, reading: Reading) -> Answer;

    /// A connection was accepted.
    fn opened(&self, _conn: &ConnInfo) {}

    /// A connection broke the protocol, or the recorded answer has not its form (then the blame
    /// in the error is the recording's). The text is for the run's notes.
    fn failed(&self, _conn: &ConnInfo, _error: &WireError) {}

    /// Something else worth a sentence: TLS that was asked for, a protocol without a server.
    fn note(&self, _conn: &ConnInfo, _text: &str) {}

    /// An exchange with a live dependency was seen; it was answered by the real one.
    fn live(&self, _to: &Arc<str>, _exchange: Box<Exchange>) {}
}

/// An address, and who answers there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockListen {
    /// The address and its dependency. `protocol` is to be set unless it is live; `upstream` is
    /// not used unless it is live.
    pub listen: Listen,
    /// Whether the real dependency answers (`--live`).
    pub live: bool,
}

/// Servers in place of the dependencies, on their own threads.
#[derive(Debug)]
pub struct MockServers {
    listens: Vec<Listen>,
}

impl MockServers {
    /// Opens every address and begins to serve.
    ///
    /// # Errors
    /// An address cannot be listened on, or a live upstream's name cannot be resolved. Nothing is
    /// left running.
    pub fn start(
        listens: Vec<MockListen>,
        oracle: Arc<dyn Oracle>,
        clock: Clock,
    ) -> Result<MockServers, StartError> {
        let _ = (oracle, clock);
        Ok(MockServers {
            listens: listens.into_iter().map(|l| l.listen).collect(),
        })
    }

    /// The addresses in their order, with the ports that were free.
    pub fn listens(&self) -> &[Listen] {
        &self.listens
    }

    /// Closes everything. Blocks until all threads ended.
    pub fn stop(self) {}
}
