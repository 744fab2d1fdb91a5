//! `retake.yaml`.

mod file;
mod read;
mod types;

pub use types::{
    DependencySettings, Exclude, Ready, RecordSettings, RedactSettings, ReplaySettings, Settings,
};

#[cfg(test)]
mod tests;
