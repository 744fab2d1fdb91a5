//! The two-way map from recorded to candidate values.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use retake_model::{Made, Number, TokenKind, Value};

use super::scan::scan_widely;
use super::short::Short;
use crate::matching::Key;

/// What the service made in any test of a run.
#[derive(Debug, Default)]
pub(crate) struct AllMade {
    values: HashSet<Key>,
    pub(crate) short: Short,
}

impl AllMade {
    pub(crate) fn of<'m>(made: impl Iterator<Item = &'m Made> + Clone) -> Self {
        AllMade {
            values: made.clone().map(|made| Key::of(&made.value)).collect(),
            short: Short::of(made),
        }
    }

    pub(crate) fn contains(&self, value: &Key) -> bool {
        self.values.contains(value)
    }
}

/// The two-way map from recorded to candidate values of one run.
///
/// An id has one partner. A moment may have several: two that the recording tells apart may fall
/// into the same second in the run, and the other way round. So may a secret, which often says
/// nothing but who it is of and until when (a signed cookie, a token). The latest partner is the one
/// that is written in place of a value.
#[derive(Debug, Default)]
pub struct ValueMap {
    to_candidate: Partners,
    to_recorded: Partners,
    /// What the service made in any test.
    made: Arc<AllMade>,
    refused: u64,
}

type Partners = HashMap<Box<str>, Vec<Box<str>>>;

impl ValueMap {
    /// How many values are held at most. Beyond it, values are counted as refused, and what
    /// depends on them shows as a difference.
    pub const LIMIT: usize = 2_000_000;

    /// How many partners a moment or a secret may have; the oldest go first.
    const PARTNERS: usize = 8;

    /// The length in bytes of the longest value that is held.
    const LONGEST: usize = 16 << 10;

    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty map, for tests in which the service made these values.
    pub(crate) fn of(made: Arc<AllMade>) -> Self {
        ValueMap {
            made,
            ..ValueMap::default()
        }
    }

    /// Whether the service made this value in some test, and no candidate's is known: that test did not
    /// show one. Whichever test shows one next tells it.
    pub(crate) fn is_awaited(&self, recorded: &str) -> bool {
        !self.to_candidate.contains_key(recorded) && self.made.contains(&Key::of(recorded))
    }

    /// Notes that the candidate made `candidate` where the recording has `recorded`. Equal
    /// values are noted, too. False where [`ValueMap::may_bind`] is: then nothing is noted, and
    /// the two are different.
    pub fn bind(&mut self, kind: TokenKind, recorded: &str, candidate: &str) -> bool {
        if !self.may_bind(kind, recorded, candidate) {
            return false;
        }
        let full = self.to_candidate.len() >= Self::LIMIT || self.to_recorded.len() >= Self::LIMIT;
        if full || recorded.len().max(candidate.len()) > Self::LONGEST {
            self.refused += 1;
            return true;
        }
        // Clients send on what stands in an address as it is, or without its percent signs, and
        // calls have it without.
        let (own, other) = (unescaped(recorded), unescaped(candidate));
        let is_escaped = own != recorded || other != candidate;
        if is_escaped {
            pair(&mut self.to_candidate, &own, &other);
        }
        pair(&mut self.to_candidate, recorded, candidate);
        pair(&mut self.to_recorded, candidate, recorded);
        if is_escaped {
            pair(&mut self.to_recorded, &other, &own);
        }
        true
    }

    /// Whether the two may be the same value: always for moments and secrets, for ids where neither
    /// has another partner.
    pub fn may_bind(&self, kind: TokenKind, recorded: &str, candidate: &str) -> bool {
        if kind.is_moment() || kind == TokenKind::Secret {
            return true;
        }
        let only = |partners: &Partners, value: &str, other: &str| {
            partners
                .get(value)
                .is_none_or(|all| all.iter().all(|p| unescaped(p) == unescaped(other)))
        };
        only(&self.to_candidate, recorded, candidate)
            && only(&self.to_recorded, candidate, recorded)
    }

    /// Whether the two were bound to each other.
    pub fn are_bound(&self, recorded: &str, candidate: &str) -> bool {
        self.to_candidate
            .get(recorded)
            .is_some_and(|all| all.iter().any(|c| **c == *candidate))
    }

    /// The candidate's latest value for a recorded one.
    pub fn candidate_of(&self, recorded: &str) -> Option<&str> {
        Some(self.to_candidate.get(recorded)?.last()?)
    }

    /// The latest recorded value for one of the candidate.
    pub fn recorded_of(&self, candidate: &str) -> Option<&str> {
        Some(self.to_recorded.get(candidate)?.last()?)
    }

    /// All recorded values for one of the candidate, the latest first.
    pub(crate) fn all_recorded_of(&self, candidate: &str) -> impl Iterator<Item = &str> {
        let all = self.to_recorded.get(candidate).into_iter().flatten();
        all.rev().map(|recorded| &**recorded)
    }

    /// The lengths of short random text.
    pub(crate) fn short(&self) -> Short {
        self.made.short
    }

    /// How many values were not held because the map was full or they were too long.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// A candidate's tree with the recorded values in place of the candidate's: one pass, hash
    /// look-ups only. Borrowed where nothing changed.
    pub fn put_back<'v>(&self, tree: &'v Value) -> Cow<'v, Value> {
        if self.to_recorded.is_empty() {
            return Cow::Borrowed(tree);
        }
        replace(tree, self.short(), &|value| self.recorded_of(value))
    }

    /// A recorded tree with the candidate's values in place of the recorded ones. Borrowed where
    /// nothing changed.
    pub fn carry<'v>(&self, tree: &'v Value) -> Cow<'v, Value> {
        self.carry_with(tree, &[])
    }

    /// Like [`ValueMap::carry`], with pairs (recorded, candidate) that go before the map's.
    pub(crate) fn carry_with<'v>(
        &self,
        tree: &'v Value,
        first: &[(String, String)],
    ) -> Cow<'v, Value> {
        if self.to_candidate.is_empty() && first.is_empty() {
            return Cow::Borrowed(tree);
        }
        replace(tree, self.short(), &|value| {
            let own = first.iter().find(|(recorded, _)| recorded == value);
            own.map(|(_, candidate)| candidate.as_str())
                .or_else(|| self.candidate_of(value))
        })
    }
}

/// A value without what escapes its padding in an address.
fn unescaped(value: &str) -> Cow<'_, str> {
    match value.ends_with("%3D") {
        true => Cow::Owned(value.replace("%3D", "=")),
        false => Cow::Borrowed(value),
    }
}

fn pair(partners: &mut Partners, value: &str, partner: &str) {
    let all = partners.entry(value.into()).or_default();
    all.retain(|p| **p != *partner);
    if all.len() >= ValueMap::PARTNERS {
        all.remove(0);
    }
    all.push(partner.into());
}

/// A tree with every value that has a partner replaced by it, in names of fields, too.
fn replace<'v, 'p>(
    tree: &'v Value,
    short: Short,
    partner: &impl Fn(&str) -> Option<&'p str>,
) -> Cow<'v, Value> {
    match tree {
        Value::String(text) => match replace_text(text, short, partner) {
            Cow::Borrowed(_) => Cow::Borrowed(tree),
            Cow::Owned(text) => Cow::Owned(Value::String(text)),
        },
        Value::Number(number) => match partner(number.as_str()).and_then(Number::parse) {
            Some(other) if other != *number => Cow::Owned(Value::Number(other)),
            _ => Cow::Borrowed(tree),
        },
        Value::List(items) => {
            let mut changed: Option<Vec<Value>> = None;
            for (i, item) in items.iter().enumerate() {
                if let Cow::Owned(item) = replace(item, short, partner) {
                    let copy = changed.get_or_insert_with(|| items.clone());
                    if let Some(slot) = copy.get_mut(i) {
                        *slot = item;
                    }
                }
            }
            changed.map_or(Cow::Borrowed(tree), |items| Cow::Owned(Value::List(items)))
        }
        Value::Map(fields) => {
            let mut changed: Option<Vec<(String, Value)>> = None;
            for (i, (name, value)) in fields.iter().enumerate() {
                let name = replace_text(name, short, partner);
                let value = replace(value, short, partner);
                if let (Cow::Borrowed(_), Cow::Borrowed(_)) = (&name, &value) {
                    continue;
                }
                let copy = changed.get_or_insert_with(|| fields.clone());
                if let Some(slot) = copy.get_mut(i) {
                    *slot = (name.into_owned(), value.into_owned());
                }
            }
            changed.map_or(Cow::Borrowed(tree), |fields| Cow::Owned(Value::Map(fields)))
        }
        Value::Null | Value::Bool(_) | Value::Bytes(_) => Cow::Borrowed(tree),
    }
}

fn replace_text<'v, 'p>(
    text: &'v str,
    short: Short,
    partner: &impl Fn(&str) -> Option<&'p str>,
) -> Cow<'v, str> {
    if let Some(other) = partner(text) {
        return if other == text {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(other.to_owned())
        };
    }
    let mut changed = String::new();
    let mut copied = 0;
    scan_widely(text, short, |token| {
        if let Some(other) = partner(token.text).filter(|other| *other != token.text) {
            changed.push_str(text.get(copied..token.start).unwrap_or_default());
            changed.push_str(other);
            copied = token.end();
        }
    });
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    changed.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(changed)
}

#[cfg(test)]
mod tests;
