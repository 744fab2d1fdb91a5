//! Calls outside of tests that nothing answers: at the start of the service, or by its clock.

use retake_model::{Blame, DiffKind, Difference, Miss, Path, Place};

use super::calls::{ELSEWHERE, refused};
use super::explain::places;
use crate::diff::fingerprint;

/// What to do about such a call.
const HINT: &str = "hint: where the service is meant to ask this outside of its requests, record \
    again; else it is a change of the service";

/// Each call outside of tests that nothing answers, once, in the order in which they were made.
/// That the recording cannot answer it is all that is known: what a service asks at its start
/// hangs on what it found there when it was recorded.
pub fn outside(misses: &[Miss]) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    for miss in misses {
        let difference = of_miss(miss);
        if found.iter().all(|own| own.cause != difference.cause) {
            found.push(difference);
        }
    }
    found
}

/// The one because of which a service gave up, as far as can be told: the first; the others may
/// follow from it.
pub fn gave_up(misses: &[Miss]) -> Option<Difference> {
    let mut all = outside(misses);
    // Who is refused a new destination goes on more often than who gets an error.
    let is_refused =
        |d: &Difference| matches!(&d.place, Place::Call { summary, .. } if refused(summary));
    let at = all.iter().position(|d| !is_refused(d)).unwrap_or(0);
    let mut first = (at < all.len()).then(|| all.remove(at))?;
    let (mut lines, more) = (Vec::new(), all.len());
    lines.extend(first.detail.take());
    if more > 0 {
        let s = if more == 1 { "" } else { "s" };
        lines.push(format!("{more} more call{s} got no answer"));
    }
    first.detail = Some(lines.join("\n"));
    Some(first)
}

fn of_miss(miss: &Miss) -> Difference {
    let nearest = miss.nearest.as_ref();
    let differs = nearest.map(|n| n.differs.as_slice()).unwrap_or_default();
    let shown = differs.first();
    let place = Place::Call {
        to: miss.to.to_string(),
        index: None,
        summary: miss.summary.clone(),
        path: shown.map_or_else(Path::root, |(path, ..)| path.clone()),
    };
    let baseline = shown.and_then(|(_, recorded, _)| recorded.clone());
    let candidate = shown.and_then(|(_, _, asked)| asked.clone());
    let mut lines = Vec::new();
    match nearest {
        None => lines.push("the recording has no call like it".to_owned()),
        Some(nearest) => {
            let of = nearest.test.as_ref();
            let of = of.map_or(String::new(), |test| format!(" (of {test})"));
            lines.push(format!(
                "the nearest recorded call is {}{of}",
                nearest.summary
            ));
        }
    }
    lines.extend(places(differs, usize::from(shown.is_some())));
    lines.push(HINT.to_owned());
    if refused(&miss.summary) {
        lines = vec![ELSEWHERE.to_owned()];
    }
    let kind = DiffKind::CallUnknown;
    Difference {
        cause: fingerprint(&place, kind, baseline.as_ref(), candidate.as_ref()),
        place,
        kind,
        baseline,
        candidate,
        detail: Some(lines.join("\n")),
        blame: Blame::Recording,
        follows: false,
    }
}

#[cfg(test)]
mod tests {
    use retake_model::{Nearest, Value};

    use super::*;
    use crate::causes::{Totals, summarise};

    fn miss(summary: &str, asked: &str) -> Miss {
        Miss {
            test: None,
            to: "db".into(),
            summary: summary.to_owned(),
            nearest: Some(Nearest {
                test: None,
                summary: "insert into version values ($1)".to_owned(),
                differs: vec![(
                    Path::root().key("params").index(0),
                    Some(Value::from("0002")),
                    Some(Value::from(asked)),
                )],
            }),
        }
    }

    const INSERT: &str = "insert into version values ($1)";

    #[test]
    fn a_call_that_is_made_again_and_again_is_one_difference() {
        let misses = [
            miss(INSERT, "0003"),
            miss(INSERT, "0003"),
            miss("select 1", "x"),
        ];
        let found = outside(&misses);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].candidate, Some("0003".into()));
        assert!(found[0].detail.as_deref().is_some_and(|text| {
            text.starts_with("the nearest recorded call is insert") && text.contains("hint: ")
        }));
    }

    #[test]
    fn a_service_gave_up_because_of_the_first_call_that_got_an_error() {
        let misses = [
            miss("CONNECT 127.0.0.1:8125", "x"),
            miss(INSERT, "0003"),
            miss("select 1", "x"),
        ];
        let why = gave_up(&misses).expect("a cause");
        assert!(matches!(&why.place, Place::Call { summary, .. } if summary == INSERT));
        let detail = why.detail.expect("a detail");
        assert!(detail.ends_with("2 more calls got no answer"), "{detail}");
        assert_eq!(gave_up(&[]), None);
    }

    #[test]
    fn the_exit_code_is_that_of_a_gap_where_a_service_gave_up() {
        let check = |given_up: usize, failed: bool, misses: &[Miss], expected: u8| {
            let totals = Totals {
                outside: outside(misses),
                given_up,
                failed,
                ..Totals::default()
            };
            let summary = summarise(&[], &[], totals);
            assert_eq!(summary.exit_code, expected);
            assert_eq!(summary.causes.len(), misses.len());
            assert!(summary.causes.iter().all(|cause| cause.tests.is_empty()));
        };
        check(0, false, &[], 0);
        check(0, false, &[miss(INSERT, "0003")], 3);
        check(5, false, &[miss(INSERT, "0003")], 3);
        check(0, true, &[miss(INSERT, "0003")], 4);
    }
}
