//! What differences at several places have in common where one change explains them.

use retake_model::{DiffKind, Difference, Path, Place, Segment, Value};

use super::edit::{Edit, column, of_path, of_statement};
use super::group::Group;
use super::rewritten::Rewritten;
use super::title::{renamed, short, two, wrapped};
use crate::diff::{general_place, general_text};
use crate::matching::{Effect, Step};
use crate::sql::Statement;

/// What the parts of a cause have in common: what has it is one change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Transactions of a dependency are no longer made, or are made now.
    Frames {
        to: String,
        of: Frame,
        kind: DiffKind,
    },
    /// Values say the same, and are written otherwise.
    Rewritten(Rewritten),
    /// Statements, or addresses, were changed in the same way.
    Edited { to: String, edits: Vec<Edit> },
    /// A column of that name came into statements, or went.
    Column {
        to: String,
        name: String,
        came: bool,
    },
    /// A field of that name came, went, or has another type.
    Field {
        of: Of,
        change: Change,
        name: String,
        values: (String, String),
    },
    /// A header of that name came, went, or has another value.
    Header {
        of: Of,
        change: Change,
        name: String,
    },
    /// A header came with that value, or has it in place of another one.
    HeaderValue { of: Of, name: String, value: String },
    /// A value of several statements or calls is another one, the same in all: a setting.
    Setting { to: String, values: [String; 2] },
    /// The same place of a statement has another value.
    Asked { place: String },
}

/// Whose a field or a header is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Of {
    Response,
    Calls,
}

impl Of {
    fn told(&self) -> &'static str {
        match self {
            Of::Response => "response",
            Of::Calls => "calls",
        }
    }
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Change {
    Added,
    Removed,
    Type,
    Value,
}

/// What a statement that begins or ends something is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Frame {
    Transaction,
    Savepoint,
}

impl Frame {
    fn told(self) -> &'static str {
        match self {
            Frame::Transaction => "transactions",
            Frame::Savepoint => "savepoints",
        }
    }

    fn of(statement: &str) -> Option<Self> {
        match Step::of(statement) {
            _ if Statement::read(statement).effect != Effect::Transaction => None,
            Step::Begins | Step::Ends => Some(Frame::Transaction),
            Step::Within => Some(Frame::Savepoint),
        }
    }
}

impl Key {
    /// Whether what has the one and what has the other have that in common: savepoints that are
    /// lost with their transactions are.
    pub(super) fn is_like(&self, other: &Key) -> bool {
        match (self, other) {
            (
                Key::Frames { to, kind, .. },
                Key::Frames {
                    to: other_to,
                    kind: other_kind,
                    ..
                },
            ) => (to, kind) == (other_to, other_kind),
            _ => self == other,
        }
    }

    /// Whether these are the frames of transactions, or savepoints.
    pub(super) fn frame(&self) -> Option<Frame> {
        match self {
            Key::Frames { of, .. } => Some(*of),
            _ => None,
        }
    }

    /// What the parts have in common, in one line; `parts` is how many there are.
    pub(super) fn title(&self, members: &[&Group<'_>]) -> Option<String> {
        let first = members.first()?;
        let example = first.example;
        let mut distinct: Vec<String> = members
            .iter()
            .map(|group| general_place(&group.example.place))
            .collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() == 1 && matches!(self, Key::Rewritten(_) | Key::Field { .. }) {
            return Some(first.title());
        }
        let places = format!("at {} places", distinct.len());
        let (a, b) = (example.baseline.as_ref(), example.candidate.as_ref());
        Some(match self {
            Key::Frames { to, of, kind } => frames(to, *of, *kind, members),
            Key::Rewritten(how) => {
                format!("response: {} {places} ({}, …)", how.told(), two(a, b))
            }
            Key::Edited { to, edits } => {
                let told: Vec<String> = edits.iter().map(Edit::told).collect();
                let (number, told) = (members.len(), told.join(", "));
                format!(
                    "{to}: {number} requests changed alike: {told}, which no recorded answer fits"
                )
            }
            Key::Column { to, name, came } => {
                let (number, done) = (members.len(), if *came { "added" } else { "removed" });
                format!(
                    "{to}: {number} requests with `{name}` {done}, which no recorded answer fits"
                )
            }
            Key::Field {
                of, change, name, ..
            } => {
                let (of, values) = (of.told(), two(a, b));
                match change {
                    Change::Added => format!("{of}: `{name}` added {places} ({})", short(b)),
                    Change::Removed => format!("{of}: `{name}` removed {places} ({})", short(a)),
                    Change::Type => {
                        let name_of =
                            |value: Option<&Value>| value.map_or("nothing", Value::type_name);
                        let (was, is) = (name_of(a), name_of(b));
                        format!("{of}: `{name}`: {was} became {is} {places} ({values})")
                    }
                    Change::Value => format!("{of}: `{name}`: {values} {places}"),
                }
            }
            Key::Setting { to, .. } => {
                let (number, values) = (members.len(), two(a, b));
                let unanswered = match example.kind {
                    DiffKind::CallUnknown => ", which no recorded answer fits",
                    _ => "",
                };
                format!("{to}: {values} in {number} requests{unanswered}")
            }
            Key::Header { .. } | Key::HeaderValue { .. } | Key::Asked { .. } => return None,
        })
    }
}

/// `db: transactions are no longer begun (BEGIN, COMMIT no longer called)`
fn frames(to: &str, of: Frame, kind: DiffKind, members: &[&Group<'_>]) -> String {
    let statement = |group: &&Group<'_>| match &group.example.place {
        Place::Call { summary, .. } => general_text(summary),
        _ => String::new(),
    };
    let mut statements: Vec<String> = members.iter().map(statement).collect();
    statements.sort_by_key(|statement| Step::of(statement) != Step::Begins);
    statements.dedup();
    let begins = statements.iter().any(|s| Step::of(s) == Step::Begins);
    let done = match (of, begins) {
        (Frame::Savepoint, _) => "set",
        (Frame::Transaction, true) => "begun",
        (Frame::Transaction, false) => "ended",
    };
    let (what, list) = (of.told(), statements.join(", "));
    match kind {
        DiffKind::CallMissing => {
            format!("{to}: {what} are no longer {done} ({list}: no longer called)")
        }
        _ => format!("{to}: {what} are {done} that were not ({list}: called more often)"),
    }
}

/// What a group has in common with others, the most telling first.
pub(super) fn keys(group: &Group<'_>) -> Vec<Key> {
    let example = group.example;
    if example.follows || renamed(example).is_some() || wrapped(example).is_some() {
        return Vec::new();
    }
    match &example.place {
        Place::Response(path) => of_response(group, path),
        Place::Call {
            to, summary, path, ..
        } => of_call(group, to, summary, path),
        Place::Service => Vec::new(),
    }
}

fn of_response(group: &Group<'_>, path: &Path) -> Vec<Key> {
    let example = group.example;
    if let Some(name) = header(path) {
        return of_header(Of::Response, name, example);
    }
    let mut keys = Vec::new();
    keys.extend(group.rewritten.clone().map(Key::Rewritten));
    let change = change(example);
    if let (Some(name), Some(change)) = (field(path), change)
        && (change != Change::Value || is_fixed(example))
    {
        keys.push(of_field(Of::Response, name, change, example));
    }
    keys
}

fn of_call(group: &Group<'_>, to: &str, summary: &str, path: &Path) -> Vec<Key> {
    let example = group.example;
    if let Some(name) = header(path) {
        return of_header(Of::Calls, name, example);
    }
    match example.kind {
        DiffKind::CallMissing | DiffKind::CallExtra => {
            let of = Frame::of(summary);
            let frames = |of| Key::Frames {
                to: to.to_owned(),
                of,
                kind: example.kind,
            };
            of.map(frames).into_iter().collect()
        }
        DiffKind::CallUnknown if !path.0.is_empty() => {
            let mut keys = Vec::new();
            if let (Some(Value::String(a)), Some(Value::String(b))) =
                (&example.baseline, &example.candidate)
            {
                let edits = match path.0.as_slice() {
                    [Segment::Key(name)] if name == "sql" => of_statement(a, b),
                    [Segment::Key(name)] if name == "path" => of_path(a, b),
                    _ => None,
                };
                let to = to.to_owned();
                let column = edits.as_deref().and_then(column);
                let column = column.map(|(name, came)| Key::Column {
                    to: to.clone(),
                    name,
                    came,
                });
                keys.extend(edits.map(|edits| Key::Edited { to, edits }));
                keys.extend(column);
            }
            keys.extend(setting(group, to, path));
            let change = change(example);
            if let (Some(name), Some(change)) = (field(path), change)
                && change != Change::Value
            {
                keys.push(of_field(Of::Calls, name, change, example));
            }
            keys.push(Key::Asked {
                place: general_place(&example.place),
            });
            keys
        }
        DiffKind::Changed => setting(group, to, path).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The value that a place of a call had and the one that it has now, where it is the same in all
/// tests. One digit may be so by chance.
fn setting(group: &Group<'_>, to: &str, path: &Path) -> Option<Key> {
    let is_whole =
        matches!(path.0.as_slice(), [Segment::Key(name)] if name == "sql" || name == "path");
    let told = |value: Option<&Value>| match value? {
        Value::Number(number) => Some(number.as_str().to_owned()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let example = group.example;
    let values = [example.baseline.as_ref(), example.candidate.as_ref()].map(told);
    let [Some(a), Some(b)] = values else {
        return None;
    };
    let tells = |text: &str| text.chars().nth(1).is_some();
    let is_one = !is_whole && !group.varies() && tells(&a) && tells(&b);
    is_one.then(|| Key::Setting {
        to: to.to_owned(),
        values: [a, b],
    })
}

fn of_field(of: Of, name: &str, change: Change, example: &Difference) -> Key {
    let (a, b) = (example.baseline.as_ref(), example.candidate.as_ref());
    let kind = |value: Option<&Value>| value.map(Value::type_name).unwrap_or_default();
    let word = |value: Option<&Value>| match change {
        Change::Value => short(value),
        // Whatever the values are.
        _ => kind(value).to_owned(),
    };
    Key::Field {
        of,
        change,
        name: name.to_owned(),
        values: (word(a), word(b)),
    }
}

fn of_header(of: Of, name: &str, example: &Difference) -> Vec<Key> {
    let Some(change) = change(example) else {
        return Vec::new();
    };
    let (name, value) = (name.to_owned(), example.candidate.as_ref());
    let valued = value.and_then(Value::as_str).map(|value| Key::HeaderValue {
        of: of.clone(),
        name: name.clone(),
        value: value.to_owned(),
    });
    // In responses headers of all routes have one fingerprint already.
    let by_name = (of == Of::Calls).then_some(Key::Header { of, change, name });
    valued.into_iter().chain(by_name).collect()
}

/// What happened at a place, where that is something that has a value.
fn change(example: &Difference) -> Option<Change> {
    let sides = (example.baseline.is_some(), example.candidate.is_some());
    match (example.kind, sides) {
        (DiffKind::TypeChanged, _) => Some(Change::Type),
        (DiffKind::Added, _) | (DiffKind::CallUnknown, (false, true)) => Some(Change::Added),
        (DiffKind::Removed, _) | (DiffKind::CallUnknown, (true, false)) => Some(Change::Removed),
        (DiffKind::Changed | DiffKind::CallUnknown, (true, true)) => Some(Change::Value),
        _ => None,
    }
}

/// Whether a changed value is a word of the program on both sides: that it is the same change
/// elsewhere is no chance.
fn is_fixed(example: &Difference) -> bool {
    let is = |value: Option<&Value>| match value {
        Some(Value::Bool(_) | Value::Null) => true,
        Some(Value::String(text)) => crate::diff::is_word(text),
        _ => false,
    };
    is(example.baseline.as_ref()) && is(example.candidate.as_ref())
}

/// The name of a field of a body.
fn field(path: &Path) -> Option<&str> {
    match path.0.as_slice() {
        [Segment::Key(body), .., _, Segment::Key(name)] if body == "body" => Some(name),
        [Segment::Key(path), Segment::Key(query), Segment::Key(name)]
            if path == "path" && query == "query" =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// The name of a header.
pub(super) fn header(path: &Path) -> Option<&str> {
    match path.0.as_slice() {
        [Segment::Key(headers), Segment::Key(name), ..] if headers == "headers" => Some(name),
        _ => None,
    }
}
