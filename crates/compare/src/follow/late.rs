//! What a request goes on to do after its response: it may have been recorded with the next test.

use retake_model::{DiffKind, Difference, Place};

use super::seen::Seen;
use super::state::words;

/// How many tests may lie between a request and what it does late.
pub(super) const NEAR: usize = 3;

/// Whether all that a test lacks is a call that says what a failed request before it said, and it
/// does not say itself.
pub(super) fn lacks_what_came_late(test: &Seen<'_>, failed: &Seen<'_>) -> bool {
    if !failed.is_refused {
        return false;
    }
    let missing = |d: &Difference| match d.place {
        Place::Call {
            index: Some(index), ..
        } if d.kind == DiffKind::CallMissing => test.test.calls.get(index),
        _ => None,
    };
    let differences = &test.result.differences;
    if differences.is_empty() || differences.iter().any(|d| missing(d).is_none()) {
        return false;
    }
    let own = words(&test.test.request);
    let mut said = words(&failed.test.request);
    said.retain(|word| !own.contains(word));
    differences.iter().filter_map(missing).any(|call| {
        let in_call = words(&call.request);
        said.iter().any(|word| in_call.contains(word))
    })
}
