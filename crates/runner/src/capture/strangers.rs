//! Destinations of a replay that the recording does not have: refused, and told as calls that
//! nothing answers, so that they count in the test during which they were asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use retake_model::{Call, ConnId, Value};
use retake_proxy::Clock;
use retake_proxy::replay::Oracle;
use retake_wire::{Reading, http1};

/// How many refused destinations are told by name.
const MOST_REFUSED: usize = 50;

/// The connection that a refused one is told to belong to: it never becomes one.
const NO_CONNECTION: ConnId = ConnId(u64::MAX);

/// What was asked for and is not in the recording.
pub(super) struct Strangers {
    oracle: Arc<dyn Oracle>,
    clock: Clock,
    refused: Mutex<Refused>,
}

#[derive(Default)]
struct Refused {
    connections: BTreeMap<String, u64>,
    beyond: u64,
    names: BTreeSet<String>,
}

impl Strangers {
    pub(super) fn new(oracle: Arc<dyn Oracle>) -> Self {
        Strangers {
            oracle,
            clock: Clock::new(),
            refused: Mutex::default(),
        }
    }

    /// A connection was refused.
    pub(super) fn connection(&self, whom: String) {
        self.tell("CONNECT", &whom);
        let mut refused = self.lock();
        if refused.connections.len() < MOST_REFUSED || refused.connections.contains_key(&whom) {
            *refused.connections.entry(whom).or_default() += 1;
        } else {
            refused.beyond += 1;
        }
    }

    /// A name was looked up.
    pub(super) fn name(&self, name: &str) {
        self.tell("RESOLVE", name);
        let mut refused = self.lock();
        if refused.names.len() < MOST_REFUSED {
            refused.names.insert(name.to_owned());
        }
    }

    /// A sentence for each.
    pub(super) fn notes(&self) -> Vec<String> {
        let refused = self.lock();
        let connections = refused.connections.iter().map(|(name, count)| {
            let times = if *count == 1 { String::new() } else { format!(", {count} times") };
            format!(
                "refused{times}: a connection to {name}, which the recording does not have: nothing \
                 leaves the machine on replay; hint: record it, or allow it with --allow-egress"
            )
        });
        let mut notes: Vec<String> = connections.collect();
        if refused.beyond > 0 {
            notes.push(format!(
                "refused: {} further connections that the recording does not have",
                refused.beyond
            ));
        }
        notes.extend(refused.names.iter().map(|name| {
            format!(
                "refused: the name {name} was looked up, which the recording does not have; hint: \
                 record it, or allow it with --allow-egress"
            )
        }));
        notes
    }

    /// Tells of it as of a call that is asked for by that method.
    fn tell(&self, method: &str, whom: &str) {
        let call = Call {
            to: whom.into(),
            protocol: http1::ID,
            conn: NO_CONNECTION,
            at: self.clock.now(),
            trace: None,
            request: Value::map([("method", Value::from(method)), ("path", Value::from(whom))]),
        };
        // Whatever it says, the connection is refused.
        let _ = self.oracle.ask(call, Reading::Call);
    }

    fn lock(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
