//! The plain types of retake: what a connection carried, what a test case holds, what a run found.
//!
//! Nothing here does I/O, reads a clock or knows a protocol. Every other crate speaks in these
//! types; what is written to disk has its own types in `retake-store`.

mod call;
mod connection;
mod difference;
mod event;
mod exchange;
mod fault;
mod ledger;
mod path;
mod protocol;
mod rule;
mod testcase;
mod value;

pub mod json;

pub use call::{Answer, Call, Miss, Nearest};
pub use connection::{Chunk, ConnId, ConnInfo, Direction, Side, Timestamp};
pub use difference::{Blame, DiffKind, Difference, Place};
pub use event::{
    Cause, CausePart, Consequence, RunEvent, RunStarted, RunSummary, ServiceEvent, TestResult,
    Verdict,
};
pub use exchange::{Exchange, Flaw, Message, RawMessage, TraceId};
pub use fault::{Fault, Part};
pub use ledger::{Ledger, Tally};
pub use path::{Path, PathPattern, PatternError, PatternState, Segment};
pub use protocol::{Field, FieldKind, ProtocolId, Rules};
pub use rule::{NoiseRule, RuleAction, RuleUse};
pub use testcase::{
    Attribution, CONNECT_ERRORS, DependencyInfo, Made, Mock, SOURCES, Scope, SetInfo, TestCase,
    TestId, TestSet, TokenKind,
};
pub use value::{Number, Value};
