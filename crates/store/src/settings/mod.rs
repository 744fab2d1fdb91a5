//! `retake.yaml`.

mod file;
mod read;
mod types;

pub use types::{
    ClientCertificate, DependencySettings, Exclude, Ready, RecordSettings, RedactSettings,
    ReplaySettings, Settings, TlsSettings,
};

#[cfg(test)]
mod tests;
