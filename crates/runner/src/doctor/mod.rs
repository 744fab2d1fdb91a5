//! What this machine allows, what is chosen because of it, and what to do for more.
//!
//! Nothing is changed: what would have to be written is only asked whether it may be.

mod capture;
mod limits;
mod machine;
mod time;
mod trust;

use std::path::PathBuf;

use retake_intercept::capture::{Outbound, examine};

/// Where something stands in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// What a recording and a replay do here.
    Chosen,
    /// The system itself.
    Machine,
    /// What capture is made of.
    Capture,
    /// The recorded time.
    Time,
    /// Whom clients trust.
    Trust,
    /// How much of it there may be.
    Limits,
}

impl Topic {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Topic; 6] = [
        Topic::Chosen,
        Topic::Machine,
        Topic::Capture,
        Topic::Time,
        Topic::Trust,
        Topic::Limits,
    ];

    /// Its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Chosen => "chosen",
            Topic::Machine => "machine",
            Topic::Capture => "capture",
            Topic::Time => "time",
            Topic::Trust => "trust",
            Topic::Limits => "limits",
        }
    }

    /// Its heading, for people.
    pub fn heading(self) -> &'static str {
        match self {
            Topic::Chosen => "What retake does here",
            Topic::Machine => "The machine",
            Topic::Capture => "What capture needs",
            Topic::Time => "Time",
            Topic::Trust => "TLS",
            Topic::Limits => "Limits",
        }
    }
}

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// It works, with less.
    Less,
    /// It is not to be had.
    No,
    /// Neither good nor bad.
    Fact,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Less => "less",
            State::No => "no",
            State::Fact => "",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands.
    pub topic: Topic,
    /// What was looked at.
    pub name: &'static str,
    /// How good it is.
    pub state: State,
    /// What was found.
    pub says: String,
    /// What to do for more.
    pub hint: Option<String>,
}

impl Finding {
    fn new(topic: Topic, name: &'static str, state: State, says: impl Into<String>) -> Self {
        Finding {
            topic,
            name,
            state,
            says: says.into(),
            hint: None,
        }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Finding {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// How much of the main job, `retake record -- <command>`, can be done here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All of it.
    Works,
    /// It works, but something has to be named by options.
    Partly,
    /// Connections are not captured, or nothing can be written.
    Not,
}

impl Verdict {
    /// Its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Works => "works",
            Verdict::Partly => "partly",
            Verdict::Not => "not",
        }
    }
}

/// What was found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// How much can be done.
    pub verdict: Verdict,
    /// The same in a sentence.
    pub summary: String,
    /// Everything that was found, topic by topic.
    pub findings: Vec<Finding>,
}

/// Looks at this machine. `state` is the folder of this installation's keys, where there is one;
/// `roots` are further files of roots. Takes some milliseconds.
pub fn diagnose(state: Option<PathBuf>, roots: &[PathBuf]) -> Diagnosis {
    let examined = examine();
    let surroundings = machine::Surroundings::look();
    let clock = time::Frozen::look(&examined.ability);
    let mut findings = machine::findings(&surroundings);
    findings.extend(capture::findings(&examined, &surroundings));
    findings.extend(time::findings(&clock));
    let (trust, writable) = trust::findings(state.as_deref(), roots);
    findings.extend(trust);
    let (limits, loopback) = limits::findings();
    findings.extend(limits);
    findings.extend(capture::chosen(&examined, &clock));
    findings.sort_by_key(|finding| finding.topic);

    let ability = &examined.ability;
    let (verdict, summary) = if !writable {
        (
            Verdict::Not,
            "nothing can be recorded: the folder of this installation's keys cannot be written",
        )
    } else if !loopback {
        (
            Verdict::Not,
            "nothing can be recorded: there is no loopback to listen on",
        )
    } else if ability.outbound == Outbound::Proxies {
        (
            Verdict::Not,
            "connections are not captured here: name the service with --listen and --upstream, its dependencies with --dep, --dep-env or --proxy",
        )
    } else if !ability.inbound() {
        (
            Verdict::Partly,
            "`retake record -- <command>` captures what the command connects to; name its own port with --listen and --upstream",
        )
    } else {
        (Verdict::Works, "`retake record -- <command>` works here")
    };
    Diagnosis {
        verdict,
        summary: summary.to_owned(),
        findings,
    }
}

#[cfg(test)]
mod tests;
