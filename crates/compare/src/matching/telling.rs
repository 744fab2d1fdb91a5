//! The values of an exchange: what may tell which of several requests a call was made for.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use retake_model::{FieldKind, Rules, Value};

use super::canon::Canon;
use super::key::Key;
use crate::diff::WebToken;
use crate::made::Near;
use crate::sql::{Slotted, Statements};

/// How many values of one message are looked at.
const VALUES: usize = 256;

/// How many pieces of a page are looked at.
const PIECES: usize = 2_048;

/// The length in bytes of the longest text that is looked into: a web token, credentials.
const LONGEST_TOKEN: usize = 8_192;

/// The length in bytes of the longest value that is looked at.
const LONGEST: usize = 256;

/// How many words of texts that are no single value are looked at in one message.
const WORDS: usize = 1_024;

/// A value, and where in its message it stands: equal for the same place of messages of one kind,
/// whatever the number of the item or the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The place, as a hash: the same in every process.
    pub place: u64,
    /// The value.
    pub text: String,
}

/// The values in a request, in the order in which they stand: literals and parameters of a
/// statement, the segments of a path and the values of its query, the leaves of a body. Truth
/// values, NULL and empty texts tell nothing.
pub fn values_of(request: &Value, rules: &Rules, statements: &mut Statements) -> Vec<String> {
    texts(told_in_request(request, rules, statements))
}

/// The values in the headers of a request: tokens and ids that say who asks. What every client
/// sends for the connection's and the body's sake says nothing of that.
pub fn told_in_headers(request: &Value) -> Vec<Told> {
    let mut found = Found::default();
    let headers = request.get("headers").and_then(Value::as_list);
    for field in headers.unwrap_or_default() {
        let Value::Map(pairs) = field else { continue };
        for (name, value) in pairs {
            let said = value.as_str().filter(|_| !of_the_message(name));
            let pieces = said
                .into_iter()
                .flat_map(|said| said.split([' ', ';', ',', '=']));
            for (at, piece) in pieces.enumerate() {
                let place = within(within(HEADER, name.to_ascii_lowercase()), at);
                found.with_parts(place, piece.trim_matches('"'));
            }
            if let Some(user) = said.and_then(basic_user) {
                found.add(within(HEADER, "user"), &user);
            }
        }
    }
    found.all
}

/// The same as [`values_of`], with their places.
pub fn told_in_request(request: &Value, rules: &Rules, statements: &mut Statements) -> Vec<Told> {
    let mut found = Found::default();
    for field in rules.identity {
        let place = within(START, field.name);
        match (field.kind, request.get(field.name)) {
            (FieldKind::Sql, Some(Value::String(sql))) => {
                let statement = statements.get(sql);
                let slots = statement.slots.iter().flat_map(|slots| &slots.slots);
                for (at, slot) in slots.enumerate() {
                    if let Slotted::Literal(_, text) = &slot.value {
                        found.add(within(place, at), text);
                    }
                }
            }
            (FieldKind::Path, Some(Value::String(path))) => {
                // A value of a query stands behind its name, wherever that is.
                let (path, query) = path.split_once('?').unwrap_or((path, ""));
                for (at, piece) in path.split('/').enumerate() {
                    found.add(within(place, at), &decoded(piece));
                }
                for piece in query.split('&') {
                    let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
                    found.add(within(place, "?"), &decoded(name));
                    found.add(within(place, name), &decoded(value));
                }
            }
            (FieldKind::Params | FieldKind::Body, Some(value)) => found.leaves(place, value, true),
            _ => {}
        }
    }
    found.all
}

/// The values in an answer: the rows of a statement, the leaves of a body; of a page, or another
/// long text, the pieces and words; what the client is to keep and where it is sent.
pub fn told_in_answer(answer: &Value) -> Vec<Told> {
    let mut found = Found::default();
    let fields = match answer {
        Value::Map(fields) => fields.as_slice(),
        _ => &[],
    };
    for (name, value) in fields {
        let place = within(START, name);
        match name.as_str() {
            "headers" => found.given_in_headers(value),
            "columns" | "status" | "version" => {}
            "body" => match page_in(value) {
                Some(text) => found.page(place, text),
                None => found.leaves(place, value, false),
            },
            _ => found.leaves(place, value, false),
        }
    }
    found.all
}

/// The same, without their places.
pub fn values_in_answer(answer: &Value) -> Vec<String> {
    texts(told_in_answer(answer))
}

fn texts(told: Vec<Told>) -> Vec<String> {
    told.into_iter().map(|told| told.text).collect()
}

/// What is the same for requests of one kind: the method and the route, the statement with other
/// values.
pub fn kind_of(request: &Value, rules: &Rules, statements: &mut Statements) -> Key {
    Canon::read("", request, rules, Near::default(), statements).coarse_key()
}

/// Headers whose values are of the message and not of who sends it (RFC 9110).
fn of_the_message(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "expect",
        "host",
        "keep-alive",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Where the places of bodies and statements begin, and those of headers.
const START: u64 = 0x6A09_E667_F3BC_C908;
const HEADER: u64 = 0xBB67_AE85_84CA_A73B;

/// A place within another one.
fn within(place: u64, step: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (place, step).hash(&mut hasher);
    hasher.finish()
}

/// The values that were found.
#[derive(Default)]
struct Found {
    all: Vec<Told>,
    words: usize,
}

impl Found {
    fn add(&mut self, place: u64, text: &str) {
        if tells(text) && self.all.len() < VALUES {
            self.push(place, text);
        }
    }

    fn push(&mut self, place: u64, text: &str) {
        let text = text.to_owned();
        self.all.push(Told { place, text });
    }

    /// A value and the parts of one that was put together: `s:ID.SIGNATURE`, a web token.
    fn with_parts(&mut self, place: u64, text: &str) {
        self.add(place, text);
        if is_web_token(text) {
            return self.claims(place, text);
        }
        if text.contains(['.', ':', '~', '|']) {
            for (at, part) in text.split(['.', ':', '~', '|']).enumerate() {
                self.add(within(place, at), part);
            }
        }
    }

    /// What a web token says (RFC 7519): whose it is, and of which session.
    fn claims(&mut self, place: u64, token: &str) {
        if let Some(token) = WebToken::read(token) {
            self.leaves(within(place, "claims"), &token.claims, false);
        }
    }

    /// The cookies that a response sets, and the path to which it sends the client.
    fn given_in_headers(&mut self, headers: &Value) {
        for field in headers.as_list().unwrap_or_default() {
            let Value::Map(pairs) = field else { continue };
            for (name, value) in pairs {
                let Some(text) = value.as_str() else { continue };
                let place = within(HEADER, name.to_ascii_lowercase());
                if name.eq_ignore_ascii_case("set-cookie") {
                    let first = text.split(';').next().unwrap_or_default();
                    let (name, cookie) = first.split_once('=').unwrap_or_default();
                    self.with_parts(within(place, name), cookie.trim_matches('"'));
                } else if name.eq_ignore_ascii_case("location") {
                    for (at, piece) in text.split(['/', '?', '&', '=', '#']).enumerate() {
                        self.with_parts(within(place, at), &decoded(piece));
                    }
                }
            }
        }
    }

    /// The pieces of a text that is no single value, as those of a page: what stands between tags and in
    /// quotes, and the parts of addresses there. Then its words.
    fn page(&mut self, place: u64, text: &str) {
        let mut seen = HashSet::new();
        let mut known = |piece: &str| {
            if tells(piece) && seen.len() < PIECES && seen.insert(piece.to_owned()) {
                self.push(within(place, "piece"), piece);
            }
        };
        known(text);
        for piece in text.split(['<', '>', '"', '\'', '\n']) {
            let piece = piece.trim();
            known(piece);
            if piece.contains(['/', '?', '=', ' ']) {
                piece.split(['/', '?', '&', '=', ' ']).for_each(&mut known);
            }
        }
        if seen.len() < PIECES {
            self.words(place, text);
        }
    }

    /// The leaves of a tree. The items of a list stand at one place, those of a list in a list each at
    /// its own: they are columns. The values of `params` are such a list, too.
    fn leaves(&mut self, place: u64, value: &Value, columns: bool) {
        match value {
            Value::String(text) if is_web_token(text) => {
                self.add(place, text);
                self.claims(place, text);
            }
            Value::String(text) if text.len() > LONGEST || is_marked_up(text) => {
                self.words(place, text);
            }
            Value::String(text) => self.add(place, text),
            Value::Number(number) => self.add(place, number.as_str()),
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    let place = if columns { within(place, at) } else { place };
                    self.leaves(place, item, true);
                }
            }
            Value::Map(fields) => {
                for (name, item) in fields {
                    self.leaves(within(place, name), item, false);
                }
            }
            Value::Null | Value::Bool(_) | Value::Bytes(_) => {}
        }
    }

    /// The words of a text that may say something: those with a digit, and addresses. The word before
    /// one is its place.
    fn words(&mut self, place: u64, text: &str) {
        let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '@' | '.');
        let mut before = "";
        for word in text.split(|c| !is_letter(c)) {
            let word = word.trim_end_matches('.');
            if word.bytes().any(|b| b.is_ascii_digit() || b == b'@') {
                self.words += 1;
                if self.words > WORDS {
                    return;
                }
                if word.len() <= LONGEST {
                    self.push(within(place, before), word);
                }
            } else if !word.is_empty() {
                before = word;
            }
        }
    }
}

fn tells(text: &str) -> bool {
    let is_none = matches!(text, "" | "true" | "false" | "null" | "t" | "f");
    !is_none && text.len() <= LONGEST
}

fn is_web_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.len() <= LONGEST_TOKEN
}

/// The user's name in the credentials of basic authentication (RFC 7617).
fn basic_user(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    let is_basic = scheme.eq_ignore_ascii_case("basic") && credentials.len() <= LONGEST_TOKEN;
    let bytes = is_basic.then(|| STANDARD.decode(credentials.trim()).ok())??;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.split_once(':')?.0.to_owned())
}

fn page_in(body: &Value) -> Option<&str> {
    let text = body.get("text").or_else(|| body.get("xml"))?;
    text.as_str()
}

/// Whether a text is a page or JSON, or a part of it.
fn is_marked_up(text: &str) -> bool {
    matches!(
        text.as_bytes(),
        [b'<', .., b'>'] | [b'{', .., b'}'] | [b'[', .., b']']
    )
}

/// A piece of a path or a query without its percent signs (RFC 3986, section 2.1) and pluses.
fn decoded(piece: &str) -> String {
    let mut bytes = Vec::with_capacity(piece.len());
    let mut rest = piece.bytes();
    while let Some(byte) = rest.next() {
        let mut digits = rest.clone();
        let hex = |digit: Option<u8>| char::from(digit?).to_digit(16);
        match (byte, hex(digits.next()), hex(digits.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = digits;
            }
            (b'+', _, _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| piece.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Value {
        let field = |(name, value): &(&str, &str)| Value::map([(*name, Value::from(*value))]);
        Value::map([("headers", Value::List(fields.iter().map(field).collect()))])
    }

    #[track_caller]
    fn check(values: &[String], has: &[&str], lacks: &[&str]) {
        for value in has {
            assert!(
                values.iter().any(|own| own == value),
                "{value} in {values:?}"
            );
        }
        for value in lacks {
            assert!(
                !values.iter().any(|own| own == value),
                "{value} in {values:?}"
            );
        }
    }

    #[test]
    fn credentials_tell_whose_they_are() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1LTE3Iiwic2lkIjoiczkifQ.c2ln";
        for (value, has, lacks) in [
            ("Basic YW5uOnNlY3JldA==", &["ann"][..], &["secret"][..]),
            ("Bearer YW5uOnNlY3JldA==", &[], &["ann"]),
            (&format!("Bearer {token}"), &["u-17", "s9"], &[]),
            ("Token 0f3.k9", &["0f3.k9", "0f3", "k9"], &[]),
        ] {
            check(
                &texts(told_in_headers(&headers(&[("Authorization", value)]))),
                has,
                lacks,
            );
        }
        let cookie = headers(&[("Cookie", "a=b; sid=s:7CEK.SIGN; t=1")]);
        check(
            &texts(told_in_headers(&cookie)),
            &["7CEK", "SIGN", "1"],
            &["s:7CEK.SIGN; t"],
        );
    }

    #[test]
    fn an_answer_shows_what_it_gives_the_client_to_keep_and_where_it_sends_it() {
        let answer = headers(&[
            ("Set-Cookie", "sid=7CEK.SIGN; Path=/; Max-Age=30"),
            ("location", "/orders/17?note=a%20b"),
            ("X-Other", "zz"),
        ]);
        let values = values_in_answer(&answer);
        check(&values, &["7CEK", "SIGN", "17", "a b"], &["zz", "30"]);
    }

    #[test]
    fn a_page_shows_its_texts_and_the_parts_of_its_addresses() {
        let page = "<p class=\"x\">\n Renamed 2 </p><a href='/feed/17/entries?page=3'>by ann</a>";
        let answer = Value::map([("body", Value::map([("text", page.into())]))]);
        let values = values_in_answer(&answer);
        check(&values, &["Renamed 2", "17", "3", "ann"], &["", "p class"]);
        let long = "<i>w</i>".repeat(10)
            + &(0..9_000)
                .map(|n| format!("<i>{n}</i>"))
                .collect::<String>();
        let answer = Value::map([("body", Value::map([("text", Value::from(long))]))]);
        assert_eq!(values_in_answer(&answer).len(), PIECES);
    }
}
