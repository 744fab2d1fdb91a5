//! What a request made or changed, and later tests ask for or show.

use std::collections::HashMap;

use retake_model::{DiffKind, Difference, Path, Place, Value};

use super::seen::{Seen, name_of, response_leaves};
use crate::judge::status_of;
use crate::leaves::leaves;

/// Names of fields that identify what was made.
const IDS: &[&str] = &[
    "id", "_id", "uuid", "key", "name", "code", "sku", "slug", "number",
];

/// What was made at which paths.
#[derive(Debug)]
pub(super) struct Places<'r> {
    /// By path: the number of the test, and why it was not made; none where it was.
    made: HashMap<String, Vec<(usize, Option<&'r Difference>)>>,
}

impl<'r> Places<'r> {
    pub(super) fn of(tests: &[Option<Seen<'r>>]) -> Self {
        let mut made: HashMap<String, Vec<(usize, Option<&'r Difference>)>> = HashMap::new();
        let makes = |seen: &Seen<'_>| matches!(seen.method(), "POST" | "PUT");
        for (number, seen) in tests.iter().enumerate() {
            let Some(seen) = seen.filter(makes) else {
                continue;
            };
            let failed = seen.first().filter(|_| seen.is_refused);
            response_leaves(&seen.test.response, &mut |place, leaf| {
                if let Some(path) = path_of(&seen, place, leaf) {
                    made.entry(path).or_default().push((number, failed));
                }
            });
        }
        Places { made }
    }

    /// The earlier test that should have made what this one asks for, and why it did not; with
    /// the path of what that is.
    pub(super) fn lacking(
        &self,
        number: usize,
        test: &Seen<'r>,
    ) -> Option<(usize, String, &'r Difference)> {
        let path = test.path();
        let ends = path.match_indices('/').map(|(at, _)| at);
        let ends = ends.chain([path.len()]).filter(|at| *at > 0);
        ends.filter_map(|end| path.get(..end)).find_map(|path| {
            let all = self.made.get(path)?;
            let mut before = all.iter().filter(|(by, _)| *by < number);
            let (by, failed) = before.next()?;
            // Who makes it again makes up for it.
            if !before.all(|(_, failed)| failed.is_some()) {
                return None;
            }
            Some((*by, path.to_owned(), (*failed)?))
        })
    }
}

/// The path under which a response says that something was made.
fn path_of(seen: &Seen<'_>, place: &Path, leaf: &Value) -> Option<String> {
    let text = match leaf {
        Value::String(text) => text.as_str(),
        Value::Number(number) => number.as_str(),
        _ => return None,
    };
    let name = name_of(place);
    if name == "location" {
        let path = match text.split_once("://") {
            Some((_, rest)) => rest.get(rest.find('/')?..)?,
            None => text,
        };
        let path = path.split('?').next().unwrap_or_default();
        return (path.len() > 1 && path.starts_with('/')).then(|| path.to_owned());
    }
    let is_id = IDS.contains(&name) || name.ends_with("_id") || name.ends_with("Id");
    let fits = !text.is_empty() && text.len() <= 128 && !text.contains(['/', '?', '#', ' ']);
    let base = seen.path().trim_end_matches('/');
    (is_id && fits && place.0.len() <= 4).then(|| format!("{base}/{text}"))
}

/// Whether a test shows at the same path what a failed request should have changed there: all that
/// differs in its response is what that one was to give or was told, or it shows what was to be
/// removed.
pub(super) fn shows_what_was_not_changed(test: &Seen<'_>, failed: &Seen<'_>) -> bool {
    if test.writes() || !failed.writes() || !failed.is_refused || test.path() != failed.path() {
        return false;
    }
    let differences = &test.result.differences;
    if failed.method() == "DELETE" {
        let was_gone = |from| matches!(from, 404 | 410);
        return status_of(differences).is_some_and(|(_, from, to)| was_gone(from) && to < 300);
    }
    let mut told: Vec<&Value> = Vec::new();
    each_leaf(&failed.test.request, &mut told);
    each_leaf(&failed.test.response, &mut told);
    let mut shown = 0;
    let as_told = differences.iter().all(|d| match &d.place {
        Place::Response(_) => {
            shown += 1;
            let mut own = Vec::new();
            d.baseline
                .iter()
                .for_each(|value| each_leaf(value, &mut own));
            d.kind == DiffKind::Changed && own.iter().all(|leaf| told.contains(leaf))
        }
        _ => d.kind == DiffKind::CallMissing,
    });
    as_told && shown > 0
}

fn each_leaf<'v>(tree: &'v Value, all: &mut Vec<&'v Value>) {
    match tree {
        Value::List(items) => items.iter().for_each(|item| each_leaf(item, all)),
        Value::Map(fields) => fields.iter().for_each(|(_, value)| each_leaf(value, all)),
        leaf => all.push(leaf),
    }
}

/// The texts of a tree that say something: names, addresses.
pub(super) fn words(tree: &Value) -> Vec<String> {
    let mut words = Vec::new();
    leaves(tree, &mut Path::root(), &mut |_, leaf| {
        if let Value::String(text) = leaf
            && (SHORTEST..=LONGEST).contains(&text.len())
        {
            words.push(text.clone());
        }
    });
    words
}

/// The shortest and the longest of such texts, in bytes.
const SHORTEST: usize = 6;
const LONGEST: usize = 256;
