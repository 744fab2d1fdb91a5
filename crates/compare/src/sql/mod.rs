//! What identifies a SQL statement, by its tokens alone: nothing here parses.
//!
//! Comments, white space and the case of words do not count; made-up names (numbered aliases,
//! savepoints, cursors) are renamed; literals are lifted out. A statement that cannot be read
//! stands for itself, byte for byte.

mod cache;
mod effect;
mod names;
mod statement;

pub use cache::Statements;
pub(crate) use statement::with_literals;
pub use statement::{Literal, Statement};
