//! Short ids that a service makes at random: ten letters and digits, as Parse's, nanoid's of less than
//! twenty. One alone looks like a code or a name; all of a recording tell.
//!
//! They are looked for where a test's calls say a value as a whole: the same field of the same request,
//! the same value of the same statement. Such values are made at random where at least three tests or
//! calls have one, all are of one length and none came from elsewhere, and their letters are those of
//! no word, name, count or code of a fixed form. So are those that its responses have in addresses, at
//! one name of a query (`&tab_id=AG1blqqTG5I`), where clients send them back. Then the same form is looked for where the recording
//! has fewer of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use retake_model::{Made, Path, Segment, TestCase, TestSet, TokenKind, Value};

use super::provenance::{Part, each_text, each_token, parts};
use super::random;
use super::scan::{Near, whole_token};
use super::unlike::odd_pairs;
use crate::leaves::leaves;
use crate::matching::{shape, values_of_call};

/// The lengths of the short ids of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Short {
    /// Of letters and digits: a bit for each length.
    alnum: u32,
    /// With hyphens and underscores as well.
    url: u32,
}

/// The lengths that are looked for, in bytes: shorter ones are not told from words, and longer ones are
/// random text by themselves.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=19;

/// How many values at one place tell that they are made at random.
const FEWEST: usize = 3;

/// How many letters tell that hyphens and underscores are none of them: of so many out of 64 kinds at
/// least one is, but for one time in 500.
const ALL_KINDS: usize = 200;

impl Short {
    /// The lengths of these made values.
    pub(crate) fn of<'m>(made: impl Iterator<Item = &'m Made>) -> Self {
        let random = made.filter(|made| made.kind == TokenKind::Random);
        let words = random.map(|made| made.value.as_str());
        let is_known = |word: &str| whole_token(word, Near::default()).is_some();
        Short::of_words(words.filter(|word| is_word(word) && !is_known(word)))
    }

    fn of_words<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut short = Short::default();
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        for word in words {
            let bit = 1 << word.len();
            *seen.entry(word.len()).or_default() += word.len();
            match word.bytes().all(|b| b.is_ascii_alphanumeric()) {
                true => short.alnum |= bit,
                false => short.url |= bit,
            }
        }
        for (length, _) in seen.iter().filter(|(_, letters)| **letters < ALL_KINDS) {
            short.url |= 1 << length;
        }
        short
    }

    /// The length of the shortest.
    pub(super) fn least(self) -> Option<usize> {
        let all = self.alnum | self.url;
        (all != 0).then(|| usize::try_from(all.trailing_zeros()).unwrap_or(usize::MAX))
    }

    /// The length of the short id that the bytes may begin with, whose first `run` bytes are letters and
    /// digits. `before` is the byte before it.
    pub(super) fn at(self, rest: &[u8], run: usize, before: Option<u8>) -> Option<usize> {
        if self.url != 0 && before.is_none_or(|b| !random::is_url_letter(b)) {
            let letters = rest.iter().take_while(|b| random::is_url_letter(**b));
            let length = letters.take(LENGTHS.end() + 1).count();
            if has(self.url, length) {
                return Some(length);
            }
        }
        has(self.alnum, run).then_some(run)
    }
}

fn has(lengths: u32, length: usize) -> bool {
    LENGTHS.contains(&length) && lengths >> length & 1 == 1
}

/// Adds the short ids that the service made to what each test of a set lists.
pub fn find_short(set: &mut TestSet) {
    if !may_have_some(set) {
        return;
    }
    let Some(places) = Places::of(set) else {
        return;
    };
    let (mut ids, names) = places.ids();
    if ids.is_empty() {
        return;
    }
    let short = Short::of_words(ids.iter().map(String::as_str));
    ids.extend(places.like(short, &names));
    let mut made: HashSet<String> = HashSet::new();
    for test in &mut set.tests {
        let found = places_of(test, &ids, short);
        for (value, places) in found {
            if made.insert(value.clone()) {
                test.made.push(Made {
                    value,
                    kind: TokenKind::Random,
                    places,
                });
            }
        }
    }
}

/// Whether the service says enough words that look made at random: else nothing else is looked at.
fn may_have_some(set: &TestSet) -> bool {
    let mut odd: HashSet<&str> = HashSet::new();
    let said = set.tests.iter().flat_map(|test| {
        let calls = test.calls.iter().map(|call| &call.request);
        calls.chain([&test.response])
    });
    for tree in said {
        each_text(tree, &mut |text| {
            let words = text.split(|c| !is_url(c));
            odd.extend(words.filter(|word| is_word(word) && is_odd(word)));
        });
        if odd.len() * 3 >= FEWEST * 2 {
            return true;
        }
    }
    false
}

/// Where these ids stand in a test, in the order of time.
fn places_of(test: &TestCase, ids: &HashSet<String>, short: Short) -> Vec<(String, Vec<Path>)> {
    let near = Near::recorded(test.at).with(short);
    let mut found: Vec<(String, Vec<Path>)> = Vec::new();
    let mut number: HashMap<String, usize> = HashMap::new();
    for part in parts(test) {
        each_token(
            part.tree,
            near,
            &mut part.path.clone(),
            &mut |path, _, text| {
                if !ids.contains(text) {
                    return;
                }
                let at = *number.entry(text.to_owned()).or_insert_with(|| {
                    found.push((text.to_owned(), Vec::new()));
                    found.len() - 1
                });
                if let Some((_, places)) = found.get_mut(at) {
                    places.push(path.clone());
                }
            },
        );
    }
    found
}

/// A place of a request that the service makes: what is asked of whom, and where in it.
type Spot = (String, String, Path);

/// What stands at one place.
#[derive(Debug, Default)]
struct Stands {
    /// Words that nobody had said before.
    new: Vec<String>,
    /// Whether anything else stood there.
    has_other: bool,
    /// What stood there before, where one thing may stand several times.
    known: HashSet<String>,
}

/// What the calls of a recording say as a whole, by their places.
#[derive(Debug, Default)]
struct Places {
    spots: BTreeMap<Spot, Stands>,
    /// By the name of a query's parameter, what addresses in the responses have there.
    queries: BTreeMap<String, Stands>,
    /// The words that requests said.
    sent: Said,
    /// The last names of the fields in which a word stands in the responses.
    named: HashMap<String, HashSet<String>>,
}

impl Places {
    /// None where there is more than is held.
    fn of(set: &TestSet) -> Option<Self> {
        let mut places = Places::default();
        let mut said = Said::default();
        for mock in &set.shared {
            said.learn(&mock.request);
            said.learn(&mock.response);
        }
        for test in &set.tests {
            for part in parts(test) {
                places.read(test, &part, &mut said);
            }
            if said.0.len() > SAID {
                return None;
            }
        }
        Some(places)
    }

    fn read(&mut self, test: &TestCase, part: &Part<'_>, said: &mut Said) {
        match part.path.0.as_slice() {
            [Segment::Key(root), Segment::Index(number)] if root == "calls" => {
                if let Some(call) = test.calls.get(*number) {
                    let (to, shape) = shape(call);
                    let values = values_of_call(&call.request);
                    leaves(&values, &mut Path::root(), &mut |path, leaf| {
                        let Some(text) = leaf.as_str() else { return };
                        let spot = (to.to_owned(), shape.clone(), path.clone());
                        let stands = self.spots.entry(spot).or_default();
                        match is_word(text) && !said.has(text) {
                            true => stands.new.push(text.to_owned()),
                            false => stands.has_other = true,
                        }
                    });
                }
            }
            [Segment::Key(root)] if root == "request" => self.sent.learn(part.tree),
            [Segment::Key(root)] if root == "response" => {
                each_text(part.tree, &mut |text| self.read_queries(text, said));
                leaves(part.tree, &mut Path::root(), &mut |path, leaf| {
                    if let (Some(Segment::Key(name)), Some(text)) = (path.0.last(), leaf.as_str())
                        && is_word(text)
                    {
                        let names = self.named.entry(text.to_owned()).or_default();
                        names.insert(name.clone());
                    }
                });
            }
            _ => {}
        }
        said.learn(part.tree);
    }

    fn read_queries(&mut self, text: &str, said: &Said) {
        for (name, value) in queries(text) {
            let stands = self.queries.entry(name.to_owned()).or_default();
            if stands.known.contains(value) {
                continue;
            }
            stands.known.insert(value.to_owned());
            match is_word(value) && !said.has(value) {
                true => stands.new.push(value.to_owned()),
                false => stands.has_other = true,
            }
        }
    }

    /// The words that are made at random by all that stands at their place, and the names of the fields
    /// in which they are shown.
    fn ids(&self) -> (HashSet<String>, HashSet<&str>) {
        let are_sent = |stands: &&Stands| {
            let sent = stands.new.iter().filter(|word| self.sent.has(word));
            sent.count() + 1 >= FEWEST
        };
        let shown = self.queries.values().filter(are_sent);
        let random = self.spots.values().chain(shown).filter(|stands| {
            !stands.has_other && stands.new.len() >= FEWEST && are_random(&stands.new)
        });
        let ids: HashSet<String> = random.flat_map(|stands| stands.new.clone()).collect();
        let names = ids.iter().filter_map(|id| self.named.get(id)).flatten();
        let names = names.map(String::as_str).collect();
        (ids, names)
    }

    /// The words of these lengths at places that have nothing else, which look made at random themselves
    /// or are shown in a field where the others are.
    fn like(&self, short: Short, names: &HashSet<&str>) -> Vec<String> {
        let alike = |word: &&String| {
            let shown = self.named.get(*word).into_iter().flatten();
            let is_named = || shown.clone().any(|name| names.contains(name.as_str()));
            let fits = short.at(word.as_bytes(), run(word), None) == Some(word.len());
            fits && (is_odd(word) || is_named() && !is_plain(word))
        };
        let spots = self.spots.values().filter(|stands| !stands.has_other);
        let words = spots.flat_map(|stands| &stands.new);
        words.filter(alike).cloned().collect()
    }
}

/// The names and the values of the parameters that addresses in a text have, as far as these are words.
fn queries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let ends = text.match_indices('=').map(|(at, _)| at);
    ends.filter_map(|at| {
        let before = text.get(..at)?;
        let from = before.rfind(|c| !is_url(c))?;
        let name = before.get(from + 1..)?;
        // `&amp;` in a page.
        let begins = matches!(before.as_bytes().get(from)?, b'?' | b'&' | b';');
        let value = text.get(at + 1..)?;
        let length = value.find(|c| !is_url(c)).unwrap_or(value.len());
        (begins && !name.is_empty() && length > 0).then_some((name, value.get(..length)?))
    })
}

/// The words that were said.
#[derive(Debug, Default)]
struct Said(HashSet<u64>);

/// How many words are held at most.
const SAID: usize = 1_000_000;

impl Said {
    /// Takes in the words of a tree.
    fn learn(&mut self, tree: &Value) {
        each_text(tree, &mut |text| {
            for word in text.split(|c| !is_url(c)) {
                for part in std::iter::once(word).chain(word.split(['-', '_'])) {
                    if LENGTHS.contains(&part.len()) {
                        self.0.insert(hash(part));
                    }
                }
            }
        });
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&hash(word))
    }
}

fn hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish()
}

fn is_url(c: char) -> bool {
    u8::try_from(c).is_ok_and(random::is_url_letter)
}

fn run(word: &str) -> usize {
    word.bytes().take_while(u8::is_ascii_alphanumeric).count()
}

/// Whether a text is one word of such a length.
fn is_word(text: &str) -> bool {
    LENGTHS.contains(&text.len()) && text.bytes().all(random::is_url_letter)
}

/// Whether words of one place are made at random: as different as they can be at each of their letters.
fn are_random(words: &[String]) -> bool {
    let different: HashSet<&String> = words.iter().collect();
    let Some(first) = words.first() else {
        return false;
    };
    let same_length = words.iter().all(|word| word.len() == first.len());
    if different.len() < words.len() || !same_length {
        return false;
    }
    let columns: Vec<Vec<u8>> = (0..first.len())
        .map(|at| {
            words
                .iter()
                .filter_map(|w| w.as_bytes().get(at).copied())
                .collect()
        })
        .collect();
    let is_same = |column: &&Vec<u8>| column.windows(2).all(|pair| pair.first() == pair.last());
    let of_one_kind = |column: &&Vec<u8>| {
        let kinds: HashSet<Option<u8>> = column.iter().map(|b| kind(*b)).collect();
        kinds.len() == 1
    };
    let fixed = columns.iter().filter(is_same).count();
    let formed = columns.iter().filter(of_one_kind).count();
    let odd = words.iter().filter(|word| is_odd(word)).count();
    let plain = words.iter().filter(|word| is_plain(word)).count();
    // A word of three random letters of 62 has one letter in common with two others in 4,000.
    fixed <= 1 && formed * 10 <= first.len() * 6 && odd * 3 >= words.len() * 2 && plain == 0
}

/// What kind of letter it is.
fn kind(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(0),
        b'a'..=b'z' => Some(1),
        b'A'..=b'Z' => Some(2),
        _ => None,
    }
}

/// Whether a word changes between kinds of letters as no word, name or number does: at least three times,
/// and not alone between the parts of a name.
fn is_odd(word: &str) -> bool {
    let kinds: Vec<Option<u8>> = word.bytes().map(kind).collect();
    let pairs = || kinds.windows(2);
    let changes = pairs().filter(|pair| pair.first() != pair.last()).count();
    let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    !is_hex && changes >= 3 && odd_pairs(word.as_bytes()) >= 3
}

/// Whether all letters of a word are digits, or it is written as a word or a name is.
fn is_plain(word: &str) -> bool {
    let kinds = word.bytes().map(kind);
    let rest = word.bytes().skip(1).map(kind);
    let one = |mut kinds: Box<dyn Iterator<Item = Option<u8>> + '_>| {
        let first = kinds.next();
        kinds.all(|kind| Some(kind) == first)
    };
    word.bytes().all(|b| b.is_ascii_hexdigit())
        || one(Box::new(kinds))
        || one(Box::new(rest)) && word.bytes().skip(1).all(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests;
