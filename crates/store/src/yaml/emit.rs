//! Writes YAML: block style for structure, flow style for what is small.

use std::borrow::Cow;

use super::scalar::{is_literal, write_literal, write_text};

/// What is to be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'v> {
    /// Exactly this: `null`, `true`, digits. The maker knows that it is read back so.
    Bare(Cow<'v, str>),
    /// Text.
    Text(Cow<'v, str>),
    /// A tag, without its `!`, and what it is put on.
    Tagged(&'static str, Box<Node<'v>>),
    /// A list.
    List(Vec<Node<'v>>),
    /// A map.
    Map(Vec<(Cow<'v, str>, Node<'v>)>),
    /// A list or map that is written in block style however small it is.
    Block(Box<Node<'v>>),
}

impl<'v> Node<'v> {
    /// Digits, or another word that is read back as it is written.
    pub(crate) fn bare(word: impl Into<Cow<'v, str>>) -> Self {
        Node::Bare(word.into())
    }

    /// Text.
    pub(crate) fn text(text: impl Into<Cow<'v, str>>) -> Self {
        Node::Text(text.into())
    }

    fn is_empty(&self) -> bool {
        match self {
            Node::List(items) => items.is_empty(),
            Node::Map(fields) => fields.is_empty(),
            Node::Block(inner) => inner.is_empty(),
            _ => false,
        }
    }
}

/// The width that flow style may fill, in bytes.
const WIDTH: usize = 100;

/// The width that flow style may fill however far to the right it begins, in bytes.
const LEAST_WIDTH: usize = 40;

/// How much deeper each level of block style stands.
const STEP: usize = 2;

/// The whole file: the fields of a map at its top, in block style.
pub(crate) fn document(fields: &[(Cow<'_, str>, Node<'_>)]) -> String {
    let mut out = String::with_capacity(1024);
    write_fields(&mut out, fields, 0);
    out
}

/// Writes fields at column `column`; the first one stands where `out` ends.
pub(crate) fn write_fields(out: &mut String, fields: &[(Cow<'_, str>, Node<'_>)], column: usize) {
    for (i, (key, value)) in fields.iter().enumerate() {
        if i > 0 {
            indent(out, column);
        }
        write_text(out, key, false);
        out.push(':');
        write_value(out, value, column, false);
    }
}

/// Writes elements at column `column`; the first one stands where `out` ends.
fn write_items(out: &mut String, items: &[Node<'_>], column: usize) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            indent(out, column);
        }
        out.push('-');
        write_value(out, item, column, true);
    }
}

/// Writes what follows `key:` or `-`, up to and with the line break. `column` is where the
/// collection around it stands; `item` says that it stands after `-`.
fn write_value(out: &mut String, value: &Node<'_>, column: usize, item: bool) {
    let below = column + STEP;
    let (forced, value) = match value {
        Node::Block(inner) => (true, inner.as_ref()),
        other => (false, other),
    };
    // A field alone in an element reads best as `- name: value`.
    let single = item && matches!(value, Node::Map(fields) if is_single(fields));
    if (!forced && !single) || value.is_empty() {
        out.push(' ');
        if write_flow(out, value) {
            out.push('\n');
            return;
        }
        out.pop();
    }
    match value {
        Node::Tagged(tag, inner) => {
            out.push_str(" !");
            out.push_str(tag);
            write_value(out, inner, column, false);
        }
        Node::List(items) if item => {
            out.push(' ');
            write_items(out, items, below);
        }
        Node::Map(fields) if item => {
            out.push(' ');
            write_fields(out, fields, below);
        }
        Node::List(items) => {
            out.push('\n');
            indent(out, below);
            write_items(out, items, below);
        }
        Node::Map(fields) => {
            out.push('\n');
            indent(out, below);
            write_fields(out, fields, below);
        }
        Node::Text(text) if is_literal(text) => {
            out.push(' ');
            write_literal(out, text, below, STEP);
            out.push('\n');
        }
        scalar => {
            out.push(' ');
            write_scalar(out, scalar, false);
            out.push('\n');
        }
    }
}

fn is_single(fields: &[(Cow<'_, str>, Node<'_>)]) -> bool {
    match fields {
        [(_, Node::Text(text))] => !is_literal(text),
        [(_, Node::Bare(_))] => true,
        _ => false,
    }
}

fn indent(out: &mut String, column: usize) {
    out.extend(std::iter::repeat_n(' ', column));
}

fn write_scalar(out: &mut String, value: &Node<'_>, flow: bool) {
    match value {
        Node::Bare(word) => out.push_str(word),
        Node::Text(text) => write_text(out, text, flow),
        // Lists and maps never come here: see `write_value` and `flow`.
        _ => out.push_str("null"),
    }
}

/// Writes `value` in flow style where it is a list or a map that fits the line, and reads well
/// so; else leaves `out` as it was and says no. Text that is a scalar by itself is left to the
/// caller, since it need not fit.
fn write_flow(out: &mut String, value: &Node<'_>) -> bool {
    let inner = match value {
        Node::Tagged(_, inner) => inner.as_ref(),
        other => other,
    };
    if !matches!(inner, Node::List(_) | Node::Map(_)) {
        return false;
    }
    let line = out.rfind('\n').map_or(0, |at| at + 1);
    let start = out.len();
    let limit = if inner.is_empty() {
        usize::MAX
    } else {
        (line + WIDTH).max(start + LEAST_WIDTH)
    };
    if flow(out, value, limit) {
        return true;
    }
    out.truncate(start);
    false
}

/// Appends `value` in flow style; stops with `false` once `out` is longer than `limit`.
fn flow(out: &mut String, value: &Node<'_>, limit: usize) -> bool {
    match value {
        Node::Block(inner) => inner.is_empty() && flow(out, inner, limit),
        Node::Tagged(tag, inner) => {
            out.push('!');
            out.push_str(tag);
            out.push(' ');
            flow(out, inner, limit)
        }
        Node::Text(text) if text.len() > WIDTH || is_literal(text) => false,
        Node::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                if !flow(out, item, limit) {
                    return false;
                }
            }
            out.push(']');
            out.len() <= limit
        }
        Node::Map(fields) => {
            out.push('{');
            for (i, (key, value)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_text(out, key, true);
                out.push_str(": ");
                if !flow(out, value, limit) {
                    return false;
                }
            }
            out.push('}');
            out.len() <= limit
        }
        scalar => {
            write_scalar(out, scalar, true);
            out.len() <= limit
        }
    }
}
