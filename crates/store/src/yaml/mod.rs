//! YAML as retake writes and reads it: an emitter whose output every YAML 1.1 and 1.2 reader
//! takes for the same, and a guard that refuses, before anything is parsed, what YAML allows and
//! the format does not.

mod emit;
mod flat;
mod guard;
mod locate;
mod moment;
mod problem;
mod scalar;
mod tree;

pub(crate) use emit::{Node, document};
pub(crate) use guard::{Limits, guard};
pub(crate) use locate::{locate, locate_key};
pub(crate) use moment::{Moment, Span, format_moment, format_span};
pub(crate) use problem::{Problem, custom, cut, nearest, unknown_key};
pub(crate) use tree::{BlobOf, TooDeep, Tree, is_blob_name, node};

use scalar::is_readable;

#[cfg(test)]
mod roundtrip_tests;
