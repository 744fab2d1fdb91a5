//! Dependencies that were asked and that no mock can answer for: they were relayed unread when it
//! was recorded. What a service does that gets no answer of one says nothing of the service.

use retake_model::{Blame, DiffKind, Difference, Path, Place};

use super::Setting;
use super::calls::{FirstUnknown, Found, Weight};
use crate::diff::fingerprint;
use crate::matching::{CallsOutcome, Effect};

/// The unanswered dependency as the cause of what a test shows, where it may be: the response
/// differs, recorded calls are missing or made again. None where the service asks its other
/// dependencies for something that the recording does not have; ending a transaction aside, which
/// is how services give up.
pub(super) fn cause(
    calls: &CallsOutcome,
    found: &Found,
    response_differs: bool,
    of_calls_differ: bool,
    setting: &Setting<'_>,
) -> Option<(Difference, FirstUnknown)> {
    let first = setting.unread.first()?;
    let gives_up =
        |unknown: &crate::matching::UnknownCall| unknown.call.effect == Effect::Transaction;
    let shows = response_differs || found.weight >= Weight::Gap;
    if !shows || of_calls_differ || !calls.unknown.iter().all(gives_up) {
        return None;
    }
    let place = Place::Call {
        to: first.clone(),
        index: None,
        summary: "asked, and not read when it was recorded".to_owned(),
        path: Path::root(),
    };
    let cause = fingerprint(&place, DiffKind::CallUnknown, None, None);
    let difference = Difference {
        place,
        kind: DiffKind::CallUnknown,
        baseline: None,
        candidate: None,
        detail: Some(format!(
            "{} did not answer: it was relayed without being read when it was recorded, so there \
             are no mocks of it (hint: --live NAME reaches it for real)",
            setting.unread.join(" and ")
        )),
        blame: Blame::Recording,
        follows: false,
        cause,
    };
    Some((difference, FirstUnknown::at_once(first.clone(), cause)))
}
