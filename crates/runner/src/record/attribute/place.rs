//! Where a call is kept: at the start, with the request that alone may be its owner, out of tests, or
//! in doubt.

use retake_compare::matching::LATE;
use retake_model::{Attribution, Scope, Timestamp};

use super::evidence::Request;
use super::placed::Unplaced;
use super::process::may_be;
use super::{Attributor, MAX_WAITING, OutboundCall, Step};

impl Attributor {
    /// Finds the place of a call.
    pub(super) fn place(&mut self, call: OutboundCall) {
        let began = call.exchange.began;
        let transaction = self.transactions.of(&call);
        if let Some(scope @ (Scope::Session | Scope::Connection)) = call.exchange.scope {
            return self.share(call, scope, Attribution::Unattributed);
        }
        if self.first_request.is_none_or(|first| began < first) {
            self.clock.at_start(&call.recurring, began, &mut self.idle);
            return self.share(call, Scope::Startup, Attribution::Unattributed);
        }
        let trace = call.exchange.trace.as_ref();
        let traced = trace.and_then(|trace| self.with_trace(trace));
        let scope = match traced {
            Some(_) => None,
            None => self.of_no_test(&call, transaction),
        };
        if let Some(scope) = scope {
            return self.share(call, scope, Attribution::Unattributed);
        }
        let call = Unplaced {
            call,
            transaction,
            question: None,
            joined: false,
        };
        if let Some(at) = traced {
            return self.attach(at, call, Attribution::Trace);
        }
        let call = match call.call.step {
            Step::Ends => self.keep_with_owner(call),
            Step::Begins | Step::Within => Some(call),
        };
        if let Some(call) = call {
            self.place_by_time(call);
        }
    }

    /// Finds the place of a call by the requests that were open when it was made.
    fn place_by_time(&mut self, mut call: Unplaced) {
        let began = self.when(&call.call);
        let process = self.processes.narrows(&call.call);
        let covering = self.candidates(began, process);
        let open: Vec<_> = self
            .open
            .iter()
            .filter(|(_, o)| o.at <= began && may_be(process, o.process))
            .map(|(k, _)| *k)
            .collect();
        let behind = self.is_behind_crowd(began, process);
        let traced = call.call.exchange.trace.is_some() && self.traced.len() < MAX_WAITING;
        let several = covering.len() + open.len() > 1;
        let is_open = !covering.is_empty() || !open.is_empty();
        if is_open {
            self.saw_kept(call.call.exchange.conn, began, process);
        }
        let may_be_late = is_open && self.may_be_late(&mut call, began, process);
        if (process.is_none() || several)
            && !may_be_late
            && let &[only] = self.served_by(call.call.exchange.conn, process).as_slice()
        {
            self.transactions.owned(call.transaction, only);
            return self.keep_with(only, call);
        }
        match (covering.as_slice(), open.as_slice()) {
            (_, [_, ..]) if traced && several => {
                self.traced.push(call.call);
            }
            _ if behind => self.doubt(call),
            ([], []) => {
                self.saw_late(&mut call, began, process);
                if let Some(call) = self.keep_with_owner(call) {
                    self.place_after(call, began, process);
                }
            }
            _ if may_be_late => self.doubt(call),
            (&[only], []) => {
                if let Some(request) = self.request(only) {
                    self.transactions.owned(call.transaction, request);
                    let by = self.alone(began, request);
                    self.attach(only, call, by);
                }
            }
            ([], &[only]) => {
                self.transactions.owned(call.transaction, only);
                let by = self.alone(began, only);
                self.attach_open(only, call, by);
            }
            _ => self.doubt(call),
        }
    }

    /// No request was open: one that was answered shortly before owns it, or nobody.
    fn place_after(&mut self, call: Unplaced, began: Timestamp, process: Option<u32>) {
        if self.answered_before(began, process).nth(1).is_some() {
            return self.doubt(call);
        }
        let transaction = call.transaction;
        if let Some(request) = self.place_idle(call) {
            self.transactions.owned(transaction, request);
        }
    }

    /// Keeps a call with the request whose connection it was made on.
    fn keep_with(&mut self, owner: Request, call: Unplaced) {
        let by = match self.alone(self.when(&call.call), owner) {
            Attribution::Alone => Attribution::Alone,
            _ => Attribution::Connection,
        };
        match self.ended.place_of(owner) {
            Some(at) => self.attach(at, call, by),
            None => self.attach_open(owner, call, by),
        }
    }

    pub(super) fn request(&self, at: usize) -> Option<Request> {
        let exchange = &self.ended.get(at)?.exchange;
        Some((exchange.conn, exchange.index))
    }

    /// Whether an answered request may be of that process.
    fn is_of(&self, at: usize, process: Option<u32>) -> bool {
        let waiting = self.ended.get(at);
        waiting.is_some_and(|waiting| may_be(process, waiting.process))
    }

    /// The answered requests that were open at that time, the one that began first before the
    /// others.
    pub(super) fn candidates(&self, began: Timestamp, process: Option<u32>) -> Vec<usize> {
        let exchange = |at: usize| self.ended.get(at).map(|waiting| &waiting.exchange);
        let open = self.ended.open_at(began);
        let mut found: Vec<usize> = open.filter(|at| self.is_of(*at, process)).collect();
        found.sort_by_key(|&at| exchange(at).map(|e| (e.began, e.conn)));
        found
    }

    /// Nobody was open: the last answered request owns it if that was just now, else it is what
    /// the service asks by itself. The request that owns it.
    pub(super) fn place_idle(&mut self, call: Unplaced) -> Option<Request> {
        let began = self.when(&call.call);
        let process = self.processes.narrows(&call.call);
        let just_ended = self.ended.ended_before(began, LATE).rev();
        let just_ended: Vec<usize> = just_ended.filter(|at| self.is_of(*at, process)).collect();
        match just_ended.as_slice() {
            [] => {
                let call = call.call;
                let was_known = self.idle.has(&call.recurring);
                self.idle.saw(&call.recurring, 1);
                if !was_known && self.idle.has(&call.recurring) {
                    self.take_back(&call.recurring);
                }
                self.share(call, Scope::Background, Attribution::Unattributed);
                None
            }
            &[only] => {
                let request = self.request(only)?;
                let by = self.alone(began, request);
                self.attach(only, call, by);
                Some(request)
            }
            &[last, ..] => {
                self.leave_places_in_doubt(&just_ended);
                self.attach(last, call, Attribution::Shared);
                self.request(last)
            }
        }
    }
}
