//! Values in PostgreSQL's two formats, text and binary.
//!
//! The tree of an exchange holds values in the text format. [`to_text`] gives the text that a
//! server would have sent for a binary value, [`to_binary`] the other way round, so that a client
//! that asks for binary and one that asks for text see the same recording.
//!
//! The text format depends on settings of the session. What is written here is what a server
//! gives with `DateStyle=ISO`, `IntervalStyle=postgres`, `bytea_output=hex`,
//! `extra_float_digits=1` (all defaults since PostgreSQL 12) and `TimeZone=UTC`: a binary
//! `timestamptz` holds no zone, so its text always ends in `+00`. What is read may have any
//! offset, and `bytea` in either output; a moment without an offset is read as UTC.
//!
//! Types whose text needs the catalogue (`regclass`, composites) or that are rare (text search,
//! money) have no conversion: their binary values stay bytes. Of types that are not built in,
//! values that read like a label of an enumeration are converted; see `label`.
//!
//! Sources: PostgreSQL documentation, chapter 8 (the text formats); `src/backend/utils/adt`,
//! the functions `…_send`, `…_recv` and `…_out` (the binary formats, which no page documents).

mod array;
mod catalogue;
mod convert;
mod cursor;
mod float;
mod geometry;
mod interval;
mod label;
mod moment;
mod network;
mod numeric;
mod range;
mod scalar;

pub(in crate::postgres) use catalogue::names;
pub use catalogue::{name, oid, size};
pub use convert::{converts, to_binary, to_text};
pub(in crate::postgres) use label::is_user_defined;

#[cfg(test)]
mod tests;
