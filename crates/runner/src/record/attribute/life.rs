//! What the life of a connection tells: one that was first used while a request was open, and closed
//! with it, served that request and no other. PHP opens one for each request, and so do clients
//! that keep none. Where one went on to serve others, the service keeps its connections, and gives
//! them to whoever comes: then the life of none tells anything, however short it was.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use retake_compare::matching::LATE;
use retake_model::{ConnId, Timestamp};

use super::evidence::Request;
use super::process::may_be;
use super::{Attributor, OutboundCall};

/// How many connections are known at most. Of others nothing is told.
const MOST: usize = 20_000;

/// How long after its end the life of a connection is remembered, in nanoseconds: calls wait for the
/// answers of the requests that they may be of.
const REMEMBERED: u64 = 60_000_000_000;

/// Since when the service's connections to its dependencies were used, and until when.
#[derive(Debug, Default)]
pub(super) struct Lives {
    of: HashMap<ConnId, Life>,
    /// Those that ended, the oldest first.
    ended: VecDeque<(Timestamp, ConnId)>,
    /// Those of them whose calls may be in doubt, each by itself.
    parted: HashSet<ConnId>,
    /// Who keeps connections, and to what: the process, where it accepts clients, and the dependency.
    kept: HashSet<(Option<u32>, Arc<str>)>,
}

#[derive(Debug, Clone)]
struct Life {
    to: Arc<str>,
    began: Timestamp,
    closed: Option<Timestamp>,
}

impl Lives {
    /// Something was asked on a connection.
    pub(super) fn used(&mut self, call: &OutboundCall) {
        let known = self.of.len();
        match self.of.entry(call.exchange.conn) {
            Entry::Vacant(entry) if known < MOST => {
                entry.insert(Life {
                    to: call.to.clone(),
                    began: call.exchange.began,
                    closed: None,
                });
            }
            _ => {}
        }
    }

    fn closed(&mut self, conn: ConnId, at: Timestamp) {
        if let Some(life) = self.of.get_mut(&conn) {
            life.closed = Some(at);
            self.ended.push_back((at, conn));
            self.parted.insert(conn);
        }
        let is_over = |(closed, _): &mut (Timestamp, ConnId)| at.since(*closed) > REMEMBERED;
        while let Some((_, conn)) = self.ended.pop_front_if(is_over) {
            self.of.remove(&conn);
            self.parted.remove(&conn);
        }
    }

    /// A call of a connection is in doubt.
    pub(super) fn doubted(&mut self, conn: ConnId) {
        if self.of.get(&conn).is_some_and(|life| life.closed.is_some()) {
            self.parted.insert(conn);
        }
    }
}

impl Attributor {
    /// A connection to a dependency ended.
    pub fn disconnected(&mut self, conn: ConnId, at: Timestamp) {
        self.lives.closed(conn, at);
    }

    /// Makes one of the doubtful calls of each connection that served one request, as those of a
    /// transaction are.
    pub(super) fn join_connections(&mut self) {
        let parted = std::mem::take(&mut self.lives.parted);
        if parted.is_empty() {
            return;
        }
        let mut numbers: HashMap<ConnId, Option<u64>> = HashMap::new();
        for doubtful in self.doubtful.values().filter(|doubtful| !doubtful.joined) {
            let conn = doubtful.call.exchange.conn;
            if parted.contains(&conn) && !numbers.contains_key(&conn) {
                let process = self.processes.narrows(&doubtful.call);
                let is_whole = !self.served_by(conn, process).is_empty();
                numbers.insert(conn, is_whole.then(|| self.transactions.on(conn)));
            }
        }
        for doubtful in self
            .doubtful
            .values_mut()
            .filter(|doubtful| !doubtful.joined)
        {
            if let Some(number) = numbers.get(&doubtful.call.exchange.conn) {
                doubtful.joined = true;
                doubtful.transaction = number.or(doubtful.transaction);
            }
        }
    }

    /// The requests that were open when a connection was first used, and that ended at most a short while
    /// before it was closed: it served one of them. None where it lived longer, as those of pools
    /// do, or may go on; nor where others like it did.
    pub(super) fn served_by(&self, conn: ConnId, process: Option<u32>) -> Vec<Request> {
        let Some(life) = self.lives.of.get(&conn) else {
            return Vec::new();
        };
        let is_kept = || self.lives.kept.contains(&(process, life.to.clone()));
        match life.closed {
            Some(closed) if !is_kept() => self.open_from(life.began, closed, process),
            _ => Vec::new(),
        }
    }

    /// A request is open while something is asked on a connection: where that is none of those that were
    /// open when it was first used, the service keeps its connections.
    pub(super) fn saw_kept(&mut self, conn: ConnId, at: Timestamp, process: Option<u32>) {
        let Some(life) = self.lives.of.get(&conn) else {
            return;
        };
        let key = (process, life.to.clone());
        let room = self.lives.kept.len() < MOST && !self.lives.kept.contains(&key);
        if room && self.open_from(life.began, at, process).is_empty() {
            self.lives.kept.insert(key);
        }
    }

    /// The requests that were open at one time, and that ended at most a short while before another.
    fn open_from(&self, began: Timestamp, until: Timestamp, process: Option<u32>) -> Vec<Request> {
        let open = self.open.iter();
        let open = open.filter(|(_, o)| o.at <= began && may_be(process, o.process));
        let answered = self.candidates(began, process).into_iter();
        let answered = answered.filter_map(|at| self.ended.get(at));
        let answered = answered.filter(|w| until.since(w.exchange.ended) <= LATE);
        open.map(|(request, _)| *request)
            .chain(answered.map(|waiting| waiting.request()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use retake_model::{Attribution, Scope};

    use super::super::tests::{MS, call, exchange, outcome};
    use super::*;

    const FIRST: u64 = 9;
    const SECOND: u64 = 8;

    /// What the two requests of 10 to 40 ms and of `second` have, where the first one's connection
    /// was open during `life`, and a call was made on it at that time, and one on the second's.
    fn check(second: (u64, u64), life: (u64, u64), at: u64, expected: [&[(u8, Attribution)]; 2]) {
        let mut a = Attributor::default();
        for (conn, began) in [(FIRST, life.0), (SECOND, second.0 + 1)] {
            let mut start = call(conn, 3, began, began + 1);
            start.exchange.scope = Some(Scope::Connection);
            a.outbound(start);
        }
        a.disconnected(ConnId(FIRST), Timestamp(life.1 * MS));
        a.disconnected(ConnId(SECOND), Timestamp((second.1 + 1) * MS));
        a.inbound(Box::new(exchange(1, 0, 10, 40)));
        a.inbound(Box::new(exchange(2, 0, second.0, second.1)));
        a.outbound(call(FIRST, 1, at, at + 1));
        a.outbound(call(SECOND, 2, second.1 - 2, second.1 - 1));
        let (tests, _) = outcome(a);
        assert_eq!(tests, expected, "{second:?} {life:?} {at}");
    }

    #[test]
    fn a_connection_that_was_opened_and_closed_with_a_request_is_its_own() {
        use Attribution::{Alone, Connection, Transaction};
        // While the next one is open, which has a connection of its own.
        let late: [&[_]; 2] = [&[(1, Connection)], &[(2, Alone)]];
        check((50, 90), (12, 75), 70, late);
        // Of two at once: the first may have gone on with the second's.
        let both: [&[_]; 2] = [&[(1, Connection)], &[(2, Transaction)]];
        check((20, 70), (12, 45), 30, both);
    }

    #[test]
    fn where_one_connection_serves_several_requests_another_tells_nothing_by_its_short_life() {
        let owners = |kept: u64| {
            let mut a = Attributor::default();
            a.inbound(Box::new(exchange(1, 0, 10, 40)));
            // A pool's: of the first request, and of the second or of none.
            a.outbound(call(FIRST, 1, 20, 21));
            a.inbound(Box::new(exchange(1, 1, 900, 940)));
            a.outbound(call(FIRST, 2, kept, kept + 1));
            // One more of the pool than it keeps.
            a.inbound(Box::new(exchange(2, 0, 1_900, 2_400)));
            a.inbound(Box::new(exchange(1, 2, 2_000, 2_100)));
            a.outbound(call(SECOND, 3, 1_950, 1_951));
            a.outbound(call(SECOND, 4, 2_050, 2_051));
            a.disconnected(ConnId(SECOND), Timestamp(2_060 * MS));
            let (tests, _) = outcome(a);
            let calls = tests.iter().flatten();
            let fourth = calls.filter(|(key, _)| *key == 4).map(|(_, by)| *by);
            fourth.collect::<Vec<_>>()
        };
        assert_eq!(owners(910), [Attribution::Shared]);
        assert_eq!(owners(30), [Attribution::Connection]);
    }

    #[test]
    fn a_connection_that_lives_on_tells_nothing() {
        use Attribution::Alone;
        check((50, 90), (12, 900), 70, [&[], &[(1, Alone), (2, Alone)]]);
        check((50, 90), (5, 75), 70, [&[], &[(1, Alone), (2, Alone)]]);
    }
}
