//! Starting and stopping the relay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use retake_intercept::{Listen, ListenError};

use super::Batch;
use crate::Clock;

/// How the relay works.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    /// How many threads relay. At least 1.
    pub workers: usize,
    /// The clock of the recording.
    pub clock: Clock,
    /// How many bytes of exchanges may wait for the recorder. What is beyond is lost and counted.
    pub queue_bytes: usize,
}

impl Default for RecordOptions {
    fn default() -> Self {
        RecordOptions {
            workers: 1,
            clock: Clock::new(),
            queue_bytes: 64 << 20,
        }
    }
}

/// A relay that runs on its own threads.
#[derive(Debug)]
pub struct RecordProxy {
    listens: Vec<Listen>,
}

impl RecordProxy {
    /// Opens every address and begins to relay.
    ///
    /// # Errors
    /// An address cannot be listened on, or an upstream's name cannot be resolved. Nothing is
    /// left running.
    pub fn start(
        listens: Vec<Listen>,
        options: RecordOptions,
    ) -> Result<(RecordProxy, Events), StartError> {
        let _ = options;
        Ok((RecordProxy { listens }, Events {}))
    }

    /// The addresses, with the ports that were free.
    pub fn listens(&self) -> &[Listen] {
        &self.listens
    }

    /// The counts of each address so far, in the order of [`listens`](Self::listens).
    pub fn counters(&self) -> Vec<Counters> {
        Vec::new()
    }

    /// Accepts no more, lets open connections go on for at most `grace`, closes what is left, and
    /// hands over what the taps still have. Blocks until all threads ended; then [`Events::recv`]
    /// gives what is queued, and then none.
    pub fn stop(self, grace: Duration) -> Vec<Counters> {
        let _ = grace;
        Vec::new()
    }
}

/// What the relay saw; for one reader, which never slows the relay down.
#[derive(Debug)]
pub struct Events {}

impl Events {
    /// The next events, waiting for them up to `wait`: an empty batch when there were none, none
    /// when the relay has stopped and everything was taken.
    pub fn recv(&mut self, wait: Duration) -> Option<Batch> {
        let _ = wait;
        None
    }
}

/// What one address counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// The dependency; none for the service itself.
    pub dependency: Option<Arc<str>>,
    /// Connections accepted.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes forwarded, both ways.
    pub bytes: u64,
    /// Exchanges that taps recognised as ended (handed over and lost ones).
    pub exchanges: u64,
    /// Exchanges lost because the queue was full.
    pub lost: u64,
    /// Connections whose upstream could not be reached.
    pub unreachable: u64,
    /// Connections relayed without being read, by reason.
    pub opaque: BTreeMap<String, u64>,
}

/// Why the relay or the mock servers did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// An upstream's name cannot be resolved.
    #[error("cannot resolve `{upstream}`")]
    Resolve {
        /// The upstream as it was given.
        upstream: String,
        /// The next step for the user.
        hint: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no thread or no event queue.
    #[error("cannot start a worker")]
    Worker(#[source] std::io::Error),
}
