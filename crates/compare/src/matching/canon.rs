//! The canonical form of a request: what identifies it, as bytes, with the generated values in it
//! set apart.

use retake_model::{FieldKind, Rules, TokenKind, Value};

use super::key::{Key, KeyWriter};
use super::params::Params;
use crate::made::Near;
use crate::sql::{Meant, Statements};

mod builder;

use builder::Builder;

/// The canonical form of a request.
///
/// Two requests of one protocol have the same text and the same tokens, and values that may stand
/// for each other ([`crate::sql::same`]), exactly where they ask the same. Every leaf ends with a byte that no UTF-8 text has, or begins with its length.
#[derive(Debug, Clone, Default)]
pub(crate) struct Canon {
    text: Vec<u8>,
    /// The generated values, in the order in which they stand.
    pub(crate) tokens: Vec<CanonToken>,
    /// From which to which of them each list goes that has nothing else and whose order says
    /// nothing.
    pub(crate) sets: Vec<(usize, usize)>,
    /// Numbers and dates far from every time that is known. At another time they would be tokens.
    pub(crate) constants: Vec<String>,
    /// What the values of statements are, in the order in which they stand.
    pub(crate) meant: Vec<Meant>,
    leaves: Vec<Leaf>,
    /// Dependency and protocol, and then what is the same for requests that are alike.
    coarse: Vec<u8>,
    /// The length of the former.
    dependency: usize,
}

/// A generated value in a canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CanonToken {
    pub(crate) kind: TokenKind,
    /// How it is written; see [`made::style`].
    pub(crate) style: u64,
    pub(crate) text: Box<str>,
    /// The byte of the text before which it stands.
    at: usize,
}

#[derive(Debug, Clone, Copy)]
struct Leaf {
    text: (usize, usize),
    tokens: (usize, usize),
}

/// How a token goes into a key.
pub(crate) enum Part<'t> {
    /// As this text.
    Literal(&'t str),
    /// As a place for any value of its kind: the number of the value among those of the request.
    Hole(usize),
}

const END: u8 = 0xFF;
const HOLE: u8 = 0xFE;
const ANY: u8 = 0xFD;

impl Canon {
    /// Reads a request.
    pub(crate) fn read(
        to: &str,
        request: &Value,
        rules: &Rules,
        near: Near,
        statements: &mut Statements,
    ) -> Self {
        let mut builder = Builder {
            canon: Canon::default(),
            near,
            statements,
        };
        for name in [rules.protocol.0, to] {
            builder.canon.text.extend_from_slice(name.as_bytes());
            builder.canon.text.push(END);
        }
        builder.canon.coarse = builder.canon.text.clone();
        builder.canon.dependency = builder.canon.coarse.len();
        let params = Params::of(request, rules);
        for (number, field) in rules.identity.iter().enumerate() {
            if let Some(value) = request.get(field.name) {
                let sent = field.kind == FieldKind::Params;
                if sent && params.stand_in(request, builder.statements) {
                    continue;
                }
                let number = u8::try_from(number).unwrap_or(u8::MAX);
                builder.canon.text.push(number);
                builder.canon.coarse.push(number);
                builder.field(field, value, &params);
            }
        }
        builder.canon
    }

    /// The key with each token as it is told.
    pub(crate) fn key<'t>(&'t self, part: impl FnMut(usize, &'t CanonToken) -> Part<'t>) -> Key {
        self.write(&[], part)
    }

    /// The key with a place in the stead of each token.
    pub(crate) fn loose_key(&self) -> Key {
        self.write(&[], |_, _| Part::Hole(0))
    }

    /// The loose key in which the leaves with these numbers may be anything. None where there is
    /// no such leaf.
    pub(crate) fn wild_key(&self, leaves: &[usize]) -> Option<Key> {
        let all = leaves.iter().all(|leaf| *leaf < self.leaves.len());
        all.then(|| self.write(leaves, |_, _| Part::Hole(0)))
    }

    /// The key of what is alike: the same method and route, the same statement with other
    /// literals.
    pub(crate) fn coarse_key(&self) -> Key {
        let mut writer = KeyWriter::default();
        writer.write(&self.coarse);
        writer.finish()
    }

    /// The key of everything that is asked of the dependency.
    pub(crate) fn dependency_key(&self) -> Key {
        let mut writer = KeyWriter::default();
        writer.write(self.coarse.get(..self.dependency).unwrap_or_default());
        writer.finish()
    }

    /// The numbers of the leaves that hold a token of this kind.
    pub(crate) fn leaves_with(&self, kind: TokenKind) -> Vec<usize> {
        let holds = |leaf: &Leaf| {
            let tokens = self.tokens.get(leaf.tokens.0..leaf.tokens.1);
            tokens.is_some_and(|tokens| tokens.iter().any(|token| token.kind == kind))
        };
        (0..self.leaves.len())
            .filter(|i| self.leaves.get(*i).is_some_and(holds))
            .collect()
    }

    /// What a leaf has before, between and after its tokens.
    pub(crate) fn leaf_parts(&self, number: usize) -> Option<Box<[Box<[u8]>]>> {
        let leaf = self.leaves.get(number)?;
        let tokens = self.tokens.get(leaf.tokens.0..leaf.tokens.1)?;
        let ends = tokens.iter().map(|token| token.at).chain([leaf.text.1]);
        let mut from = leaf.text.0;
        let parts = ends.map(|end| {
            let part = self.text.get(from..end).unwrap_or_default();
            from = end;
            part.into()
        });
        Some(parts.collect())
    }

    /// From which to which token the leaves from that number on go, where they are one array of tokens and
    /// of nothing else, as PostgreSQL writes it.
    fn array_since(&self, number: usize) -> Option<(usize, usize)> {
        let [leaf] = self.leaves.get(number..)? else {
            return None;
        };
        let parts = self.leaf_parts(number)?;
        let (first, rest) = parts.split_first()?;
        let (last, between) = rest.split_last()?;
        let is_array = **first == *b"{" && **last == *b"}";
        (is_array && between.iter().all(|part| **part == *b",")).then_some(leaf.tokens)
    }

    /// The token that is all of a leaf.
    pub(crate) fn only_token(&self, number: usize) -> Option<&CanonToken> {
        let leaf = self.leaves.get(number)?;
        let [only] = self.tokens.get(leaf.tokens.0..leaf.tokens.1)? else {
            return None;
        };
        (leaf.text.0 == leaf.text.1).then_some(only)
    }

    /// All of a leaf.
    pub(crate) fn leaf_text(&self, number: usize) -> Option<Vec<u8>> {
        let parts = self.leaf_parts(number)?;
        let leaf = self.leaves.get(number)?;
        let tokens = self.tokens.get(leaf.tokens.0..leaf.tokens.1)?;
        let mut tokens = tokens.iter();
        let mut text = Vec::new();
        for part in &parts {
            text.extend_from_slice(part);
            if let Some(token) = tokens.next() {
                text.extend_from_slice(token.text.as_bytes());
            }
        }
        Some(text)
    }

    /// The numbers of the tokens outside of these leaves.
    pub(crate) fn outside(&self, leaves: &[usize]) -> Vec<usize> {
        let hidden = |i: usize| {
            leaves
                .iter()
                .filter_map(|leaf| self.leaves.get(*leaf))
                .any(|leaf| (leaf.tokens.0..leaf.tokens.1).contains(&i))
        };
        (0..self.tokens.len()).filter(|i| !hidden(*i)).collect()
    }

    fn write<'t>(
        &'t self,
        wild: &[usize],
        mut part: impl FnMut(usize, &'t CanonToken) -> Part<'t>,
    ) -> Key {
        let mut writer = KeyWriter::default();
        let mut at = 0;
        let mut token = 0;
        let mut upto = |writer: &mut KeyWriter,
                        text: usize,
                        tokens: usize,
                        at: &mut usize,
                        token: &mut usize| {
            while *token < tokens {
                let Some(next) = self.tokens.get(*token) else {
                    break;
                };
                writer.write(self.text.get(*at..next.at).unwrap_or_default());
                *at = next.at;
                match part(*token, next) {
                    Part::Literal(text) => writer.write(text.as_bytes()),
                    Part::Hole(number) => {
                        writer.write(&[HOLE]);
                        writer.write(&next.style.to_le_bytes());
                        writer.write(next.kind.name().as_bytes());
                        writer.write(&number.to_le_bytes());
                    }
                }
                *token += 1;
            }
            writer.write(self.text.get(*at..text).unwrap_or_default());
            *at = text;
        };
        for leaf in wild.iter().filter_map(|leaf| self.leaves.get(*leaf)) {
            upto(&mut writer, leaf.text.0, leaf.tokens.0, &mut at, &mut token);
            writer.write(&[ANY]);
            (at, token) = (leaf.text.1, leaf.tokens.1);
        }
        upto(
            &mut writer,
            self.text.len(),
            self.tokens.len(),
            &mut at,
            &mut token,
        );
        writer.finish()
    }
}

/// What the values of a request are.
#[cfg(test)]
pub(crate) fn canon_for_tests(
    request: &Value,
    rules: &Rules,
    near: Near,
    statements: &mut Statements,
) -> Vec<Meant> {
    Canon::read("", request, rules, near, statements).meant
}
