//! An expected text in its parts: what stands there as it is, and the values that stand for others.

use std::collections::HashSet;

use retake_model::TokenKind;

use super::super::moments;
use super::super::response::is_secret;
use super::super::web_token::WebToken;
use super::{SHORTEST_SECRET, Tokens};
use crate::made::{Token, ValueMap, is_nothing, scan};

/// A part of an expected text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'t> {
    /// Stands there as it is.
    Literal(&'t str),
    /// The service made it.
    Made(TokenKind, &'t str),
    /// It was made earlier and has the candidate's value now.
    Tied(&'t str),
    /// A redacted secret.
    Secret(&'t str),
}

impl Tokens<'_> {
    /// The parts of an expected text.
    pub(super) fn pieces<'t>(&self, text: &'t str, values: &ValueMap) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let mut end = 0;
        if !self.is_made(text) && values.candidate_of(text).is_some() {
            pieces.push(Piece::Tied(text));
            return pieces;
        }
        for token in self.tokens_of(text) {
            let piece = if token.kind == TokenKind::Secret {
                Piece::Secret(token.text)
            } else if let Some(kind) = self.made.get(token.text) {
                Piece::Made(*kind, token.text)
            } else if values.candidate_of(token.text).is_some() {
                Piece::Tied(token.text)
            } else if !token.kind.is_moment() && values.is_awaited(token.text)
                || self.in_claims && !self.around.was_given(token.text)
            {
                Piece::Made(token.kind, token.text)
            } else {
                continue;
            };
            match text.get(end..token.start) {
                Some("") | None => {}
                Some(literal) => pieces.push(Piece::Literal(literal)),
            }
            pieces.push(piece);
            end = token.end();
        }
        match text.get(end..) {
            Some("") | None => {}
            Some(literal) => pieces.push(Piece::Literal(literal)),
        }
        pieces
    }
}

/// The values of the pieces, where the observed text is made of the same ones.
pub(super) fn fit<'t>(
    pieces: &[Piece<'t>],
    observed: &'t str,
    found: &[Token<'t>],
    values: &ValueMap,
) -> Option<Vec<(TokenKind, &'t str, &'t str)>> {
    let mut pairs = Vec::new();
    let mut at = 0;
    for (n, piece) in pieces.iter().enumerate() {
        let rest = observed.get(at..)?;
        let here = found
            .binary_search_by_key(&at, |token| token.start)
            .ok()
            .and_then(|n| found.get(n));
        at += match piece {
            Piece::Literal(literal) => rest.starts_with(literal).then_some(literal.len())?,
            Piece::Made(kind, recorded) => {
                let candidate = here
                    .filter(|t| t.kind == *kind && moments::same_form(*kind, recorded, t.text))
                    .map(|t| t.text)
                    .or_else(|| rest.get(..recorded.len()).filter(|same| same == recorded))?;
                pairs.push((*kind, *recorded, candidate));
                candidate.len()
            }
            Piece::Tied(recorded) => match here {
                Some(token) if values.are_bound(recorded, token.text) => token.text.len(),
                // A dependency's answer gives back the recorded moment where it is written in
                // another way than the service made it: then that is what is shown.
                Some(token) if token.kind.is_moment() && token.text == *recorded => recorded.len(),
                _ => {
                    let candidate = values.candidate_of(recorded)?;
                    if rest.starts_with(candidate) {
                        candidate.len()
                    } else if pieces.len() == 1
                        && is_secret(recorded)
                        && WebToken::is_moved(candidate, rest)
                    {
                        // Two logins of one second got the same token; they may fall apart.
                        pairs.push((TokenKind::Secret, *recorded, rest));
                        rest.len()
                    } else {
                        return None;
                    }
                }
            },
            Piece::Secret(recorded) => {
                let length = match pieces.get(n + 1) {
                    None => rest.len(),
                    Some(Piece::Literal(next)) if n + 2 == pieces.len() => {
                        rest.strip_suffix(next)?.len()
                    }
                    Some(Piece::Literal(next)) => rest.find(next)?,
                    Some(_) => rest.find(char::is_whitespace).unwrap_or(rest.len()),
                };
                let secret = rest.get(..length).filter(|secret| !is_nothing(secret))?;
                pairs.push((TokenKind::Secret, *recorded, secret));
                length
            }
        };
    }
    (at == observed.len()).then_some(pairs)
}

/// The secret with which a text begins or that stands behind its first words, as in `sid=…; Path=/`,
/// and what the observed text has there, whatever else the two have.
pub(super) fn leading_secret<'p, 't>(
    pieces: &[Piece<'p>],
    observed: &'t str,
) -> Option<(&'p str, &'t str)> {
    let (before, recorded, behind) = match pieces {
        [Piece::Secret(recorded), behind @ ..] => ("", *recorded, behind),
        [Piece::Literal(before), Piece::Secret(recorded), behind @ ..] => {
            (*before, *recorded, behind)
        }
        _ => return None,
    };
    let rest = observed.strip_prefix(before)?;
    let end = match behind.first() {
        None => rest.len(),
        Some(Piece::Literal(next)) => rest.find(next.chars().next()?)?,
        Some(_) => return None,
    };
    let secret = rest.get(..end)?;
    let fits = secret.len() >= SHORTEST_SECRET && !secret.contains(char::is_whitespace);
    fits.then_some((recorded, secret))
}

/// The expected text in the candidate's terms. Values that were not seen before take the observed
/// ones of their kind, in order, where there are as many.
pub(super) fn carry(
    pieces: &[Piece<'_>],
    found: &[Token<'_>],
    values: &mut ValueMap,
    bind: bool,
    secret: Option<(&str, &str)>,
) -> String {
    let mut out = String::new();
    let new = new_of(pieces, found, values);
    for (n, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Secret(text) => {
                let own = secret.filter(|(recorded, _)| recorded == text);
                out.push_str(own.map_or(text, |(_, candidate)| candidate));
            }
            Piece::Tied(text) => out.push_str(values.candidate_of(text).unwrap_or(text)),
            Piece::Made(kind, text) => {
                let is_kind = |p: &&Piece<'_>| matches!(p, Piece::Made(k, _) if k == kind);
                let before = pieces.iter().take(n).filter(is_kind).count();
                let all = pieces.iter().filter(is_kind).count();
                let mut partners = new.iter().filter(|t| t.kind == *kind);
                let partner = (partners.clone().count() == all)
                    .then(|| partners.nth(before))
                    .flatten()
                    // What is written another way is the difference, and no new value.
                    .filter(|token| moments::same_form(*kind, text, token.text));
                match partner {
                    Some(token) if bind && values.bind(*kind, text, token.text) => {
                        out.push_str(token.text);
                    }
                    _ => out.push_str(values.candidate_of(text).unwrap_or(text)),
                }
            }
        }
    }
    out
}

/// The observed values that are new: those that stand in the expected text as they are, as checksums
/// in the addresses of a page do, and those that were made earlier are none.
fn new_of<'t>(pieces: &[Piece<'_>], found: &[Token<'t>], values: &ValueMap) -> Vec<Token<'t>> {
    let mut known = HashSet::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => scan(text, |token| {
                known.insert(token.text);
            }),
            Piece::Tied(text) => known.extend(values.candidate_of(text)),
            Piece::Made(..) | Piece::Secret(_) => {}
        }
    }
    let new = found.iter().filter(|token| !known.contains(token.text));
    new.copied().collect()
}

/// What a text that is one generated value would have to be.
pub(super) fn expectation(pieces: &[Piece<'_>]) -> Option<String> {
    match pieces {
        [Piece::Made(kind, _)] => Some(format!(
            "the service made a {} here when it was recorded",
            kind.name()
        )),
        [Piece::Tied(_)] => Some("a value that was made earlier in this run belongs here".into()),
        _ => None,
    }
}
