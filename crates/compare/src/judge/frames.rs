//! Beginnings and ends of transactions: a server's answer to them is known without a recording, so
//! they are never the call because of which the rest went wrong.

use retake_model::{Blame, DiffKind, Difference, Path, Place, SetInfo, TestCase, TestId};

use super::calls::{FirstUnknown, Found, Weight, doubtful, place, plain, take_partner};
use super::gap::incomplete;
use crate::matching::{Effect, ExtraCall, MissingCall, Step, UnknownCall};
use crate::sql::Statement;

/// A beginning or an end that was not recorded for this test. It was answered: it is one more than
/// recorded, or stands in place of a recorded one (`ROLLBACK` of `COMMIT`). None where one that
/// says the same is missing.
pub(super) fn of_unknown(
    id: &TestId,
    test: &TestCase,
    unknown: &UnknownCall,
    missing: &mut Vec<&MissingCall>,
    info: &SetInfo,
    found: &mut Found,
) -> Option<(usize, Difference)> {
    let (to, summary) = (&unknown.call.to, &unknown.call.summary);
    // Found with another test that shares it, when it was made here: it was made.
    let same = |call: &&MissingCall| call.to == *to && call.summary == *summary;
    if let Some(at) = missing.iter().position(same) {
        missing.remove(at);
        return None;
    }
    let partner = take_partner(id, test, unknown, missing);
    let partner = partner.or_else(|| take_end(to, summary, missing));
    let mut difference = match partner {
        Some(recorded) => {
            let mut place = place(to, Some(recorded.index), summary);
            if let Place::Call { path, .. } = &mut place {
                *path = Path::root().key("sql");
            }
            let mut difference = plain(place, DiffKind::Changed);
            difference.baseline = Some(recorded.summary.as_str().into());
            difference.candidate = Some(summary.as_str().into());
            difference
        }
        None => plain(place(to, None, summary), DiffKind::CallExtra),
    };
    let weight = match incomplete(info, to).filter(|_| partner.is_none()) {
        Some(reason) => {
            difference.blame = Blame::Recording;
            difference.detail = Some(format!(
                "perhaps no change of the service: {reason} (hint: record again)"
            ));
            Weight::Gap
        }
        None => {
            let shared = unknown.call.shared || partner.is_some_and(|recorded| recorded.shared);
            doubtful(shared, Effect::Transaction, false, &mut difference)
        }
    };
    let first: Option<FirstUnknown> = found.first_unknown.clone();
    let at = partner.map_or(usize::MAX, |recorded| recorded.index);
    Some((at, found.add(difference, weight, first.as_ref())))
}

/// The calls that were made more often than recorded, without the beginnings and ends that say the
/// same as one that is missing: of those that several tests share, one was found for another.
pub(super) fn without_those_made_elsewhere<'c>(
    extra: &'c [ExtraCall],
    missing: &mut Vec<&MissingCall>,
) -> Vec<&'c ExtraCall> {
    let mut is_made = |extra: &&ExtraCall| {
        let call = &extra.call;
        let same = |own: &&MissingCall| own.to == call.to && own.summary == call.summary;
        let at = missing.iter().position(same);
        let at = at.filter(|_| call.effect == Effect::Transaction);
        at.map(|at| missing.remove(at)).is_some()
    };
    extra.iter().filter(|extra| !is_made(extra)).collect()
}

/// The recorded end of a transaction in whose place another one was made.
fn take_end<'m>(
    to: &str,
    asked: &str,
    missing: &mut Vec<&'m MissingCall>,
) -> Option<&'m MissingCall> {
    let ends = |statement: &str| Step::of(statement) == Step::Ends;
    let is_it = |call: &&MissingCall| *call.to == *to && ends(&call.summary);
    let at = missing.iter().position(is_it).filter(|_| ends(asked))?;
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
    Statement::read(statement).effect == Effect::Transaction
}
