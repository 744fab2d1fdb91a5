//! Files that are of another kind than their name says, or were left in the middle of a merge.

use crate::yaml::Problem;

/// The kinds of files: the name by which they are asked for, what they are in words, keys at their
/// top that no other kind has, and where they belong.
const KINDS: &[(&str, &str, &[&str], &str)] = &[
    (
        "test",
        "a test",
        &["test", "request", "response"],
        "`tests/` of a set",
    ),
    (
        "set",
        "what is known of a set",
        &["recorded", "recorder", "dependencies", "ledger", "upstream"],
        "`set.yaml`",
    ),
    (
        "settings",
        "settings",
        &["record", "replay", "tls"],
        "`retake.yaml`",
    ),
    (
        "startup",
        "calls outside of tests",
        &["calls"],
        "`startup.yaml` of a set",
    ),
];

/// What is wrong with a text that could not be read as this kind of file, where that is something
/// else than the place at which reading it ended.
pub(crate) fn explain(problem: Problem, text: &str, kind: &str) -> Problem {
    if let Some(line) = conflict(text) {
        return Problem::new("a merge was left unresolved here")
            .at(line, 1)
            .expected("one of the two sides")
            .hint("keep one side, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`");
    }
    let is_misplaced = problem.message.starts_with("unknown key")
        || problem.message.contains("is missing here")
        || problem
            .message
            .starts_with("the file does not say its version");
    let found = KINDS.iter().find(|(_, _, keys, _)| has_key(text, keys));
    match (found, KINDS.iter().find(|(name, ..)| *name == kind)) {
        (Some((other, is, _, belongs)), Some((_, wanted, keys, _)))
            // Tests have calls, too.
            if *other != kind && is_misplaced && (kind == "startup" || !has_key(text, keys)) =>
        {
            Problem::new(format!("this file holds {is}"))
                .at(1, 1)
                .expected(*wanted)
                .hint(format!("move it to {belongs}"))
        }
        _ => problem,
    }
}

/// Whether one of the keys stands at the top of a text.
fn has_key(text: &str, keys: &[&str]) -> bool {
    let key = |line: &str| {
        line.split_once(':')
            .is_some_and(|(key, _)| keys.contains(&key))
    };
    text.lines().any(key)
}

/// The line at which an unresolved merge begins. Such a line stands in no text of YAML that can be
/// read: this is asked only where it could not be.
fn conflict(text: &str) -> Option<usize> {
    let mark = |line: &str, mark: &str| line.starts_with(mark);
    let begins = text.lines().position(|line| mark(line, "<<<<<<< "))?;
    let goes_on = text.lines().skip(begins).any(|line| mark(line, ">>>>>>> "));
    goes_on.then_some(begins + 1)
}
