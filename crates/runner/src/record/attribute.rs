//! Which outbound exchange belongs to which inbound one.
//!
//! Pure: times come with the exchanges. Events of different threads may arrive a little out of
//! order, so a call is placed only once [`SETTLE`] has passed since it ended; a request is handed
//! on once [`WAIT`] has passed since it ended, for what a service still does after it answered.

use std::collections::{BTreeMap, VecDeque};

use retake_compare::matching::{Idle, LATE, Recurring};
use retake_compare::sql::Statements;
use retake_model::{Attribution, ConnId, Exchange, Scope, Timestamp, TraceId};

mod answered;
mod clock;
mod doubt;
mod evidence;
mod facts;
mod habits;
mod held;
mod improve;
mod known;
mod late;
mod life;
mod links;
mod numbered;
mod place;
mod placed;
mod process;
mod repeats;
mod transactions;
mod unit;
mod weighed;

use answered::Answered;
use clock::Clock;
use evidence::Request;
use facts::Facts;
use habits::Habits;
use life::Lives;
use placed::Unplaced;
pub use placed::{OutboundCall, Placed, PlacedCall, PlacedTest};
use process::{Processes, may_be};
pub use retake_compare::matching::Step;
use transactions::Transactions;

/// How long a call waits for events of other threads, in nanoseconds.
pub const SETTLE: u64 = 200_000_000;

/// How long a request waits for its calls, in nanoseconds: for those that come late, and for what is
/// asked beside them, which tells whose they are.
const WAIT: u64 = LATE + 4 * SETTLE;

/// How many requests may wait for their calls. Beyond it the oldest is handed on early.
const MAX_WAITING: usize = 20_000;

/// The attribution of one recording.
#[derive(Debug, Default)]
pub struct Attributor {
    open: BTreeMap<(ConnId, u64), Open>,
    processes: Processes,
    ended: Answered,
    calls: VecDeque<OutboundCall>,
    /// Calls with a trace id that no answered request has had yet, while several are open.
    traced: Vec<OutboundCall>,
    ready: VecDeque<Placed>,
    first_request: Option<Timestamp>,
    /// The latest end among the requests that were handed on.
    last_ended: Timestamp,
    idle: Idle,
    clock: Clock,
    transactions: Transactions,
    lives: Lives,
    /// Calls of which several requests may be the owner, until the first of those is handed on.
    doubtful: BTreeMap<(Timestamp, u64), Unplaced>,
    habits: Habits,
    statements: Statements,
    doubts: u64,
    /// How many calls and requests were decided early, because too many waited.
    hurried: u64,
    /// How many bytes wait, roughly.
    held: usize,
}

/// A request that was not answered yet, and the calls that are known to be its own.
#[derive(Debug)]
struct Open {
    at: Timestamp,
    process: Option<u32>,
    calls: Vec<PlacedCall>,
}

/// A request that was answered and waits for calls that may still come.
#[derive(Debug)]
struct Waiting {
    exchange: Box<Exchange>,
    /// The process of the service that accepted it, where that is known.
    process: Option<u32>,
    calls: Vec<PlacedCall>,
    /// Whether another request was open at the same time in that process.
    crowded: bool,
    /// Whether a call that may be its own stands elsewhere, or one that may be another's stands
    /// here.
    in_doubt: bool,
    /// What is known of it, once that was asked.
    facts: Option<Facts>,
}

impl Attributor {
    /// The first byte of an inbound request was read.
    pub fn began(&mut self, conn: ConnId, index: u64, at: Timestamp) {
        self.saw_request(at);
        self.open.insert(
            (conn, index),
            Open {
                at,
                process: self.processes.of(conn),
                calls: Vec::new(),
            },
        );
    }

    /// An inbound connection closed: what was open on it will not end.
    pub fn closed(&mut self, conn: ConnId) {
        self.processes.closed(conn);
        let gone: Vec<_> = self
            .open
            .range((conn, 0)..=(conn, u64::MAX))
            .map(|(k, _)| *k)
            .collect();
        for key in gone {
            for placed in self.open.remove(&key).map(|o| o.calls).unwrap_or_default() {
                self.share(placed.call, Scope::Background, Attribution::Unattributed);
            }
        }
    }

    /// A request was answered that can have made no calls.
    pub fn answered(&mut self, conn: ConnId, index: u64) {
        self.open.remove(&(conn, index));
    }

    /// Which requests are open can no longer be told: none is, until the next one begins.
    pub fn forget_open(&mut self) {
        let open: Vec<_> = self.open.keys().map(|(conn, _)| *conn).collect();
        for conn in open {
            self.closed(conn);
        }
    }

    /// An inbound exchange ended.
    pub fn inbound(&mut self, exchange: Box<Exchange>) {
        self.saw_request(exchange.began);
        self.hold(&exchange);
        let open = self.open.remove(&(exchange.conn, exchange.index));
        let calls = open.map(|o| o.calls).unwrap_or_default();
        let process = self.processes.of(exchange.conn);
        let crowded = self.mark_crowd(&exchange, process);
        let waiting = Waiting {
            exchange,
            process,
            calls,
            crowded,
            in_doubt: false,
            facts: None,
        };
        self.ended.insert(waiting);
        for call in std::mem::take(&mut self.traced) {
            self.place(call);
        }
        while self.ended.len() > MAX_WAITING {
            self.hurried += 1;
            self.hand_on_oldest();
        }
        self.relieve();
    }

    /// Whether another request was open at the same time; marks those that were, too.
    fn mark_crowd(&mut self, exchange: &Exchange, process: Option<u32>) -> bool {
        let mut crowded = self.is_open_at(exchange.ended, process);
        let last = self.ended.iter_mut().rev();
        for other in last.take_while(|other| other.exchange.ended >= exchange.began) {
            if other.exchange.began <= exchange.ended && may_be(process, other.process) {
                other.crowded = true;
                crowded = true;
            }
        }
        crowded
    }

    /// An outbound exchange ended.
    pub fn outbound(&mut self, call: OutboundCall) {
        self.lives.used(&call);
        let at = self
            .calls
            .partition_point(|c| c.exchange.ended <= call.exchange.ended);
        self.hold(&call.exchange);
        self.calls.insert(at, call);
        self.relieve();
    }

    /// What can be decided at that time.
    pub fn advance(&mut self, now: Timestamp) {
        while self
            .calls
            .front()
            .is_some_and(|c| now.since(c.exchange.ended) > SETTLE)
        {
            if let Some(call) = self.calls.pop_front() {
                self.place(call);
            }
        }
        while self
            .ended
            .first()
            .is_some_and(|w| now.since(w.exchange.ended) > WAIT)
        {
            // A call that began within this request and has not ended yet would be cut off here;
            // it is then placed by time like any other late call.
            self.hand_on_oldest();
        }
    }

    /// Decides everything; the recording is over.
    pub fn finish(&mut self) {
        self.open.clear();
        self.calls.extend(std::mem::take(&mut self.traced));
        while let Some(call) = self.calls.pop_front() {
            self.place(call);
        }
        while !self.ended.is_empty() {
            self.hand_on_oldest();
        }
        // The requests that they may have been of were never answered.
        for doubtful in std::mem::take(&mut self.doubtful).into_values() {
            self.share(doubtful.call, Scope::Background, Attribution::Unattributed);
        }
    }

    /// What is ready, oldest first.
    pub fn poll(&mut self) -> Option<Placed> {
        self.ready.pop_front()
    }

    /// How many calls and requests were decided early, because too many waited.
    pub fn hurried(&self) -> u64 {
        self.hurried
    }

    /// How many requests wait for their calls.
    pub fn waiting(&self) -> usize {
        self.ended.len()
    }

    fn saw_request(&mut self, at: Timestamp) {
        if self.first_request.is_none_or(|first| at < first) {
            self.first_request = Some(at);
        }
    }

    fn hand_on_oldest(&mut self) {
        self.settle_doubts();
        if let Some(mut waiting) = self.ended.pop_first() {
            waiting
                .calls
                .sort_by_key(|c| (c.call.exchange.began, c.call.exchange.conn));
            self.learn_habits(&mut waiting);
            let (began, ended) = (waiting.exchange.began, waiting.exchange.ended);
            let overlapped = self.last_ended >= began
                || self.open.values().any(|open| open.at <= ended)
                || self.ended.iter().any(|other| other.exchange.began <= ended);
            let may_lack = overlapped || self.habits.anything_late();
            let in_doubt = may_lack && (waiting.in_doubt || self.is_in_doubt_until(ended));
            self.last_ended = self.last_ended.max(ended);
            self.let_go(&waiting.exchange);
            for placed in &waiting.calls {
                self.let_go(&placed.call.exchange);
            }
            self.ready.push_back(Placed::Test(PlacedTest {
                exchange: waiting.exchange,
                calls: waiting.calls,
                in_doubt,
            }));
        }
    }

    /// Takes what turned out to be asked by the clock from the requests that have it already.
    fn take_back(&mut self, recurring: &Recurring) {
        let taken = self.take_out(|placed| placed.call.recurring.key == recurring.key);
        let by_clock = |_: &(Timestamp, u64), doubtful: &mut Unplaced| {
            doubtful.call.recurring.key == recurring.key
        };
        let doubtful: Vec<_> = self.doubtful.extract_if(.., by_clock).collect();
        let taken = taken.into_iter().map(|placed| placed.call);
        let doubtful = doubtful.into_iter().map(|(_, doubtful)| doubtful.call);
        let mut taken: Vec<OutboundCall> = taken.chain(doubtful).collect();
        taken.sort_by_key(|call| (call.exchange.began, call.exchange.conn));
        for call in taken {
            self.share(call, Scope::Background, Attribution::Unattributed);
        }
    }

    /// Takes such calls from the requests that have them, but for those with a trace id.
    fn take_out(&mut self, is_such: impl Fn(&PlacedCall) -> bool) -> Vec<PlacedCall> {
        let open = self.open.values_mut().map(|open| &mut open.calls);
        let ended = self.ended.iter_mut().map(|waiting| {
            waiting.facts = None;
            &mut waiting.calls
        });
        let mut taken = Vec::new();
        for calls in open.chain(ended) {
            let is_it =
                |placed: &mut PlacedCall| placed.by != Attribution::Trace && is_such(placed);
            taken.extend(calls.extract_if(.., is_it));
        }
        taken
    }

    /// Keeps a call with a request that is open.
    fn attach_open(&mut self, to: Request, call: Unplaced, by: Attribution) {
        if let Some(open) = self.open.get_mut(&to) {
            open.calls.push(call.of_test(by));
        }
    }

    /// Keeps a call with an answered request.
    fn attach(&mut self, at: usize, call: Unplaced, by: Attribution) {
        if let Some(waiting) = self.ended.get_mut(at) {
            waiting.calls.push(call.of_test(by));
        }
    }

    fn with_trace(&self, trace: &TraceId) -> Option<usize> {
        (0..self.ended.len()).rev().find(|&i| {
            self.ended
                .get(i)
                .is_some_and(|w| w.exchange.trace.as_ref() == Some(trace))
        })
    }

    fn share(&mut self, call: OutboundCall, scope: Scope, by: Attribution) {
        self.let_go(&call.exchange);
        self.ready.push_back(Placed::Shared(Box::new(PlacedCall {
            call,
            scope,
            by,
            question: None,
            transaction: None,
        })));
    }
}

#[cfg(test)]
mod tests;
