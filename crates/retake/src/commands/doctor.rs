//! `retake doctor`.

use std::fmt::Write;
use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use retake_runner::doctor::{Diagnosis, Finding, State, Topic, Verdict, diagnose};
use retake_runner::installation::state_folder;
use serde_json::json;

use super::Home;
use crate::cli::DoctorArgs;
use crate::failure::{Failure, SURROUNDINGS};
use crate::output;

/// How wide a line may be.
const WIDTH: usize = 80;
/// How wide the names are.
const NAME: usize = 20;
/// What stands before a hint.
const HINT: &str = "for more: ";

/// Says what this machine allows; gives 0 where connections are captured, 4 where they are not.
///
/// # Errors
/// The settings are not right.
pub fn doctor(home: &Home, args: &DoctorArgs) -> Result<u8, Failure> {
    let found = diagnose(state_folder(), &home.settings()?.tls.roots);
    if args.json {
        output::line(document(&found))?;
    } else {
        let signs = std::io::stdout().is_terminal();
        output::print(text(&found, signs))?;
    }
    Ok(match found.verdict {
        Verdict::Works | Verdict::Partly => 0,
        Verdict::Not => SURROUNDINGS,
    })
}

/// For programs.
fn document(found: &Diagnosis) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "topic": finding.topic.name(),
            "name": finding.name,
            "state": match finding.state {
                State::Fact => "fact",
                other => other.name(),
            },
            "says": finding.says,
            "hint": finding.hint,
        })
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "verdict": found.verdict.name(),
        "summary": found.summary,
        "findings": found.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// For people: `signs` for a terminal, words for a file.
fn text(found: &Diagnosis, signs: bool) -> String {
    let head = Style::new().bold();
    let mut out = String::new();
    for topic in Topic::ALL {
        let of_topic = found.findings.iter().filter(|f| f.topic == topic);
        let _ = writeln!(out, "{head}{}{head:#}", topic.heading());
        for finding in of_topic {
            line(&mut out, finding, signs);
        }
        let _ = writeln!(out);
    }
    let (style, _) = look(match found.verdict {
        Verdict::Works => State::Good,
        Verdict::Partly => State::Less,
        Verdict::Not => State::No,
    });
    let mut lines = wrapped(&found.summary, WIDTH).into_iter();
    let _ = writeln!(out, "{style}{}{style:#}", lines.next().unwrap_or_default());
    for rest in lines {
        let _ = writeln!(out, "{rest}");
    }
    out
}

fn line(out: &mut String, finding: &Finding, signs: bool) {
    let (style, sign) = look(finding.state);
    let (sign, width) = if signs {
        (sign, 1)
    } else {
        (finding.state.name(), 4)
    };
    let dim = Style::new().dimmed();
    let indent = 2 + width + 1 + NAME + 2;
    let mut says = wrapped(&finding.says, WIDTH - indent).into_iter();
    let (name, first) = (finding.name, says.next().unwrap_or_default());
    let _ = writeln!(
        out,
        "  {style}{sign:<width$}{style:#} {name:<NAME$}  {first}"
    );
    for rest in says {
        let _ = writeln!(out, "{:indent$}{rest}", "");
    }
    let hint = finding.hint.as_deref().unwrap_or_default();
    let lines = wrapped(hint, WIDTH - indent - HINT.len());
    for (n, rest) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        let label = if n == 0 { HINT } else { "" };
        let _ = writeln!(
            out,
            "{:indent$}{dim}{label:<width$}{dim:#}{rest}",
            "",
            width = HINT.len()
        );
    }
}

fn look(state: State) -> (Style, &'static str) {
    let color = |color: AnsiColor| color.on_default();
    match state {
        State::Good => (color(AnsiColor::Green), "✓"),
        State::Less => (color(AnsiColor::Yellow), "!"),
        State::No => (color(AnsiColor::Red).bold(), "✗"),
        State::Fact => (Style::new().dimmed(), "·"),
    }
}

/// The text in lines of at most that many characters, but for words that are longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if let Some(line) = lines.last_mut() {
            if line.is_empty() {
                line.push_str(word);
                continue;
            }
            if line.chars().count() + 1 + word.chars().count() <= width {
                line.push(' ');
                line.push_str(word);
                continue;
            }
        }
        lines.push(word.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Diagnosis {
        let finding = |topic, name, state, hint: Option<&str>| Finding {
            topic,
            name,
            state,
            says: "what was found here, in so many words that one line cannot hold them all"
                .to_owned(),
            hint: hint.map(str::to_owned),
        };
        Diagnosis {
            verdict: Verdict::Partly,
            summary: "it works in part".to_owned(),
            findings: vec![
                finding(Topic::Chosen, "outbound", State::Good, None),
                finding(Topic::Capture, "pidfd_getfd", State::Less, Some("do this")),
            ],
        }
    }

    #[test]
    fn a_pipe_gets_words_and_no_line_is_too_long() {
        let text = anstream::adapter::strip_str(&text(&example(), false)).to_string();
        assert!(
            text.contains("  ok   outbound              what was found here"),
            "{text}"
        );
        assert!(text.contains("  less pidfd_getfd "), "{text}");
        assert!(text.contains("for more: do this"), "{text}");
        assert!(!text.contains('✓'), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn programs_get_every_finding_with_its_state() {
        let document = document(&example());
        assert_eq!(document["verdict"], "partly");
        assert_eq!(document["findings"][1]["state"], "less");
        assert_eq!(document["findings"][1]["hint"], "do this");
        assert_eq!(document["findings"][0]["hint"], serde_json::Value::Null);
    }
}
