//! The files, key by key. `docs/format.md` says what each key means.

use std::collections::BTreeMap;
use std::fmt;

use retake_model::{Attribution, Scope};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::RuleDoc;
use crate::yaml::{Moment, Span, Tree};

/// `tests/<name>.yaml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestDoc {
    #[serde(rename = "retake")]
    pub(super) _retake: String,
    pub(super) test: String,
    pub(super) protocol: Option<String>,
    #[serde(default)]
    pub(super) at: Moment,
    #[serde(default)]
    pub(super) took: Span,
    pub(super) trace: Option<String>,
    #[serde(default)]
    pub(super) merged: u64,
    pub(super) port: Option<u16>,
    pub(super) request: Tree,
    pub(super) response: Tree,
    #[serde(default)]
    pub(super) calls: Vec<CallDoc>,
    #[serde(default)]
    pub(super) made: Vec<MadeDoc>,
    #[serde(default)]
    pub(super) rules: Vec<RuleDoc>,
}

/// `startup.yaml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SharedDoc {
    #[serde(rename = "retake")]
    pub(super) _retake: String,
    #[serde(default)]
    pub(super) calls: Vec<CallDoc>,
}

/// One of `calls`. The key that is none of the others is the protocol's name, with the request.
#[derive(Debug)]
pub(super) struct CallDoc {
    pub(super) to: Option<String>,
    pub(super) scope: Option<ScopeDoc>,
    pub(super) by: Option<ByDoc>,
    /// When it began, of a call outside of tests.
    pub(super) at: Option<Moment>,
    pub(super) after: Span,
    pub(super) took: Span,
    pub(super) merged: u64,
    pub(super) gives: Option<Tree>,
    /// The keys that are none of these: one of them must be a protocol's name.
    pub(super) others: Vec<(String, Tree)>,
}

/// The keys of a call beside its protocol's name.
pub(super) const CALL_KEYS: &[&str] = &[
    "to", "scope", "by", "at", "after", "took", "merged", "gives",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ScopeDoc {
    Startup,
    Session,
    Connection,
    Test,
    Background,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ByDoc {
    Trace,
    Alone,
    Process,
    Connection,
    Values,
    Transaction,
    Shared,
    None,
}

/// One of `made`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MadeDoc {
    pub(super) value: Tree,
    pub(super) kind: String,
    pub(super) places: Vec<String>,
}

/// `set.yaml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetDoc {
    #[serde(rename = "retake")]
    pub(super) _retake: String,
    #[serde(default)]
    pub(super) recorded: Moment,
    #[serde(default)]
    pub(super) recorder: String,
    #[serde(default)]
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) build: BTreeMap<String, String>,
    pub(super) upstream: Option<String>,
    #[serde(default)]
    pub(super) listens: Vec<String>,
    #[serde(default)]
    pub(super) names: Vec<String>,
    pub(super) proxy: Option<String>,
    #[serde(default)]
    pub(super) captured: bool,
    #[serde(default)]
    pub(super) dependencies: Vec<DependencyDoc>,
    #[serde(default)]
    pub(super) rules: Vec<RuleDoc>,
    pub(super) ledger: Option<LedgerDoc>,
}

/// One of `dependencies`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DependencyDoc {
    pub(super) name: String,
    pub(super) protocol: Option<String>,
    #[serde(default)]
    pub(super) address: String,
    pub(super) url: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) env: Option<String>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) addresses: Vec<String>,
    #[serde(default)]
    pub(super) tls: bool,
    pub(super) fails: Option<String>,
}

/// `ledger`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerDoc {
    #[serde(default)]
    pub(super) took: Span,
    #[serde(default)]
    pub(super) inbound: TallyDoc,
    #[serde(default)]
    pub(super) outbound: BTreeMap<String, TallyDoc>,
    #[serde(default)]
    pub(super) notes: Vec<String>,
}

/// Counts of one direction or dependency.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TallyDoc {
    pub(super) connections: u64,
    pub(super) bytes: u64,
    pub(super) seen: u64,
    pub(super) kept: u64,
    pub(super) merged: u64,
    pub(super) opaque: BTreeMap<String, u64>,
    pub(super) sampled_out: BTreeMap<String, u64>,
    pub(super) dropped: BTreeMap<String, u64>,
    pub(super) undecodable: BTreeMap<String, u64>,
}

impl From<Scope> for ScopeDoc {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Startup => ScopeDoc::Startup,
            Scope::Session => ScopeDoc::Session,
            Scope::Connection => ScopeDoc::Connection,
            Scope::Test => ScopeDoc::Test,
            Scope::Background => ScopeDoc::Background,
        }
    }
}

impl From<ScopeDoc> for Scope {
    fn from(scope: ScopeDoc) -> Self {
        match scope {
            ScopeDoc::Startup => Scope::Startup,
            ScopeDoc::Session => Scope::Session,
            ScopeDoc::Connection => Scope::Connection,
            ScopeDoc::Test => Scope::Test,
            ScopeDoc::Background => Scope::Background,
        }
    }
}

impl ScopeDoc {
    pub(super) fn name(self) -> &'static str {
        match self {
            ScopeDoc::Startup => "startup",
            ScopeDoc::Session => "session",
            ScopeDoc::Connection => "connection",
            ScopeDoc::Test => "test",
            ScopeDoc::Background => "background",
        }
    }
}

impl From<Attribution> for ByDoc {
    fn from(by: Attribution) -> Self {
        match by {
            Attribution::Trace => ByDoc::Trace,
            Attribution::Alone => ByDoc::Alone,
            Attribution::Process => ByDoc::Process,
            Attribution::Connection => ByDoc::Connection,
            Attribution::Values => ByDoc::Values,
            Attribution::Transaction => ByDoc::Transaction,
            Attribution::Shared => ByDoc::Shared,
            Attribution::Unattributed => ByDoc::None,
        }
    }
}

impl From<ByDoc> for Attribution {
    fn from(by: ByDoc) -> Self {
        match by {
            ByDoc::Trace => Attribution::Trace,
            ByDoc::Alone => Attribution::Alone,
            ByDoc::Process => Attribution::Process,
            ByDoc::Connection => Attribution::Connection,
            ByDoc::Values => Attribution::Values,
            ByDoc::Transaction => Attribution::Transaction,
            ByDoc::Shared => Attribution::Shared,
            ByDoc::None => Attribution::Unattributed,
        }
    }
}

impl ByDoc {
    pub(super) fn name(self) -> &'static str {
        match self {
            ByDoc::Trace => "trace",
            ByDoc::Alone => "alone",
            ByDoc::Process => "process",
            ByDoc::Connection => "connection",
            ByDoc::Values => "values",
            ByDoc::Transaction => "transaction",
            ByDoc::Shared => "shared",
            ByDoc::None => "none",
        }
    }
}

impl<'de> Deserialize<'de> for CallDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CallVisitor)
    }
}

struct CallVisitor;

impl<'de> Visitor<'de> for CallVisitor {
    type Value = CallDoc;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map: `to`, the protocol's name and `gives`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<CallDoc, A::Error> {
        let (mut to, mut scope, mut by, mut at) = (None, None, None, None);
        let (mut after, mut took, mut merged, mut gives) = (None, None, None, None);
        let mut others = Vec::new();
        while let Some(key) = fields.next_key()? {
            match key {
                CallKey::To => once("to", &mut to, fields.next_value()?)?,
                CallKey::Scope => once("scope", &mut scope, fields.next_value()?)?,
                CallKey::By => once("by", &mut by, fields.next_value()?)?,
                CallKey::At => once("at", &mut at, fields.next_value()?)?,
                CallKey::After => once("after", &mut after, fields.next_value()?)?,
                CallKey::Took => once("took", &mut took, fields.next_value()?)?,
                CallKey::Merged => once("merged", &mut merged, fields.next_value()?)?,
                CallKey::Gives => once("gives", &mut gives, fields.next_value()?)?,
                CallKey::Other(key) => others.push((key, fields.next_value()?)),
            }
        }
        Ok(CallDoc {
            to,
            scope,
            by,
            at,
            after: after.unwrap_or_default(),
            took: took.unwrap_or_default(),
            merged: merged.unwrap_or_default(),
            others,
            gives,
        })
    }
}

/// A key of a call.
enum CallKey {
    To,
    Scope,
    By,
    At,
    After,
    Took,
    Merged,
    Gives,
    Other(String),
}

impl<'de> Deserialize<'de> for CallKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(CallKeyVisitor)
    }
}

struct CallKeyVisitor;

impl Visitor<'_> for CallKeyVisitor {
    type Value = CallKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, key: &str) -> Result<CallKey, E> {
        Ok(match key {
            "to" => CallKey::To,
            "scope" => CallKey::Scope,
            "by" => CallKey::By,
            "at" => CallKey::At,
            "after" => CallKey::After,
            "took" => CallKey::Took,
            "merged" => CallKey::Merged,
            "gives" => CallKey::Gives,
            other => CallKey::Other(other.to_owned()),
        })
    }
}

fn once<T, E: de::Error>(key: &'static str, slot: &mut Option<T>, value: T) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(key)),
    }
}
