//! What is counted for each address.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Distinct reasons that are counted by name; more are counted as `other`.
const REASONS: usize = 64;

/// The counts of one address while it is served.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) dependency: Option<Arc<str>>,
    pub(super) connections: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) exchanges: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) unreachable: AtomicU64,
    opaque: Mutex<BTreeMap<String, u64>>,
}

impl Live {
    pub(super) fn new(dependency: Option<Arc<str>>) -> Self {
        Live {
            dependency,
            ..Live::default()
        }
    }

    pub(super) fn add(count: &AtomicU64, n: u64) {
        count.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn opaque(&self, reason: &str) {
        let mut reasons = self.opaque.lock().unwrap_or_else(PoisonError::into_inner);
        let known = reasons.contains_key(reason) || reasons.len() < REASONS;
        let reason = if known { reason } else { "other" };
        *reasons.entry(reason.to_owned()).or_default() += 1;
    }

    pub(super) fn snapshot(&self) -> Counters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            dependency: self.dependency.clone(),
            connections: read(&self.connections),
            open: read(&self.open),
            bytes: read(&self.bytes),
            exchanges: read(&self.exchanges),
            lost: read(&self.lost),
            unreachable: read(&self.unreachable),
            opaque: self
                .opaque
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}
