//! What becomes of everything that the relay saw: test cases, shared mocks, or a line in the ledger.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use retake_compare::made::Known;
use retake_compare::sql::Statements;
use retake_model::{ConnId, Direction, Ledger, Tally, Timestamp};
use retake_proxy::record::{Batch, Counters, RelayEvent};
use retake_store::{Exclude, SetWriter, StoreError};

use self::count::{add, note};
use super::alias::Aliases;
use super::served::Served;
use super::shared::Shared;
use super::unread::unread;
use super::writers::{Done, Writers};
use super::{Attributor, KnownSecrets, Redactor};

mod count;
mod keep;
mod trees;

/// How the recorder keeps what it sees.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// Whether exact repeats of a test are kept as tests of their own.
    pub repeats: bool,
    /// Whether there are dependencies, so that tests wait for their calls.
    pub has_dependencies: bool,
    /// Whether the service can be asked: until then no call belongs to a request.
    pub has_inbound: bool,
    /// What is left out on purpose.
    pub exclude: Vec<Exclude>,
}

/// Turns events into files.
#[derive(Debug)]
pub struct Recorder {
    writer: SetWriter,
    writers: Writers,
    keeping: Keeping,
    redactor: Redactor,
    /// Those that were redacted, to know them again.
    secrets: KnownSecrets,
    connections: HashMap<ConnId, Connection>,
    served: Served,
    /// Requests that were answered while the service had not connected to anything; none once it
    /// did.
    calm: Option<u64>,
    attributor: Attributor,
    statements: Statements,
    known: Known,
    seen_raw: HashSet<u128>,
    seen_tests: HashSet<u128>,
    shared: Shared,
    /// Why the last part of them that was complete could not be written.
    refused: Option<StoreError>,
    ledger: Ledger,
    redacted: u64,
    /// The dependencies that TLS was spoken with.
    spoke_tls: BTreeSet<Arc<str>>,
    aliases: Aliases,
    /// Since when the service was told to end.
    ending: Arc<OnceLock<Timestamp>>,
}

/// A connection that is open.
#[derive(Debug)]
struct Connection {
    direction: Direction,
    /// Where it leads.
    dependency: Option<Arc<str>>,
    /// The process of the service that it is of, where that is known.
    process: Option<u32>,
}

impl Recorder {
    /// A recorder that writes there.
    pub fn new(writer: SetWriter, keeping: Keeping, redactor: Redactor) -> Self {
        Recorder {
            writers: Writers::start(&writer),
            writer,
            keeping,
            redactor,
            secrets: KnownSecrets::default(),
            connections: HashMap::new(),
            served: Served::default(),
            calm: Some(0),
            attributor: Attributor::default(),
            statements: Statements::default(),
            known: Known::new(),
            seen_raw: HashSet::new(),
            seen_tests: HashSet::new(),
            shared: Shared::default(),
            refused: None,
            ledger: Ledger::default(),
            redacted: 0,
            spoke_tls: BTreeSet::new(),
            aliases: Aliases::default(),
            ending: Arc::default(),
        }
    }

    /// The same, where it is told there when the service is told to end: connections that close from
    /// then on say nothing of what they were for.
    pub fn until(mut self, ending: Arc<OnceLock<Timestamp>>) -> Self {
        self.ending = ending;
        self
    }

    /// The same, after these addresses of the service are known: those of the set that is added to.
    pub fn after(mut self, before: impl IntoIterator<Item = String>) -> Self {
        self.served = Served::after(before);
        self
    }

    /// The service can be asked from now on: a call may belong to a request.
    pub fn is_served(&mut self) {
        self.keeping.has_inbound = true;
    }

    /// Where it writes.
    pub fn writer(&self) -> &SetWriter {
        &self.writer
    }

    /// Where requests came to so far.
    pub fn served(&self) -> &Served {
        &self.served
    }

    /// The names that dependencies were given by what was said on their connections.
    pub fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// The dependencies that TLS was spoken with so far.
    pub fn spoke_tls(&self) -> &BTreeSet<Arc<str>> {
        &self.spoke_tls
    }

    /// How many exchanges were kept so far.
    pub fn kept(&self) -> u64 {
        self.ledger.inbound.kept + self.ledger.outbound.values().map(|t| t.kept).sum::<u64>()
    }

    /// Takes what the relay handed over, and has written what can be decided.
    ///
    /// # Errors
    /// The disk refused, now or since the last time. What could not be written is counted as
    /// dropped.
    pub fn take(&mut self, batch: Batch) -> Result<(), StoreError> {
        if batch.gap {
            self.attributor.forget_open();
            let text = "the recorder could not keep up: some calls may be attributed to no test";
            note(&mut self.ledger, text.to_owned());
        }
        for event in batch.events.into_iter().flatten() {
            self.event(event);
        }
        self.attributor.advance(batch.up_to);
        self.write_ready();
        self.writers.hand_over();
        let done = self.writers.done();
        self.count(done)
    }

    /// Writes the mocks outside tests, where there are new ones.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write_shared(&mut self) -> Result<(), StoreError> {
        let refused = self.refused.take();
        self.release_shared();
        self.write_shared_mocks(false)?;
        refused.map_or(Ok(()), Err)
    }

    /// Writes everything that is left, and accounts for what the relay counted. Gives the error
    /// beside the ledger where the disk refused: what was not kept is counted there.
    pub fn finish(mut self, counters: &[Counters]) -> (SetWriter, Ledger, Option<StoreError>) {
        self.attributor.finish();
        self.write_ready();
        let done = self.writers.finish();
        let written = self.count(done);
        let written = written.and(self.write_shared_mocks(true));
        let written = written.and(self.refused.take().map_or(Ok(()), Err));
        for counted in counters {
            let tally = match &counted.dependency {
                Some(name) => {
                    let name = self.aliases.of(name);
                    self.ledger.outbound.entry(name.to_string()).or_default()
                }
                None => &mut self.ledger.inbound,
            };
            tally.connections += counted.connections;
            tally.bytes += counted.bytes;
            tally.seen += counted.exchanges;
            for (reason, count) in &counted.opaque {
                *tally.opaque.entry(reason.clone()).or_default() += count;
            }
            add(
                &mut tally.dropped,
                "the recorder could not keep up",
                counted.lost,
            );
            if counted.unreachable > 0 {
                let whom = counted.dependency.as_deref().unwrap_or("the service");
                note(
                    &mut self.ledger,
                    format!(
                        "{whom} could not be reached (connections refused for it: {})",
                        counted.unreachable
                    ),
                );
            }
        }
        let unread = unread(&self.ledger);
        unread
            .into_iter()
            .for_each(|text| note(&mut self.ledger, text));
        let hurried = self.attributor.hurried();
        if hurried > 0 {
            note(
                &mut self.ledger,
                format!(
                    "{hurried} requests and calls were attributed early, because too much waited: \
                     whose a call is may be wrong there"
                ),
            );
        }
        if self.redacted > 0 {
            note(
                &mut self.ledger,
                match self.redacted {
                    1 => "1 credential was redacted".to_owned(),
                    many => format!("{many} credentials were redacted"),
                },
            );
        }
        (self.writer, self.ledger, written.err())
    }

    /// Writes the part of the mocks outside tests that is being filled.
    fn write_shared_mocks(&mut self, always: bool) -> Result<(), StoreError> {
        match self.shared.take_changed(always) {
            Some((part, mocks)) => self.writer.write_shared(part, mocks),
            None => Ok(()),
        }
    }

    /// Counts what became of tests that were to be written.
    fn count(&mut self, done: Done) -> Result<(), StoreError> {
        let Done {
            kept,
            failed,
            error,
        } = done;
        self.ledger.inbound.kept += kept.tests;
        for (to, calls) in kept.calls {
            self.tally(&to).kept += calls;
        }
        let dropped = &mut self.ledger.inbound.dropped;
        add(dropped, "could not be written", failed.tests);
        for (to, calls) in failed.calls {
            let why = "its test could not be written";
            add(&mut self.tally(&to).dropped, why, calls);
        }
        error.map_or(Ok(()), Err)
    }

    /// Writes and releases the part of the mocks outside tests that is complete. Where the disk
    /// refuses, it stays, and is tried again when the mocks are written the next time.
    fn release_shared(&mut self) {
        if self.refused.is_some() || !self.shared.is_part_complete() {
            return;
        }
        match self.write_shared_mocks(true) {
            Ok(()) => self.shared.release(),
            Err(error) => self.refused = Some(error),
        }
    }

    fn event(&mut self, event: RelayEvent) {
        match event {
            RelayEvent::Opened(info) => {
                self.served.opened(&info);
                match info.direction {
                    Direction::Inbound => {
                        self.is_served();
                        if let Some(process) = info.process {
                            self.attributor.accepted(info.id, process);
                        }
                    }
                    Direction::Outbound => self.calm = None,
                }
                let connection = Connection {
                    direction: info.direction,
                    dependency: info.dependency.map(|name| self.aliases.of(&name)),
                    process: info.process,
                };
                self.connections.insert(info.id, connection);
            }
            RelayEvent::Began { conn, index, at } => {
                // Without calls to attribute nothing asks which requests are open, and nothing
                // would end them there.
                if self.keeping.has_dependencies && self.is_inbound(conn) {
                    self.attributor.began(conn, index, at);
                }
            }
            RelayEvent::Ended(exchange) => self.exchange(exchange),
            RelayEvent::Lost { conn, .. } => self.attributor.closed(conn),
            RelayEvent::Opaque { conn, detail, .. } => {
                if self.is_inbound(conn) {
                    self.attributor.closed(conn);
                }
                tracing::debug!(%conn, detail, "relayed without being read");
            }
            RelayEvent::Named { conn, dependency } => {
                if let Some(known) = self.connections.get_mut(&conn) {
                    known.dependency = Some(self.aliases.of(&dependency));
                }
            }
            RelayEvent::Tls { conn, name } => self.spoken(conn, name.as_deref()),
            RelayEvent::Note { text, .. } => note(&mut self.ledger, text),
            RelayEvent::Closed { conn, at, .. } => {
                self.attributor.closed(conn);
                if self.ending.get().is_none_or(|ending| at < *ending) {
                    self.attributor.disconnected(conn, at);
                }
                self.served.closed(conn);
                self.connections.remove(&conn);
            }
        }
    }

    fn spoken(&mut self, conn: ConnId, said: Option<&str>) {
        let known = self.connections.get(&conn);
        let Some(mut dependency) = known.and_then(|known| known.dependency.clone()) else {
            return self.served.spoke_tls(conn);
        };
        if let Some(name) = said.and_then(|said| self.aliases.learn(&dependency, said)) {
            let known = self.connections.values_mut();
            for other in known.filter(|other| other.dependency.as_ref() == Some(&dependency)) {
                other.dependency = Some(name.clone());
            }
            dependency = name;
        }
        self.spoke_tls.insert(dependency);
    }

    fn is_inbound(&self, conn: ConnId) -> bool {
        let known = self.connections.get(&conn);
        known.is_some_and(|known| known.direction == Direction::Inbound)
    }

    fn tally(&mut self, to: &str) -> &mut Tally {
        if !self.ledger.outbound.contains_key(to) {
            self.ledger.outbound.insert(to.to_owned(), Tally::default());
        }
        self.ledger.outbound.entry(to.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests;
