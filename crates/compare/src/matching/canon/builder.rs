//! How each kind of field of a request goes into its canonical form.

use retake_model::{Field, FieldKind, Value};

use super::super::params::Params;
use super::super::rows::in_order;
use super::{Canon, CanonToken, END, HOLE, Leaf};
use crate::made::{self, Near, Token};
use crate::sql::{Kind, Meant, Slot, Slots, Slotted, Statements};

/// A canonical form that is being written.
pub(super) struct Builder<'s> {
    pub(super) canon: Canon,
    pub(super) near: Near,
    pub(super) statements: &'s mut Statements,
}

impl Builder<'_> {
    /// Adds a field of the request.
    pub(super) fn field(&mut self, field: &Field, value: &Value, params: &Params<'_>) {
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
        match slots.lists.as_slice() {
            [] => {
                for slot in &slots.slots {
                    self.slot(slot, params);
                }
            }
            lists => {
                let mut begins = Vec::with_capacity(slots.slots.len() + 1);
                for slot in in_order(slots, &params, self.near) {
                    begins.push(self.canon.tokens.len());
                    self.slot(slot, params);
                }
                begins.push(self.canon.tokens.len());
                for list in lists.iter().filter(|list| list.width == 1) {
                    let ends = (begins.get(list.first), begins.get(list.first + list.count));
                    if let (Some(from), Some(to)) = ends
                        && to - from == list.count
                    {
                        self.canon.sets.push((*from, *to));
                    }
                }
            }
        }
    }

    fn slot(&mut self, slot: &Slot, params: Params<'_>) {
        if slot.is_note {
            return self.text("");
        }
        let began = self.canon.leaves.len();
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
        if slot.is_set {
            self.canon.sets.extend(self.canon.array_since(began));
        }
        if param.is_some() || !matches!(slot.value, Slotted::Param(_)) {
            self.canon.meant.push(Meant::of(slot, param));
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
            let kind = made::compared_as(token.kind, token.text);
            tokens.push(CanonToken {
                kind,
                style: made::style(kind, token.text),
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
