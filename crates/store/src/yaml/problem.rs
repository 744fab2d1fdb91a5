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
    if text.starts_with("found character that cannot start") {
        return Problem::new("a character stands here that begins nothing in YAML")
            .expected("a key or a value")
            .hint(
                "indent by spaces, not by tabs; quote text that begins with `@`, `%` or a backtick",
            );
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
            let problem = Problem::new(found_words(found)).expected(expected_words(expected));
            return problem.hint(hint_for(expected));
        }
    }
    // Where it is was told already.
    let what = text.split(" at line ").next().unwrap_or(text);
    let what = what.trim_start_matches("request: ");
    Problem::new(format!("not YAML: {}", cut_to(what, 80)))
        .hint("check the indentation and the quotes of this line and the one before")
}

/// An unknown key, and the known one that was probably meant.
pub(crate) fn unknown_key(key: &str, known: &[&str]) -> Problem {
    let problem = Problem::new(format!("unknown key `{}`", cut(key))).expected(one_of(known));
    with_nearest(problem, key, known)
}

fn with_nearest(problem: Problem, word: &str, known: &[&str]) -> Problem {
    problem.hint(did_you_mean(word, known))
}

/// The hint for a word that is none of the known ones.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "correct it, or remove it; docs/format.md says what each means".to_owned(),
    }
}

/// The known word that is most like `word`, where one is like it.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // One letter more, less, another, or at another place.
    let is_near = |k: &&&str| word.len() > 1 && strsim::osa_distance(word, k) == 1;
    if let Some(near) = known.iter().find(is_near) {
        return Some(near);
    }
    let score = |k: &&str| strsim::jaro_winkler(&word.to_lowercase(), k);
    let best = known.iter().copied().max_by(|a, b| {
        let (a, b) = (score(a), score(b));
        a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
    })?;
    (score(&best) > 0.75).then_some(best)
}

/// One of these words.
pub(crate) fn one_of(known: &[&str]) -> String {
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
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u8" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "f64" => "a number".to_owned(),
        "a tuple of size 2" => "a pair: `[key, value]`".to_owned(),
        other if other.starts_with("struct ") => "a map".to_owned(),
        other => other.to_owned(),
    }
}

/// How to write what serde expected.
fn hint_for(expected: &str) -> &'static str {
    match expected {
        "a string" | "str" => "write one text; in quotes where YAML reads it otherwise",
        "a boolean" => "write the word without quotes, or leave the key out",
        "a sequence" => "write `- ` before each element, or all of them in brackets",
        "u8" | "u16" | "u32" | "u64" | "usize" => "write digits alone, such as 3",
        "f64" => "write digits, such as 0.01",
        "a tuple of size 2" => "write each as `[key, value]`",
        other if other.starts_with("a duration") => {
            "write a number and its unit without a space: `ns`, `us`, `ms`, `s`, `m` or `h`"
        }
        other if other.starts_with("a moment") => "write it in UTC, with `Z` at its end",
        _ => "write each field as `name: value`",
    }
}

/// The beginning of `text`, so that an error says where to look and no more.
pub(crate) fn cut(text: &str) -> String {
    cut_to(text, 40)
}

fn cut_to(text: &str, longest: usize) -> String {
    let mut short: String = text
        .chars()
        .take(longest)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(longest).is_some() {
        short.push('…');
    }
    short
}
