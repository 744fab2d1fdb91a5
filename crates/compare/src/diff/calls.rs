//! Calls that found their answer: what does not identify them may have changed still.

use retake_model::{Mock, Path, RuleUse, Segment, TestCase, TokenKind, Value};

use super::Compared;
use super::around::Around;
use super::differ::{Differ, Frame};
use super::tokens::{ByKind, Tokens};
use crate::clocks::Times;
use crate::leaves::leaves;
use crate::made::ValueMap;
use crate::matching::{CallsOutcome, MatchedCall, Pair};
use crate::rules::{RuleSet, leaf_text};
use crate::sql::with_literals;

/// Headers of a call that belong to a connection, to one run, or to the client library: another
/// version of a driver gives the same verdicts. Documented in `docs/noise.md`.
const NOT_COMPARED: &[&str] = &[
    "accept-encoding",
    "b3",
    "baggage",
    "connection",
    "content-length",
    "date",
    "host",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-correlation-id",
    "x-request-id",
];

/// Compares the recorded calls that were made with how they were made, in what does not identify
/// them and still means something: how far the moments in them are from the time of the test, what
/// JSON web tokens claim, and the headers of HTTP requests.
pub fn compare_calls(
    test: &TestCase,
    calls: &CallsOutcome,
    times: Option<Times<'_>>,
    rules: &RuleSet,
    values: &mut ValueMap,
) -> Compared {
    let mut all = Compared::default();
    for matched in &calls.matched {
        let Some((index, recorded)) = matched
            .index
            .and_then(|index| Some((index, test.calls.get(index)?)))
        else {
            continue;
        };
        let times = times.map(|times| times.of_call(recorded.after, matched.call.at));
        let around = Around::of(test, times);
        let frame = Frame::Call {
            to: &recorded.to,
            index,
            summary: &matched.call.summary,
        };
        if !matched.pairs.is_empty() {
            let tokens = Tokens::new(around, &recorded.request, values.short());
            let mut differ = Differ::new(frame, rules, tokens, values);
            for pair in &matched.pairs {
                differ.pair(pair, recorded, matched, &around);
            }
            let found = differ.finish(rules);
            all.absorb(Compared {
                // They were counted when the call was answered.
                by_kind: 0,
                ..found
            });
        }
        let expected = recorded.request.get("headers");
        let observed = matched.call.request.get("headers");
        // Equal ones with what the service made are noted: the same id stands for one alone.
        let is_same = expected == observed && test.made.is_empty();
        if recorded.protocol.0 != "http" || is_same {
            continue;
        }
        let (expected, hidden_a) = compared_headers(expected);
        let (observed, hidden_b) = compared_headers(observed);
        if hidden_a != hidden_b {
            all.absorb(hidden());
        }
        let tokens = Tokens::new(around, &expected, values.short());
        let mut differ = Differ::new(frame, rules, tokens, values);
        differ.in_key("headers", |differ| {
            differ.headers(Some(&expected), Some(&observed));
        });
        all.absorb(differ.finish(rules));
    }
    all
}

impl Differ<'_> {
    /// Compares what a value that the service made says, where the recorded call has it.
    fn pair(&mut self, pair: &Pair, recorded: &Mock, made: &MatchedCall, around: &Around<'_>) {
        let mut found = ByKind::default();
        match pair.kind {
            TokenKind::Jwt if pair.recorded != pair.candidate => {
                let pair = (pair.recorded.clone(), pair.candidate.clone());
                found.web_tokens.push(pair);
            }
            TokenKind::Jwt => {}
            kind => {
                let pair = (&*pair.recorded, &*pair.candidate);
                found.moment(around, self.values, kind, pair);
            }
        }
        let path = place_of(&recorded.request, &pair.recorded);
        let observed = value_at(&made.call.request, &path).cloned();
        let (a, b) = (
            Value::from(pair.recorded.as_str()),
            observed.unwrap_or_else(|| pair.candidate.as_str().into()),
        );
        self.at(&path, |this| this.by_kind(found, &a, &b));
    }
}

/// Where a text stands in a request first; a literal of a statement is told by its number.
fn place_of(request: &Value, text: &str) -> Path {
    let mut found: Option<Path> = None;
    leaves(request, &mut Path::root(), &mut |path, leaf| {
        let has = leaf_text(leaf).is_some_and(|own| own.contains(text));
        if found.is_none() && has {
            found = Some(path.clone());
        }
    });
    let mut path = found.unwrap_or_else(Path::root);
    if let [Segment::Key(field)] = path.0.as_slice()
        && field == "sql"
        && let Some(sql) = request.get("sql").and_then(Value::as_str)
    {
        let mut number = None;
        with_literals(sql, |n, literal| {
            if number.is_none() && literal.contains(text) {
                number = Some(n);
            }
            None
        });
        if let Some(number) = number {
            path = path.key("literals").index(number);
        }
    }
    path
}

fn value_at<'v>(tree: &'v Value, path: &Path) -> Option<&'v Value> {
    path.0.iter().try_fold(tree, |tree, step| match step {
        Segment::Key(name) => tree.get(name),
        Segment::Index(number) => tree.as_list()?.get(*number),
    })
}

/// The headers that are compared, and those that are not.
fn compared_headers(headers: Option<&Value>) -> (Value, Vec<&Value>) {
    let (mut kept, mut hidden) = (Vec::new(), Vec::new());
    for header in headers.and_then(Value::as_list).unwrap_or_default() {
        let name = header.as_map().and_then(|fields| fields.first());
        let name = name.map(|(name, _)| name.to_ascii_lowercase());
        match name {
            Some(name) if NOT_COMPARED.contains(&name.as_str()) => hidden.push(header),
            _ => kept.push(header.clone()),
        }
    }
    (Value::List(kept), hidden)
}

/// One call whose connection or library headers differ.
fn hidden() -> Compared {
    Compared {
        hidden: vec![RuleUse {
            rule: "calls.*.headers".to_owned(),
            source: "built in: of a connection, a run or a client library".to_owned(),
            hidden: 1,
        }],
        ..Compared::default()
    }
}
