//! What a recording saw, and what became of it.

use std::collections::BTreeMap;

/// What a recording saw, and what became of it. Nothing is lost without being counted here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Inbound traffic.
    pub inbound: Tally,
    /// Outbound traffic by dependency.
    pub outbound: BTreeMap<String, Tally>,
    /// The recording's length in nanoseconds.
    pub took: u64,
    /// Other things worth saying, one sentence each.
    pub notes: Vec<String>,
}

impl Ledger {
    /// Whether everything that was seen is accounted for.
    pub fn is_complete(&self) -> bool {
        std::iter::once(&self.inbound)
            .chain(self.outbound.values())
            .all(Tally::is_complete)
    }
}

/// Counts of one direction or dependency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Connections accepted.
    pub connections: u64,
    /// Connections relayed without being read, by reason.
    pub opaque: BTreeMap<String, u64>,
    /// Bytes forwarded, both ways.
    pub bytes: u64,
    /// Exchanges seen.
    pub seen: u64,
    /// Exchanges kept, as test cases or as mocks.
    pub kept: u64,
    /// Exchanges that were exact repeats of a kept one.
    pub merged: u64,
    /// Exchanges left out on purpose, by the rule that did it.
    pub sampled_out: BTreeMap<String, u64>,
    /// Exchanges lost, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Exchanges that could not be read, by reason.
    pub undecodable: BTreeMap<String, u64>,
}

impl Tally {
    /// Whether seen is the sum of the rest.
    pub fn is_complete(&self) -> bool {
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        self.seen
            == self.kept
                + self.merged
                + sum(&self.sampled_out)
                + sum(&self.dropped)
                + sum(&self.undecodable)
    }
}
