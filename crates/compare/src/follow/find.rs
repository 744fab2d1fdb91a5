//! Looks for the evidence, and follows it to the first test.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use retake_model::{Consequence, TestId, TestResult, TestSet};

use super::given::Gifts;
use super::late::{Habits, lacks_a_shared_frame, lacks_what_came_late, near};
use super::seen::Seen;
use super::state::{Places, shows_what_was_not_changed};
use crate::judge::status_of;

/// A test that is a consequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) test: TestId,
    /// The earlier test whose consequence it is.
    pub(crate) of: TestId,
    pub(crate) why: String,
    /// The fingerprint of the difference that is the cause of all, of that test or of one further
    /// before.
    pub(crate) cause: u64,
}

impl Link {
    pub(crate) fn told(&self) -> Consequence {
        Consequence {
            test: self.test.clone(),
            of: self.of.clone(),
            why: self.why.clone(),
        }
    }
}

/// The tests that are consequences of others, in the order of the recording.
pub(crate) fn links(sets: &[Arc<TestSet>], results: &[TestResult]) -> Vec<Link> {
    let by_name: HashMap<(&str, &str), &TestResult> = results
        .iter()
        .map(|result| ((&*result.test.set, &*result.test.name), result))
        .collect();
    sets.iter().flat_map(|set| of_set(set, &by_name)).collect()
}

fn of_set(set: &TestSet, results: &HashMap<(&str, &str), &TestResult>) -> Vec<Link> {
    let tests: Vec<Option<Seen<'_>>> = set
        .tests
        .iter()
        .map(|test| {
            let result = results.get(&(&*set.name, test.name.as_str()))?;
            Some(Seen::new(test, result))
        })
        .collect();
    if tests.iter().flatten().filter(|seen| seen.is_red).count() < 2 {
        return Vec::new();
    }
    let known = Known {
        gifts: Gifts::of(&tests),
        places: Places::of(&tests),
        habits: OnceCell::new(),
    };
    let mut found: Vec<Link> = Vec::new();
    let mut by_number: HashMap<usize, u64> = HashMap::new();
    for (number, seen) in tests.iter().enumerate() {
        let Some(seen) = seen.filter(|seen| seen.is_red) else {
            continue;
        };
        let evidence = evidence(number, &seen, &tests, &known);
        let Some((of, why, cause)) = evidence else {
            continue;
        };
        let Some(first) = tests.get(of).copied().flatten() else {
            continue;
        };
        // What that one is a consequence of is the cause of this one, too.
        let cause = by_number.get(&of).copied().unwrap_or(cause);
        by_number.insert(number, cause);
        found.push(Link {
            test: seen.result.test.clone(),
            of: first.result.test.clone(),
            why: why.replace(OF, &first.result.test.to_string()),
            cause,
        });
    }
    found
}

/// What is known of all tests of a set.
struct Known<'r> {
    gifts: Gifts<'r>,
    places: Places<'r>,
    /// Read when they are asked for first.
    habits: OnceCell<Habits>,
}

/// Stands for the name of the earlier test.
const OF: &str = "{}";

fn evidence(
    number: usize,
    seen: &Seen<'_>,
    tests: &[Option<Seen<'_>>],
    known: &Known<'_>,
) -> Option<(usize, String, u64)> {
    if seen.is_refused {
        if let Some((of, name, lost)) = known.gifts.lacking(number, seen) {
            let why = format!("sends `{name}`, which {OF} did not give out");
            return Some((of, why, lost.cause));
        }
        let is_absent = |status: i64| (300..500).contains(&status);
        let status = status_of(&seen.result.differences);
        if status.is_none_or(|(.., came)| is_absent(came))
            && let Some((of, path, failed)) = known.places.lacking(number, seen)
        {
            let why = format!("asks for {path}, which {OF} should have made");
            return Some((of, why, failed.cause));
        }
    }
    let before = tests.get(..number).unwrap_or_default();
    let failed = |accept: &dyn Fn(&Seen<'_>) -> bool, most: usize| {
        let last = before.iter().enumerate().rev().take(most);
        let mut last = last.filter_map(|(of, seen)| Some((of, seen.as_ref()?)));
        let (of, failed) = last.find(|(_, failed)| accept(failed))?;
        Some((of, failed.first()?.cause))
    };
    if let Some((of, cause)) = failed(&|f| shows_what_was_not_changed(seen, f), usize::MAX) {
        let why = format!("shows what {OF} should have changed");
        return Some((of, why, cause));
    }
    let habits = || known.habits.get_or_init(|| Habits::of(tests));
    if let Some((of, cause)) = failed(&|f| lacks_what_came_late(seen, f, &habits), near(seen)) {
        let why = format!("lacks what {OF} did after its response");
        return Some((of, why, cause));
    }
    // Who was served first has them, so it may be a later one as well.
    let lacks = |failed: &Seen<'_>| lacks_a_shared_frame(seen, failed);
    let mut all = tests.iter().enumerate();
    let (of, failed) = all.find_map(|(of, failed)| Some((of, failed.filter(|f| lacks(f))?)))?;
    let why = format!("lacks a transaction that {OF} no longer makes");
    Some((of, why, failed.first()?.cause))
}
