//! An outbound request of the candidate, and what it is answered.

use std::sync::Arc;

use crate::{ConnId, Path, ProtocolId, TestId, Timestamp, TraceId, Value};

/// An outbound request of the candidate.
#[derive(Debug, Clone)]
pub struct Call {
    /// The dependency.
    pub to: Arc<str>,
    /// The protocol.
    pub protocol: ProtocolId,
    /// The connection.
    pub conn: ConnId,
    /// When its last byte was read.
    pub at: Timestamp,
    /// The trace that it says it belongs to.
    pub trace: Option<TraceId>,
    /// What is asked.
    pub request: Value,
}

/// What a mock server answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The recorded answer, with the candidate's values in place of the recorded ones.
    Serve(Arc<Value>),
    /// No mock answers this request. The protocol says so in its own way.
    Miss(Box<Miss>),
}

/// An outbound request that no mock answers, explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// The test during which it was asked, where one was open.
    pub test: Option<TestId>,
    /// The dependency.
    pub to: Arc<str>,
    /// The request in one line.
    pub summary: String,
    /// The recorded request that is most like it.
    pub nearest: Option<Nearest>,
}

impl Miss {
    /// The explanation in one sentence, as it stands in the protocol's own error.
    pub fn explain(&self) -> String {
        let mut text = format!(
            "retake: no recorded answer of {} for {}",
            self.to, self.summary
        );
        if let Some(nearest) = &self.nearest {
            text.push_str("; the nearest recorded request");
            if let Some(test) = &nearest.test {
                text.push_str(&format!(" (of {test})"));
            }
            text.push_str(&format!(" is {}", nearest.summary));
            if let Some((path, recorded, asked)) = nearest.differs.first() {
                let show = |value: &Option<Value>| match value {
                    Some(Value::String(text)) => format!("{text:?}"),
                    Some(Value::Number(number)) => number.to_string(),
                    Some(Value::Bool(truth)) => truth.to_string(),
                    Some(Value::Null) => "null".to_owned(),
                    Some(other) => format!("a {}", other.type_name()),
                    None => "nothing".to_owned(),
                };
                text.push_str(&format!(
                    ", which differs at {path}: recorded {}, asked {}",
                    show(recorded),
                    show(asked)
                ));
            }
        }
        text
    }
}

/// The recorded request that is most like one that was asked. It explains a miss; it is never
/// served in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// The test that it belongs to.
    pub test: Option<TestId>,
    /// The recorded request in one line.
    pub summary: String,
    /// The places that differ: recorded and asked value. Bounded; the most telling first.
    pub differs: Vec<(Path, Option<Value>, Option<Value>)>,
}
