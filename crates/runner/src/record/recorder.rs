//! What becomes of everything that the relay saw: test cases, shared mocks, or a line in the ledger.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use retake_compare::made::{Known, Near, find_made};
use retake_compare::matching::Recurring;
use retake_model::{
    Attribution, ConnId, Direction, Exchange, Flaw, Ledger, Message, Mock, Scope, Tally, TestCase,
    Timestamp, Value,
};
use retake_proxy::record::{Batch, Counters, RelayEvent};
use retake_store::{Exclude, SetWriter, StoreError};
use retake_wire::protocol;

use super::alias::Aliases;
use super::exclude::excluded_by;
use super::fingerprint::Fingerprint;
use super::served::Served;
use super::shared::{Kept, Shared};
use super::unread::unread;
use super::writers::{Done, Writers};
use super::{Attributor, OutboundCall, Placed, PlacedCall, PlacedTest, Redactor, Step};

/// How many fingerprints of kept tests are remembered to recognise repeats.
const MAX_FINGERPRINTS: usize = 200_000;

/// How many notes are kept.
const MAX_NOTES: usize = 100;

/// How the recorder keeps what it sees.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// Whether exact repeats of a test are kept as tests of their own.
    pub repeats: bool,
    /// Whether there are dependencies, so that tests wait for their calls.
    pub has_dependencies: bool,
    /// Whether requests are recorded at all: without them no call belongs to one.
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
    connections: HashMap<ConnId, (Direction, Option<Arc<str>>)>,
    served: Served,
    attributor: Attributor,
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
}

impl Recorder {
    /// A recorder that writes there.
    pub fn new(writer: SetWriter, keeping: Keeping, redactor: Redactor) -> Self {
        Recorder {
            writers: Writers::start(&writer),
            writer,
            keeping,
            redactor,
            connections: HashMap::new(),
            served: Served::default(),
            attributor: Attributor::default(),
            known: Known::new(),
            seen_raw: HashSet::new(),
            seen_tests: HashSet::new(),
            shared: Shared::default(),
            refused: None,
            ledger: Ledger::default(),
            redacted: 0,
            spoke_tls: BTreeSet::new(),
            aliases: Aliases::default(),
        }
    }

    /// The same, after these addresses of the service are known: those of the set that is added to.
    pub fn after(mut self, before: impl IntoIterator<Item = String>) -> Self {
        self.served = Served::after(before);
        self
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
                    "{hurried} calls were attributed early, because too many waited for requests \
                     that were not answered"
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
                let name = info.dependency.map(|name| self.aliases.of(&name));
                let whither = (info.direction, name);
                self.connections.insert(info.id, whither);
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
                if let Some((_, known)) = self.connections.get_mut(&conn) {
                    *known = Some(self.aliases.of(&dependency));
                }
            }
            RelayEvent::Tls { conn, name } => self.spoken(conn, name.as_deref()),
            RelayEvent::Note { text, .. } => note(&mut self.ledger, text),
            RelayEvent::Closed { conn, .. } => {
                self.attributor.closed(conn);
                self.served.closed(conn);
                self.connections.remove(&conn);
            }
        }
    }

    fn spoken(&mut self, conn: ConnId, said: Option<&str>) {
        let Some((_, Some(dependency))) = self.connections.get(&conn) else {
            return self.served.spoke_tls(conn);
        };
        let mut dependency = dependency.clone();
        if let Some(name) = said.and_then(|said| self.aliases.learn(&dependency, said)) {
            let known = self.connections.values_mut();
            for (_, other) in known.filter(|(_, other)| other.as_ref() == Some(&dependency)) {
                *other = Some(name.clone());
            }
            dependency = name;
        }
        self.spoke_tls.insert(dependency);
    }

    fn is_inbound(&self, conn: ConnId) -> bool {
        matches!(self.connections.get(&conn), Some((Direction::Inbound, _)))
    }

    fn exchange(&mut self, mut exchange: Box<Exchange>) {
        match self.connections.get(&exchange.conn) {
            Some((Direction::Outbound, dependency)) => {
                let to = dependency.clone().unwrap_or_else(|| "unknown".into());
                self.aliases.used(&to);
                let mut raw = None;
                if !self.keeping.has_inbound && self.keeping.exclude.is_empty() {
                    // It belongs to no test, so its bytes alone may tell what becomes of it.
                    raw = Fingerprint::raw_to(&to, &exchange);
                    let is_exact = Fingerprint::raw_is_exact(&exchange);
                    if let Some(kept) = raw.and_then(|raw| self.shared.known(raw, is_exact)) {
                        count_shared(self.tally(&to), kept);
                        return;
                    }
                }
                describe(&mut exchange);
                self.outbound(to, *exchange, raw);
            }
            _ if self.keeping.has_dependencies => {
                self.served.exchange(exchange.conn);
                describe(&mut exchange);
                self.attributor.inbound(exchange);
            }
            // With no calls to wait for, a repeat is told from its bytes alone.
            _ => {
                if !self.keeping.repeats {
                    let raw = Fingerprint::raw(&exchange);
                    if raw.is_some_and(|raw| self.seen_raw.contains(&raw)) {
                        self.ledger.inbound.merged += 1;
                        return;
                    }
                    remember(&mut self.seen_raw, raw);
                }
                describe(&mut exchange);
                self.test(PlacedTest {
                    exchange,
                    calls: Vec::new(),
                    overlapped: false,
                })
            }
        }
    }

    fn outbound(&mut self, to: Arc<str>, exchange: Exchange, raw: Option<u128>) {
        if let Some(flaw) = &exchange.flaw {
            return count_flaw(self.tally(&to), flaw);
        }
        if let Some(rule) = excluded_by(&self.keeping.exclude, Some(&to), &exchange) {
            return add(&mut self.tally(&to).sampled_out, &rule, 1);
        }
        if !self.keeping.has_inbound && exchange.request.tree().is_some() {
            let scope = match exchange.scope {
                Some(scope @ (Scope::Session | Scope::Connection)) => scope,
                _ => Scope::Startup,
            };
            return self.share(to, exchange, scope, Attribution::Unattributed, raw);
        }
        let sql = exchange.request.tree().and_then(|tree| tree.get("sql"));
        let step = sql
            .and_then(Value::as_str)
            .map(Step::of)
            .unwrap_or_default();
        let recurring = match (exchange.request.tree(), protocol(exchange.protocol.0)) {
            (Some(request), Some(protocol)) => {
                let near = Near::recorded(exchange.began);
                // What is heard on one channel is told apart by what was said.
                let said = request.get("listening").and(exchange.response.tree());
                let said = said.and_then(|answer| answer.get("notify"));
                let said = said.map(|notes| Value::map([("listening", notes.clone())]));
                let request = said.as_ref().unwrap_or(request);
                Recurring::of(to.clone(), request, protocol.rules(), near)
            }
            _ => return add(&mut self.tally(&to).undecodable, "not described", 1),
        };
        self.attributor.outbound(OutboundCall {
            to,
            exchange,
            recurring,
            step,
        });
    }

    fn write_ready(&mut self) {
        while let Some(placed) = self.attributor.poll() {
            match placed {
                Placed::Test(test) => self.test(test),
                Placed::Shared(placed) => {
                    let PlacedCall { call, scope, by } = *placed;
                    self.share(call.to, call.exchange, scope, by, None);
                }
            }
        }
    }

    /// Keeps an inbound exchange as a test, unless it is flawed or a repeat.
    fn test(&mut self, placed: PlacedTest) {
        let PlacedTest {
            exchange,
            calls,
            overlapped,
        } = placed;
        if let Some(flaw) = &exchange.flaw {
            count_flaw(&mut self.ledger.inbound, flaw);
            for call in calls {
                add(
                    &mut self.tally(&call.call.to).dropped,
                    "its request was not kept",
                    1,
                );
            }
            return;
        }
        if let Some(rule) = excluded_by(&self.keeping.exclude, None, &exchange) {
            add(&mut self.ledger.inbound.sampled_out, &rule, 1);
            for call in calls {
                add(&mut self.tally(&call.call.to).sampled_out, &rule, 1);
            }
            return;
        }
        let began = exchange.began;
        let calls: Vec<Mock> = calls
            .into_iter()
            .filter_map(|PlacedCall { call, scope, by }| {
                mock(call.to, call.exchange, scope, by, began)
            })
            .collect();
        let port = self.served.beside(exchange.conn);
        let Some(mut test) = test_case(*exchange, port, calls) else {
            add(&mut self.ledger.inbound.undecodable, "not described", 1);
            return;
        };
        if !self.keeping.repeats && self.is_repeat(&test, overlapped) {
            self.ledger.inbound.merged += 1;
            for call in &test.calls {
                self.tally(&call.to).merged += 1;
            }
            return;
        }
        self.redact(&mut test);
        test.made = find_made(&test, &mut self.known);
        self.writer.name_test(&mut test);
        self.writers.write(test);
    }

    /// Whether such a test was there before; if not, remembers it.
    fn is_repeat(&mut self, test: &TestCase, overlapped: bool) -> bool {
        // Of requests that were open at the same time nobody knows whose the calls are: what looks
        // like a repeat may have made calls that stand with another test.
        if overlapped && self.keeping.has_dependencies {
            return false;
        }
        let print = Fingerprint::test(test);
        let is_repeat = self.seen_tests.contains(&print);
        remember(&mut self.seen_tests, Some(print));
        is_repeat
    }

    /// Keeps a call outside tests. `raw` is of its exact bytes, where they tell its scope.
    fn share(
        &mut self,
        to: Arc<str>,
        exchange: Exchange,
        scope: Scope,
        by: Attribution,
        raw: Option<u128>,
    ) {
        let at = exchange.began;
        let Some(mut mock) = mock(to.clone(), exchange, scope, by, Timestamp(u64::MAX)) else {
            return;
        };
        let mut secrets = Vec::new();
        self.redactor.http(&mut mock.request, &mut secrets);
        self.redactor.http(&mut mock.response, &mut secrets);
        self.redacted += secrets.len() as u64;
        let kept = self.shared.add(&mock, raw);
        if kept == Kept::New {
            self.known.learn(&mock, Near::recorded(at));
        }
        count_shared(self.tally(&to), kept);
        self.release_shared();
    }

    fn redact(&mut self, test: &mut TestCase) {
        let mut secrets = Vec::new();
        self.redactor.http(&mut test.request, &mut secrets);
        self.redactor.http(&mut test.response, &mut secrets);
        for call in &mut test.calls {
            self.redactor.http(&mut call.request, &mut secrets);
            self.redactor.http(&mut call.response, &mut secrets);
        }
        if secrets.is_empty() {
            return;
        }
        self.redacted += secrets.len() as u64;
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        self.redactor.elsewhere(&mut test.request, &secrets);
        self.redactor.elsewhere(&mut test.response, &secrets);
        for call in &mut test.calls {
            self.redactor.elsewhere(&mut call.request, &secrets);
            self.redactor.elsewhere(&mut call.response, &secrets);
        }
    }

    fn tally(&mut self, to: &str) -> &mut Tally {
        if !self.ledger.outbound.contains_key(to) {
            self.ledger.outbound.insert(to.to_owned(), Tally::default());
        }
        self.ledger.outbound.entry(to.to_owned()).or_default()
    }
}

fn describe(exchange: &mut Exchange) {
    if let Some(protocol) = protocol(exchange.protocol.0) {
        protocol.describe(exchange);
    }
}

fn remember(seen: &mut HashSet<u128>, print: Option<u128>) {
    if let Some(print) = print
        && seen.len() < MAX_FINGERPRINTS
    {
        seen.insert(print);
    }
}

fn add(counts: &mut BTreeMap<String, u64>, reason: &str, count: u64) {
    if count > 0 {
        *counts.entry(reason.to_owned()).or_default() += count;
    }
}

fn count_flaw(tally: &mut Tally, flaw: &Flaw) {
    match flaw {
        Flaw::Cut => add(&mut tally.dropped, "cut off before its end", 1),
        Flaw::TooLarge(_) => add(&mut tally.dropped, "too large to be held", 1),
        Flaw::Undecodable(why) => add(&mut tally.undecodable, why, 1),
    }
}

fn count_shared(tally: &mut Tally, kept: Kept) {
    match kept {
        Kept::New => tally.kept += 1,
        Kept::Merged => tally.merged += 1,
        Kept::Full => add(&mut tally.dropped, "too many calls outside of tests", 1),
    }
}

fn note(ledger: &mut Ledger, text: String) {
    if ledger.notes.len() < MAX_NOTES && !ledger.notes.contains(&text) {
        ledger.notes.push(text);
    }
}

fn into_tree(message: Message) -> Option<Value> {
    match message {
        Message::Tree(tree) => Some(tree),
        Message::Raw(_) => None,
    }
}

fn test_case(exchange: Exchange, port: Option<u16>, calls: Vec<Mock>) -> Option<TestCase> {
    Some(TestCase {
        name: String::new(),
        protocol: exchange.protocol,
        at: exchange.began,
        took: exchange.ended.since(exchange.began),
        trace: exchange.trace,
        merged: 0,
        port,
        request: into_tree(exchange.request)?,
        response: into_tree(exchange.response)?,
        calls,
        made: Vec::new(),
        rules: Vec::new(),
    })
}

fn mock(
    to: Arc<str>,
    exchange: Exchange,
    scope: Scope,
    by: Attribution,
    began: Timestamp,
) -> Option<Mock> {
    Some(Mock {
        to,
        protocol: exchange.protocol,
        scope,
        by,
        after: exchange.began.since(began),
        took: exchange.ended.since(exchange.began),
        request: into_tree(exchange.request)?,
        response: into_tree(exchange.response)?,
        merged: 0,
    })
}

#[cfg(test)]
mod tests;
