//! The canonical form of a request: what identifies it, as bytes, with the generated values in it
//! set apart.

use retake_model::{Field, FieldKind, Rules, TokenKind, Value};

use super::key::{Key, KeyWriter};
use super::params::Params;
use crate::made::{self, Near, Token};
use crate::sql::{Kind, Meant, Slots, Slotted, Statements};

/// The canonical form of a request.
///
/// Two requests of one protocol have the same text and the same tokens, and values that may stand
/// for each other ([`crate::sql::same`]), exactly where they ask the same. Every leaf ends with a byte that no UTF-8 text has, or begins with its length.
#[derive(Debug, Clone, Default)]
pub(crate) struct Canon {
    text: Vec<u8>,
    /// The generated values, in the order in which they stand.
    pub(crate) tokens: Vec<CanonToken>,
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

struct Builder<'s> {
    canon: Canon,
    near: Near,
    statements: &'s mut Statements,
}

impl Builder<'_> {
    fn field(&mut self, field: &Field, value: &Value, params: &Params<'_>) {
        match (field.kind, value) {
            (FieldKind::Sql, Value::String(sql)) => {
                let own = params.of == Some(field.name);
                self.sql(sql, if own { *params } else { Params::default() });
            }
            (FieldKind::Path, Value::String(path)) => self.path(path),
            (FieldKind::Body, Value::Map(parts)) => self.body(parts),
            (_, value) => {
                if let Value::String(text) = value {
                    self.canon.coarse.extend_from_slice(text.as_bytes());
                    self.canon.coarse.push(END);
                }
                self.value(value, false);
            }
        }
    }

    fn sql(&mut self, sql: &str, params: Params<'_>) {
        let statement = self.statements.get(sql);
        self.canon
            .coarse
            .extend_from_slice(statement.folded.as_bytes());
        self.canon.coarse.push(END);
        match &statement.slots {
            Some(slots) => self.slots(slots, params),
            None => self.text(&statement.shape),
        }
    }

    /// A statement whose values are taken out, and then its values: those of the text and those
    /// that were sent beside it.
    fn slots(&mut self, slots: &Slots, params: Params<'_>) {
        self.text(&slots.shape);
        for slot in &slots.slots {
            let param = match &slot.value {
                Slotted::Param(number) => params.get(*number),
                Slotted::Literal(..) => None,
            };
            match (&slot.value, param) {
                (Slotted::Literal(Kind::Null, _), _) => self.value(&Value::Null, false),
                (Slotted::Literal(_, text), _) => self.text(text),
                (Slotted::Param(_), Some((Value::String(text), Some(Value::String(name)))))
                    if name == "bool" =>
                {
                    self.text(match text.as_str() {
                        "t" => "true",
                        "f" => "false",
                        other => other,
                    });
                }
                (Slotted::Param(_), Some((value, _))) => self.value(value, false),
                // Nobody gave it: the statement is described, or its parameters do not count.
                (Slotted::Param(number), None) => {
                    let cast = slot.cast.as_deref().unwrap_or_default();
                    self.text(&format!("${number}::{cast}"));
                }
            }
            if param.is_some() || !matches!(slot.value, Slotted::Param(_)) {
                self.canon.meant.push(Meant::of(slot, param));
            }
        }
    }

    fn path(&mut self, target: &str) {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        self.coarse_path(path);
        self.text(path);
        let Some(query) = query else { return };
        self.canon.text.push(b'?');
        let mut pairs: Vec<(&str, Option<&str>)> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (pair, None),
            })
            .collect();
        // The sort is stable: values of one name keep their order.
        pairs.sort_by_key(|(name, _)| *name);
        for (name, value) in pairs {
            self.text(name);
            if let Some(value) = value {
                self.canon.text.push(b'=');
                self.text(value);
            }
        }
    }

    /// The route: segments that are numbers or hold a token stand for each other.
    fn coarse_path(&mut self, path: &str) {
        for segment in path.split('/') {
            let mut tokens = 0;
            made::scan(segment, |_| tokens += 1);
            let number = !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
            if number || tokens > 0 {
                self.canon.coarse.push(HOLE);
            } else {
                self.canon.coarse.extend_from_slice(segment.as_bytes());
            }
            self.canon.coarse.push(b'/');
        }
    }

    /// A body: its kind and content. How it was encoded or laid out does not identify it.
    fn body(&mut self, parts: &[(String, Value)]) {
        for (kind, content) in parts {
            if matches!(kind.as_str(), "style" | "encoding" | "encoded" | "as") {
                continue;
            }
            self.canon.coarse.extend_from_slice(kind.as_bytes());
            self.canon.coarse.push(END);
            self.text(kind);
            match (kind.as_str(), content) {
                ("form", Value::List(pairs)) => self.form(pairs),
                ("text", Value::String(text)) => match boundary(text.as_bytes()) {
                    Some(boundary) => self.without(text.as_bytes(), boundary, true),
                    None => self.value(content, true),
                },
                ("bytes", Value::Bytes(bytes)) => match boundary(bytes) {
                    Some(boundary) => self.without(bytes, boundary, false),
                    None => self.value(content, true),
                },
                _ => self.value(content, true),
            }
        }
    }

    fn form(&mut self, pairs: &[Value]) {
        let mut pairs: Vec<&Value> = pairs.iter().collect();
        pairs.sort_by_key(|pair| {
            let name = pair.as_list().and_then(<[Value]>::first);
            name.and_then(Value::as_str).unwrap_or_default()
        });
        for pair in pairs {
            self.value(pair, true);
        }
    }

    /// A multipart body (RFC 2046, section 5.1): the boundary is a made-up name.
    fn without(&mut self, body: &[u8], boundary: &[u8], text: bool) {
        let mut rest = body;
        loop {
            let at = rest
                .windows(boundary.len())
                .position(|window| window == boundary);
            let part = rest.get(..at.unwrap_or(rest.len())).unwrap_or_default();
            match std::str::from_utf8(part) {
                Ok(part) if text => self.text(part),
                _ => self.bytes(part),
            }
            match at.and_then(|at| rest.get(at + boundary.len()..)) {
                Some(after) => rest = after,
                None => return,
            }
        }
    }

    fn value(&mut self, value: &Value, sorted: bool) {
        match value {
            Value::Null => self.canon.text.push(b'0'),
            Value::Bool(false) => self.canon.text.push(b'f'),
            Value::Bool(true) => self.canon.text.push(b't'),
            Value::Number(number) => self.leaf(b'n', number.as_str()),
            Value::String(text) => self.text(text),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::List(items) => {
                self.canon.text.push(b'[');
                for item in items {
                    self.value(item, sorted);
                }
                self.canon.text.push(b']');
            }
            Value::Map(fields) => {
                self.canon.text.push(b'{');
                let mut fields: Vec<&(String, Value)> = fields.iter().collect();
                if sorted {
                    // Stable: repeats of a name keep their order.
                    fields.sort_by(|a, b| a.0.cmp(&b.0));
                }
                for (name, value) in fields {
                    self.text(name);
                    self.value(value, sorted);
                }
                self.canon.text.push(b'}');
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.canon.text.push(b'b');
        self.canon
            .text
            .extend_from_slice(&bytes.len().to_le_bytes());
        self.canon.text.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.leaf(b's', text);
    }

    fn leaf(&mut self, tag: u8, text: &str) {
        let Canon {
            text: out,
            tokens,
            constants,
            leaves,
            ..
        } = &mut self.canon;
        out.push(tag);
        let start = (out.len(), tokens.len());
        let mut copied = 0;
        let each = |token: Token<'_>| {
            let before = text.get(copied..token.start).unwrap_or_default();
            out.extend_from_slice(before.as_bytes());
            tokens.push(CanonToken {
                kind: token.kind,
                style: made::style(token.kind, token.text),
                text: token.text.into(),
                at: out.len(),
            });
            copied = token.end();
        };
        made::tokens_and_constants(text, self.near, each, |text| {
            constants.push(text.to_owned())
        });
        let rest = text.get(copied..).unwrap_or_default();
        out.extend_from_slice(rest.as_bytes());
        leaves.push(Leaf {
            text: (start.0, out.len()),
            tokens: (start.1, tokens.len()),
        });
        out.push(END);
    }
}

/// The boundary of a multipart body with its two hyphens, where the body begins and ends with it.
fn boundary(body: &[u8]) -> Option<&[u8]> {
    let line = body.split(|b| *b == b'\r' || *b == b'\n').next()?;
    let end = body.trim_ascii_end().strip_suffix(b"--")?;
    // RFC 2046: at most 70 characters; a short one could stand in the content.
    let usual = (10..=72).contains(&line.len()) && line.starts_with(b"--");
    (usual && end.len() > line.len() && end.ends_with(line)).then_some(line)
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
