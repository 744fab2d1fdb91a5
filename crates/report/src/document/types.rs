//! The types on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// The version of the documents.
pub(crate) const VERSION: u32 = 1;

/// One line of the events file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    /// The first line: what this file is.
    Retake(Header),
    Started(Started),
    Service(Service),
    TestStarted(Test),
    TestFinished(Box<TestDocument>),
    Finished(Box<Summary>),
}

/// What a file is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// `events`.
    pub(crate) format: String,
    pub(crate) version: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) run: String,
    pub(crate) sets: Vec<String>,
    pub(crate) tests: usize,
    pub(crate) at_ns: u64,
    pub(crate) version: String,
    pub(crate) target: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Service {
    Ready {
        after_ns: u64,
    },
    Failed {
        what: String,
        hint: String,
        output: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Test {
    pub(crate) set: String,
    pub(crate) name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TestDocument {
    pub(crate) set: String,
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) title: String,
    pub(crate) verdict: String,
    /// In the report alone: the events are written before it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) follows: Option<Follows>,
    pub(crate) differences: Vec<Difference>,
    pub(crate) hidden: Vec<Hidden>,
    pub(crate) by_kind: u64,
    #[serde(default)]
    pub(crate) by_distance: u64,
    pub(crate) calls_recorded: usize,
    pub(crate) calls_matched: usize,
    pub(crate) took_ns: u64,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hidden {
    pub(crate) rule: String,
    pub(crate) source: String,
    pub(crate) hidden: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Difference {
    #[serde(rename = "in")]
    pub(crate) place: Place,
    pub(crate) kind: String,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present",
        default
    )]
    pub(crate) baseline: Option<Box<RawValue>>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present",
        default
    )]
    pub(crate) candidate: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) detail: Option<String>,
    pub(crate) blame: String,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub(crate) follows: bool,
    /// 16 hex digits.
    pub(crate) cause: String,
}

/// A value that is `null` is there; only one that is left out is not.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(value).map(Some)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    Response {
        path: String,
    },
    Call {
        to: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        index: Option<usize>,
        summary: String,
        path: String,
    },
    Service {},
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) exit_code: u8,
    pub(crate) passed: usize,
    pub(crate) shifted: usize,
    pub(crate) not_run: usize,
    pub(crate) gaps: usize,
    pub(crate) changed: usize,
    pub(crate) broken: usize,
    pub(crate) causes: Vec<Cause>,
    pub(crate) unused: Vec<Counted>,
    pub(crate) background: Vec<Counted>,
    pub(crate) took_ns: u64,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Cause {
    /// 16 hex digits.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) tests: Vec<Test>,
    pub(crate) example: Difference,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) parts: Vec<CausePart>,
    #[serde(default)]
    pub(crate) consequences: Vec<Consequence>,
}

/// What a cause holds, where it holds several changes that are one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CausePart {
    /// 16 hex digits.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) tests: Vec<Test>,
    pub(crate) example: Difference,
}

/// A test that is red because an earlier one is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Consequence {
    pub(crate) set: String,
    pub(crate) name: String,
    pub(crate) of: Test,
    pub(crate) why: String,
}

/// What a test is a consequence of: known when the run has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Follows {
    /// 16 hex digits.
    pub(crate) cause: String,
    pub(crate) of: Test,
    pub(crate) why: String,
}

/// Calls of one kind.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) to: String,
    pub(crate) summary: String,
    pub(crate) count: usize,
}

/// A ledger as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct LedgerDocument<'l> {
    pub(crate) complete: bool,
    pub(crate) inbound: Tally<'l>,
    pub(crate) outbound: BTreeMap<&'l str, Tally<'l>>,
    pub(crate) took_ns: u64,
    pub(crate) notes: &'l [String],
}

#[derive(Debug, Serialize)]
pub(crate) struct Tally<'l> {
    pub(crate) complete: bool,
    pub(crate) connections: u64,
    pub(crate) opaque: &'l BTreeMap<String, u64>,
    pub(crate) bytes: u64,
    pub(crate) seen: u64,
    pub(crate) kept: u64,
    pub(crate) merged: u64,
    pub(crate) sampled_out: &'l BTreeMap<String, u64>,
    pub(crate) dropped: &'l BTreeMap<String, u64>,
    pub(crate) undecodable: &'l BTreeMap<String, u64>,
}
