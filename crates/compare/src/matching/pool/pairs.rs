//! Which recorded value stands for which of the candidate's.

use std::collections::HashMap;

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

/// The candidate's values in the order of the recorded ones. In a list whose order says nothing
/// they go by what they are known to stand for: ids that the service made anew, and wrote in order,
/// are in another order in each run. What is not known yet stays in its order.
pub(super) fn in_recorded_order<'t>(
    recorded: &[(CanonToken, Role)],
    asked: &Asked<'t>,
) -> Vec<&'t CanonToken> {
    let mut asking: Vec<&CanonToken> = asked.canon.tokens.iter().collect();
    for (from, to) in &asked.canon.sets {
        let (Some(recorded), Some(own)) = (recorded.get(*from..*to), asking.get_mut(*from..*to))
        else {
            continue;
        };
        let places: HashMap<&str, usize> = (recorded.iter().enumerate().rev())
            .map(|(at, (token, _))| (&*token.text, at))
            .collect();
        let mut put: Vec<Option<&CanonToken>> = vec![None; own.len()];
        let mut others = Vec::new();
        for token in own.iter() {
            let mut partners = asked.values.all_recorded_of(&token.text);
            let place = partners.find_map(|partner| places.get(partner));
            let place = place.or_else(|| places.get(&*token.text));
            match place.and_then(|at| put.get_mut(*at)) {
                Some(place @ None) => *place = Some(token),
                _ => others.push(*token),
            }
        }
        let mut others = others.into_iter();
        for (place, token) in own.iter_mut().zip(put) {
            if let Some(token) = token.or_else(|| others.next()) {
                *place = token;
            }
        }
    }
    asking
}

/// Whether an id would have two partners.
fn collides(pairs: &[Pair], pair: &Pair) -> bool {
    pairs
        .iter()
        .any(|p| (p.recorded == pair.recorded) != (p.candidate == pair.candidate))
}
