//! What a recording is asked for, what it says, and what it comes to.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use retake_intercept::capture::Ability;
use retake_intercept::{DepSpec, EnvDependency, Listen};
use retake_model::Ledger;
use retake_proxy::record::StartError as ProxyError;
use retake_proxy::tls::TlsSettings;
use retake_store::{Exclude, RedactSettings, Store, StoreError, WriteMode};

use super::forward::ForwardOptions;
use crate::capture::Known;
use crate::service::{OutputTo, StartError};

/// What to record.
#[derive(Debug)]
pub struct RecordOptions {
    /// Where it is written.
    pub store: Store,
    /// The test set.
    pub set: String,
    /// Whether the set's tests stay.
    pub mode: WriteMode,
    /// Where retake listens for requests, and where the service does: `host:port`, or
    /// `https://host:port` where it serves TLS itself.
    pub inbound: Option<(SocketAddr, String)>,
    /// Whether clients of the service that begin TLS are answered by retake: at `inbound`, else
    /// where they are captured.
    pub inbound_tls: bool,
    /// Whom TLS is spoken with, and by what certificates.
    pub tls: TlsSettings,
    /// Dependencies with fixed addresses.
    pub deps: Vec<DepSpec>,
    /// Dependencies whose address stands in a variable.
    pub env_deps: Vec<EnvDependency>,
    /// How its connections are captured, where that is wanted.
    pub capture: Option<Ability>,
    /// Names for what is captured.
    pub names: Vec<Known>,
    /// The forward proxy, where there is to be one.
    pub forward: Option<ForwardOptions>,
    /// The service's command; empty where it runs elsewhere.
    pub command: Vec<String>,
    /// Where the service's output goes.
    pub output: OutputTo,
    /// When the recording ends by itself.
    pub duration: Option<Duration>,
    /// How many threads relay.
    pub workers: usize,
    /// Whether exact repeats of a test are kept.
    pub keep_repeats: bool,
    /// What is a credential beside what always is.
    pub redact: RedactSettings,
    /// What is left out on purpose.
    pub exclude: Vec<Exclude>,
    /// The folder of the installation's key.
    pub state: PathBuf,
    /// The version of retake, for `set.yaml`.
    pub version: String,
}

/// What a recording says while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Everything listens: the address of each dependency's stand-in and of the service's.
    Listening(Vec<Listen>),
    /// The forward proxy listens there.
    Forwarding(SocketAddr),
    /// The service was started, or runs elsewhere: traffic may come.
    Recording,
    /// How many exchanges were kept so far.
    Kept(u64),
}

/// A finished recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The accounts.
    pub ledger: Ledger,
    /// Where the captured command listened, in the order in which it began to.
    pub listening: Vec<SocketAddr>,
    /// How the command ended, where it ended by itself.
    pub command_ended: Option<String>,
    /// Why not everything could be written, where the disk refused.
    pub failed: Option<String>,
}

/// Why a recording failed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The installation's key cannot be had.
    #[error("failed to read or make the key for redaction in {}", folder.display())]
    Key {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificates cannot be had.
    #[error("failed to read or make the certificates for TLS")]
    Tls(#[source] io::Error),
    /// The disk refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address cannot be listened on or reached.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The command cannot be started.
    #[error(transparent)]
    Command(#[from] StartError),
    /// The system gave no thread, or one died.
    #[error("the recorder's thread failed: {0}")]
    Thread(String),
}
