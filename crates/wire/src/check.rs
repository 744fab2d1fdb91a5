//! Trees that somebody may have written by hand, checked field by field.
//!
//! While all is well nothing is built: a place is a chain of steps on the stack, and becomes a path
//! only where something is wrong.

use retake_model::{Fault, Part, Path, Value};

/// The most faults that are told of one exchange.
const MOST: usize = 50;

/// A place in a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    part: Part,
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

/// What is wrong in an exchange.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

/// A field that a map may have, and how its value is checked.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) check: Check,
}

/// Checks the value at a place. What may be written in several ways is put into the form that a
/// tap gives it.
pub(crate) type Check = fn(&mut Value, At<'_>, &mut Faults);

pub(crate) const fn known(name: &'static str, check: Check) -> Known {
    Known { name, check }
}

impl<'a> At<'a> {
    /// The root of a message.
    pub(crate) fn root(part: Part) -> At<'static> {
        At {
            part,
            above: None,
            step: Step::Root,
        }
    }

    /// The field of that name.
    pub(crate) fn key(&'a self, name: &'a str) -> At<'a> {
        self.then(Step::Key(name))
    }

    /// The element of that number.
    pub(crate) fn index(&'a self, number: usize) -> At<'a> {
        self.then(Step::Index(number))
    }

    fn then(&'a self, step: Step<'a>) -> At<'a> {
        At {
            part: self.part,
            above: Some(self),
            step,
        }
    }

    fn path(&self) -> Path {
        let above = self.above.map(At::path).unwrap_or_default();
        match self.step {
            Step::Root => above,
            Step::Key(name) => above.key(name),
            Step::Index(number) => above.index(number),
        }
    }
}

impl Faults {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// What was found.
    pub(crate) fn found(self) -> Vec<Fault> {
        self.0
    }

    /// Something is wrong with the value at a place.
    pub(crate) fn add(&mut self, at: At<'_>, found: String, expected: &str, hint: &str) {
        self.push(at, found, expected, hint, Vec::new());
    }

    /// Another value stands at a place than what was expected there.
    pub(crate) fn wrong(&mut self, at: At<'_>, value: &Value, expected: &str, hint: &str) {
        self.add(at, shown(value), expected, hint);
    }

    /// The same, of something that can be used still.
    pub(crate) fn odd(&mut self, at: At<'_>, found: String, expected: &str, hint: &str) {
        self.add(at, found, expected, hint);
        if let Some(last) = self.0.last_mut() {
            last.usable = true;
        }
    }

    /// Another word than the known ones stands at a place. Without a word for all of them each is
    /// told.
    pub(crate) fn word(
        &mut self,
        at: At<'_>,
        found: String,
        expected: &str,
        known: Vec<&'static str>,
    ) {
        self.push(at, found, expected, "", known);
    }

    /// Another key than the known ones.
    pub(crate) fn unknown_name(&mut self, at: At<'_>, name: &str, known: Vec<&'static str>) {
        self.word(at, format!("unknown key `{}`", cut(name)), "", known);
        if let Some(last) = self.0.last_mut() {
            last.of_name = true;
        }
    }

    /// Something is wrong with a name.
    pub(crate) fn name(&mut self, at: At<'_>, found: String, expected: &str, hint: &str) {
        self.add(at, found, expected, hint);
        if let Some(last) = self.0.last_mut() {
            last.of_name = true;
        }
    }

    fn push(
        &mut self,
        at: At<'_>,
        found: String,
        expected: &str,
        hint: &str,
        known: Vec<&'static str>,
    ) {
        if self.0.len() < MOST {
            self.0.push(Fault {
                part: at.part,
                at: at.path(),
                of_name: false,
                found,
                expected: expected.to_owned(),
                hint: hint.to_owned(),
                known,
                usable: false,
            });
        }
    }
}

/// Checks the fields of a map: each is one of the known ones, and stands once. False where it is no
/// map, or a field is unknown: then what seems to be missing may be there, misspelt.
pub(crate) fn fields(
    value: &mut Value,
    at: At<'_>,
    all: &[&'static [Known]],
    what: &str,
    faults: &mut Faults,
) -> bool {
    let Value::Map(fields) = value else {
        faults.wrong(at, value, what, "write each field as `name: value`");
        return false;
    };
    let mut all_known = true;
    for number in 0..fields.len() {
        let (before, rest) = fields.split_at_mut(number);
        let Some((name, value)) = rest.first_mut() else {
            break;
        };
        let here = at.key(name);
        if before.iter().any(|(other, _)| other == name) {
            let found = format!("the key `{}` stands twice", cut(name));
            faults.name(here, found, "each key once", "remove one of the two");
            continue;
        }
        let mut known = all.iter().copied().flatten();
        match known.find(|known| known.name == name) {
            Some(known) => (known.check)(value, here, faults),
            None => {
                let known = all.iter().copied().flatten();
                let known = known.map(|known| known.name).collect();
                faults.unknown_name(here, name, known);
                all_known = false;
            }
        }
    }
    all_known
}

/// Says that a map lacks a field.
pub(crate) fn missing(at: At<'_>, name: &str, what: &str, faults: &mut Faults) {
    let hint = format!("add `{name}: {what}`");
    faults.add(at, format!("`{name}` is missing here"), "", &hint);
}

/// A list whose elements are checked one by one.
pub(crate) fn list(
    value: &mut Value,
    at: At<'_>,
    what: &str,
    hint: &str,
    faults: &mut Faults,
    mut each: impl FnMut(&mut Value, At<'_>, &mut Faults),
) {
    let Value::List(items) = value else {
        return faults.wrong(at, value, what, hint);
    };
    for (number, item) in items.iter_mut().enumerate() {
        each(item, at.index(number), faults);
    }
}

/// `true`, and nothing else.
pub(crate) fn only_true(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    if *value != Value::Bool(true) {
        faults.wrong(at, value, "`true`", "leave it out where it does not apply");
    }
}

/// Text or bytes; numbers and truth values become text.
pub(crate) fn octets(value: &mut Value, at: At<'_>, faults: &mut Faults) {
    settle(value);
    if !matches!(value, Value::String(_) | Value::Bytes(_)) {
        let hint = match value {
            Value::Null => "write `\"\"` where it is empty",
            _ => "write one text",
        };
        faults.wrong(at, value, "text", hint);
    }
}

/// Puts a number or a truth value that stands where text is meant into text: a hand leaves the
/// quotes out.
pub(crate) fn settle(value: &mut Value) {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return,
    };
    *value = Value::String(text);
}

/// What stands somewhere, in words.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing stands here".to_owned(),
        Value::Bool(truth) => format!("`{truth}` stands here"),
        Value::Number(number) => format!("`{}` stands here", cut(number.as_str())),
        Value::String(text) if text.is_empty() => "an empty text stands here".to_owned(),
        Value::String(text) => format!("the text `{}` stands here", cut(text)),
        Value::Bytes(_) => "bytes stand here".to_owned(),
        Value::List(_) => "a list stands here".to_owned(),
        Value::Map(_) => "a map stands here".to_owned(),
    }
}

/// The beginning of a text, on one line: it may be long, and it may be a secret.
pub(crate) fn cut(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut chars = text.chars();
    let mut short: String = chars
        .by_ref()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
