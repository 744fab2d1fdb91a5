use retake_model::{SetInfo, TestCase, TokenKind, Value};

use super::*;
use crate::made::Instant;
use crate::test_cases::test_case;

const SECOND: u64 = 1_000_000_000;

/// When the set was recorded: five seconds before its first test, the others ten seconds apart.
const RECORDED: &str = "2026-03-01T10:20:00Z";

fn moment(text: &str) -> u64 {
    let moment = Instant::read(TokenKind::Timestamp, text).expect(text);
    u64::try_from(moment.at).expect(text)
}

/// A set of three tests that took half a second each.
fn set(command: bool) -> TestSet {
    let recorded = moment(RECORDED);
    let test = |number: u64| TestCase {
        name: number.to_string(),
        at: Timestamp(recorded + (5 + 10 * number) * SECOND),
        took: SECOND / 2,
        ..test_case()
    };
    TestSet {
        name: "shop".into(),
        info: SetInfo {
            recorded: Timestamp(recorded),
            command: command.then(|| "./shop".to_owned()).into_iter().collect(),
            ..SetInfo::default()
        },
        tests: (0..3).map(test).collect(),
        shared: Vec::new(),
    }
}

/// The replay of such a set: half a second for each test, all of them at once after the start.
fn replayed(frozen: bool, real: &str, command: bool) -> Clocks {
    let set = set(command);
    let mut clocks = Clocks::of(&set);
    let mut real = moment(real);
    let mut reading = |shown: u64| {
        real += SECOND / 4;
        Reading {
            shown: frozen.then_some(Timestamp(shown)),
            real: Timestamp(real),
        }
    };
    let began = moment(RECORDED);
    if command {
        clocks.started(reading(began), reading(began + SECOND));
    }
    for (number, test) in set.tests.iter().enumerate() {
        let now = reading(test.at.0);
        clocks.begin(number, now, now);
        clocks.end(number, reading(test.at.0 + SECOND / 4));
    }
    clocks
}

const FROZEN: (bool, &str, bool) = (true, "2026-11-30T08:09:10Z", true);
const REAL: (bool, &str, bool) = (false, "2026-11-30T08:09:10Z", true);
/// A service that ran before it was recorded, and before it is replayed.
const ELSEWHERE: (bool, &str, bool) = (false, "2026-11-30T08:09:10Z", false);

/// What comes of two moments of the third test: `same`, `kept`, or both distances.
#[track_caller]
fn check((frozen, real, command): (bool, &str, bool), a: &str, b: &str, expected: &str) {
    let clocks = replayed(frozen, real, command);
    let times = clocks.times(2).expect("it ran");
    let kind = match a.len() {
        10 if a.contains('-') => TokenKind::Timestamp,
        10 => TokenKind::EpochSeconds,
        13 => TokenKind::EpochMillis,
        16 => TokenKind::EpochMicros,
        _ => TokenKind::Timestamp,
    };
    let found = match times.compare(kind, a, b) {
        Distance::Same => "same".to_owned(),
        Distance::Kept(_) => "kept".to_owned(),
        Distance::Unread => "unread".to_owned(),
        Distance::Other(far) => format!("{} -> {}", far.recorded, far.candidate),
    };
    assert_eq!(found, expected, "{a} {b}");
}

#[test]
fn a_moment_is_as_far_from_its_test_as_it_was() {
    // The third test began at 10:20:25.
    let now = "2026-03-01T10:20:25.25Z";
    check(FROZEN, now, "2026-03-01T10:20:25.1Z", "same");
    check(FROZEN, now, now, "same");
    check(FROZEN, now, "2026-11-30T08:09:12Z", "same"); // a file's
    check(REAL, now, "2026-11-30T08:09:12Z", "same");
    let expiry = "2026-03-31T10:20:25Z";
    check(FROZEN, expiry, "2026-03-31T10:20:26Z", "same");
    let far = "30 days after the request -> 300 days after the request";
    check(FROZEN, expiry, "2026-12-26T10:20:25Z", far);
    check(REAL, expiry, "2026-12-30T08:09:12Z", "same");
    check(REAL, expiry, "2027-09-26T08:09:12Z", far);
    let before = "1 h before the request -> 24 h before the request";
    check(
        FROZEN,
        "2026-03-01T09:20:25Z",
        "2026-02-28T10:20:25Z",
        before,
    );
}

#[test]
fn counts_and_other_forms_are_moments_too() {
    let hours = "1 h after the request -> 2 h after the request";
    check(FROZEN, "1772364025", "1772364026", "same");
    check(FROZEN, "1772364025", "1772367625", hours);
    check(FROZEN, "1772364025000", "1772367625000", hours);
    check(FROZEN, "1772364025000000", "1772367625000000", hours);
    check(
        FROZEN,
        "Sun, 01 Mar 2026 11:20:25 GMT",
        "Sun, 01 Mar 2026 12:20:25 GMT",
        hours,
    );
    // Written with the zone of the service.
    check(
        FROZEN,
        "2026-03-01 13:20:25.5+02:00",
        "2026-03-01 14:20:25.25+02:00",
        hours,
    );
}

#[test]
fn a_date_is_the_same_day_unless_midnight_may_have_passed() {
    let tomorrow = "1 day after the request -> 3 days after the request";
    check(FROZEN, "2026-03-02", "2026-03-02", "same");
    check(FROZEN, "2026-03-02", "2026-03-04", tomorrow);
    check(
        FROZEN,
        "2026-03-01",
        "2026-03-02",
        "the day of the request -> 1 day after the request",
    );
    check(REAL, "2026-03-02", "2026-12-01", "same");
    check(
        REAL,
        "2026-03-02",
        "2026-12-05",
        "1 day after the request -> 5 days after the request",
    );
}

#[test]
fn a_rounded_moment_may_pass_a_boundary() {
    for (setting, a, b, expected) in [
        // The minute ends during none of these tests.
        (
            FROZEN,
            "2026-03-01T10:20:00Z",
            "2026-03-01T10:20:00Z",
            "same",
        ),
        (REAL, "2026-03-01T10:20:00Z", "2026-11-30T08:09:00Z", "same"),
        (REAL, "2026-03-01T10:30:00Z", "2026-11-30T08:10:00Z", "same"), // the next ten minutes
        (REAL, "2026-03-01T10:00:00Z", "2026-11-30T08:00:00Z", "same"),
        (REAL, "2026-03-01T00:00:00Z", "2026-11-30T00:00:00Z", "same"),
        (REAL, "2026-02-28T23:00:00Z", "2026-11-29T23:00:00Z", "same"), // midnight in Berlin
        (REAL, "2026-03-01T22:59:59Z", "2026-11-30T22:59:59Z", "same"), // the end of its day
        (REAL, "2026-03-01T00:00:00Z", "2026-11-01T00:00:00Z", "same"), // the month
        (REAL, "2026-03-31T23:59:59Z", "2026-11-30T23:59:59Z", "same"), // and its end
        (REAL, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "same"), // the year
        (
            REAL,
            "2026-03-01T10:00:00Z",
            "2026-11-30T02:00:00Z",
            "20 min 23 s before the request -> 6 h 9 min before the request",
        ),
        (
            FROZEN,
            "2026-03-01T00:00:00Z",
            "2026-04-01T00:00:00Z",
            "10 h 20 min before the request -> 30 days 13 h after the request",
        ),
    ] {
        check(setting, a, b, expected);
    }
}

#[test]
fn months_and_summers_are_not_of_one_length() {
    // A month after the request: 31 days, and 30.
    check(REAL, "2026-04-01T10:20:25Z", "2026-12-30T08:09:12Z", "same");
    // Tomorrow at the same time of a zone with summer time.
    check(REAL, "2026-03-02T10:20:25Z", "2026-12-01T09:09:12Z", "same");
    check(
        REAL,
        "2026-03-01T11:20:25Z",
        "2026-11-30T10:09:11Z",
        "1 h after the request -> 2 h after the request",
    );
}

#[test]
fn what_the_service_took_at_its_start_or_in_an_earlier_test_is_explained() {
    // Started.
    check(
        FROZEN,
        "2026-03-01T10:20:01Z",
        "2026-03-01T10:20:01.5Z",
        "same",
    );
    check(
        REAL,
        "2026-03-01T10:20:01Z",
        "2026-11-30T08:09:10.3Z",
        "same",
    );
    check(
        REAL,
        "2027-03-01T10:20:01Z",
        "2027-11-30T08:09:10.3Z",
        "same",
    );
    // The first test, ten seconds before the second one.
    check(
        REAL,
        "2026-03-01T10:20:05.1Z",
        "2026-11-30T08:09:10.9Z",
        "same",
    );
    // A cache that held what another test had made.
    check(
        REAL,
        "2026-03-01T10:30:05.1Z",
        "2026-11-30T08:19:21.9Z",
        "kept",
    );
    check(
        FROZEN,
        "2026-03-01T10:30:05.1Z",
        "2026-03-01T10:30:24.9Z",
        "kept",
    );
    check(
        FROZEN,
        "2026-03-01T10:20:25.1Z",
        "2026-03-01T10:20:05.2Z",
        "kept",
    );
}

#[test]
fn the_time_of_a_file_is_older_than_the_service() {
    let file = "2026-02-11T03:04:05Z";
    check(FROZEN, file, "2026-11-29T01:02:03Z", "kept");
    check(FROZEN, file, file, "same");
    // What is just thirty days before the request is no file.
    check(
        FROZEN,
        "2026-01-30T10:20:25Z",
        "2026-01-20T10:20:25Z",
        "30 days before the request -> 40 days before the request",
    );
}

#[test]
fn a_service_that_ran_before_may_keep_anything_from_then() {
    check(
        ELSEWHERE,
        "2026-03-01T11:20:25Z",
        "2026-11-30T09:09:12Z",
        "same",
    );
    check(
        ELSEWHERE,
        "2026-03-01T11:17:13Z",
        "2026-11-30T10:09:12Z",
        "kept",
    );
    check(
        ELSEWHERE,
        "2026-02-27T01:02:03Z",
        "2026-11-29T07:08:09Z",
        "kept",
    );
    check(
        ELSEWHERE,
        "2026-03-01T11:20:25Z",
        "2026-11-30T10:09:11Z",
        "1 h after the request -> 2 h after the request",
    );
}

#[test]
fn a_period_is_the_present_one_however_long_the_service_ran() {
    check(ELSEWHERE, "2026-03-02", "2026-12-01", "same");
    check(
        ELSEWHERE,
        "2026-03-02",
        "2026-12-05",
        "1 day after the request -> 5 days after the request",
    );
}

#[test]
fn the_service_may_have_a_clock_of_its_own() {
    let date = |text: &str| {
        let header = Value::map([("date", text.into())]);
        Value::map([("headers", Value::List(vec![header]))])
    };
    let clocks = replayed(false, "2026-11-30T08:09:10Z", false);
    let times = clocks.times(2).expect("it ran").of_responses(
        &date("Sun, 01 Mar 2026 10:20:25 GMT"),
        &date("Mon, 30 Nov 2026 08:15:00 GMT"), // some minutes ahead
    );
    let found = times.compare(
        TokenKind::Timestamp,
        "2026-03-01T11:20:25Z",
        "2026-11-30T09:15:00Z",
    );
    assert_eq!(found, Distance::Same);
}

#[test]
fn tests_at_a_time_see_each_others_times() {
    let set = set(true);
    let mut clocks = Clocks::of(&set);
    let at = |text: &str| Reading {
        shown: Some(Timestamp(moment(text))),
        real: Timestamp(moment("2026-11-30T08:09:10Z")),
    };
    clocks.begin(0, at("2026-03-01T10:20:05Z"), at("2026-03-01T10:20:05Z"));
    clocks.begin(2, at("2026-03-01T10:20:05Z"), at("2026-03-01T10:20:25Z"));
    clocks.end(2, at("2026-03-01T10:20:25Z"));
    clocks.end(0, at("2026-03-01T10:20:25Z"));
    let found = |a: &str, b: &str| {
        let times = clocks.times(0).expect("it ran");
        times.compare(TokenKind::Timestamp, a, b)
    };
    let same = found("2026-03-01T11:20:05Z", "2026-03-01T11:20:25Z");
    assert_eq!(same, Distance::Same);
    let other = found("2026-03-01T11:20:05Z", "2026-03-01T12:20:25Z");
    assert!(matches!(other, Distance::Other(_)));
}
