//! Why nothing answers a request.

use std::sync::Arc;

use retake_model::{Call, Miss, Nearest, Rules, TestId, TestSet, Timestamp, TokenKind, Value};

use super::canon::Canon;
use super::elsewhere::Elsewhere;
use super::key::Key;
use super::mock_set::mock;
use super::nearest::{self, Differs, LOOK};
use super::pool::{Origin, Pool};
use super::running::Running;
use super::search::Owners;
use super::shared::Shared;
use super::summary;
use crate::made::{AllMade, Near, ValueMap, style, whole_token};
use crate::sql::Statements;

/// Where the recorded requests are that a missed one is held against.
pub(super) struct Around<'a> {
    pub(super) owners: &'a Owners,
    pub(super) running: &'a [Running],
    pub(super) shared: &'a Shared,
    pub(super) sets: &'a [Arc<TestSet>],
    pub(super) values: &'a ValueMap,
    /// What the service made in any test.
    pub(super) made: &'a AllMade,
}

impl Around<'_> {
    /// Why nothing answers a request: the recorded one that is most like it, among those of its
    /// tests and those outside of tests. The first one recorded of those that are equally near.
    pub(super) fn miss(
        &self,
        call: &Call,
        rules: &Rules,
        canon: &Canon,
        elsewhere: &Elsewhere,
        statements: &mut Statements,
    ) -> Miss {
        let asked = self.values.put_back(&call.request);
        let first = self.owners.first().and_then(|at| self.running.get(at));
        let tests = self.owners.all().filter_map(|at| self.running.get(at));
        let shared = [
            &self.shared.session,
            &self.shared.startup,
            &self.shared.background,
        ];
        let pools: Vec<&Pool> = tests
            .map(|running| &running.pool)
            .chain(first.and_then(|running| self.shared.crowd_of(running.set)))
            .chain(shared)
            .collect();
        let nearest = candidates(&pools, canon)
            .into_iter()
            .filter_map(|origin| Some((origin, mock(self.sets, origin)?)))
            .filter(|(_, mock)| nearest::is_alike(&mock.request, &asked, rules))
            .min_by_key(|(_, mock)| nearest::distance(&mock.request, &asked, rules, statements));
        // What this test asks another way comes before what another one asks in the same words.
        let own = first.map(|running| (running.set, Some(running.number)));
        let is_own = |origin: &Origin| Some((origin.set, origin.test)) == own;
        let nearest = nearest
            .filter(|(origin, _)| is_own(origin))
            .or_else(|| {
                let same = elsewhere.find(&call.to, &asked, rules, statements)?;
                Some((same, mock(self.sets, same)?))
            })
            .or(nearest);
        Miss {
            test: first.map(|running| running.id.clone()),
            to: call.to.clone(),
            summary: summary(&call.request, rules),
            nearest: nearest.map(|(origin, mock)| Nearest {
                test: test_id(self.sets, origin),
                summary: summary(&mock.request, rules),
                differs: self.telling(
                    nearest::differs(&mock.request, &asked, rules, statements),
                    call.at,
                ),
            }),
        }
    }
}

impl Around<'_> {
    /// The differences less those of values that the service makes anew in every run, and of
    /// redacted secrets; all of them where there are no others.
    fn telling(&self, differs: Vec<Differs>, at: Timestamp) -> Vec<Differs> {
        let near = Near {
            recorded: None,
            replayed: Some(at),
            short: self.made.short,
        };
        let (anew, telling): (Vec<_>, Vec<_>) = differs.into_iter().partition(|(_, a, b)| {
            let (Some(Value::String(a)), Some(Value::String(b))) = (a, b) else {
                return false;
            };
            is_anew(a, b, near, self.made)
        });
        if telling.is_empty() { anew } else { telling }
    }
}

/// Whether one value is a redacted secret, or one that the service made, and the other a new one of its
/// kind.
fn is_anew(a: &str, b: &str, near: Near, made: &AllMade) -> bool {
    // Bytes that PostgreSQL writes in hex digits: what is behind the backslash is one value.
    let [a, b] = [a, b].map(|text| text.strip_prefix('\\').unwrap_or(text));
    match (
        whole_token(a, Near::default().with(near.short)),
        whole_token(b, near),
    ) {
        (Some(TokenKind::Secret), _) => true,
        (Some(x), Some(y)) => x == y && style(x, a) == style(y, b) && made.contains(&Key::of(a)),
        _ => false,
    }
}

/// The mocks that ask alike, or where there is none, those of the dependency.
fn candidates(pools: &[&Pool], canon: &Canon) -> Vec<Origin> {
    for key in [canon.coarse_key(), canon.dependency_key()] {
        let found = pools.iter().flat_map(|pool| pool.like(key, LOOK));
        let found: Vec<Origin> = found.take(LOOK).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn test_id(sets: &[Arc<TestSet>], origin: Origin) -> Option<TestId> {
    let set = sets.get(origin.set)?;
    let test = set.tests.get(origin.test?)?;
    Some(TestId {
        set: set.name.clone(),
        name: test.name.as_str().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_are_made_anew_as_random_text_is() {
        let (recorded, candidate) = (
            "7a707ccd7973ad935acf4817ac3efdd4",
            "50c704908f589c21a0541ee7cc11b5aa",
        );
        let bytes = |digits: &str| format!("\\x{digits}");
        let x = format!("x{recorded}");
        let made = [recorded, &x].map(|value| retake_model::Made {
            value: value.to_owned(),
            kind: TokenKind::Random,
            places: Vec::new(),
        });
        let made = AllMade::of(made.iter());
        let check = |a: &str, b: &str, expected: bool| {
            assert_eq!(is_anew(a, b, Near::default(), &made), expected, "{a} {b}");
        };
        check(recorded, candidate, true);
        check(&bytes(recorded), &bytes(candidate), true);
        check(&bytes(candidate), &bytes(recorded), false);
        check(&bytes(recorded), "\\x00", false);
    }
}
