//! The recorded time, for the service that is replayed.

use std::sync::Arc;
use std::time::Duration;

use retake_intercept::capture::{Clock, Moment, UnixNanos, probe};
use retake_model::{TestSet, Timestamp};

use super::ReplayOptions;

/// How long before the first test the service's time begins at the most. A recording may have run
/// for days before its first request.
const BEFORE_FIRST: Duration = Duration::from_secs(600);

/// The time that the service sees.
#[derive(Debug)]
pub(super) enum Time {
    /// The recorded one.
    Recorded(Arc<Clock>),
    /// The real one, and why, where that is worth saying.
    Real(Option<String>),
}

impl Time {
    /// The time for the service of a set.
    pub(super) fn of(set: &TestSet, options: &ReplayOptions) -> Time {
        if !options.freeze || set.tests.is_empty() {
            return Time::Real(None);
        }
        if options.command.is_empty() {
            let why = "the service sees the real time: it was not started by retake \
                       (give its command behind `--`)";
            return Time::Real(Some(why.to_owned()));
        }
        let ability = options.capture.clone().unwrap_or_else(probe);
        if !ability.captures() || !ability.killable {
            let why = "the service sees the real time: the recorded one needs seccomp notifications \
                       as Linux 5.19 has them";
            let all = std::iter::once(why).chain(ability.reasons.iter().map(String::as_str));
            return Time::Real(Some(all.collect::<Vec<_>>().join("; ")));
        }
        if let Some(why) = &ability.real_time {
            return Time::Real(Some(format!("the service sees the real time: {why}")));
        }
        match Clock::new(start(set), set.tests.first().map(|test| nanos(test.at))) {
            Ok(clock) => Time::Recorded(Arc::new(clock)),
            Err(error) => Time::Real(Some(format!("the service sees the real time: {error}"))),
        }
    }

    /// The clock that the service is started with.
    pub(super) fn clock(&self) -> Option<&Arc<Clock>> {
        match self {
            Time::Recorded(clock) => Some(clock),
            Time::Real(_) => None,
        }
    }

    /// The test of this number begins.
    pub(super) fn begin(&self, set: &TestSet, number: usize) {
        if let (Some(clock), Some(test)) = (self.clock(), set.tests.get(number)) {
            clock.set(Moment {
                at: nanos(test.at),
                took: Duration::from_nanos(test.took),
                next: set.tests.get(number + 1).map(|next| nanos(next.at)),
            });
        }
    }

    /// What there is to say of it when the set is over.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Time::Real(why) => why.clone(),
            Time::Recorded(clock) => clock.unfrozen().map(|unfrozen| {
                format!(
                    "the service saw the real time in part ({} times): {}",
                    unfrozen.programs, unfrozen.reason
                )
            }),
        }
    }
}

/// When the service is started: as long before the first test as it was in the recording.
fn start(set: &TestSet) -> UnixNanos {
    let first = set.tests.first().map_or(0, |test| test.at.0);
    let before = first
        .saturating_sub(set.info.recorded.0)
        .min(u64::try_from(BEFORE_FIRST.as_nanos()).unwrap_or(u64::MAX));
    nanos(Timestamp(first.saturating_sub(before)))
}

fn nanos(at: Timestamp) -> UnixNanos {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use retake_model::{ProtocolId, SetInfo, TestCase, Value};

    use super::*;

    const S: u64 = 1_000_000_000;

    fn set(recorded: u64, tests: &[u64]) -> TestSet {
        let test = |at: &u64| TestCase {
            name: at.to_string(),
            protocol: ProtocolId("http"),
            at: Timestamp(*at),
            took: S,
            trace: None,
            merged: 0,
            port: None,
            request: Value::Null,
            response: Value::Null,
            calls: Vec::new(),
            made: Vec::new(),
            rules: Vec::new(),
        };
        TestSet {
            name: "shop".into(),
            info: SetInfo {
                recorded: Timestamp(recorded),
                ..SetInfo::default()
            },
            tests: tests.iter().map(test).collect(),
            shared: Vec::new(),
        }
    }

    #[test]
    fn the_service_begins_as_long_before_the_first_test_as_it_was() {
        for (recorded, first, expect) in [
            (1000 * S, 1005 * S, 1000 * S),
            (1000 * S, 9000 * S, 8400 * S), // not two hours of waiting
            (1000 * S, 900 * S, 900 * S),   // clocks were set
        ] {
            assert_eq!(start(&set(recorded, &[first])), nanos(Timestamp(expect)));
        }
    }

    #[test]
    fn each_test_sets_its_own_time() {
        let set = set(1000 * S, &[1005 * S, 1010 * S, 5000 * S]);
        let Ok(clock) = Clock::new(start(&set), None) else {
            return; // not on this machine
        };
        let time = Time::Recorded(Arc::new(clock));
        for (number, test) in set.tests.iter().enumerate() {
            time.begin(&set, number);
            let now = time.clock().map(|clock| clock.now()).unwrap_or_default();
            let since = now - nanos(test.at);
            assert!((0..S.cast_signed()).contains(&since), "{number}: {since}");
        }
        time.begin(&set, 3);
        assert_eq!(time.note(), None);
    }
}
