//! What to replay, and why it may fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use retake_compare::rules::RuleError;
use retake_intercept::AddressError;
use retake_intercept::capture::Ability;
use retake_model::{NoiseRule, ProtocolId};
use retake_proxy::forward::Chain;
use retake_proxy::record::StartError;
use retake_proxy::tls::TlsSettings;
use retake_store::{Store, StoreError};

use crate::installation::CERTIFICATES_HINT;
use crate::ready::Ready;

/// What to replay.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// Where the recordings are.
    pub store: Store,
    /// The test sets, in their order.
    pub sets: Vec<String>,
    /// The run's name.
    pub run: String,
    /// The service's address, `host:port`, where it is not the recorded one.
    pub target: Option<String>,
    /// Dependencies that are not mocked.
    pub live: Vec<String>,
    /// The company's own proxy, through which dependencies that are not mocked are reached where
    /// the recording went through a forward proxy.
    pub chain: Chain,
    /// How many tests run at a time.
    pub jobs: usize,
    /// How long one test may take.
    pub timeout: Duration,
    /// How the service is known to be ready.
    pub ready: Ready,
    /// How long it may take until then.
    pub ready_timeout: Duration,
    /// Headers that replace recorded ones: fresh credentials.
    pub headers: Vec<(String, String)>,
    /// What is sent in place of redacted credentials: the recorded token, and the value.
    pub secrets: Vec<(String, String)>,
    /// Further variables for the service.
    pub env: BTreeMap<String, String>,
    /// Whether left-out and repeated reads are changes too.
    pub strict: bool,
    /// Whether the service sees the recorded time.
    pub freeze: bool,
    /// The project's rules.
    pub rules: Vec<NoiseRule>,
    /// How its connections are captured, where that is wanted.
    pub capture: Option<Ability>,
    /// Whether a captured connection to what was not recorded may leave the machine.
    pub allow_egress: bool,
    /// The port to which the tests go, where the service listens on several.
    pub port: Option<u16>,
    /// The service's command; empty where it runs elsewhere.
    pub command: Vec<String>,
    /// The folder of the installation's state: its certificate authority is there.
    pub state: PathBuf,
    /// Whom TLS is spoken with, and by what certificates.
    pub tls: TlsSettings,
    /// The version of retake.
    pub version: String,
}

/// Why a replay could not be done at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A recording cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A rule cannot be used.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The certificates cannot be had.
    #[error("failed to read or make the certificates for TLS")]
    Tls(#[source] std::io::Error),
    /// A mock server cannot listen.
    #[error(transparent)]
    Proxy(#[from] StartError),
    /// The recording names an address that is none.
    #[error("set `{set}`, dependency `{dependency}`: {source}")]
    Address {
        /// The set.
        set: String,
        /// The dependency.
        dependency: String,
        /// What is wrong.
        source: AddressError,
    },
    /// A name on the command line that no recording has.
    #[error("no recording has a dependency `{name}` (known dependencies: {known})")]
    NoSuchDependency {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A recording of another build.
    #[error(
        "recording `{set}`: `{of}` speaks `{protocol}`, which this build does not (known protocols: {known})"
    )]
    UnknownProtocol {
        /// The set.
        set: String,
        /// The dependency, or the test.
        of: String,
        /// What it speaks.
        protocol: ProtocolId,
        /// What this build speaks.
        known: String,
    },
    /// Neither a test nor a command.
    #[error("nothing to run: there are no tests in {0}, and there is no command")]
    NothingToRun(String),
    /// Nobody said where the service is.
    #[error("set `{0}` does not say where the service listens")]
    NoTarget(String),
}

impl ReplayError {
    /// The exit code of `retake replay`.
    pub fn exit_code(&self) -> u8 {
        match self {
            ReplayError::Proxy(_) | ReplayError::Tls(_) => 4,
            _ => 2,
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            ReplayError::Proxy(error) => Some(error.hint().to_owned()),
            ReplayError::Address { source, .. } => Some(source.hint.clone()),
            ReplayError::Tls(_) => Some(CERTIFICATES_HINT.to_owned()),
            ReplayError::NoTarget(_) => Some("name it with --target".to_owned()),
            ReplayError::UnknownProtocol { .. } => Some(
                "the recording is of another build: replay it with that one, or record again"
                    .to_owned(),
            ),
            ReplayError::NothingToRun(_) => Some(
                "record requests into it (retake record --listen ADDR --upstream ADDR), or put the \
                 command that is to run on its mocks behind `--`"
                    .to_owned(),
            ),
            ReplayError::Store(refused) => refused.hint().map(str::to_owned),
            ReplayError::Rule(_) | ReplayError::NoSuchDependency { .. } => {
                None
            }
        }
    }
}
