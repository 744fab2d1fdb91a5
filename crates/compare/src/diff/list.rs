//! Lists: which element is which, then element by element.

use std::hash::{DefaultHasher, Hash, Hasher};

use retake_model::{DiffKind, Value};

use super::align::{Alignment, Pair, by_content, by_identity, in_any_order};
use super::differ::Differ;
use super::tokens::From;

/// Fields that name an element, the first that works.
const IDENTITIES: &[&str] = &["id", "_id", "uuid", "key", "name", "code", "sku"];

/// How many moved elements a difference lists.
const SHOWN_MOVES: usize = 5;

impl Differ<'_> {
    /// Compares two lists.
    pub(super) fn list(&mut self, expected: &[Value], observed: &[Value]) {
        if expected == observed && !self.walk.is_alive() && !self.tokens.any() {
            return;
        }
        let alignment = match self.in_order_of_ids(expected, observed) {
            Some(sorted) => {
                self.sorted += sorted.moved.len() as u64;
                Alignment {
                    moved: Vec::new(),
                    ..sorted
                }
            }
            None => self.align(expected, observed),
        };
        let unordered = self.walk.unordered();
        if alignment.by_position {
            let place = self.place();
            self.note(format!(
                "{place}: too many unlike elements to find which is which; compared by position"
            ));
        }
        if !alignment.moved.is_empty() {
            match unordered.and_then(|rule| self.hits.get_mut(rule)) {
                Some(hits) => *hits += alignment.moved.len() as u64,
                None => self.moves(expected, observed, &alignment),
            }
        }
        for pair in alignment.pairs {
            match pair {
                Pair::Both(i, j) => {
                    if let (Some(a), Some(b)) = (expected.get(i), observed.get(j)) {
                        self.in_index(i, |this| this.node(a, b));
                    }
                }
                Pair::Removed(i) => self.in_index(i, |this| {
                    this.emit(DiffKind::Removed, expected.get(i), None, None);
                }),
                Pair::Added(j) => self.in_index(j, |this| {
                    this.emit(DiffKind::Added, None, observed.get(j), None);
                }),
            }
        }
    }

    fn moves(&mut self, expected: &[Value], observed: &[Value], alignment: &Alignment) {
        let moved = &alignment.moved;
        let mut detail = format!("{} of {} elements moved: ", moved.len(), expected.len());
        for (n, (i, j)) in moved.iter().take(SHOWN_MOVES).enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            detail.push_str(&format!("{comma}[{i}] -> [{j}]"));
        }
        if moved.len() > SHOWN_MOVES {
            detail.push_str(", …");
        }
        // The elements that moved, in the order of either side: the lists may be long.
        let pick = |list: &[Value], at: &mut dyn Iterator<Item = usize>| {
            Value::List(at.filter_map(|n| list.get(n).cloned()).collect())
        };
        let mut seconds: Vec<usize> = moved.iter().map(|(_, j)| *j).collect();
        seconds.sort_unstable();
        let before = pick(
            expected,
            &mut moved.iter().map(|(i, _)| *i).take(SHOWN_MOVES),
        );
        let after = pick(observed, &mut seconds.into_iter().take(SHOWN_MOVES));
        self.emit(
            DiffKind::Reordered,
            Some(&before),
            Some(&after),
            Some(detail),
        );
    }

    fn align(&mut self, expected: &[Value], observed: &[Value]) -> Alignment {
        let a = self.hashes(expected, From::Expected);
        let b = self.hashes(observed, From::Observed);
        let features = (
            self.features(expected, From::Expected, &a, &b),
            self.features(observed, From::Observed, &b, &a),
        );
        let mut alike = |i: usize, j: usize| match (features.0.get(i), features.1.get(j)) {
            (Some(a), Some(b)) => likeness(a, b),
            _ => 1,
        };
        let mut budget = self.budget;
        let mut found = None;
        for name in IDENTITIES {
            let names = (
                self.names(expected, name, From::Expected),
                self.names(observed, name, From::Observed),
            );
            if let (Some(names_a), Some(names_b)) = names {
                found = by_identity(&names_a, &names_b, (&a, &b), &mut alike, &mut budget);
                if found.is_some() {
                    break;
                }
            }
        }
        let found = found.unwrap_or_else(|| {
            if self.walk.unordered().is_some() {
                in_any_order(&a, &b, &mut alike, &mut budget)
            } else {
                by_content(&a, &b, 1, &mut alike, &mut budget)
            }
        });
        self.budget = budget;
        found
    }

    /// The values of that field, where every element has it as a text or a number. Values that
    /// the service made and that are not known yet name nothing.
    fn names(&self, list: &[Value], field: &str, from: From) -> Option<Vec<Option<String>>> {
        list.iter()
            .map(|item| {
                let name = match item.get(field)? {
                    Value::String(text) => text.as_str(),
                    Value::Number(number) => number.as_str(),
                    _ => return None,
                };
                let carried = match from {
                    From::Expected => self.values.candidate_of(name),
                    From::Observed => None,
                };
                let is_new =
                    carried.is_none() && from == From::Expected && self.tokens.is_made(name);
                Some((!is_new).then(|| carried.unwrap_or(name).to_owned()))
            })
            .collect()
    }

    fn hashes(&mut self, list: &[Value], from: From) -> Vec<u64> {
        list.iter()
            .enumerate()
            .map(|(i, item)| {
                self.walk.enter_index(i);
                let hash = self.hash(item, from, 0);
                self.walk.leave();
                hash
            })
            .collect()
    }

    /// A hash of what is compared in a value: members of maps in any order, nothing that a rule
    /// hides, generated values by their kind. Only for alignment: equal hashes are still compared.
    fn hash(&mut self, value: &Value, from: From, depth: usize) -> u64 {
        if self.walk.ignored().is_some() || depth > 128 {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        std::mem::discriminant(value).hash(&mut hasher);
        match value {
            _ if self.walk.typed().is_some()
                && !matches!(value, Value::List(_) | Value::Map(_)) => {}
            Value::Null => {}
            Value::Bool(truth) => truth.hash(&mut hasher),
            Value::Bytes(bytes) => bytes.hash(&mut hasher),
            Value::Number(number) => {
                self.tokens
                    .normal(number.as_str(), from, self.values)
                    .hash(&mut hasher);
            }
            Value::String(text) => self
                .tokens
                .normal(text, from, self.values)
                .hash(&mut hasher),
            Value::List(items) => {
                let mut sum = 0_u64;
                let unordered = self.walk.unordered().is_some();
                for (i, item) in items.iter().enumerate() {
                    self.walk.enter_index(i);
                    let hash = self.hash(item, from, depth + 1);
                    self.walk.leave();
                    if unordered {
                        sum = sum.wrapping_add(hash);
                    } else {
                        hash.hash(&mut hasher);
                    }
                }
                (items.len(), sum).hash(&mut hasher);
            }
            Value::Map(fields) => {
                let mut sum = 0_u64;
                for (name, member) in fields {
                    sum = sum.wrapping_add(self.member_hash(name, member, from, depth));
                }
                sum.hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    fn member_hash(&mut self, name: &str, member: &Value, from: From, depth: usize) -> u64 {
        self.walk.enter_key(name);
        let hash = self.hash(member, from, depth + 1);
        self.walk.leave();
        let mut hasher = DefaultHasher::new();
        (self.tokens.normal(name, from, self.values), hash).hash(&mut hasher);
        hasher.finish()
    }

    /// What makes each element like another: the hashes of its parts, sorted. Empty for elements
    /// whose equal stands on the other side.
    fn features(
        &mut self,
        list: &[Value],
        from: From,
        own: &[u64],
        other: &[u64],
    ) -> Vec<Vec<u64>> {
        let known: std::collections::HashSet<u64> = other.iter().copied().collect();
        let mut all = Vec::with_capacity(list.len());
        for (i, item) in list.iter().enumerate() {
            let mut parts = Vec::new();
            if own.get(i).is_none_or(|hash| !known.contains(hash)) {
                self.walk.enter_index(i);
                match item {
                    Value::Map(fields) => {
                        for (name, member) in fields {
                            parts.push(self.member_hash(name, member, from, 0));
                        }
                    }
                    Value::List(items) => parts = self.hashes(items, from),
                    Value::String(text) => {
                        parts.extend(text.split_whitespace().map(|word| {
                            let mut hasher = DefaultHasher::new();
                            word.hash(&mut hasher);
                            hasher.finish()
                        }));
                    }
                    _ => {}
                }
                self.walk.leave();
                parts.sort_unstable();
                parts.truncate(64);
            }
            all.push(parts);
        }
        all
    }
}

/// How alike two elements are by their parts, of 1,000. At least 1: that two elements at one place
/// are paired reads better than one removed and one added.
fn likeness(a: &[u64], b: &[u64]) -> u32 {
    let (mut i, mut j, mut common) = (0, 0, 0_u32);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                i += 1;
                j += 1;
            }
        }
    }
    let all = u32::try_from(a.len() + b.len()).unwrap_or(u32::MAX).max(1);
    1 + common * 2 * 900 / all
}
