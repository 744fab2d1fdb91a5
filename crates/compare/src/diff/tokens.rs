//! Values that the service makes, where they are compared: by kind, and tied by the map.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use retake_model::{Made, TestCase, TokenKind, Value};

use super::around::Around;
use super::moments;
use crate::clocks::{Distance, Far};
use crate::made::{Short, Token, ValueMap, compared_as, each_text, scan_widely};

mod pieces;

use pieces::{Piece, carry, expectation, fit, leading_secret};

/// The shortest secret of the candidate that is tied to the recorded one, in bytes.
const SHORTEST_SECRET: usize = 16;

/// What is known of generated values while one response is compared.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    made: HashMap<&'a str, TokenKind>,
    kinds: BTreeSet<TokenKind>,
    /// Tokens of the expected tree that the service did not make: its answer may not show one of
    /// them where it made a value of its own.
    known: HashSet<&'a str>,
    around: Around<'a>,
    /// Tokens that the service was given; read when the first is asked for.
    given: OnceCell<HashSet<&'a str>>,
    /// Whether what is compared are the claims of a token. What is in them was not traced when it
    /// was recorded: what nobody gave to the service in this test was made with the token.
    pub(super) in_claims: bool,
    /// The lengths of short random text.
    short: Short,
}

/// How two texts compare.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same, but for values that were compared by kind.
    Same(ByKind),
    /// Not the same.
    Other {
        /// The expected text in the candidate's terms, where that reads differently.
        carried: Option<String>,
        /// Why a generated value did not fit.
        why: Option<String>,
    },
}

/// What was compared by kind in a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ByKind {
    /// How many values.
    pub(super) all: u64,
    /// How many of them are moments that lie as far from their test as the recorded ones.
    pub(super) by_distance: u64,
    /// Moments of another distance, which something that the service keeps may explain.
    pub(super) kept: Vec<Far>,
    /// Moments of another distance.
    pub(super) far: Vec<Far>,
    /// JSON web tokens, recorded and observed: their claims are to be compared.
    pub(super) web_tokens: Vec<(String, String)>,
}

impl ByKind {
    /// Holds two moments against each other.
    pub(super) fn moment(
        &mut self,
        around: &Around<'_>,
        values: &ValueMap,
        kind: TokenKind,
        (a, b): (&str, &str),
    ) {
        match around.times.map(|times| times.compare(kind, a, b)) {
            Some(Distance::Same) => self.by_distance += 1,
            Some(Distance::Kept(far)) if around.gave_moment(kind, a, values) => self.far.push(far),
            Some(Distance::Kept(far)) => self.kept.push(far),
            Some(Distance::Other(far)) => self.far.push(far),
            Some(Distance::Unread) | None => {}
        }
    }
}

/// Which side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Expected,
    Observed,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(around: Around<'a>, expected: &'a Value, short: Short) -> Self {
        let made = around.made;
        let mut tokens = Tokens {
            made: made
                .iter()
                .map(|m| (m.value.as_str(), kind_of(m)))
                .collect(),
            kinds: made.iter().map(kind_of).collect(),
            known: HashSet::new(),
            around,
            given: OnceCell::new(),
            in_claims: false,
            short,
        };
        if tokens.kinds.iter().any(|kind| !kind.is_moment()) {
            tokens.learn(expected);
        }
        tokens
    }

    /// [`Around::among`].
    pub(super) fn among(&self) -> Option<(&'a TestCase, &'a [TestCase])> {
        self.around.peers()
    }

    /// [`Around::has_changed_answers`].
    pub(super) fn has_changed_answers(&self, values: &ValueMap) -> bool {
        self.around.has_changed_answers(values)
    }

    /// Compares an expected text with an observed one. Values that fit are bound in the map where
    /// `bind` says so.
    pub(super) fn compare(
        &self,
        expected: &str,
        observed: &str,
        values: &mut ValueMap,
        bind: bool,
    ) -> Likeness {
        if self.in_claims && expected == observed {
            return Likeness::Same(ByKind::default());
        }
        let pieces = self.pieces(expected, values);
        if pieces.iter().all(|p| matches!(p, Piece::Literal(_))) {
            return if expected == observed {
                Likeness::Same(ByKind::default())
            } else {
                Likeness::Other {
                    carried: None,
                    why: None,
                }
            };
        }
        let found = self.tokens_of(observed);
        match fit(&pieces, observed, &found, values) {
            Some(pairs) => self.bind_all(expected, pairs, values, bind),
            None => {
                let secret = leading_secret(&pieces, observed);
                if let (true, Some((recorded, candidate))) = (bind, secret) {
                    // A cookie with other attributes is sent again all the same.
                    let _ = values.bind(TokenKind::Secret, recorded, candidate);
                }
                let carried = carry(&pieces, &found, values, bind, secret);
                Likeness::Other {
                    why: expectation(&pieces),
                    carried: (carried != expected).then_some(carried),
                }
            }
        }
    }

    /// A text with what may differ between runs taken out, for hashing.
    pub(super) fn normal<'t>(&self, text: &'t str, from: From, values: &ValueMap) -> Cow<'t, str> {
        let mut out = String::new();
        let mut end = 0;
        for token in self.tokens_of(text) {
            let new = match from {
                From::Expected => self.made.contains_key(token.text),
                From::Observed => {
                    self.kinds.contains(&token.kind)
                        && !self.known.contains(token.text)
                        && (token.kind.is_moment()
                            || values.recorded_of(token.text).is_none()
                            || self.is_of_this_test(token.text, values))
                }
            };
            let shown = match from {
                _ if new => token.kind.name(),
                From::Expected => match values.candidate_of(token.text) {
                    Some(candidate) => candidate,
                    None => continue,
                },
                From::Observed => continue,
            };
            out.push_str(text.get(end..token.start).unwrap_or_default());
            out.push_str(shown);
            end = token.end();
        }
        if end == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Whether the service made any value in this test.
    pub(super) fn any(&self) -> bool {
        !self.made.is_empty()
    }

    /// Whether a recorded value was made by the service in this test.
    pub(super) fn is_made(&self, recorded: &str) -> bool {
        self.made.contains_key(recorded)
    }

    fn is_of_this_test(&self, candidate: &str, values: &ValueMap) -> bool {
        values
            .recorded_of(candidate)
            .is_some_and(|recorded| self.is_made(recorded))
    }

    /// Whether the service was given this value in this test, by the request or an answer.
    fn was_given(&self, candidate: &str) -> bool {
        let given = self.given.get_or_init(|| {
            let mut given = HashSet::new();
            self.around.each_given(&mut |tree| {
                each_text(tree, &mut |text| {
                    scan_widely(text, self.short, |token| {
                        given.insert(token.text);
                    });
                });
            });
            given
        });
        given.contains(candidate) && !self.is_made(candidate)
    }

    fn learn(&mut self, tree: &'a Value) {
        match tree {
            Value::String(text) => scan_widely(text, self.short, |token| {
                if !self.made.contains_key(token.text) {
                    self.known.insert(token.text);
                }
            }),
            Value::List(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Map(fields) => fields.iter().for_each(|(_, value)| self.learn(value)),
            _ => {}
        }
    }

    fn tokens_of<'t>(&self, text: &'t str) -> Vec<Token<'t>> {
        let mut found = Vec::new();
        let kinds = match self.in_claims {
            true => moments::counts(),
            false => &self.kinds,
        };
        if let Some(kind) = moments::number_kind(text, kinds) {
            let start = 0;
            found.push(Token { kind, text, start });
            return found;
        }
        if let Some(kind) = self.made.get(text) {
            found.push(Token {
                kind: *kind,
                text,
                start: 0,
            });
            return found;
        }
        // A number or a date within a text counts where the service made one of its kind.
        scan_widely(text, self.short, |token| {
            let is_number = match token.kind {
                TokenKind::EpochSeconds | TokenKind::EpochMillis | TokenKind::EpochMicros => true,
                TokenKind::Timestamp => token.text.len() == 10,
                _ => false,
            };
            if !is_number || self.kinds.contains(&token.kind) {
                let kind = compared_as(token.kind, token.text);
                found.push(Token { kind, ..token });
            }
        });
        found
    }

    fn bind_all(
        &self,
        expected: &str,
        pairs: Vec<(TokenKind, &str, &str)>,
        values: &mut ValueMap,
        bind: bool,
    ) -> Likeness {
        let mut by_kind = ByKind::default();
        for (kind, recorded, candidate) in pairs {
            by_kind.all += 1;
            if kind == TokenKind::Secret {
                // Any text may stand here. A long one is tied, so that a later request carries it
                // (a session that a login began); a short one may stand elsewhere by chance.
                if bind && candidate.len() >= SHORTEST_SECRET {
                    let _ = values.bind(kind, recorded, candidate);
                }
                continue;
            }
            if kind.is_moment() && !bind {
                continue;
            }
            let known = || self.known.contains(candidate) || self.was_given(candidate);
            let fits = if candidate != recorded && !kind.is_moment() && known() {
                Err(format!(
                    "a new {} was made here when it was recorded; {candidate} is one that the \
                     service was given",
                    kind.name()
                ))
            } else if bind && !values.bind(kind, recorded, candidate) {
                Err(other_partner(kind, recorded, candidate, values))
            } else {
                Ok(())
            };
            match kind {
                TokenKind::Jwt if recorded != candidate => {
                    let pair = (recorded.to_owned(), candidate.to_owned());
                    by_kind.web_tokens.push(pair);
                }
                kind if kind.is_moment() => {
                    by_kind.moment(&self.around, values, kind, (recorded, candidate));
                }
                _ => {}
            }
            if let Err(why) = fits {
                let carried = values
                    .candidate_of(recorded)
                    .map(|partner| expected.replace(recorded, partner));
                return Likeness::Other {
                    carried,
                    why: Some(why),
                };
            }
        }
        Likeness::Same(by_kind)
    }
}

fn kind_of(made: &Made) -> TokenKind {
    compared_as(made.kind, &made.value)
}

fn other_partner(kind: TokenKind, recorded: &str, candidate: &str, values: &ValueMap) -> String {
    let kind = kind.name();
    match (values.candidate_of(recorded), values.recorded_of(candidate)) {
        (Some(partner), _) => format!(
            "the {kind} that was {recorded} in the recording is {partner} elsewhere in this run"
        ),
        (None, Some(partner)) => {
            format!("{candidate} stands for another {kind} of the recording: {partner}")
        }
        (None, None) => format!("this {kind} does not fit the others of this run"),
    }
}
