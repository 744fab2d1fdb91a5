//! Notifications: what a service hears without asking.
//!
//! A recorded notification is told to every connection that listens on its channel, once, while
//! its test is open (or ended a short while ago), and after the call that it followed in the
//! recording was asked: that is most often what caused it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{Call, ConnId, Mock, Scope, TestSet, Value};

use super::describe::is_probe;
use super::pool::Origin;

/// How many times something was told is held at most. Beyond it nothing more is told.
const MAX_TOLD: usize = 1_000_000;

/// How many notifications of one place and channel are looked at for one question.
const LOOK: usize = 1_000;

/// The notifications of a recording, and who was told of them.
#[derive(Debug, Default)]
pub(super) struct Heard {
    notices: HashMap<Channel, Vec<Notice>>,
    /// Calls that notifications follow, and whether they were asked.
    causes: HashMap<Origin, bool>,
    told: HashSet<(ConnId, Origin)>,
}

/// Where notifications were recorded: a set, a test (none for the calls outside of tests), the
/// dependency, and the channel.
type Channel = (usize, Option<usize>, String, String);

#[derive(Debug)]
struct Notice {
    /// The first one with these words after the same call: several connections that listened
    /// heard the same.
    origin: Origin,
    after: Option<Origin>,
}

/// The channel that a request listens on.
pub(super) fn channel(request: &Value) -> Option<&str> {
    request.get("listening")?.as_str()
}

impl Heard {
    /// Reads all recorded calls.
    pub(super) fn read(sets: &[Arc<TestSet>]) -> Self {
        let mut heard = Heard::default();
        for (number, set) in sets.iter().enumerate() {
            heard.read_calls((number, None), &set.shared);
            for (test, case) in set.tests.iter().enumerate() {
                heard.read_calls((number, Some(test)), &case.calls);
            }
        }
        heard
    }

    fn read_calls(&mut self, (set, test): (usize, Option<usize>), calls: &[Mock]) {
        let origin = |index| Origin { set, test, index };
        let mut last: HashMap<&str, usize> = HashMap::new();
        for (index, mock) in calls.iter().enumerate() {
            let Some(channel) = channel(&mock.request) else {
                let once = matches!(mock.scope, Scope::Startup | Scope::Test);
                if once && !is_probe(&mock.request) {
                    last.insert(&mock.to, index);
                }
                continue;
            };
            let after = last.get(&*mock.to).map(|index| origin(*index));
            // What came by the clock follows nothing.
            let after = after.filter(|_| mock.scope != Scope::Background);
            if let Some(after) = after {
                self.causes.insert(after, false);
            }
            let place = (set, test, mock.to.to_string(), channel.to_owned());
            let notices = self.notices.entry(place).or_default();
            let like = |notice: &&Notice| {
                let same = calls.get(notice.origin.index).map(|mock| &mock.response);
                notice.after == after && same == Some(&mock.response)
            };
            let first = notices.iter().rev().take(LOOK).find(like);
            let origin = first.map_or(origin(index), |first| first.origin);
            notices.push(Notice { origin, after });
        }
    }

    /// A mock was served.
    pub(super) fn served(&mut self, origin: Origin) {
        if let Some(served) = self.causes.get_mut(&origin) {
            *served = true;
        }
    }

    /// What is due on the connection that asks, in the tests (set and test) that are open.
    pub(super) fn next(
        &mut self,
        call: &Call,
        open: impl Iterator<Item = (usize, usize)>,
        sets: usize,
    ) -> Option<Origin> {
        let channel = channel(&call.request)?;
        let outside = (0..sets).map(|set| (set, None));
        let tests = open.map(|(set, test)| (set, Some(test)));
        for (set, test) in outside.chain(tests) {
            let place = (set, test, call.to.to_string(), channel.to_owned());
            let notices = self.notices.get(&place).into_iter().flatten();
            let untold = |notice: &&Notice| !self.told.contains(&(call.conn, notice.origin));
            // The first one of them: they are told in their order.
            let Some(notice) = notices.take(LOOK).find(untold) else {
                continue;
            };
            let due = |after| self.causes.get(&after) == Some(&true);
            if notice.after.is_none_or(due) && self.told.len() < MAX_TOLD {
                self.told.insert((call.conn, notice.origin));
                return Some(notice.origin);
            }
        }
        None
    }
}
