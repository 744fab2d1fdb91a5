//! What identifies a SQL statement, by its tokens alone: nothing here parses.
//!
//! Comments, white space and the case of words do not count; made-up names (numbered aliases,
//! savepoints, cursors) are renamed; literals are lifted out, and parameters are, too: what is
//! written into the text and what is sent beside it is the same. A statement that cannot be read
//! stands for itself, byte for byte.

mod cache;
mod columns;
mod effect;
mod inserted;
mod meant;
mod names;
mod notes;
mod rows;
mod slots;
mod statement;
mod types;

pub use cache::Statements;
pub(crate) use inserted::inserted;
pub(crate) use meant::{Meant, same};
pub(crate) use rows::Rows;
pub(crate) use slots::{Kind, Slot, Slots, Slotted};
pub(crate) use statement::with_literals;
pub use statement::{Literal, Statement};
