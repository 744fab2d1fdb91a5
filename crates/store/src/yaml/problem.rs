//! What is wrong at a place in a text, in words for whoever edited it.

use std::fmt::Display;

use serde::de;

/// What is wrong at a place in a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Problem {
    /// The line, from 1; 0 where it is the text as a whole.
    pub(crate) line: usize,
    /// The column in characters, from 1; 0 where it is the line as a whole.
    pub(crate) column: usize,
    /// What was found.
    pub(crate) message: String,
    /// What was expected.
    pub(crate) expected: Option<String>,
    /// The next step.
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// A problem of the text as a whole.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Problem {
            message: message.into(),
            ..Problem::default()
        }
    }

    /// The same, at that line and column.
    pub(crate) fn at(mut self, line: usize, column: usize) -> Self {
        (self.line, self.column) = (line, column);
        self
    }

    /// The same, with what was expected.
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// The same, with the next step.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Separates the parts of an error that [`custom`] made. It cannot stand in a YAML text.
const PART: char = '\u{1}';

/// An error with all its parts, which [`Problem::from`] takes apart again.
pub(crate) fn custom<E: de::Error>(
    message: impl Display,
    expected: &str,
    hint: Option<String>,
) -> E {
    let hint = hint.unwrap_or_default();
    E::custom(format_args!(
        "{PART}{message}{PART}{expected}{PART}{hint}{PART}"
    ))
}

impl From<serde_yaml::Error> for Problem {
    fn from(error: serde_yaml::Error) -> Self {
        let (line, column) = match error.location() {
            Some(at) => (at.line(), at.column()),
            None => (0, 0),
        };
        explain(&error.to_string()).at(line, column)
    }
}

/// Takes apart what serde and the YAML library say. What they echo of the file is cut: it may
/// be long, and it may be a secret.
fn explain(text: &str) -> Problem {
    if let Some((_, parts)) = text.split_once(PART) {
        let mut parts = parts.split(PART).map(str::to_owned);
        let mut next = || parts.next().filter(|part| !part.is_empty());
        return Problem {
            message: next().unwrap_or_default(),
            expected: next(),
            hint: next(),
            ..Problem::default()
        };
    }
    let text = text
        .rfind(" at line ")
        .and_then(|at| text.get(..at))
        .unwrap_or(text);
    if let Some((_, rest)) = text.split_once("unknown field `") {
        let (key, known) = rest.split_once('`').unwrap_or((rest, ""));
        return unknown_key(key, &backticked(known));
    }
    if let Some((_, rest)) = text.split_once("unknown variant `") {
        let (word, known) = rest.split_once('`').unwrap_or((rest, ""));
        let known = backticked(known);
        let problem =
            Problem::new(format!("unknown word `{}`", cut(word))).expected(one_of(&known));
        return with_nearest(problem, word, &known);
    }
    if let Some((_, rest)) = text.split_once("missing field `") {
        let key = rest.trim_end_matches('`');
        return Problem::new(format!("`{key}` is missing here"))
            .hint(format!("add the key `{key}`"));
    }
    if let Some((_, rest)) = text.split_once("duplicate field `") {
        let key = rest.trim_end_matches('`');
        return Problem::new(format!("`{key}` stands here twice")).hint("remove one of the two");
    }
    for start in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((_, rest)) = text.split_once(start)
            && let Some((found, expected)) = rest.rsplit_once(", expected ")
        {
            return Problem::new(found_words(found)).expected(expected_words(expected));
        }
    }
    Problem::new(format!("not YAML: {}", cut(text)))
        .hint("check the indentation and the quotes of this line and the one before")
}

/// An unknown key, and the known one that was probably meant.
pub(crate) fn unknown_key(key: &str, known: &[&str]) -> Problem {
    let problem = Problem::new(format!("unknown key `{}`", cut(key))).expected(one_of(known));
    with_nearest(problem, key, known)
}

fn with_nearest(problem: Problem, word: &str, known: &[&str]) -> Problem {
    match nearest(word, known) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem,
    }
}

/// The known word that is most like `word`, where one is like it.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let score = |k: &&str| strsim::jaro_winkler(&word.to_lowercase(), k);
    let best = known.iter().copied().max_by(|a, b| {
        let (a, b) = (score(a), score(b));
        a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
    })?;
    (score(&best) > 0.75).then_some(best)
}

fn one_of(known: &[&str]) -> String {
    match known {
        [] => "no key".to_owned(),
        [one] => format!("`{one}`"),
        many => format!("one of `{}`", many.join("`, `")),
    }
}

/// The words between backticks.
fn backticked(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// `string "abc"`, `integer `1``, `map`, … in words, the value cut.
fn found_words(found: &str) -> String {
    let quoted = |text: &str, q| {
        text.split_once(q)
            .map_or_else(String::new, |(_, v)| cut(v.trim_end_matches(q)))
    };
    let number = found.starts_with("integer") || found.starts_with("floating");
    if found.starts_with("string") {
        format!("the text `{}` stands here", quoted(found, '"'))
    } else if number || found.starts_with("boolean") {
        format!("`{}` stands here", quoted(found, '`'))
    } else if found.starts_with("map") {
        "a map stands here".to_owned()
    } else if found.starts_with("sequence") {
        "a list stands here".to_owned()
    } else if found.starts_with("unit") || found.starts_with("Option") {
        "nothing stands here".to_owned()
    } else if found.starts_with("enum") {
        "a tagged value stands here".to_owned()
    } else {
        cut(found)
    }
}

/// What serde expected, in the words of the format.
fn expected_words(expected: &str) -> String {
    match expected {
        "a string" | "str" => "text".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a map".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "f64" => "a number".to_owned(),
        other if other.starts_with("struct ") => "a map".to_owned(),
        other => other.to_owned(),
    }
}

/// The beginning of `text`, so that an error says where to look and no more.
pub(crate) fn cut(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}
