//! Rules that can never hide anything, because nothing was recorded at their places.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use retake_model::{NoiseRule, Path, Segment};

use crate::check::Found;
use crate::yaml::{Problem, cut};
use crate::{Checks, Diagnostic, Subject};

/// The most kinds of places that are remembered, to name the one that is most like a rule's.
const MOST_PLACES: usize = 5_000;

/// Rules of one file, and what was found at their places.
#[derive(Debug, Default)]
pub(super) struct Watched {
    file: PathBuf,
    rules: Vec<(NoiseRule, Mutex<Hit>)>,
    /// Places that there are, elements of lists as `[*]`.
    places: Mutex<BTreeSet<String>>,
}

/// What was found at the places of a rule.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Hit {
    /// There is no such place.
    #[default]
    Nothing,
    /// There is one, and the rule has no say there: why.
    Useless(String),
    Something,
}

impl Watched {
    pub(super) fn new(file: PathBuf, rules: Vec<NoiseRule>) -> Self {
        Watched {
            file,
            rules: rules
                .into_iter()
                .map(|rule| (rule, Mutex::default()))
                .collect(),
            places: Mutex::default(),
        }
    }

    /// Looks at a part of what was recorded.
    pub(super) fn look(&self, subject: Subject<'_>, checks: &Checks) {
        let open: Vec<&(NoiseRule, Mutex<Hit>)> = self
            .rules
            .iter()
            .filter(|(_, hit)| *lock(hit) != Hit::Something)
            .collect();
        if open.is_empty() {
            return;
        }
        let mut kinds = BTreeSet::new();
        (checks.places)(subject, &mut |place, value| {
            for (rule, hit) in &open {
                if rule.at.matches(place) {
                    note(&mut lock(hit), (checks.applies)(rule, value));
                }
            }
            if kinds.len() < MOST_PLACES {
                kinds.insert(kind_of(place));
            }
        });
        let mut places = lock(&self.places);
        if places.len() < MOST_PLACES {
            places.append(&mut kinds);
        }
    }

    /// A warning for each rule that can never hide anything.
    pub(super) fn warnings(&self) -> Vec<Diagnostic> {
        let bytes = std::fs::read(&self.file).unwrap_or_default();
        let places = lock(&self.places);
        let mut warnings = Vec::new();
        if places.is_empty() {
            // Nothing was recorded, or nobody knows what.
            return warnings;
        }
        for (number, (rule, hit)) in self.rules.iter().enumerate() {
            let pattern = rule.at.as_str();
            let problem = match &*lock(hit) {
                Hit::Something => continue,
                Hit::Useless(why) => Problem::new(format!("`{}` {why}", cut(pattern)))
                    .expected("a place at which the rule can hide something")
                    .hint("correct the rule, or remove it"),
                Hit::Nothing => {
                    let what = format!("nothing was recorded at `{}`", cut(pattern));
                    let hint = match nearest(pattern, &places) {
                        Some(near) => format!("the nearest place is `{near}`"),
                        None => "remove it, unless a new build may add the place".to_owned(),
                    };
                    Problem::new(what).expected("a place of a test").hint(hint)
                }
            };
            let at = Path::root().key("rules").index(number).key("path");
            warnings.push(Found::odd(problem, at).diagnostic(&self.file, &bytes));
        }
        warnings
    }
}

fn note(hit: &mut Hit, applies: Result<(), String>) {
    match applies {
        Ok(()) => *hit = Hit::Something,
        Err(why) if *hit == Hit::Nothing => *hit = Hit::Useless(why),
        Err(_) => {}
    }
}

/// A place with `[*]` for every element.
fn kind_of(place: &Path) -> String {
    let mut text = String::new();
    for segment in &place.0 {
        match segment {
            Segment::Index(_) => text.push_str("[*]"),
            Segment::Key(_) => {
                let name = Path(vec![segment.clone()]).to_string();
                if !text.is_empty() && !name.starts_with('[') {
                    text.push('.');
                }
                text.push_str(&name);
            }
        }
    }
    text
}

/// The place that is most like a pattern, where one is like it.
fn nearest<'p>(pattern: &str, places: &'p BTreeSet<String>) -> Option<&'p str> {
    let score = |place: &str| strsim::normalized_damerau_levenshtein(pattern, place);
    let scored = places.iter().map(|place| (score(place), place.as_str()));
    let (best, place) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best > 0.6).then_some(place)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
