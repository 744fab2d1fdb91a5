//! What the processes of a service tell: a call is of a request that its own process accepted.
//!
//! Servers that fork first and accept then (gunicorn, PHP-FPM, PostgreSQL's own kind) answer each
//! request where it was accepted, and many of them one at a time. Where one process accepts for
//! others (a cluster of Node), those accept nothing, and nothing is told of their calls.

use std::collections::{HashMap, HashSet};

use retake_model::{Attribution, ConnId, Timestamp};

use super::evidence::Request;
use super::{Attributor, OutboundCall};

/// How many processes that accept are known at most. A service that has more starts one for each
/// client.
const MOST: usize = 10_000;

/// Which processes accept the service's clients.
#[derive(Debug, Default)]
pub(super) struct Processes {
    /// By the connections that are open.
    of: HashMap<ConnId, u32>,
    accept: HashSet<u32>,
}

impl Processes {
    /// The process that accepted a connection, where that is known.
    pub(super) fn of(&self, conn: ConnId) -> Option<u32> {
        self.of.get(&conn).copied()
    }

    /// The process that made a call, where that says which requests it may be of.
    pub(super) fn narrows(&self, call: &OutboundCall) -> Option<u32> {
        call.process.filter(|process| self.accept.contains(process))
    }

    pub(super) fn closed(&mut self, conn: ConnId) {
        self.of.remove(&conn);
    }

    fn accepted(&mut self, conn: ConnId, process: u32) {
        if self.accept.len() < MOST || self.accept.contains(&process) {
            self.of.insert(conn, process);
            self.accept.insert(process);
        }
    }
}

/// Whether something of one process may be of the other; what is not known may be.
pub(super) fn may_be(one: Option<u32>, other: Option<u32>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

impl Attributor {
    /// A client was accepted by this process of the service.
    pub fn accepted(&mut self, conn: ConnId, process: u32) {
        self.processes.accepted(conn, process);
    }

    /// What told whose a call of that time is, of which this request alone may be the owner.
    pub(super) fn alone(&self, began: Timestamp, owner: Request) -> Attribution {
        let mut open = self.open.iter().filter(|(_, open)| open.at <= began);
        let covering = self.candidates(began, None);
        let mut answered = covering.iter().filter_map(|at| self.request(*at));
        let is_other = |request: &Request| *request != owner;
        let others = open.any(|(request, _)| is_other(request)) || answered.any(|r| is_other(&r));
        let is_late = covering.is_empty() && !self.open.contains_key(&owner);
        let late_others = || {
            let mut before = self.answered_before(began, None);
            before.any(|waiting| is_other(&waiting.request()))
        };
        match others || is_late && late_others() {
            true => Attribution::Process,
            false => Attribution::Alone,
        }
    }
}

#[cfg(test)]
mod tests {
    use retake_compare::matching::{Key, Recurring};

    use super::super::tests::exchange;
    use super::super::{Placed, Step};
    use super::*;

    /// Whose the call was found to be, by the connection of the request, and what told it; `clients`
    /// are connections with the processes that accepted them, and when their requests began and
    /// ended.
    fn owner(
        clients: &[(u64, Option<u32>, u64, u64)],
        process: u32,
        at: u64,
    ) -> Option<(u64, Attribution)> {
        let mut attributor = Attributor::default();
        for (conn, process, ..) in clients {
            if let Some(process) = process {
                attributor.accepted(ConnId(*conn), *process);
            }
        }
        for (conn, _, began, ended) in clients {
            attributor.inbound(Box::new(exchange(*conn, 0, *began, *ended)));
            attributor.closed(ConnId(*conn));
        }
        attributor.outbound(OutboundCall {
            to: "db".into(),
            exchange: exchange(99, 0, at, at + 1),
            recurring: Recurring {
                key: ("db".into(), Key([1; 16])),
                plain: false,
                transaction: false,
            },
            process: Some(process),
            step: Step::Within,
        });
        attributor.finish();
        let placed = std::iter::from_fn(|| attributor.poll());
        let mut calls = placed.filter_map(|placed| match placed {
            Placed::Test(test) => {
                let conn = test.exchange.conn.0;
                test.calls.first().map(|call| (conn, call.by))
            }
            Placed::Shared(_) => None,
        });
        calls.next()
    }

    #[test]
    fn scenario_22_a_call_is_of_a_request_that_its_own_process_accepted() {
        use Attribution::{Alone, Process, Shared};
        let (seven, eight) = ((1, Some(7), 10, 40), (2, Some(8), 20, 60));
        let unknown = (2, None, 20, 60);
        let after = (2, Some(8), 70, 90);
        for (clients, process, at, expected) in [
            (vec![seven, eight], 7, 30, Some((1, Process))),
            (vec![seven, eight], 8, 30, Some((2, Process))),
            // After its response, while another process is at work.
            (vec![seven, eight], 7, 50, Some((1, Process))),
            (vec![seven, after], 7, 80, Some((1, Process))),
            // Nobody else is at work: the time tells as much.
            (vec![seven, after], 8, 80, Some((2, Alone))),
            // Two requests of one process.
            (
                vec![seven, (2, Some(7), 20, 60), (3, Some(8), 15, 60)],
                7,
                30,
                Some((1, Shared)),
            ),
            // One that accepts nothing works for those that do; and not every client's is known.
            (vec![seven, eight], 9, 30, Some((1, Shared))),
            (vec![seven, unknown], 7, 30, Some((1, Shared))),
            // Its own process has had no client for long: that is no late call.
            (vec![seven, eight], 7, 1_000, None),
        ] {
            let found = owner(&clients, process, at);
            assert_eq!(found, expected, "{clients:?}, by {process} at {at}");
        }
    }
}
