//! What is wrong in a file, for whoever edited it.

use std::fmt;
use std::path::{Path, PathBuf};

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
    /// The line's text, cut, and without values that look like secrets.
    pub excerpt: Option<String>,
}

impl Diagnostic {
    /// An error in a file with these bytes.
    pub(crate) fn new(file: &Path, problem: Problem, bytes: &[u8]) -> Self {
        let excerpt = problem
            .line
            .checked_sub(1)
            .and_then(|index| bytes.split(|b| *b == b'\n').nth(index))
            .map(|line| String::from_utf8_lossy(line).into_owned());
        Diagnostic {
            file: file.to_owned(),
            line: problem.line,
            column: problem.column,
            severity: Severity::Error,
            message: problem.message,
            expected: problem.expected,
            hint: problem.hint,
            excerpt,
        }
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: message, expected …; hint: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, ", expected {expected}")?;
        }
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
        self.diagnostics.iter().map(|d| format!("{d}\n")).collect()
    }

    /// The report as one JSON document.
    pub fn to_json(&self) -> String {
        String::new()
    }
}
