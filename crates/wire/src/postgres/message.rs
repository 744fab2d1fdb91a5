//! The messages of both sides, read without copying.
//!
//! Texts stay bytes: their encoding is the session's, not always UTF-8. Every count is checked
//! against the bytes that are there when a message is read, so walking through a list that was
//! read cannot fail. A message of an unknown type stays raw: it is no error to a tap.
//!
//! Source: PostgreSQL documentation, "Frontend/Backend Protocol", "Message Formats"; protocol
//! 3.2 with its longer cancel keys since PostgreSQL 18.

mod backend;
mod fields;
mod frontend;
mod startup;

pub use backend::{Backend, Column, Columns, CopyFormat, Report, Transaction};
pub use fields::{Fields, Format, Formats, MessageError, Oids, Texts, Values};
pub use frontend::{Bind, Frontend, FunctionCall, Parse, Target};
pub use startup::{Startup, Version};
