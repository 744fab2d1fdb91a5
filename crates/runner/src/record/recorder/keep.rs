//! What becomes of an exchange: a test, a call of one, a call outside of tests, or a count.

use std::collections::HashSet;
use std::sync::Arc;

use retake_compare::made::{Near, find_made};
use retake_compare::matching::Recurring;
use retake_model::{Attribution, Direction, Exchange, Mock, Scope, TestCase, Timestamp, Value};
use retake_wire::protocol;

use super::Recorder;
use super::count::{add, count_flaw, count_shared};
use super::trees::{describe, mock, test_case};
use crate::record::exclude::excluded_by;
use crate::record::fingerprint::Fingerprint;
use crate::record::shared::Kept;
use crate::record::{OutboundCall, Placed, PlacedCall, PlacedTest, Step};

/// How many requests a service answers without connecting to anything until it is taken for one
/// that calls nobody: its requests are no longer kept waiting for calls, until it does.
const CALM: u64 = 1_000;

/// How many fingerprints of kept tests are remembered to recognise repeats.
const MAX_FINGERPRINTS: usize = 200_000;

impl Recorder {
    pub(super) fn exchange(&mut self, mut exchange: Box<Exchange>) {
        match self.connections.get(&exchange.conn) {
            Some(known) if known.direction == Direction::Outbound => {
                let process = known.process;
                let to = known.dependency.clone();
                let to = to.unwrap_or_else(|| "unknown".into());
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
                self.outbound(to, *exchange, process, raw);
            }
            _ if self.awaits_calls() => {
                self.calm = self.calm.map(|answered| answered + 1);
                self.served.exchange(exchange.conn);
                describe(&mut exchange);
                self.attributor.inbound(exchange);
            }
            // With no calls to wait for, a repeat is told from its bytes alone.
            _ => {
                self.served.exchange(exchange.conn);
                self.attributor.answered(exchange.conn, exchange.index);
                if !self.keeping.repeats {
                    let port = self.served.beside(exchange.conn);
                    let raw = Fingerprint::raw(port, &exchange);
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
                    in_doubt: false,
                })
            }
        }
    }

    /// Whether a request may have made calls that are not known yet.
    fn awaits_calls(&self) -> bool {
        self.keeping.has_dependencies && self.calm.is_none_or(|answered| answered < CALM)
    }

    fn outbound(
        &mut self,
        to: Arc<str>,
        exchange: Exchange,
        process: Option<u32>,
        raw: Option<u128>,
    ) {
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
                Recurring::of(
                    to.clone(),
                    request,
                    protocol.rules(),
                    near,
                    &mut self.statements,
                )
            }
            _ => return add(&mut self.tally(&to).undecodable, "not described", 1),
        };
        self.attributor.outbound(OutboundCall {
            to,
            exchange,
            recurring,
            process,
            step,
        });
    }

    pub(super) fn write_ready(&mut self) {
        while let Some(placed) = self.attributor.poll() {
            match placed {
                Placed::Test(test) => self.test(test),
                Placed::Shared(placed) => {
                    let PlacedCall {
                        call, scope, by, ..
                    } = *placed;
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
            in_doubt,
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
            .filter_map(
                |PlacedCall {
                     call, scope, by, ..
                 }| { mock(call.to, call.exchange, scope, by, began) },
            )
            .collect();
        let port = self.served.beside(exchange.conn);
        let Some(mut test) = test_case(*exchange, port, calls) else {
            add(&mut self.ledger.inbound.undecodable, "not described", 1);
            return;
        };
        if !self.keeping.repeats && self.is_repeat(&test, in_doubt) {
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
    fn is_repeat(&mut self, test: &TestCase, in_doubt: bool) -> bool {
        // What looks like a repeat may have made calls that stand with another test.
        if in_doubt {
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
        let Some(mut mock) = mock(to.clone(), exchange, scope, by, Timestamp(0)) else {
            return;
        };
        if scope != Scope::Background {
            mock.after = 0;
        }
        let mut secrets = Vec::new();
        self.redactor.http(&mut mock.request, &mut secrets);
        self.redactor.http(&mut mock.response, &mut secrets);
        self.redacted += secrets.len() as u64;
        self.secrets.learn(&secrets);
        self.secrets.find(&mock.request, &mut secrets);
        self.secrets.find(&mock.response, &mut secrets);
        if !secrets.is_empty() {
            in_order(&mut secrets);
            self.redactor.elsewhere(&mut mock.request, &secrets);
            self.redactor.elsewhere(&mut mock.response, &secrets);
        }
        let kept = self.shared.add(&mock, raw);
        if kept == Kept::New {
            let near = Near::recorded(at);
            match scope {
                // A test is told of after what was asked by the clock while it was open.
                Scope::Background => self.known.learn_beside(&mock, at, near),
                _ => self.known.learn(&mock, near),
            }
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
        self.redacted += secrets.len() as u64;
        self.secrets.learn(&secrets);
        self.secrets.find(&test.request, &mut secrets);
        self.secrets.find(&test.response, &mut secrets);
        for call in &test.calls {
            self.secrets.find(&call.request, &mut secrets);
            self.secrets.find(&call.response, &mut secrets);
        }
        if secrets.is_empty() {
            return;
        }
        in_order(&mut secrets);
        self.redactor.elsewhere(&mut test.request, &secrets);
        self.redactor.elsewhere(&mut test.response, &secrets);
        for call in &mut test.calls {
            self.redactor.elsewhere(&mut call.request, &secrets);
            self.redactor.elsewhere(&mut call.response, &secrets);
        }
    }
}

/// The longer ones first: one may be a part of another.
fn in_order(secrets: &mut Vec<String>) {
    secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    secrets.dedup();
}

fn remember(seen: &mut HashSet<u128>, print: Option<u128>) {
    if let Some(print) = print
        && seen.len() < MAX_FINGERPRINTS
    {
        seen.insert(print);
    }
}
