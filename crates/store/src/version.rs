//! Which version of the format a file has.

use crate::yaml::Problem;

/// A version of the format. Every one is read for ever; the last one is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FormatVersion {
    /// `retake: v1`
    V1,
}

impl FormatVersion {
    /// The version that is written.
    pub const LATEST: FormatVersion = FormatVersion::V1;

    /// As it stands in a file.
    pub fn name(self) -> &'static str {
        match self {
            FormatVersion::V1 => "v1",
        }
    }

    /// The version that the first key of `text` says.
    pub(crate) fn of(text: &str) -> Result<FormatVersion, Problem> {
        let missing = |line, column| {
            Problem::new("the file does not say its version first")
                .at(line, column)
                .expected("`retake: v1` as its first line")
                .hint("is this a file of retake?")
        };
        let lines = text.lines().enumerate();
        let mut lines = lines.filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && line != "---"
        });
        let Some((index, line)) = lines.next() else {
            return Err(Problem::new("the file is empty")
                .expected("`retake: v1` as its first line")
                .hint("take it from where the recording comes from, or record again"));
        };
        let line_number = index + 1;
        let Some(rest) = line.strip_prefix("retake:") else {
            return Err(missing(line_number, 1));
        };
        let word = rest.split(" #").next().unwrap_or_default().trim();
        let word = word.trim_matches(['"', '\'']);
        let column = "retake: ".len() + 1;
        match word.strip_prefix('v').and_then(|n| n.parse::<u32>().ok()) {
            Some(1) => Ok(FormatVersion::V1),
            Some(number) if number > 1 => Err(Problem::new(format!(
                "the file was written by a newer retake (`v{number}`)"
            ))
            .at(line_number, column)
            .expected("`v1`")
            .hint("install a newer retake")),
            _ => Err(Problem::new("this is no version of the format")
                .at(line_number, column)
                .expected("`v1`")
                .hint("write `retake: v1`")),
        }
    }
}
