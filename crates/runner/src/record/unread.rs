//! Dependencies of which nothing was read, and what that means for a replay.

use retake_model::Ledger;

/// A sentence for each dependency that was relayed without a call of it being read.
pub(super) fn unread(ledger: &Ledger) -> Vec<String> {
    let unread = ledger
        .outbound
        .iter()
        .filter(|(_, tally)| !tally.opaque.is_empty() && tally.seen == 0);
    let said = unread.map(|(name, tally)| {
        let reasons: Vec<&str> = tally.opaque.keys().map(String::as_str).collect();
        format!(
            "{name} was relayed unread ({}), so there are no mocks of it; hint: keep it running on \
             replay, and reach it with --live {name}",
            reasons.join(", ")
        )
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use retake_model::Tally;

    use super::*;

    #[test]
    fn what_was_not_read_is_named_with_the_way_to_reach_it_on_replay() {
        let tally = |seen, opaque: &[&str]| Tally {
            seen,
            opaque: opaque.iter().map(|why| ((*why).to_owned(), 1)).collect(),
            ..Tally::default()
        };
        let mut ledger = Ledger::default();
        for (name, tally) in [
            ("cache", tally(0, &["Redis is not read yet"])),
            ("db", tally(3, &[])),
            ("api", tally(3, &["TLS that was not opened"])),
        ] {
            ledger.outbound.insert(name.to_owned(), tally);
        }
        let said = unread(&ledger);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("cache was relayed unread (Redis is not read yet)"));
        assert!(said[0].ends_with("--live cache"));
    }
}
