//! Mocks that may answer at one time: an index from key to queues.

use std::collections::{HashMap, HashSet, VecDeque};

use retake_model::TokenKind;

use super::canon::{Canon, CanonToken, Part};
use super::key::Key;
use super::outcome::Pair;
use crate::made::{Near, ValueMap};
use crate::sql::{Meant, same};

mod around_secrets;
mod pairs;

use around_secrets::AroundSecrets;
use pairs::in_recorded_order;

/// Mocks that may answer at one time.
///
/// A mock is found by its exact key: every value as recorded, with places for the values that
/// its request is the first to have. Where a candidate made its values in another order, the
/// loose key, with a place for every value, finds it, and the values are held against each other
/// one by one. Both are one look-up each, however many mocks there are.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    entries: Vec<Entry>,
    exact: HashMap<Key, Queue>,
    loose: HashMap<Key, Queue>,
    /// By the loose key without the leaves that hold a secret.
    wild: HashMap<Key, Queue>,
    /// The leaves that hold a secret, by what is alike.
    masks: HashMap<Key, Vec<Vec<usize>>>,
    /// By what is alike, and by dependency.
    alike: HashMap<Key, Vec<usize>>,
    /// Values that stand as they are in an exact key.
    literals: HashSet<Box<str>>,
    /// Those of them that the service did not make.
    given: HashSet<Box<str>>,
    /// How many mocks were looked at, ever.
    pub(crate) looked_at: u64,
}

/// One mock of a pool.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) origin: Origin,
    pub(crate) served: u64,
    /// How often it was asked again, in recorded order, before another answer came.
    repeats: u64,
    tokens: Vec<(CanonToken, Role)>,
    /// The numbers of the tokens outside of leaves that hold a secret; empty where none does.
    outside: Vec<usize>,
    /// What its values are, for the statements of other drivers.
    meant: Vec<Meant>,
    exact: Key,
    /// What it asks, whatever the values.
    pub(crate) kind: Key,
    /// The exact key with the values that its request is the first to have, where it has such: a
    /// candidate may make the very same (what it takes from a recorded answer in a form of its
    /// own, the frozen time).
    itself: Option<Key>,
    loose: Key,
    wild: Option<Key>,
    around_secrets: AroundSecrets,
}

/// Where a mock was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    /// The number of the set.
    pub(crate) set: usize,
    /// The number of the test in the set; none for mocks outside tests.
    pub(crate) test: Option<usize>,
    /// The number among the calls of the test, or among the shared mocks of the set.
    pub(crate) index: usize,
}

/// How a recorded value came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Somebody gave it to the service, or it is a constant.
    Given,
    /// The service made it before.
    Made,
    /// The service made it, and this request is the first to have it.
    First,
}

#[derive(Debug, Default)]
struct Queue {
    /// Mocks that were not served, in recorded order; some may have been served by another key.
    waiting: VecDeque<usize>,
    last_served: Option<usize>,
}

/// Which mocks may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that were not served.
    Waiting,
    /// The one that was served last.
    Again,
}

/// What is asked, with what is known of the candidate's values.
pub(crate) struct Asked<'a> {
    pub(crate) canon: &'a Canon,
    pub(crate) values: &'a ValueMap,
    pub(crate) near: Near,
}

/// A mock that answers.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) origin: Origin,
    /// Recorded and candidate value of each place that was filled.
    pub(crate) pairs: Vec<Pair>,
    pub(crate) again: bool,
}

/// How many mocks with one key are held against a request at most.
const LOOK: usize = 64;

/// Among how many that wait these are looked for.
const WAITING: usize = 1_000;

/// How many patterns of secrets are tried for a request at most.
const MASKS: usize = 8;

impl Pool {
    /// Adds a mock; they are served in the order in which they are added.
    pub(crate) fn add(
        &mut self,
        origin: Origin,
        canon: &Canon,
        role: impl Fn(&CanonToken) -> Role,
    ) {
        let id = self.entries.len();
        let roles: Vec<Role> = canon.tokens.iter().map(&role).collect();
        for (token, role) in canon.tokens.iter().zip(&roles) {
            if *role != Role::First {
                self.literals.insert(token.text.clone());
            }
            if *role == Role::Given {
                self.given.insert(token.text.clone());
            }
        }
        for constant in &canon.constants {
            self.literals.insert(constant.as_str().into());
        }
        let mut holes = Holes::default();
        let exact = canon.key(|i, token| match roles.get(i) {
            Some(Role::First) => Part::Hole(holes.number(&token.text)),
            _ => Part::Literal(&token.text),
        });
        let itself = roles.contains(&Role::First);
        let itself = itself.then(|| canon.key(|_, token| Part::Literal(&token.text)));
        let loose = canon.loose_key();
        let secrets = canon.leaves_with(TokenKind::Secret);
        let wild = (!secrets.is_empty())
            .then(|| canon.wild_key(&secrets))
            .flatten();
        let around_secrets = match wild {
            Some(_) => AroundSecrets::of(canon, &secrets),
            None => AroundSecrets::default(),
        };
        let outside = match wild {
            Some(_) => canon.outside(&secrets),
            None => Vec::new(),
        };
        let alike = canon.coarse_key();
        if let Some(wild) = wild {
            self.wild.entry(wild).or_default().waiting.push_back(id);
            let masks = self.masks.entry(alike).or_default();
            if masks.len() < MASKS && !masks.contains(&secrets) {
                masks.push(secrets);
            }
        }
        for key in [Some(exact), itself].into_iter().flatten() {
            self.exact.entry(key).or_default().waiting.push_back(id);
        }
        if !canon.tokens.is_empty() {
            self.loose.entry(loose).or_default().waiting.push_back(id);
        }
        for key in [alike, canon.dependency_key()] {
            self.alike.entry(key).or_default().push(id);
        }
        self.entries.push(Entry {
            origin,
            served: 0,
            repeats: 0,
            tokens: canon.tokens.iter().cloned().zip(roles).collect(),
            outside,
            meant: canon.meant.clone(),
            exact,
            kind: alike,
            itself,
            loose,
            wild,
            around_secrets,
        });
    }

    /// The mock that was added last was asked so many times more before another one was.
    pub(crate) fn repeat_last(&mut self, times: u64) {
        if let Some(entry) = self.entries.last_mut() {
            entry.repeats = times;
        }
    }

    /// Notes values that the service was given.
    pub(crate) fn give<'t>(&mut self, values: impl Iterator<Item = &'t Box<str>>) {
        self.given.extend(values.cloned());
    }

    /// Takes the mock that answers, among those that are eligible.
    pub(crate) fn take(
        &mut self,
        asked: &Asked<'_>,
        which: Which,
        eligible: impl Fn(Origin) -> bool,
    ) -> Option<Hit> {
        let (id, pairs) = self.find_any(asked, which, eligible)?;
        Some(self.serve(id, pairs, which))
    }

    /// Whether a mock answers, among those that are eligible; it is not taken.
    pub(crate) fn has(
        &mut self,
        asked: &Asked<'_>,
        which: Which,
        eligible: impl Fn(Origin) -> bool,
    ) -> bool {
        self.find_any(asked, which, eligible).is_some()
    }

    fn find_any(
        &mut self,
        asked: &Asked<'_>,
        which: Which,
        eligible: impl Fn(Origin) -> bool,
    ) -> Option<(usize, Vec<Pair>)> {
        if self.entries.is_empty() {
            return None;
        }
        let (exact, open) = self.exact_key(asked);
        self.find(
            Index::Exact,
            exact,
            asked,
            which,
            &eligible,
            |pool, entry| {
                if entry.itself == Some(exact) {
                    let asking = asked.canon.tokens.iter();
                    return pool.pairs(entry.tokens.iter(), asking, asked, which);
                }
                let open = open.iter().filter_map(|i| asked.canon.tokens.get(*i));
                pool.pairs(entry.firsts(), open, asked, which)
            },
        )
        .or_else(|| {
            let loose = (!asked.canon.tokens.is_empty()).then(|| asked.canon.loose_key())?;
            self.find(
                Index::Loose,
                loose,
                asked,
                which,
                &eligible,
                |pool, entry| {
                    let asking = in_recorded_order(&entry.tokens, asked);
                    pool.pairs(entry.tokens.iter(), asking.into_iter(), asked, which)
                },
            )
        })
        .or_else(|| self.find_wild(asked, which, &eligible))
    }

    /// The mocks with that coarse or dependency key, in recorded order.
    pub(crate) fn like(&self, key: Key, limit: usize) -> impl Iterator<Item = Origin> {
        let ids = self.alike.get(&key).into_iter().flatten().take(limit);
        ids.filter_map(|id| self.entries.get(*id).map(|entry| entry.origin))
    }

    /// Whether any mock is like what is asked, whatever its values.
    pub(crate) fn has_alike(&self, asked: &Asked<'_>) -> bool {
        self.alike.contains_key(&asked.canon.coarse_key())
    }

    /// Other mocks of the same question as that one, among those that are alike.
    pub(crate) fn rivals(&self, alike: Key, origin: Origin) -> impl Iterator<Item = Origin> {
        let ids = self.alike.get(&alike).into_iter().flatten();
        let entries = move || ids.clone().filter_map(|id| self.entries.get(*id));
        let own = entries().find(|entry| entry.origin == origin);
        let own = own.map(|entry| entry.exact);
        entries()
            .filter(move |entry| Some(entry.exact) == own && entry.origin != origin)
            .map(|entry| entry.origin)
            .take(LOOK)
    }

    /// The mock of that number, in the order in which they were added.
    pub(crate) fn entry(&self, number: usize) -> Option<&Entry> {
        self.entries.get(number)
    }

    /// How many mocks there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Every mock, in the order in which they were added.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// What is asked: equal for mocks that answer the same question with the same values.
    pub(crate) fn question(&self, asked: &Asked<'_>) -> Key {
        self.exact_key(asked).0
    }

    /// The exact key of what is asked, and the numbers of the tokens that are not known.
    fn exact_key(&self, asked: &Asked<'_>) -> (Key, Vec<usize>) {
        let mut holes = Holes::default();
        let mut open = Vec::new();
        let key = asked
            .canon
            .key(|i, token| match self.as_recorded(token, asked) {
                Some(text) => Part::Literal(text),
                None => {
                    open.push(i);
                    Part::Hole(holes.number(&token.text))
                }
            });
        (key, open)
    }

    /// The recorded value that stands for a candidate's one, where some request of this pool has
    /// it as it is.
    fn as_recorded<'t>(&'t self, token: &'t CanonToken, asked: &'t Asked<'_>) -> Option<&'t str> {
        let mut partners = asked.values.all_recorded_of(&token.text);
        if let Some(recorded) = partners.find(|recorded| self.literals.contains(*recorded)) {
            return Some(recorded);
        }
        // A recorded value that is another one in this run is not known as itself.
        let itself = token.kind.is_moment() || asked.values.candidate_of(&token.text).is_none();
        (itself && self.literals.contains(&token.text)).then_some(&*token.text)
    }

    fn find_wild(
        &mut self,
        asked: &Asked<'_>,
        which: Which,
        eligible: &impl Fn(Origin) -> bool,
    ) -> Option<(usize, Vec<Pair>)> {
        if self.wild.is_empty() {
            return None;
        }
        let masks = self.masks.get(&asked.canon.coarse_key())?.clone();
        masks.iter().find_map(|mask| {
            let key = asked.canon.wild_key(mask)?;
            let tokens: Vec<&CanonToken> = asked
                .canon
                .outside(mask)
                .into_iter()
                .filter_map(|i| asked.canon.tokens.get(i))
                .collect();
            self.find(Index::Wild, key, asked, which, eligible, |pool, entry| {
                if !entry.around_secrets.are_in(asked.canon, mask) {
                    return None;
                }
                let recorded = entry.outside.iter().filter_map(|i| entry.tokens.get(*i));
                let mut pairs = pool.pairs(recorded, tokens.iter().copied(), asked, which)?;
                pairs.extend(entry.around_secrets.pairs(asked.canon, mask));
                Some(pairs)
            })
        })
    }

    fn find(
        &mut self,
        index: Index,
        key: Key,
        asked: &Asked<'_>,
        which: Which,
        eligible: &impl Fn(Origin) -> bool,
        fits: impl Fn(&Pool, &Entry) -> Option<Vec<Pair>>,
    ) -> Option<(usize, Vec<Pair>)> {
        let entries = &self.entries;
        let queue = match index {
            Index::Exact => self.exact.get_mut(&key)?,
            Index::Loose => self.loose.get_mut(&key)?,
            Index::Wild => self.wild.get_mut(&key)?,
        };
        let waits = |id: &usize| entries.get(*id).is_some_and(Entry::waits);
        let ids: Vec<usize> = match which {
            Which::Again => queue.last_served.into_iter().collect(),
            Which::Waiting => {
                // What was served by another key goes when it is met: once for each mock.
                let before = queue.waiting.len();
                while queue.waiting.front().is_some_and(|id| !waits(id)) {
                    queue.waiting.pop_front();
                }
                if queue.waiting.iter().take(LOOK).any(|id| !waits(id)) {
                    queue.waiting.retain(waits);
                }
                self.looked_at += (before - queue.waiting.len()) as u64;
                let may = |id: &usize| entries.get(*id).is_some_and(|e| eligible(e.origin));
                let waiting = queue.waiting.iter().copied().take(WAITING);
                waiting.filter(may).take(LOOK).collect()
            }
        };
        for id in ids {
            self.looked_at += 1;
            let Some(entry) = self.entries.get(id) else {
                continue;
            };
            if eligible(entry.origin)
                && same(&entry.meant, &asked.canon.meant)
                && let Some(pairs) = fits(self, entry)
            {
                return Some((id, pairs));
            }
        }
        None
    }

    fn serve(&mut self, id: usize, pairs: Vec<Pair>, which: Which) -> Hit {
        let mut origin = Origin {
            set: 0,
            test: None,
            index: 0,
        };
        if let Some(entry) = self.entries.get_mut(id) {
            entry.served += 1;
            origin = entry.origin;
            if let Some(queue) = entry.itself.and_then(|key| self.exact.get_mut(&key)) {
                queue.last_served = Some(id);
            }
            for queue in [
                self.exact.get_mut(&entry.exact),
                self.loose.get_mut(&entry.loose),
                entry.wild.and_then(|wild| self.wild.get_mut(&wild)),
            ]
            .into_iter()
            .flatten()
            {
                queue.last_served = Some(id);
            }
        }
        Hit {
            origin,
            pairs,
            again: which == Which::Again,
        }
    }
}

impl Entry {
    /// Whether it was not served as often as it was recorded.
    fn waits(&self) -> bool {
        self.served <= self.repeats
    }

    /// What it answers: equal for mocks of the same question with the same values.
    pub(crate) fn question(&self) -> Key {
        self.exact
    }

    fn firsts(&self) -> impl Iterator<Item = &(CanonToken, Role)> {
        self.tokens.iter().filter(|(_, role)| *role == Role::First)
    }
}

#[derive(Clone, Copy)]
enum Index {
    Exact,
    Loose,
    Wild,
}

/// Numbers the different values of one request in the order in which they appear.
#[derive(Default)]
struct Holes<'t>(Vec<&'t str>);

impl<'t> Holes<'t> {
    fn number(&mut self, text: &'t str) -> usize {
        match self.0.iter().position(|known| *known == text) {
            Some(number) => number,
            None => {
                self.0.push(text);
                self.0.len() - 1
            }
        }
    }
}
