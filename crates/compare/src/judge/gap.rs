//! What lies in the recording, and not in the service.

use retake_model::{SetInfo, TestId};

use crate::matching::{Effect, UnknownCall};

/// Why an unknown call is no change of the service; none where it is one. A request that was
/// refused by itself when it was recorded (`denied`, or not valid) and now reads what another test
/// was granted is one: a cache refuses nothing.
pub(super) fn gap_reason(
    id: &TestId,
    unknown: &UnknownCall,
    denied: bool,
    info: &SetInfo,
) -> Option<String> {
    let to = &unknown.call.to;
    let nearest = unknown.miss.nearest.as_ref();
    let elsewhere = nearest.and_then(|n| n.test.as_ref()).filter(|t| *t != id);
    if let (Some(nearest), Some(other)) = (nearest, elsewhere)
        && nearest.differs.is_empty()
        && unknown.call.effect == Effect::Read
        && !denied
    {
        return Some(format!(
            "the same read was recorded for {other}: a cache answered it when this test was \
             recorded, or the tests ran in another order; or the service asks it anew here \
             (hint: replay with --jobs 1; if it stays, record again)"
        ));
    }
    if let Some(reason) = incomplete(info, to) {
        return Some(format!("{reason} (hint: record again)"));
    }
    // Which test a call was recorded with may be doubtful; that none of them recorded it is not.
    let shared = unknown.call.shared || unknown.ambiguous;
    let of_this_test = nearest.is_some_and(|n| n.test.as_ref() == Some(id));
    (shared && !of_this_test).then(|| {
        format!(
            "calls to {to} were made for several tests at once and could not be told apart \
             (hint: pass the trace header on, or record one request at a time)"
        )
    })
}

/// What the recording is known to lack of a dependency.
pub(super) fn incomplete(info: &SetInfo, to: &str) -> Option<String> {
    let Some(ledger) = &info.ledger else {
        return Some("the recording did not end in order, so calls may be lacking".to_owned());
    };
    let tally = ledger.outbound.get(to)?;
    let lost = [
        ("dropped", &tally.dropped),
        ("could not be read", &tally.undecodable),
        ("were left out on purpose", &tally.sampled_out),
    ];
    for (what, counts) in lost {
        let count: u64 = counts.values().sum();
        if let Some(reason) = counts.keys().next() {
            return Some(format!(
                "when {to} was recorded, exchanges {what}: {count} ({reason})"
            ));
        }
    }
    if let Some((reason, count)) = tally.opaque.iter().next() {
        return Some(format!(
            "connections to {to} that were relayed without being read: {count} ({reason})"
        ));
    }
    (!tally.is_complete()).then(|| format!("the ledger of {to} does not add up"))
}
