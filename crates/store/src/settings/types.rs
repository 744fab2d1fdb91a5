//! What can be set in `retake.yaml`. Every key is optional; what is none was not set, so that
//! built-in defaults below and environment and flags above can be told apart.

use std::collections::BTreeMap;
use std::time::Duration;

use retake_model::NoiseRule;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// `record:`
    pub record: RecordSettings,
    /// `replay:`
    pub replay: ReplaySettings,
    /// `rules:`, for every set.
    pub rules: Vec<NoiseRule>,
}

/// `record:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordSettings {
    /// Where retake listens for inbound requests, `host:port`.
    pub listen: Option<String>,
    /// Where the service listens, `host:port`.
    pub upstream: Option<String>,
    /// The dependencies.
    pub dependencies: Vec<DependencySettings>,
    /// `redact:`
    pub redact: RedactSettings,
    /// What is not recorded.
    pub exclude: Vec<Exclude>,
    /// How many threads relay traffic.
    pub workers: Option<usize>,
}

/// One of `record.dependencies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencySettings {
    /// Its name.
    pub name: String,
    /// Its protocol and real address: `postgres://127.0.0.1:5432`.
    pub url: Option<String>,
    /// Where retake listens for it, `host:port`.
    pub listen: Option<String>,
    /// The environment variable that tells the service its address.
    pub env: Option<String>,
}

/// `record.redact:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedactSettings {
    /// Names of headers whose values are secrets, beside the built-in ones; in lower case.
    pub headers: Vec<String>,
}

/// One of `record.exclude`: exchanges that match everything it names are not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exclude {
    /// Calls to that dependency.
    pub dependency: Option<String>,
    /// HTTP requests whose path matches; `*` stands for any text.
    pub path: Option<String>,
}

/// `replay:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplaySettings {
    /// How it is told that the service is ready.
    pub ready: Option<Ready>,
    /// How long the service may take to become ready.
    pub ready_timeout: Option<Duration>,
    /// How long one test may take.
    pub timeout: Option<Duration>,
    /// How many tests run at the same time.
    pub jobs: Option<usize>,
    /// Headers that replace those of every recorded request, in order. `${NAME}` is an
    /// environment variable; it is not filled in here.
    pub headers: Vec<(String, String)>,
    /// Whether left-out and repeated reads are red.
    pub strict: Option<bool>,
    /// Environment variables for the service, beside those of the recording.
    pub env: BTreeMap<String, String>,
}

/// How it is told that a service is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// It accepts connections on this port of the loopback.
    Port(u16),
    /// It answers `GET` of this path with a status below 400.
    Path(String),
    /// It prints a line that holds this text.
    Log(String),
}
