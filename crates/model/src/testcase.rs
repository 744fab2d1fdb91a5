//! Test cases, mocks and the sets they come in.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Ledger, NoiseRule, Path, ProtocolId, Timestamp, TraceId, Value};

/// The name of a test case: its set and its name in the set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TestId {
    /// The test set.
    pub set: Arc<str>,
    /// The name within the set, which is also the file's name without its ending.
    pub name: Arc<str>,
}

impl std::fmt::Display for TestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.set, self.name)
    }
}

/// One inbound exchange, what is expected of it, and the outbound exchanges that belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCase {
    /// Its name within the set. Empty until the store has named it.
    pub name: String,
    /// The protocol of the inbound exchange.
    pub protocol: ProtocolId,
    /// When the request was recorded.
    pub at: Timestamp,
    /// How long the service took to answer, in nanoseconds.
    pub took: u64,
    /// The trace id that the recorded request carried.
    pub trace: Option<TraceId>,
    /// How many exact repeats of this exchange were merged into it.
    pub merged: u64,
    /// The port of the service that the request came to, where that is another one than that of
    /// the set's `upstream`.
    pub port: Option<u16>,
    /// What is sent.
    pub request: Value,
    /// What is expected.
    pub response: Value,
    /// The outbound exchanges that belong to it, in the order in which they began.
    pub calls: Vec<Mock>,
    /// The values that the service made.
    pub made: Vec<Made>,
    /// Rules of this test alone.
    pub rules: Vec<NoiseRule>,
}

/// One recorded outbound exchange, served on replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Mock {
    /// The dependency's name.
    pub to: Arc<str>,
    /// The protocol.
    pub protocol: ProtocolId,
    /// When it may be served.
    pub scope: Scope,
    /// How it came to its test.
    pub by: Attribution,
    /// When it began, in nanoseconds after the test's request began. Of a background call outside
    /// of tests, in nanoseconds since the Unix epoch, where that is known (else 0).
    pub after: u64,
    /// How long the dependency took, in nanoseconds.
    pub took: u64,
    /// What was asked.
    pub request: Value,
    /// What was answered.
    pub response: Value,
    /// How many exact repeats (same request, same answer) it stands for, beside itself. Only
    /// mocks outside tests are merged.
    pub merged: u64,
}

/// When a mock may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Before the first request.
    Startup,
    /// At any time, any number of times: session set-up and catalogues.
    Session,
    /// Once for each connection.
    Connection,
    /// For the test that it belongs to.
    Test,
    /// At any time, any number of times, and never a verdict: what the service asks by the clock.
    Background,
}

/// How an outbound exchange was attributed to its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribution {
    /// By a trace id that the service passed on.
    Trace,
    /// Only this test's request was open.
    Alone,
    /// Several requests were open, and this test's alone in the process of the service that made
    /// the call.
    Process,
    /// Several requests were open, and the connection of the call was opened and closed with this
    /// test's alone.
    Connection,
    /// Several requests were open, and this test's knows more of the values in it, or shows more of
    /// its answer. Nothing certain: those tests share it.
    Values,
    /// Several requests were open, and other calls of its transaction are this test's. Those tests
    /// share it.
    Transaction,
    /// Several requests were open; those tests share it.
    Shared,
    /// It belongs to no test.
    Unattributed,
}

impl Attribution {
    /// Whether it may be another test's of the same moment: each of those may be served it.
    pub fn is_shared(self) -> bool {
        matches!(
            self,
            Attribution::Shared | Attribution::Values | Attribution::Transaction
        )
    }
}

/// A value that the service made: it stands in no request and in no answer before its first place.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The value as recorded.
    pub value: String,
    /// What kind of value it is.
    pub kind: TokenKind,
    /// Every place where it stands, the first one first: paths such as `response.body.json.id`
    /// and `calls[0].params[1]`.
    pub places: Vec<Path>,
}

/// The kinds of value that can be told by looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenKind {
    /// RFC 9562, with hyphens, or 32 hex digits with a valid version and variant.
    Uuid,
    /// 26 characters of Crockford's base 32 with a plausible time.
    Ulid,
    /// 24 hex digits with a plausible time (MongoDB's ObjectId).
    ObjectId,
    /// A moment in text: RFC 3339, HTTP date, `YYYY-MM-DD hh:mm:ss…`.
    Timestamp,
    /// A moment as a count of seconds since 1970, near the time of the recording.
    EpochSeconds,
    /// A moment as a count of milliseconds since 1970, near the time of the recording.
    EpochMillis,
    /// A moment as a count of microseconds since 1970, near the time of the recording.
    EpochMicros,
    /// A JSON web token (RFC 7519, compact form).
    Jwt,
    /// A password's salted hash: bcrypt, Argon2, scrypt, PBKDF2 and SHA-crypt in their usual forms.
    PasswordHash,
    /// Random text of no form that names itself: a session's key, a nonce, a digest, a signature.
    Random,
    /// The token that stands for a redacted secret: `redacted-` and 24 hex digits. The candidate
    /// may have any text in its place.
    Secret,
}

impl TokenKind {
    /// Every kind, with its name in YAML and in reports.
    pub const ALL: &'static [(TokenKind, &'static str)] = &[
        (TokenKind::Uuid, "uuid"),
        (TokenKind::Ulid, "ulid"),
        (TokenKind::ObjectId, "object-id"),
        (TokenKind::Timestamp, "timestamp"),
        (TokenKind::EpochSeconds, "epoch-seconds"),
        (TokenKind::EpochMillis, "epoch-millis"),
        (TokenKind::EpochMicros, "epoch-micros"),
        (TokenKind::Jwt, "jwt"),
        (TokenKind::PasswordHash, "password-hash"),
        (TokenKind::Random, "random"),
        (TokenKind::Secret, "secret"),
    ];

    /// Whether values of this kind are moments: compared by kind wherever the service makes one, and
    /// never tied, as two of them may fall together in the next run.
    pub fn is_moment(self) -> bool {
        matches!(
            self,
            TokenKind::Timestamp
                | TokenKind::EpochSeconds
                | TokenKind::EpochMillis
                | TokenKind::EpochMicros
        )
    }

    /// The name in YAML and in reports.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("unknown", |(_, name)| name)
    }
}

/// A folder of test cases recorded together.
#[derive(Debug, Clone, PartialEq)]
pub struct TestSet {
    /// Its name, which is its folder's.
    pub name: Arc<str>,
    /// What was recorded, when and how.
    pub info: SetInfo,
    /// The test cases, in the order in which they were recorded.
    pub tests: Vec<TestCase>,
    /// The mocks that belong to no single test: startup, session, background.
    pub shared: Vec<Mock>,
}

/// The word in [`SetInfo::build`] for the source files below the folder in which a service runs, all
/// of them together.
pub const SOURCES: &str = "./";

/// What was recorded, when and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetInfo {
    /// When the recording began.
    pub recorded: Timestamp,
    /// The version of retake that recorded it.
    pub recorder: String,
    /// The command that was run, word for word; empty where the service ran elsewhere.
    pub command: Vec<String>,
    /// The files that the command names, by the word that names each, with the BLAKE3 hash of their
    /// content in hex; and the service's source files together, as [`SOURCES`], where they are run as
    /// they are. Empty where nothing is known, or several builds were recorded into the set.
    pub build: BTreeMap<String, String>,
    /// The address that the service listened on, `host:port`.
    pub upstream: Option<String>,
    /// The names that the service looked up and connected to under none: their look-ups failed, or
    /// were of something else than a connection.
    pub names: Vec<String>,
    /// Where the service listened, in the order in which it began to; `https://` stands before
    /// those at which clients spoke TLS. Empty unless it listened at several ports.
    pub listens: Vec<String>,
    /// The address of the forward proxy, `host:port`, where there was one.
    pub proxy: Option<String>,
    /// Whether the service's connections were captured: then they are on replay too, and what was
    /// not recorded is refused.
    pub captured: bool,
    /// The dependencies by name.
    pub dependencies: Vec<DependencyInfo>,
    /// What was seen and what became of it. None where the recording did not end in order.
    pub ledger: Option<Ledger>,
    /// The rules of the set.
    pub rules: Vec<NoiseRule>,
}

/// The errors of the system with which connections fail, by their names in recordings; another one
/// is its number.
pub const CONNECT_ERRORS: &[&str] = &[
    "ECONNREFUSED",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ECONNRESET",
    "EADDRNOTAVAIL",
    "EACCES",
    "EPERM",
];

/// A dependency as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DependencyInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Its protocol, where it was known.
    pub protocol: Option<ProtocolId>,
    /// Where it really is, `host:port`.
    pub address: String,
    /// Where retake listened for it, `host:port`, where that was fixed.
    pub listen: Option<String>,
    /// The environment variable that told the service its address, where one did.
    pub env: Option<String>,
    /// What that variable held, with its secrets redacted: used on replay where the variable is
    /// not set.
    pub url: Option<String>,
    /// The names and ports by which the service asked for it, `host:port` each, where no address
    /// was put in its place: through the forward proxy, or captured.
    pub hosts: Vec<String>,
    /// The addresses to which it connected, `ip:port` each, where that was captured.
    pub addresses: Vec<String>,
    /// Whether TLS was spoken with it.
    pub tls: bool,
    /// How every connection to it failed (`ECONNREFUSED`), where that was captured: it fails so
    /// again on replay.
    pub fails: Option<String>,
}
