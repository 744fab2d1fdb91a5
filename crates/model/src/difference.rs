//! One thing that changed.

use crate::{Path, Value};

/// One thing that changed between baseline and candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What happened there.
    pub kind: DiffKind,
    /// What was recorded there.
    pub baseline: Option<Value>,
    /// What the candidate gave.
    pub candidate: Option<Value>,
    /// More to read: a unified text difference, a hint, the rule that nearly applied.
    pub detail: Option<String>,
    /// Who is to blame.
    pub blame: Blame,
    /// Whether it is the consequence of another difference of its test, and carries the
    /// fingerprint of that one: of a call without an answer, of a refusal, of the lack of a
    /// response.
    pub follows: bool,
    /// The fingerprint of its cause, or of the part of a cause: the same in every test that shows
    /// the same change.
    pub cause: u64,
}

/// Where a difference is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the response.
    Response(Path),
    /// In an outbound call.
    Call {
        /// The dependency.
        to: String,
        /// The number of the call among the test's recorded calls, where it is one of them.
        index: Option<usize>,
        /// The request in one line.
        summary: String,
        /// The place in the request.
        path: Path,
    },
    /// The service as a whole: it crashed, hung, did not answer.
    Service,
}

impl std::fmt::Display for Place {
    /// As a rule would name it: `response.body.json.total`, `calls.db.params[0]`; `service`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (root, below) = match self {
            Place::Response(path) => (Path::root().key("response"), path),
            Place::Call { to, path, .. } => (Path::root().key("calls").key(to), path),
            Place::Service => return f.write_str("service"),
        };
        let whole = root.0.into_iter().chain(below.0.iter().cloned()).collect();
        write!(f, "{}", Path(whole))
    }
}

/// What happened at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiffKind {
    /// The value is another one.
    Changed,
    /// The value has another type.
    TypeChanged,
    /// The candidate has something that the baseline had not.
    Added,
    /// The candidate lacks something that the baseline had.
    Removed,
    /// The same things in another order.
    Reordered,
    /// A recorded call was not made.
    CallMissing,
    /// A call was made that was not recorded for this test, and could be answered.
    CallExtra,
    /// A call was made that no mock answers.
    CallUnknown,
    /// A call was made at another place in the order.
    CallReordered,
    /// The two could not be compared; the detail says why.
    Uncomparable,
    /// The service gave no response; the detail says what happened.
    NoResponse,
}

/// Whose doing something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Blame {
    /// The service under test: its code, its settings.
    App,
    /// A dependency, or a live one's data.
    Dependency,
    /// The recording: it does not hold what is needed.
    Recording,
    /// retake itself.
    Tool,
}
