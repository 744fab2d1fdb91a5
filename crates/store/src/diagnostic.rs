//! What is wrong in a file, for whoever edited it.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::yaml::Problem;

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It cannot be used as it is.
    Error,
    /// It can be used, and is probably not meant so.
    Warning,
}

impl Severity {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 where it is about the file as a whole.
    pub line: usize,
    /// The column in characters, from 1; 0 where it is about the line or the file as a whole.
    pub column: usize,
    /// How much it matters.
    pub severity: Severity,
    /// What was found there, as a lowercase fragment.
    pub message: String,
    /// What was expected there.
    pub expected: Option<String>,
    /// The next step.
    pub hint: Option<String>,
    /// The line.
    pub excerpt: Option<Excerpt>,
}

/// A line of a file, to be shown to a person: cut, and without what looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text, at most 100 characters.
    pub text: String,
    /// The character of `text`, from 0, at which the problem is.
    pub caret: usize,
}

impl Diagnostic {
    /// An error in a file with these bytes.
    pub(crate) fn new(file: &Path, problem: Problem, bytes: &[u8]) -> Self {
        let line = problem
            .line
            .checked_sub(1)
            .and_then(|index| bytes.split(|b| *b == b'\n').nth(index));
        let line = line.map(String::from_utf8_lossy);
        let mut message = problem.message;
        // What stands beside the name of a secret is not repeated.
        if line
            .as_deref()
            .is_some_and(|line| secret_at(line).is_some())
            && message.starts_with("the text `")
        {
            message = "a text stands here".to_owned();
        }
        Diagnostic {
            file: file.to_owned(),
            line: problem.line,
            column: problem.column,
            severity: Severity::Error,
            message,
            expected: problem.expected,
            hint: problem.hint,
            excerpt: line.map(|line| Excerpt::new(&line, problem.column)),
        }
    }

    /// The same as a warning.
    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// `file:line:column`, as far as it is known.
    fn place(&self) -> String {
        let mut place = self.file.display().to_string();
        for number in [self.line, self.column] {
            if number > 0 {
                let _ = write!(place, ":{number}");
            }
        }
        place
    }

    /// The message and what was expected.
    fn sentence(&self) -> String {
        match &self.expected {
            Some(expected) => format!("{}, expected {expected}", self.message),
            None => self.message.clone(),
        }
    }

    /// As a compiler prints it: the place and what is wrong, the line with a mark below it, and
    /// the hint.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{}: {}: {}\n",
            self.place(),
            self.severity.name(),
            self.sentence()
        );
        if let Some(excerpt) = &self.excerpt {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            let caret = " ".repeat(excerpt.caret);
            let _ = write!(text, " {margin} |\n {number} | {}\n", excerpt.text);
            if self.column > 0 {
                let _ = writeln!(text, " {margin} | {caret}^");
            }
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: message, expected …; hint: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.sentence())?;
        if let Some(hint) = &self.hint {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// What [`lint`](crate::lint()) found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LintReport {
    /// How many files were read.
    pub files: usize,
    /// What is wrong, by file, line and column.
    pub diagnostics: Vec<Diagnostic>,
}

impl LintReport {
    /// How many of the diagnostics are errors.
    pub fn errors(&self) -> usize {
        let is_error = |d: &&Diagnostic| d.severity == Severity::Error;
        self.diagnostics.iter().filter(is_error).count()
    }

    /// The report as a compiler would print it, ending in a line with the counts.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for diagnostic in &self.diagnostics {
            text.push_str(&diagnostic.to_text());
            text.push('\n');
        }
        let errors = self.errors();
        let _ = writeln!(
            text,
            "{}, {}, {}",
            count(self.files, "file"),
            count(errors, "error"),
            count(self.diagnostics.len() - errors, "warning"),
        );
        text
    }

    /// The report as one JSON document: `{files, errors, warnings, diagnostics: [{file, line,
    /// column, severity, message, expected, hint}]}`.
    pub fn to_json(&self) -> String {
        let errors = self.errors();
        let diagnostics = self.diagnostics.iter().map(|d| {
            json!({
                "file": d.file.to_string_lossy(),
                "line": d.line,
                "column": d.column,
                "severity": d.severity.name(),
                "message": d.message,
                "expected": d.expected,
                "hint": d.hint,
            })
        });
        let report = json!({
            "files": self.files,
            "errors": errors,
            "warnings": self.diagnostics.len() - errors,
            "diagnostics": diagnostics.collect::<Vec<_>>(),
        });
        format!("{report:#}\n")
    }
}

fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}

impl Excerpt {
    /// The longest text, in characters.
    const WIDTH: usize = 100;

    /// How much of the line is shown before the problem where the line is long, in characters.
    const BEFORE: usize = 40;

    fn new(line: &str, column: usize) -> Self {
        let shown = match secret_at(line) {
            Some(at) => format!("{}…", line.get(..at).unwrap_or_default()),
            None => line.to_owned(),
        };
        let visible = |c: char| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        };
        let chars: Vec<char> = shown.trim_end().chars().map(visible).collect();
        let caret = column.saturating_sub(1).min(chars.len());
        let skip = if chars.len() > Self::WIDTH {
            caret.saturating_sub(Self::BEFORE)
        } else {
            0
        };
        let rest = chars.get(skip..).unwrap_or_default();
        let mut text: String = rest.iter().take(Self::WIDTH - 1).collect();
        match rest.get(Self::WIDTH - 1..) {
            Some([last]) => text.push(*last),
            Some([_, ..]) => text.push('…'),
            _ => {}
        }
        Excerpt {
            text,
            caret: caret - skip,
        }
    }
}

/// The byte at which a value begins that is a secret by the name before it, or by the form of an
/// address with a password.
fn secret_at(line: &str) -> Option<usize> {
    const NAMES: &[&str] = &[
        "authorization",
        "cookie",
        "passw",
        "secret",
        "token",
        "api-key",
        "apikey",
        "api_key",
        "credential",
    ];
    let lower = line.to_ascii_lowercase();
    let after_name = NAMES.iter().filter_map(|name| {
        let name_at = lower.find(name)?;
        let colon = lower.get(name_at..)?.find(':')?;
        Some(name_at + colon + 1)
    });
    let password = lower.find("://").filter(|at| {
        let rest = lower.get(at + 3..).unwrap_or_default();
        let authority = rest.split(['/', ' ', '"']).next().unwrap_or_default();
        authority.contains('@')
    });
    after_name.chain(password.map(|at| at + 3)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(text: &str, line: usize, column: usize) -> Diagnostic {
        let problem = Problem::new("unknown key `qyt`").at(line, column);
        let problem = problem.expected("one of `qty`").hint("did you mean `qty`?");
        Diagnostic::new(Path::new("a/b.yaml"), problem, text.as_bytes())
    }

    #[test]
    fn a_diagnostic_is_printed_as_compilers_do() {
        let text = diagnostic("retake: v1\n  qyt: 2\n", 2, 3).to_text();
        let expected = "\
a/b.yaml:2:3: error: unknown key `qyt`, expected one of `qty`
   |
 2 |   qyt: 2
   |   ^
hint: did you mean `qty`?
";
        assert_eq!(text, expected);
    }

    #[test]
    fn long_lines_are_cut_around_the_problem() {
        let line = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let excerpt = diagnostic(&line, 1, 301).excerpt.expect("a line");
        assert_eq!(excerpt.text.chars().count(), Excerpt::WIDTH);
        assert_eq!(excerpt.text.chars().nth(excerpt.caret), Some('X'));
        assert!(excerpt.text.ends_with('…'));
    }

    #[test]
    fn secrets_are_not_repeated() {
        for (line, shown) in [
            ("  - Authorization: Bearer abc", "  - Authorization:…"),
            ("db_password: hunter2", "db_password:…"),
            ("url: postgres://me:hunter2@db/x", "url: postgres://…"),
            ("url: http://db/x", "url: http://db/x"),
        ] {
            let excerpt = diagnostic(line, 1, 1).excerpt.expect("a line");
            assert_eq!(excerpt.text, shown);
        }
        let problem = Problem::new("the text `hunter2` stands here").at(1, 11);
        let diagnostic = Diagnostic::new(Path::new("x"), problem, b"password: hunter2");
        assert!(!diagnostic.to_text().contains("hunter2"));
    }
}
