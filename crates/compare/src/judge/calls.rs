//! What the outbound calls of a test say.

use retake_model::{Blame, DiffKind, Difference, Path, Place, SetInfo, TestCase, TestId, Value};

use super::explain::explain;
use super::frames::{self, Left, of_more, take_like};
use super::gap::gap_reason;
use super::order::moved;
use crate::diff::{fingerprint, general_place};
use crate::matching::{CallsOutcome, Effect, MissingCall, UnknownCall};

/// How much the calls weigh, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Weight {
    /// As recorded.
    #[default]
    None,
    /// Reads were left out, repeated or moved: a cache or a retry does that.
    Shifted,
    /// The recording cannot answer.
    Gap,
    /// The service asks for something else than it did.
    Changed,
}

/// What the calls of a test came to.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) differences: Vec<Difference>,
    pub(super) weight: Weight,
    pub(super) first_unknown: Option<FirstUnknown>,
    pub(super) notes: Vec<String>,
}

/// The first call that nothing answers: the cause of what comes after it.
#[derive(Debug, Clone)]
pub(super) struct FirstUnknown {
    pub(super) to: String,
    pub(super) cause: u64,
    pub(super) blame: Blame,
    /// The recorded call in whose place it was made.
    index: Option<usize>,
}

impl FirstUnknown {
    /// A call of the recording's lack that may have been made before everything else.
    pub(super) fn at_once(to: String, cause: u64) -> Self {
        FirstUnknown {
            to,
            cause,
            blame: Blame::Recording,
            index: None,
        }
    }

    /// Whether a recorded call comes after it, as far as can be told.
    pub(super) fn is_before(&self, index: usize) -> bool {
        self.index.is_none_or(|own| own < index)
    }
}

/// Said of a call to where no recorded one went.
pub(super) const ELSEWHERE: &str = "the recording has no such destination: the service calls it now, or it did \
    so when nothing was recorded (hint: replay the recorded build: where that calls it too, record \
    again; --allow-egress lets it through)";

/// Whether a call was refused because no recorded one went there.
fn is_elsewhere(unknown: &UnknownCall, info: &SetInfo) -> bool {
    refused(&unknown.call.summary) && !info.dependencies.iter().any(|d| d.name == unknown.call.to)
}

/// Whether that is a connection or a look-up that was refused.
pub(super) fn refused(summary: &str) -> bool {
    summary.starts_with("CONNECT ") || summary.starts_with("RESOLVE ")
}

/// The differences of a test's calls.
pub(super) fn differences(
    test: &TestCase,
    id: &TestId,
    calls: &CallsOutcome,
    info: &SetInfo,
) -> Found {
    let mut found = Found::default();
    let Left {
        mut missing,
        extra,
        unknown,
        frames,
    } = Left::of(test, calls);
    let mut placed: Vec<(usize, Difference)> = Vec::new();
    let mut elsewhere: Vec<&str> = Vec::new();
    let status = test.response.get("status").and_then(Value::as_i64);
    let refused = status.filter(|status| (400..500).contains(status) && *status != 404);
    // A request that was malformed, not valid, or denied: no state of the service refused it.
    let is_by_itself = |status: i64| matches!(status, 400 | 401 | 403 | 422);
    for unknown in unknown {
        if is_elsewhere(unknown, info) {
            // Asked for again and again, as who is refused does: it is one difference.
            if elsewhere.contains(&&*unknown.call.to) {
                continue;
            }
            elsewhere.push(&unknown.call.to);
        }
        if unknown.call.effect == Effect::Transaction {
            let partner = take_like(&unknown.call, &mut missing);
            let setting = (test, calls, info);
            placed.push(of_more(&unknown.call, partner, None, setting, &mut found));
            continue;
        }
        let partner = take_partner(id, test, unknown, &mut missing);
        let reason = match partner {
            Some(_) => None,
            None => gap_reason(id, unknown, refused.is_some_and(is_by_itself), info),
        };
        let mut difference = of_unknown(id, unknown, partner, refused, reason, &mut found);
        if is_elsewhere(unknown, info) {
            difference.detail = Some(ELSEWHERE.to_owned());
        }
        placed.push((partner.map_or(usize::MAX, |m| m.index), difference));
    }
    for (call, index) in frames {
        let partner = take_like(call, &mut missing);
        let setting = (test, calls, info);
        placed.push(of_more(call, partner, index, setting, &mut found));
    }
    let first = found.first_unknown.clone();
    for call in &missing {
        let place = place(&call.to, Some(call.index), &call.summary);
        let mut difference = plain(place, DiffKind::CallMissing);
        let after = first.as_ref().filter(|first| first.is_before(call.index));
        let soft = is_soft(call.effect, &call.to, calls);
        let weight = match call.shared && !calls.sharers.is_empty() {
            // Every test that it may belong to has run, and none of them made it.
            true => {
                difference.detail = Some(nobody_of(id, &calls.sharers));
                certain(soft)
            }
            false => doubtful(call.shared, call.effect, soft, &mut difference),
        };
        placed.push((call.index, found.add(difference, weight, after)));
    }
    for extra in extra {
        let place = place(&extra.call.to, extra.index, &extra.call.summary);
        let mut difference = plain(place, DiffKind::CallExtra);
        let soft = is_soft(extra.call.effect, &extra.call.to, calls);
        let weight = doubtful(extra.call.shared, extra.call.effect, soft, &mut difference);
        let at = extra.index.unwrap_or(usize::MAX);
        placed.push((at, found.add(difference, weight, first.as_ref())));
    }
    placed.extend(moved(calls, &mut found));
    if calls.overflow > 0 {
        found.weight = found.weight.max(Weight::Gap);
        found.notes.push(format!(
            "{} calls more than are held for one test were not compared",
            calls.overflow
        ));
    }
    placed.sort_by_key(|(at, _)| *at);
    found.differences = placed
        .into_iter()
        .map(|(_, difference)| difference)
        .collect();
    frames::gather(test, &mut found.differences);
    found
}

impl Found {
    /// Counts a difference, or notes it as a consequence of the first unknown call.
    pub(super) fn add(
        &mut self,
        mut difference: Difference,
        weight: Weight,
        after: Option<&FirstUnknown>,
    ) -> Difference {
        match after {
            Some(first) => {
                difference.cause = first.cause;
                difference.blame = first.blame;
                super::follow_call(&mut difference, first);
            }
            None => self.weight = self.weight.max(weight),
        }
        difference
    }
}

/// A call that nothing answers, in place of a recorded one where it has a partner. `refused`: the
/// status with which its request was refused when it was recorded. `reason`: why
/// that is the recording's doing.
fn of_unknown(
    id: &TestId,
    unknown: &UnknownCall,
    partner: Option<&MissingCall>,
    refused: Option<i64>,
    reason: Option<String>,
    found: &mut Found,
) -> Difference {
    let nearest = unknown.miss.nearest.as_ref();
    let differs = nearest.map(|n| n.differs.as_slice()).unwrap_or_default();
    // Without a recorded call in whose place it came it is a new one, and no change of any.
    let shown = differs.first().filter(|_| partner.is_some());
    let place = Place::Call {
        to: unknown.call.to.to_string(),
        index: partner.map(|m| m.index),
        summary: unknown.call.summary.clone(),
        path: shown.map_or_else(Path::root, |(path, _, _)| path.clone()),
    };
    let baseline = shown.and_then(|(_, recorded, _)| recorded.clone());
    let candidate = shown.and_then(|(_, _, asked)| asked.clone());
    let blame = match reason {
        Some(_) => Blame::Recording,
        None => Blame::App,
    };
    let weight = match blame {
        Blame::Recording => Weight::Gap,
        _ => Weight::Changed,
    };
    let difference = Difference {
        cause: fingerprint(
            &place,
            DiffKind::CallUnknown,
            baseline.as_ref(),
            candidate.as_ref(),
        ),
        detail: explain(
            id,
            unknown,
            partner.is_some(),
            shown.is_some(),
            refused,
            reason,
        ),
        place,
        kind: DiffKind::CallUnknown,
        baseline,
        candidate,
        blame,
        follows: false,
    };
    match found.first_unknown.clone() {
        None => {
            found.first_unknown = Some(FirstUnknown {
                to: unknown.call.to.to_string(),
                cause: difference.cause,
                blame,
                index: partner.map(|m| m.index),
            });
            found.weight = found.weight.max(weight);
            difference
        }
        // Asked again, as a retry does: the same cause, and nothing to add.
        Some(first) if first.cause == difference.cause => difference,
        Some(first) => found.add(difference, weight, Some(&first)),
    }
}

/// The missing call in whose place an unknown one was made: the nearest recorded one, where it
/// belongs to this test and was not made.
fn take_partner<'m>(
    id: &TestId,
    test: &TestCase,
    unknown: &UnknownCall,
    missing: &mut Vec<&'m MissingCall>,
) -> Option<&'m MissingCall> {
    let nearest = unknown.miss.nearest.as_ref()?;
    if nearest.test.as_ref().is_some_and(|other| other != id) {
        return None;
    }
    let of_kind = |m: &&&MissingCall| {
        m.to == unknown.call.to
            && test
                .calls
                .get(m.index)
                .is_none_or(|call| call.protocol == unknown.call.protocol)
    };
    let general = |to: &str, summary: &str| general_place(&place(to, None, summary));
    let wanted = general(&unknown.call.to, &nearest.summary);
    let at = missing
        .iter()
        .position(|m| m.to == unknown.call.to && m.summary == nearest.summary)
        .or_else(|| {
            missing
                .iter()
                .position(|m| of_kind(&m) && general(&m.to, &m.summary) == wanted)
        })?;
    Some(missing.remove(at))
}

/// The weight of a call that is missing or extra, and known to be nobody else's.
fn certain(soft: bool) -> Weight {
    match soft {
        true => Weight::Shifted,
        false => Weight::Changed,
    }
}

/// Whose a call of several tests may be: none of them made it.
fn nobody_of(id: &TestId, sharers: &[TestId]) -> String {
    let names: Vec<String> = std::iter::once(id)
        .chain(sharers)
        .take(SHOWN_TESTS)
        .map(|test| test.name.to_string())
        .collect();
    let more = (sharers.len() + 1).saturating_sub(names.len());
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "recorded while {}{more} were open; each of them has run, and none made it",
        names.join(", ")
    )
}

/// How many tests of one moment are named.
const SHOWN_TESTS: usize = 5;

/// The weight of a call that is missing or extra. Where nothing told whose of several tests it is,
/// it may be another's: a write is then the recording's lack, and the rest is soft.
pub(super) fn doubtful(
    shared: bool,
    effect: Effect,
    soft: bool,
    difference: &mut Difference,
) -> Weight {
    if soft || shared && effect != Effect::Write {
        Weight::Shifted
    } else if shared {
        difference.blame = Blame::Recording;
        let why = "it was called for several tests at once, and nothing told whose it was \
                   (hint: pass the trace header on, or record one request at a time)";
        difference.detail = Some(why.to_owned());
        Weight::Gap
    } else {
        Weight::Changed
    }
}

/// Whether leaving this call out or repeating it is what a cache or a retry does. A transaction's
/// frame follows the calls inside it.
pub(super) fn is_soft(effect: Effect, to: &str, calls: &CallsOutcome) -> bool {
    let mut others = calls
        .missing
        .iter()
        .map(|m| (&m.to, m.effect))
        .chain(calls.extra.iter().map(|e| (&e.call.to, e.call.effect)))
        .filter(|(other, effect)| ***other == *to && *effect != Effect::Transaction)
        .map(|(_, effect)| effect)
        .peekable();
    match effect {
        Effect::Read => true,
        Effect::Write | Effect::Acts => false,
        Effect::Transaction => {
            others.peek().is_some() && others.all(|effect| effect == Effect::Read)
        }
    }
}

pub(super) fn place(to: &str, index: Option<usize>, summary: &str) -> Place {
    Place::Call {
        to: to.to_owned(),
        index,
        summary: summary.to_owned(),
        path: Path::root(),
    }
}

pub(super) fn plain(place: Place, kind: DiffKind) -> Difference {
    Difference {
        cause: fingerprint(&place, kind, None, None),
        place,
        kind,
        baseline: None,
        candidate: None,
        detail: None,
        blame: Blame::App,
        follows: false,
    }
}
