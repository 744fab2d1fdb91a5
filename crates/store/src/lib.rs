//! The versioned YAML on disk: test sets, shared calls, settings; read strictly, written atomically.
//!
//! [`Store`] is a `retake` folder. [`Store::load`] reads a set, [`Store::writer`] records one,
//! [`lint()`] says what is wrong in files that were edited by hand, and [`Settings`] is
//! `retake.yaml`. The format is `docs/format.md`; its serde types are private, so that YAML never
//! leaks upward.
//!
//! What holds:
//! - A test and its calls are one file. It is written beside its place and renamed into it, and
//!   the blobs that it names are there before it is. Whatever is killed when, each file is whole.
//! - Nothing in a file names another one outside the set's folder.
//! - Reading what was written gives the same value back, digit for digit and byte for byte.
//! - What is wrong is said with file, line and column, never with a panic.
//!
//! Deliberately absent: clocks (moments are arguments), knowledge of protocols (their names are
//! given to [`Store::with_protocols`], what is wrong in their messages is said by [`Checks`]), and
//! everything asynchronous.

mod address;
mod blobs;
mod check;
mod diagnostic;
mod disk;
mod error;
mod lint;
mod load;
mod names;
mod other;
mod settings;
mod store;
mod v1;
mod version;
mod writer;
mod yaml;

pub use check::{Checks, EachPlace, RuleFault, Subject};
pub use diagnostic::{Diagnostic, Excerpt, LintReport, Severity};
pub use error::StoreError;
pub use lint::lint;
pub use settings::{
    ClientCertificate, DependencySettings, Exclude, Ready, RecordSettings, RedactSettings,
    ReplaySettings, Settings, TlsSettings,
};
pub use store::Store;
pub use v1::SharedPart;
pub use version::FormatVersion;
pub use writer::{SetWriter, TestWriter, WriteMode};

/// For the fuzzer: panics where a text is read otherwise directly than in general.
#[cfg(feature = "fuzz")]
pub fn fuzz_both_ways(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        v1::both_ways::check(text);
    }
}
