//! Two trees, place by place.

use std::collections::BTreeSet;

use retake_model::{Blame, DiffKind, Difference, Path, Place, Segment, Value};

use super::align::Budget;
use super::fingerprint::fingerprint;
use super::policy;
use super::text;
use super::tokens::{Likeness, Tokens};
use crate::made::ValueMap;
use crate::rules::{Action, RuleSet, Walk, leaf_text};

/// The deepest nesting that is compared place by place; what is deeper is compared as a whole.
const MAX_DEPTH: usize = 512;

/// The most differences that are kept for one response; more are counted in a note.
const MAX_DIFFERENCES: usize = 2_000;

/// A comparison in progress: where it stands, what it found.
#[derive(Debug)]
pub(super) struct Differ<'a> {
    pub(super) walk: Walk<'a>,
    pub(super) values: &'a mut ValueMap,
    pub(super) tokens: Tokens<'a>,
    pub(super) budget: Budget,
    pub(super) path: Vec<Segment>,
    pub(super) found: Vec<Difference>,
    pub(super) hits: Vec<u64>,
    pub(super) compared_by_kind: u64,
    pub(super) by_distance: u64,
    /// How many elements stand elsewhere because of the ids by which their list is sorted.
    pub(super) sorted: u64,
    /// The rules of which equal values count, too.
    by_chance: Vec<usize>,
    pub(super) notes: Vec<String>,
    /// Whether the bodies differ in any byte: then headers that follow from them differ, too.
    pub(super) bodies_differ: bool,
    /// Whether there are two bodies: then how their end is told is framing alone.
    pub(super) both_have_bodies: bool,
    /// Whether one of the two is of a status that allows no body: then its length is told there.
    pub(super) only_one_may_have_a_body: bool,
    overflow: u64,
    frame: Frame<'a>,
}

/// Whether of two tags both are weak, or none is.
fn are_as_strong((a, b): (&Value, &Value)) -> bool {
    let is_weak = |value: &Value| leaf_text(value).map(|text| text.starts_with("W/"));
    is_weak(a) == is_weak(b)
}

/// What the compared trees are part of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Frame<'a> {
    Response,
    /// A recorded call that was made.
    Call {
        to: &'a str,
        index: usize,
        summary: &'a str,
    },
}

impl<'a> Differ<'a> {
    pub(super) fn new(
        frame: Frame<'a>,
        rules: &'a RuleSet,
        tokens: Tokens<'a>,
        values: &'a mut ValueMap,
    ) -> Self {
        let mut walk = Walk::new(rules.rules());
        match frame {
            Frame::Response => walk.enter_key("response"),
            Frame::Call { to, .. } => {
                walk.enter_key("calls");
                walk.enter_key(to);
            }
        }
        Differ {
            walk,
            values,
            tokens,
            budget: Budget::DEFAULT,
            path: Vec::new(),
            found: Vec::new(),
            hits: vec![0; rules.rules().len()],
            by_chance: rules.by_chance(),
            compared_by_kind: 0,
            by_distance: 0,
            sorted: 0,
            notes: Vec::new(),
            bodies_differ: false,
            only_one_may_have_a_body: false,
            both_have_bodies: false,
            overflow: 0,
            frame,
        }
    }

    /// Compares two values at the present place.
    pub(super) fn node(&mut self, expected: &Value, observed: &Value) {
        if self.path.len() >= MAX_DEPTH {
            if expected != observed {
                let detail = format!("nested deeper than {MAX_DEPTH} levels, compared as a whole");
                self.emit(
                    DiffKind::Changed,
                    Some(expected),
                    Some(observed),
                    Some(detail),
                );
            }
            return;
        }
        match (expected, observed) {
            (Value::Map(a), Value::Map(b)) => self.map(a, b),
            (Value::List(a), Value::List(b)) => self.list(a, b),
            (Value::String(a), Value::String(b)) => self.text(a, b, expected, observed),
            (Value::Number(a), Value::Number(b)) => {
                self.text(a.as_str(), b.as_str(), expected, observed);
            }
            (Value::Bytes(a), Value::Bytes(b)) if a != b => {
                let detail = Some(text::bytes_detail(a, b));
                self.emit(DiffKind::Changed, Some(expected), Some(observed), detail);
            }
            (a, b) if a == b => {}
            (Value::Bool(_), Value::Bool(_)) => {
                self.emit(DiffKind::Changed, Some(expected), Some(observed), None);
            }
            _ => self.emit(DiffKind::TypeChanged, Some(expected), Some(observed), None),
        }
    }

    /// Does something in the field of that name.
    pub(super) fn in_key(&mut self, name: &str, work: impl FnOnce(&mut Self)) {
        self.walk.enter_key(name);
        self.path.push(Segment::Key(name.to_owned()));
        work(self);
        self.path.pop();
        self.walk.leave();
    }

    /// Does something in the element of that number.
    pub(super) fn in_index(&mut self, number: usize, work: impl FnOnce(&mut Self)) {
        self.walk.enter_index(number);
        self.path.push(Segment::Index(number));
        work(self);
        self.path.pop();
        self.walk.leave();
    }

    /// Notes a difference at the present place, unless a rule hides it.
    pub(super) fn emit(
        &mut self,
        kind: DiffKind,
        baseline: Option<&Value>,
        candidate: Option<&Value>,
        detail: Option<String>,
    ) {
        if !self.is_hidden(kind, baseline, candidate) {
            self.list_it(kind, baseline, candidate, detail);
        }
    }

    /// Whether a rule hides a difference of this kind here; counts it where one does.
    pub(super) fn is_hidden(
        &mut self,
        kind: DiffKind,
        baseline: Option<&Value>,
        candidate: Option<&Value>,
    ) -> bool {
        let rule = self.hiding(kind, baseline, candidate);
        if let Some(hits) = rule.and_then(|rule| self.hits.get_mut(rule)) {
            *hits += 1;
        }
        rule.is_some()
    }

    /// Lists a difference that no rule hides.
    pub(super) fn list_it(
        &mut self,
        kind: DiffKind,
        baseline: Option<&Value>,
        candidate: Option<&Value>,
        detail: Option<String>,
    ) {
        if self.found.len() >= MAX_DIFFERENCES {
            self.overflow += 1;
            return;
        }
        let place = self.place();
        self.found.push(Difference {
            cause: fingerprint(&place, kind, baseline, candidate),
            place,
            kind,
            baseline: baseline.cloned(),
            candidate: candidate.cloned(),
            detail,
            blame: Blame::App,
            follows: false,
        });
    }

    /// The present place.
    pub(super) fn place(&self) -> Place {
        let path = Path(self.path.clone());
        match self.frame {
            Frame::Response => Place::Response(path),
            Frame::Call { to, index, summary } => Place::Call {
                to: to.to_owned(),
                index: Some(index),
                summary: summary.to_owned(),
                path,
            },
        }
    }

    /// Adds a note, once.
    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Ends the comparison.
    pub(super) fn finish(mut self, rules: &RuleSet) -> super::Compared {
        if self.overflow > 0 {
            let overflow = self.overflow;
            self.note(format!(
                "{overflow} more differences in the response are not listed"
            ));
        }
        let mut hidden = rules.uses(&self.hits);
        hidden.extend(crate::ordering::use_of("response", self.sorted));
        super::Compared {
            differences: self.found,
            hidden,
            by_kind: self.compared_by_kind,
            by_distance: self.by_distance,
            notes: self.notes,
        }
    }

    /// The rule that hides a difference of this kind here.
    fn hiding(
        &self,
        kind: DiffKind,
        baseline: Option<&Value>,
        candidate: Option<&Value>,
    ) -> Option<usize> {
        if let Some(rule) = self.walk.ignored() {
            return Some(rule);
        }
        if let Some(rule) = self.walk.typed()
            && matches!(kind, DiffKind::Changed | DiffKind::Reordered)
        {
            return Some(rule);
        }
        let both = baseline.zip(candidate);
        self.walk
            .here()
            .find(|(_, action)| match action {
                Action::SetOfNames => {
                    both.is_some_and(|(a, b)| match (leaf_text(a), leaf_text(b)) {
                        (Some(a), Some(b)) => names(a) == names(b),
                        _ => false,
                    })
                }
                // Whether there is one, and how strong it is, follows from no body.
                Action::FollowsBody => self.bodies_differ && both.is_some_and(are_as_strong),
                Action::FollowsAnswers => {
                    both.is_some_and(are_as_strong)
                        && (self.bodies_differ || self.tokens.has_changed_answers(self.values))
                }
                Action::FramesBody => {
                    self.bodies_differ
                        || (self.both_have_bodies || self.only_one_may_have_a_body)
                            && matches!(kind, DiffKind::Added | DiffKind::Removed)
                }
                Action::Pattern(pattern) if kind == DiffKind::Changed => {
                    both.is_some_and(|(a, b)| match (leaf_text(a), leaf_text(b)) {
                        (Some(a), Some(b)) => pattern.is_match(a) && pattern.is_match(b),
                        _ => false,
                    })
                }
                Action::Tolerance(by) if kind == DiffKind::Changed => {
                    both.is_some_and(|(a, b)| within(a, b, *by))
                }
                _ => false,
            })
            .map(|(rule, _)| rule)
    }

    /// Counts an equal value that a built-in rule hides: whether the time of an answer is the
    /// recorded one is chance where the service has the recorded time, and the same run is to give
    /// the same report.
    fn unlooked(&mut self) {
        let rule = self
            .walk
            .ignored()
            .filter(|rule| self.by_chance.contains(rule));
        if let Some(hits) = rule.and_then(|rule| self.hits.get_mut(rule)) {
            *hits += 1;
        }
    }

    /// Compares two texts, or the digits of two numbers.
    fn text(&mut self, a: &str, b: &str, expected: &Value, observed: &Value) {
        let bind = self.walk.ignored().is_none();
        let in_order = match self.frame {
            Frame::Response => policy::aligned(&self.path, a, b),
            Frame::Call { .. } => None,
        };
        let (a, b) = match &in_order {
            Some((a, b)) => (a.as_str(), b.as_str()),
            None => (a, b),
        };
        match self.tokens.compare(a, b, self.values, bind) {
            Likeness::Same(by_kind) if bind => self.by_kind(by_kind, expected, observed),
            Likeness::Same(_) => self.unlooked(),
            Likeness::Other { carried, why } => {
                let is_number = matches!(expected, Value::Number(_));
                let wanted = carried.as_deref().unwrap_or(a);
                let detail = why.or_else(|| {
                    if !is_number {
                        return text::detail(wanted, b);
                    }
                    (a.parse::<f64>() == b.parse::<f64>())
                        .then(|| "the same number, written in another way".to_owned())
                });
                let expected = match (&carried, is_number) {
                    (Some(carried), false) => &Value::String(carried.clone()),
                    _ if in_order.is_some() => &Value::from(a),
                    _ => expected,
                };
                let observed = match in_order.is_some() {
                    true => &Value::from(b),
                    false => observed,
                };
                self.emit(DiffKind::Changed, Some(expected), Some(observed), detail);
            }
        }
    }
}

/// The members of a list between commas, in lower case.
fn names(list: &str) -> BTreeSet<String> {
    let names = list.split(',').map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether two numbers (or texts that are numbers) differ by this much at most. Rounding of the
/// difference itself is forgiven: 0.3 and 0.2 differ by 0.1.
fn within(a: &Value, b: &Value, by: f64) -> bool {
    let number = |value: &Value| leaf_text(value)?.parse::<f64>().ok();
    match (number(a), number(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= by + (a.abs() + b.abs()) * f64::EPSILON,
        _ => false,
    }
}
