//! Test support: conversations as files, and what every protocol must stand.
//!
//! For tests and fuzz targets alone; nothing that ships depends on it.

pub mod conformance;
mod drive;
pub mod fuzz;
mod random;
mod transcript;

pub use drive::{Served, TapEnd, TapRun, serve, tap, tap_pieces};
pub use random::Random;
pub use transcript::{BadTranscript, Piece, Transcript};
