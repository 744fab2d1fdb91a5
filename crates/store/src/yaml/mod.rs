//! YAML as retake writes and reads it: an emitter whose output every YAML 1.1 and 1.2 reader
//! takes for the same, a reader for what is written so, and, for what is not, a guard that
//! refuses, before the general parser sees it, what YAML allows and the format does not.

mod direct;
mod emit;
mod flat;
mod guard;
mod locate;
mod moment;
mod problem;
mod scalar;
mod tree;

pub(crate) use direct::read as read_direct;
pub(crate) use emit::{Node, document, write_fields};
pub(crate) use guard::{Limits, check, decode, guard};
pub(crate) use locate::{locate, locate_key};
pub(crate) use moment::{Moment, Span, format_moment, format_span};
pub(crate) use problem::{Problem, custom, cut, did_you_mean, nearest, one_of, unknown_key};
pub(crate) use tree::{BlobOf, TooDeep, Tree, is_blob_name, node};

use scalar::is_readable;

#[cfg(test)]
pub(crate) mod roundtrip_tests;
