//! The model's types become files of version 1.

use std::borrow::Cow;

use retake_model::{
    Attribution, Ledger, Made, Mock, NoiseRule, RuleAction, Scope, SetInfo, Tally, TestCase,
    Timestamp, Value,
};

use super::types::{ByDoc, ScopeDoc};
use crate::yaml::{BlobOf, Node, TooDeep, document, format_moment, format_span, node};

/// A file's text, and what is to be kept beside it.
#[derive(Debug)]
pub(crate) struct Rendered<'v> {
    /// The text.
    pub(crate) text: String,
    /// The blobs that it names.
    pub(crate) blobs: Vec<BlobOf<'v>>,
}

pub(super) type Fields<'v> = Vec<(Cow<'v, str>, Node<'v>)>;

/// A test file.
pub(crate) fn write_test<'v>(test: &'v TestCase, name: &'v str) -> Result<Rendered<'v>, TooDeep> {
    let mut blobs = Vec::new();
    let mut fields = header();
    put(&mut fields, "test", Node::text(name));
    if test.protocol.0 != "http" {
        put(&mut fields, "protocol", Node::text(test.protocol.0));
    }
    put(&mut fields, "at", Node::bare(format_moment(test.at)));
    put(&mut fields, "took", Node::bare(format_span(test.took)));
    if let Some(trace) = &test.trace {
        put(&mut fields, "trace", Node::text(&*trace.0));
    }
    put_count(&mut fields, "merged", test.merged);
    if let Some(port) = test.port {
        put(&mut fields, "port", Node::bare(port.to_string()));
    }
    put(&mut fields, "request", message(&test.request, &mut blobs)?);
    put(
        &mut fields,
        "response",
        message(&test.response, &mut blobs)?,
    );
    let calls = calls(&test.calls, &mut blobs)?;
    put_list(&mut fields, "calls", calls);
    put_list(&mut fields, "made", test.made.iter().map(made).collect());
    put_list(&mut fields, "rules", test.rules.iter().map(rule).collect());
    Ok(Rendered {
        text: document(&fields),
        blobs,
    })
}

/// A `set.yaml`.
pub(crate) fn write_set(info: &SetInfo) -> String {
    let mut fields = header();
    put(
        &mut fields,
        "recorded",
        Node::bare(format_moment(info.recorded)),
    );
    put(&mut fields, "recorder", Node::text(&*info.recorder));
    put_texts(&mut fields, "command", &info.command);
    if !info.build.is_empty() {
        let files = info.build.iter();
        let files = files.map(|(word, hash)| (Cow::Borrowed(word.as_str()), Node::text(&**hash)));
        put(&mut fields, "build", block(files.collect()));
    }
    put_text(&mut fields, "upstream", info.upstream.as_deref());
    put_texts(&mut fields, "listens", &info.listens);
    put_text(&mut fields, "proxy", info.proxy.as_deref());
    if info.captured {
        put(&mut fields, "captured", Node::bare("true"));
    }
    let mut dependencies = Vec::with_capacity(info.dependencies.len());
    for dependency in &info.dependencies {
        let mut fields = Vec::new();
        put(&mut fields, "name", Node::text(&*dependency.name));
        put_text(&mut fields, "protocol", dependency.protocol.map(|p| p.0));
        put(&mut fields, "address", Node::text(&*dependency.address));
        put_text(&mut fields, "url", dependency.url.as_deref());
        put_text(&mut fields, "listen", dependency.listen.as_deref());
        put_text(&mut fields, "env", dependency.env.as_deref());
        put_texts(&mut fields, "hosts", &dependency.hosts);
        put_texts(&mut fields, "addresses", &dependency.addresses);
        if dependency.tls {
            put(&mut fields, "tls", Node::bare("true"));
        }
        put_text(&mut fields, "fails", dependency.fails.as_deref());
        dependencies.push(block(fields));
    }
    put_texts(&mut fields, "names", &info.names);
    put_list(&mut fields, "dependencies", dependencies);
    put_list(&mut fields, "rules", info.rules.iter().map(rule).collect());
    if let Some(kept) = &info.ledger {
        put(&mut fields, "ledger", ledger(kept));
    }
    document(&fields)
}

fn header<'v>() -> Fields<'v> {
    vec![(Cow::Borrowed("retake"), Node::bare("v1"))]
}

fn put<'v>(fields: &mut Fields<'v>, key: &'static str, value: Node<'v>) {
    fields.push((Cow::Borrowed(key), value));
}

fn put_text<'v>(fields: &mut Fields<'v>, key: &'static str, text: Option<&'v str>) {
    if let Some(text) = text {
        put(fields, key, Node::text(text));
    }
}

fn put_texts<'v>(fields: &mut Fields<'v>, key: &'static str, texts: &'v [String]) {
    if !texts.is_empty() {
        let texts = texts.iter().map(|text| Node::text(&**text));
        put(fields, key, Node::List(texts.collect()));
    }
}

fn put_count(fields: &mut Fields<'_>, key: &'static str, count: u64) {
    if count > 0 {
        put(fields, key, Node::bare(count.to_string()));
    }
}

fn put_list<'v>(fields: &mut Fields<'v>, key: &'static str, items: Vec<Node<'v>>) {
    if !items.is_empty() {
        put(fields, key, Node::Block(Box::new(Node::List(items))));
    }
}

fn block(fields: Fields<'_>) -> Node<'_> {
    Node::Block(Box::new(Node::Map(fields)))
}

/// The request or response of a test: its fields, and each header, on lines of their own.
fn message<'v>(value: &'v Value, blobs: &mut Vec<BlobOf<'v>>) -> Result<Node<'v>, TooDeep> {
    Ok(match node(value, blobs)? {
        Node::Map(fields) => {
            let fields = fields.into_iter().map(|(key, value)| match value {
                Node::List(_) if matches!(&*key, "headers" | "trailers") => {
                    (key, Node::Block(Box::new(value)))
                }
                other => (key, other),
            });
            block(fields.collect())
        }
        other => other,
    })
}

/// The calls of a test.
fn calls<'v>(mocks: &'v [Mock], blobs: &mut Vec<BlobOf<'v>>) -> Result<Vec<Node<'v>>, TooDeep> {
    let mut calls = Vec::with_capacity(mocks.len());
    for mock in mocks {
        let mut fields = call_head(mock, Scope::Test, Attribution::Alone);
        put_count(&mut fields, "merged", mock.merged);
        fields.extend(call_messages(mock, blobs)?);
        calls.push(block(fields));
    }
    Ok(calls)
}

/// What stands before the count of a call's repeats. A scope and an attribution that are usual
/// where it stands are left out.
pub(super) fn call_head(mock: &Mock, scope: Scope, by: Attribution) -> Fields<'_> {
    let mut fields = Vec::with_capacity(8);
    put(&mut fields, "to", Node::text(&*mock.to));
    if mock.scope != scope {
        let name = ScopeDoc::from(mock.scope).name();
        put(&mut fields, "scope", Node::text(name));
    }
    if mock.by != by {
        put(&mut fields, "by", Node::text(ByDoc::from(mock.by).name()));
    }
    match (mock.after, scope) {
        (0, _) => {}
        (at, Scope::Startup) => put(&mut fields, "at", Node::bare(format_moment(Timestamp(at)))),
        (after, _) => put(&mut fields, "after", Node::bare(format_span(after))),
    }
    if mock.took > 0 {
        put(&mut fields, "took", Node::bare(format_span(mock.took)));
    }
    fields
}

/// What stands behind it.
pub(super) fn call_messages<'v>(
    mock: &'v Mock,
    blobs: &mut Vec<BlobOf<'v>>,
) -> Result<[(Cow<'v, str>, Node<'v>); 2], TooDeep> {
    Ok([
        (Cow::Borrowed(mock.protocol.0), node(&mock.request, blobs)?),
        (Cow::Borrowed("gives"), node(&mock.response, blobs)?),
    ])
}

fn made(made: &Made) -> Node<'_> {
    let mut fields = Vec::with_capacity(3);
    put(&mut fields, "value", Node::text(&*made.value));
    put(&mut fields, "kind", Node::text(made.kind.name()));
    let places = made
        .places
        .iter()
        .map(|place| Node::text(place.to_string()));
    put(&mut fields, "places", Node::List(places.collect()));
    block(fields)
}

fn rule(rule: &NoiseRule) -> Node<'_> {
    let mut fields = Vec::with_capacity(3);
    put(&mut fields, "path", Node::text(rule.at.as_str()));
    match &rule.action {
        RuleAction::Ignore => put(&mut fields, "ignore", Node::bare("true")),
        RuleAction::Type => put(&mut fields, "type", Node::bare("true")),
        RuleAction::Pattern(pattern) => put(&mut fields, "pattern", Node::text(&**pattern)),
        RuleAction::Tolerance(most) => {
            put(&mut fields, "tolerance", Node::bare(format!("{most:?}")));
        }
        RuleAction::Unordered => put(&mut fields, "unordered", Node::bare("true")),
    }
    put_text(&mut fields, "why", rule.why.as_deref());
    block(fields)
}

fn ledger(ledger: &Ledger) -> Node<'_> {
    let mut fields = Vec::new();
    put(&mut fields, "took", Node::bare(format_span(ledger.took)));
    put(&mut fields, "inbound", tally(&ledger.inbound));
    if !ledger.outbound.is_empty() {
        let outbound = ledger.outbound.iter();
        let outbound = outbound.map(|(name, counts)| (Cow::Borrowed(&**name), tally(counts)));
        put(&mut fields, "outbound", block(outbound.collect()));
    }
    let notes = ledger.notes.iter().map(|note| Node::text(&**note));
    put_list(&mut fields, "notes", notes.collect());
    block(fields)
}

fn tally(tally: &Tally) -> Node<'_> {
    let mut fields = Vec::new();
    let numbers = [
        ("connections", tally.connections),
        ("bytes", tally.bytes),
        ("seen", tally.seen),
        ("kept", tally.kept),
        ("merged", tally.merged),
    ];
    for (key, count) in numbers {
        put(&mut fields, key, Node::bare(count.to_string()));
    }
    let reasons = [
        ("opaque", &tally.opaque),
        ("sampled_out", &tally.sampled_out),
        ("dropped", &tally.dropped),
        ("undecodable", &tally.undecodable),
    ];
    for (key, counts) in reasons {
        if !counts.is_empty() {
            let counts = counts.iter();
            let counts = counts.map(|(why, n)| (Cow::Borrowed(&**why), Node::bare(n.to_string())));
            put(&mut fields, key, Node::Map(counts.collect()));
        }
    }
    Node::Map(fields)
}
