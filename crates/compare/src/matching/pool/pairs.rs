//! Which recorded value stands for which of the candidate's.

use super::{Asked, CanonToken, Pair, Pool, Role, Which};

impl Pool {
    /// Holds recorded values against the candidate's, one by one. None where a pair cannot stand
    /// for the same value.
    pub(super) fn pairs<'t>(
        &self,
        recorded: impl Iterator<Item = &'t (CanonToken, Role)>,
        candidate: impl Iterator<Item = &'t CanonToken>,
        asked: &Asked<'_>,
        which: Which,
    ) -> Option<Vec<Pair>> {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut candidate = candidate;
        for (token, role) in recorded {
            let other = candidate.next()?;
            let pair = Pair {
                kind: token.kind,
                recorded: token.text.to_string(),
                candidate: other.text.to_string(),
            };
            let bound = asked.values.are_bound(&token.text, &other.text);
            // The latest partner of a moment is the one that is written: it is noted again.
            if pairs.contains(&pair) || (bound && !token.kind.is_moment()) {
                continue;
            }
            // A value that has another partner is no longer itself.
            let same = token.text == other.text
                && asked.values.may_bind(token.kind, &token.text, &other.text);
            let made = *role != Role::Given && self.may_be(token, other, asked, which);
            if !(bound || same || made) || (!token.kind.is_moment() && collides(&pairs, &pair)) {
                return None;
            }
            // A given value that stayed as it is needs no entry in the map.
            if bound || *role != Role::Given {
                pairs.push(pair);
            }
        }
        candidate.next().is_none().then_some(pairs)
    }

    /// Whether the candidate's value may stand for one that the service made.
    fn may_be(
        &self,
        recorded: &CanonToken,
        candidate: &CanonToken,
        asked: &Asked<'_>,
        which: Which,
    ) -> bool {
        let like = recorded.kind == candidate.kind && recorded.style == candidate.style;
        let fresh = recorded.kind.is_moment() || !self.given.contains(&candidate.text);
        let free = which == Which::Again
            || asked
                .values
                .may_bind(recorded.kind, &recorded.text, &candidate.text);
        like && fresh && free && asked.near.plausible(candidate.kind, &candidate.text)
    }
}

/// Whether an id would have two partners.
fn collides(pairs: &[Pair], pair: &Pair) -> bool {
    pairs
        .iter()
        .any(|p| (p.recorded == pair.recorded) != (p.candidate == pair.candidate))
}
