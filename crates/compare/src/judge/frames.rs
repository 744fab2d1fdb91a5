//! Beginnings and ends of transactions: a server's answer to them is known without a recording, so
//! they are never the call because of which the rest went wrong.

use std::collections::{HashMap, HashSet};

use retake_model::{Blame, DiffKind, Difference, Path, Place, SetInfo, TestCase};

use super::calls::{FirstUnknown, Found, Weight, doubtful, is_soft, place, plain};
use super::gap::incomplete;
use crate::diff::general_text;
use crate::matching::{
    CallsOutcome, Effect, ExtraCall, MissingCall, ObservedCall, Step, UnknownCall,
};
use crate::sql::Statement;

/// The calls of a test that differ from the recording, without the beginnings and ends of which it
/// made as many as were recorded: they are alike, and where several tests share them one may have
/// been found for another.
pub(super) struct Left<'c> {
    pub(super) missing: Vec<&'c MissingCall>,
    pub(super) extra: Vec<&'c ExtraCall>,
    pub(super) unknown: Vec<&'c UnknownCall>,
    /// Beginnings and ends that were made more often, or were another test's: with the recorded one
    /// of this test whose answer was given again.
    pub(super) frames: Vec<(&'c ObservedCall, Option<usize>)>,
}

impl<'c> Left<'c> {
    pub(super) fn of(test: &TestCase, calls: &'c CallsOutcome) -> Self {
        if !lacks_or_has_more(calls) {
            return Left {
                missing: calls.missing.iter().collect(),
                extra: calls.extra.iter().collect(),
                unknown: calls.unknown.iter().collect(),
                frames: Vec::new(),
            };
        }
        let counts = Counts::of(test, calls);
        let (mut lacks, mut made) = (counts.clone(), counts.clone());
        // The last ones of each are left.
        let missing = calls.missing.iter().rev();
        let missing =
            missing.filter(|m| m.effect != Effect::Transaction || lacks.lacks(&m.to, &m.summary));
        let mut missing: Vec<&MissingCall> = missing.collect();
        missing.reverse();
        let mut is_left = |call: &ObservedCall| {
            call.effect != Effect::Transaction || made.is_more(&call.to, &call.summary)
        };
        let is_frame = |extra: &&ExtraCall| extra.call.effect == Effect::Transaction;
        let (frames, extra): (Vec<_>, Vec<_>) = calls.extra.iter().partition(is_frame);
        let frames = frames.into_iter().map(|extra| (&extra.call, extra.index));
        let taken = calls.matched.iter().filter(|m| m.index.is_none());
        let taken = taken.filter(|m| m.call.effect == Effect::Transaction);
        let frames = frames.chain(taken.map(|m| (&m.call, None)));
        let unknown = calls.unknown.iter().filter(|u| is_left(&u.call)).collect();
        Left {
            missing,
            extra,
            unknown,
            frames: frames.filter(|(call, _)| is_left(call)).collect(),
        }
    }
}

/// Whether a beginning or an end is missing, was made more often, or was another test's.
fn lacks_or_has_more(calls: &CallsOutcome) -> bool {
    let taken = calls.matched.iter().filter(|m| m.index.is_none());
    let made = taken.map(|m| m.call.effect);
    let made = made.chain(calls.extra.iter().map(|e| e.call.effect));
    let made = made.chain(calls.unknown.iter().map(|u| u.call.effect));
    let mut all = made.chain(calls.missing.iter().map(|m| m.effect));
    all.any(|effect| effect == Effect::Transaction)
}

/// The transactions of which a statement was recorded for another test.
fn of_others(calls: &CallsOutcome) -> HashSet<u64> {
    let others = calls.matched.iter().filter(|m| m.index.is_none());
    let others = others.filter(|m| m.call.effect != Effect::Transaction);
    others.filter_map(|m| m.call.transaction).collect()
}

/// How many more of each beginning and end there are than were made, and than were recorded.
#[derive(Debug, Clone, Default)]
struct Counts(HashMap<(String, String), Count>);

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    recorded: usize,
    /// Those that were made around statements of this test.
    made: usize,
}

impl Counts {
    fn of(test: &TestCase, calls: &CallsOutcome) -> Self {
        let mut counts = Counts::default();
        for call in &test.calls {
            let sql = call.request.get("sql").and_then(|sql| sql.as_str());
            if let Some(sql) = sql.filter(|sql| is_frame(sql)) {
                counts.at(&call.to, sql).recorded += 1;
            }
        }
        let mut known = Counts::default();
        let own = calls.matched.iter().filter(|m| m.index.is_some());
        let own = own.map(|m| (&m.call.to, &m.call.summary, m.call.effect));
        let missing = calls.missing.iter();
        let missing = missing.map(|m| (&m.to, &m.summary, m.effect));
        for (to, statement, _) in own
            .chain(missing)
            .filter(|(.., e)| *e == Effect::Transaction)
        {
            known.at(to, statement).recorded += 1;
        }
        for (said, count) in known.0 {
            let own = counts.0.entry(said).or_default();
            own.recorded = own.recorded.max(count.recorded);
        }
        let others = of_others(calls);
        let matched = calls.matched.iter().map(|m| &m.call);
        let extra = calls.extra.iter().map(|e| &e.call);
        let unknown = calls.unknown.iter().map(|u| &u.call);
        for call in matched.chain(extra).chain(unknown) {
            let is_other = call.transaction.is_some_and(|own| others.contains(&own));
            if call.effect == Effect::Transaction && !is_other {
                counts.at(&call.to, &call.summary).made += 1;
            }
        }
        counts
    }

    fn at(&mut self, to: &str, statement: &str) -> &mut Count {
        let said = general_text(statement).to_ascii_lowercase();
        self.0.entry((to.to_owned(), said)).or_default()
    }

    /// Whether one more is lacking; it is counted.
    fn lacks(&mut self, to: &str, statement: &str) -> bool {
        let count = self.at(to, statement);
        let lacks = count.made < count.recorded;
        count.made += usize::from(lacks);
        lacks
    }

    /// Whether one more was made than recorded; it is counted.
    fn is_more(&mut self, to: &str, statement: &str) -> bool {
        let count = self.at(to, statement);
        let is_more = count.made > count.recorded;
        count.recorded += usize::from(is_more);
        is_more
    }
}

/// A beginning or an end that was not recorded for this test, or was made more often. It was
/// answered: it is one more than recorded, or stands in place of a recorded one (`ROLLBACK` of
/// `COMMIT`).
pub(super) fn of_more(
    call: &ObservedCall,
    partner: Option<&MissingCall>,
    index: Option<usize>,
    setting: (&TestCase, &CallsOutcome, &SetInfo),
    found: &mut Found,
) -> (usize, Difference) {
    let (test, calls, info) = setting;
    let mut difference = match partner {
        Some(recorded) => {
            let mut place = place(&call.to, Some(recorded.index), &call.summary);
            if let Place::Call { path, .. } = &mut place {
                *path = Path::root().key("sql");
            }
            let mut difference = plain(place, DiffKind::Changed);
            difference.baseline = Some(recorded.summary.as_str().into());
            difference.candidate = Some(call.summary.as_str().into());
            difference
        }
        None => plain(place(&call.to, index, &call.summary), DiffKind::CallExtra),
    };
    let recorded = index.and_then(|index| test.calls.get(index));
    let shared = match partner {
        // Each test that it may belong to has run, and none made it.
        Some(recorded) => recorded.shared && calls.sharers.is_empty(),
        None => recorded.is_some_and(|call| call.by.is_shared()),
    };
    let soft = partner.is_none() && is_soft(call.effect, &call.to, calls);
    let weight = match incomplete(info, &call.to).filter(|_| partner.is_none() && index.is_none()) {
        Some(reason) => {
            difference.blame = Blame::Recording;
            difference.detail = Some(format!(
                "perhaps no change of the service: {reason} (hint: record again)"
            ));
            Weight::Gap
        }
        None => doubtful(call.shared || shared, call.effect, soft, &mut difference),
    };
    let first: Option<FirstUnknown> = found.first_unknown.clone();
    let at = partner.map(|recorded| recorded.index).or(index);
    (
        at.unwrap_or(usize::MAX),
        found.add(difference, weight, first.as_ref()),
    )
}

/// The recorded beginning, or end, in whose place another one was made.
pub(super) fn take_like<'m>(
    call: &ObservedCall,
    missing: &mut Vec<&'m MissingCall>,
) -> Option<&'m MissingCall> {
    let step = Step::of(&call.summary);
    let is_it = |other: &&MissingCall| {
        other.to == call.to
            && other.effect == Effect::Transaction
            && Step::of(&other.summary) == step
    };
    let at = missing.iter().position(is_it);
    let at = at.filter(|_| step != Step::Within)?;
    Some(missing.remove(at))
}

/// Where all that stood in a transaction is no longer asked, or what stands in it is asked once
/// more, its beginning and its end follow from that.
pub(super) fn gather(test: &TestCase, differences: &mut [Difference]) {
    let mut dependencies: Vec<String> = Vec::new();
    for difference in differences.iter() {
        if let (Some(to), true) = (to(difference), frame(difference).is_some())
            && !dependencies.iter().any(|own| own == to)
        {
            dependencies.push(to.to_owned());
        }
    }
    for to in dependencies {
        let gone = gone(test, &to, differences);
        follow(differences, &to, DiffKind::CallMissing, &gone);
        let more = [DiffKind::CallUnknown, DiffKind::CallExtra];
        let more = more.map(|kind| of_statements(differences, &to, kind).map(|(at, _)| at));
        let more: Vec<usize> = more.into_iter().flatten().collect();
        follow(differences, &to, DiffKind::CallExtra, &more);
    }
}

/// As many beginnings, ends and savepoints of that kind as there are differences of which they
/// are the frames follow from these.
fn follow(differences: &mut [Difference], to: &str, kind: DiffKind, of: &[usize]) {
    for step in [Step::Begins, Step::Ends, Step::Within] {
        let mut next = of.iter();
        for at in 0..differences.len() {
            let is_it = differences.get(at).is_some_and(|d| {
                d.kind == kind && !d.follows && self::to(d) == Some(to) && frame(d) == Some(step)
            });
            let inner = is_it.then(|| next.next()).flatten();
            let Some(cause) = inner.and_then(|inner| Some(differences.get(*inner)?.cause)) else {
                continue;
            };
            if let Some(frame) = differences.get_mut(at) {
                frame.cause = cause;
                super::follow(frame, "the call in the transaction");
            }
        }
    }
}

/// For each recorded transaction of which nothing was asked: the difference of its first
/// statement. Of transactions that overlapped nobody knows which statement was in which: each may
/// have been alone.
fn gone(test: &TestCase, to: &str, differences: &[Difference]) -> Vec<usize> {
    let missing: Vec<(usize, usize)> = of_statements(differences, to, DiffKind::CallMissing)
        .filter_map(|(at, d)| match d.place {
            Place::Call { index, .. } => Some((at, index?)),
            _ => None,
        })
        .collect();
    let mut gone = Vec::new();
    let mut open: Option<Vec<Option<usize>>> = None;
    let calls = test.calls.iter().enumerate();
    for (index, call) in calls.filter(|(_, call)| *call.to == *to) {
        let sql = call.request.get("sql").and_then(|sql| sql.as_str());
        let sql = sql.unwrap_or_default();
        match Step::of(sql) {
            Step::Begins if open.is_some() => return missing.iter().map(|(at, _)| *at).collect(),
            Step::Begins => open = Some(Vec::new()),
            Step::Within if is_frame(sql) => {}
            Step::Within => {
                let own = missing.iter().find(|(_, own)| *own == index);
                open.iter_mut()
                    .for_each(|inner| inner.push(own.map(|(at, _)| *at)));
            }
            Step::Ends => {
                let inner = open.take().unwrap_or_default();
                if inner.iter().all(Option::is_some) {
                    gone.extend(inner.first().copied().flatten());
                }
            }
        }
    }
    gone
}

/// The differences of that kind that are no frames, with their places.
fn of_statements<'d>(
    differences: &'d [Difference],
    to: &'d str,
    kind: DiffKind,
) -> impl Iterator<Item = (usize, &'d Difference)> {
    let all = differences.iter().enumerate();
    all.filter(move |(_, d)| d.kind == kind && self::to(d) == Some(to) && frame(d).is_none())
}

fn to(difference: &Difference) -> Option<&str> {
    match &difference.place {
        Place::Call { to, .. } => Some(to),
        _ => None,
    }
}

/// What a difference of a beginning, an end or a savepoint does; none for all others.
pub(super) fn frame(difference: &Difference) -> Option<Step> {
    match &difference.place {
        Place::Call { summary, .. } => is_frame(summary).then(|| Step::of(summary)),
        _ => None,
    }
}

fn is_frame(statement: &str) -> bool {
    const FIRST: [&str; 8] = [
        "begin",
        "start",
        "commit",
        "end",
        "rollback",
        "abort",
        "savepoint",
        "release",
    ];
    let start = statement.trim_start();
    let first = start.split(|c: char| !c.is_ascii_alphabetic()).next();
    let first = first.unwrap_or_default();
    let may_be = FIRST.iter().any(|word| first.eq_ignore_ascii_case(word));
    // Most statements are told by their first word; a comment may stand before it.
    (may_be || first.is_empty()) && reads_as_frame(statement)
}

fn reads_as_frame(statement: &str) -> bool {
    Statement::read(statement).effect == Effect::Transaction
}
