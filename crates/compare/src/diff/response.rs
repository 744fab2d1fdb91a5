//! A response: what was expected, what came.

use retake_model::{DiffKind, Difference, RuleUse, TokenKind, Value};

use super::around::Around;
use super::differ::{Differ, Frame};
use super::fields::grouped;
use super::tokens::Tokens;
use crate::made::{self, ValueMap};
use crate::rules::RuleSet;

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Compared {
    /// What changed, in the order of the expected tree.
    pub differences: Vec<Difference>,
    /// What rules hid.
    pub hidden: Vec<RuleUse>,
    /// How many values were compared by kind.
    pub by_kind: u64,
    /// How many of them are moments whose distance from the time of the test was compared.
    pub by_distance: u64,
    /// What else is worth a sentence: a list too long to be aligned, differences not listed.
    pub notes: Vec<String>,
}

impl Compared {
    /// Adds what another comparison of the same test found.
    pub fn absorb(&mut self, other: Compared) {
        self.differences.extend(other.differences);
        for used in other.hidden {
            let same = self
                .hidden
                .iter_mut()
                .find(|own| own.rule == used.rule && own.source == used.source);
            match same {
                Some(own) => own.hidden += used.hidden,
                None => self.hidden.push(used),
            }
        }
        self.by_kind += other.by_kind;
        self.by_distance += other.by_distance;
        self.notes.extend(other.notes);
    }
}

/// Compares the response that was recorded with the one that the candidate gave. Values that the
/// service made are compared by kind, and enter the map; moments by how far they are from the time
/// of the test, where that is known.
///
/// Headers are compared by lower-case name and stand at `response.headers.<name>`, those that
/// repeat at `response.headers.<name>[n]`; trailers likewise.
pub fn compare_response<'a>(
    expected: &'a Value,
    observed: &Value,
    around: impl Into<Around<'a>>,
    rules: &'a RuleSet,
    values: &'a mut ValueMap,
) -> Compared {
    let mut around = around.into();
    keep_cookies(expected, observed, &around, values);
    around.times = around
        .times
        .map(|times| times.of_responses(expected, observed));
    let mut differ = Differ::new(
        Frame::Response,
        rules,
        Tokens::new(around, expected, values.short()),
        values,
    );
    let (Value::Map(a), Value::Map(b)) = (expected, observed) else {
        differ.node(expected, observed);
        return differ.finish(rules);
    };
    let bodies = (expected.get("body"), observed.get("body"));
    // The bytes of a body are not known where a secret was redacted in it.
    let is_redacted = |body: Option<&Value>| body.is_some_and(has_secret);
    differ.bodies_differ = bodies.0 != bodies.1 || is_redacted(bodies.0);
    differ.both_have_bodies = bodies.0.is_some() && bodies.1.is_some();
    differ.only_one_may_have_a_body = may_have_a_body(expected) != may_have_a_body(observed);
    let same_status = expected.get("status") == observed.get("status");
    for name in names(a, b) {
        let sides = (expected.get(name), observed.get(name));
        if name == "reason" && !same_status {
            // The words of another status are others.
            continue;
        }
        differ.in_key(name, |differ| match name {
            "headers" | "trailers" => differ.headers(sides.0, sides.1),
            "body" => differ.body(sides.0, sides.1),
            _ => differ.either(sides.0, sides.1, Differ::node),
        });
    }
    let compared = differ.finish(rules);
    if compared.differences.is_empty() {
        tie_tags(expected, observed, values);
    }
    compared
}

/// Whether the status of a response lets it have a body (RFC 9110, 6.4.1).
fn may_have_a_body(response: &Value) -> bool {
    let status = match response.get("status") {
        Some(Value::Number(status)) => status.as_str(),
        _ => "",
    };
    !(matches!(status, "204" | "304") || status.len() == 3 && status.starts_with('1'))
}

/// A cookie that a client sent and that this response was to renew stays what it was where the
/// response does not: the client goes on to send it, as a browser would. Services that keep a session
/// in its cookie renew it with each response, and one that fails would end the session for all that
/// comes.
fn keep_cookies(expected: &Value, observed: &Value, around: &Around<'_>, values: &mut ValueMap) {
    let sent = around.request().map(|request| cookies(request, "cookie"));
    let sent = sent.unwrap_or_default();
    let renewed = cookies(observed, "set-cookie");
    for (name, token) in cookies(expected, "set-cookie") {
        let is_it = |(other, _): &&(String, String)| *other == name;
        let kept = sent
            .iter()
            .find(is_it)
            .filter(|(_, before)| *before != token);
        if let Some((_, before)) = kept.filter(|_| !renewed.iter().any(|other| is_it(&other)))
            && is_secret(&token)
            && let Some(own) = values.candidate_of(before).map(str::to_owned)
        {
            values.bind(TokenKind::Secret, &token, &own);
        }
    }
}

/// The names and values of the cookies in the headers of that name.
fn cookies(message: &Value, header: &str) -> Vec<(String, String)> {
    let headers = message.get("headers").and_then(by_name).unwrap_or_default();
    let texts = headers.iter().filter(|(name, _)| name == header);
    let texts = texts.filter_map(|(_, value)| value.as_str());
    let pairs = texts.flat_map(|text| match header {
        "set-cookie" => text.split(';').take(1).collect::<Vec<_>>(),
        _ => text.split(';').collect(),
    });
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// Whether a redacted secret stands in a tree.
fn has_secret(tree: &Value) -> bool {
    let mut found = false;
    made::each_text(tree, &mut |text| {
        if !found && text.contains("redacted-") {
            made::scan(text, |token| found |= token.kind == TokenKind::Secret);
        }
    });
    found
}

pub(super) fn is_secret(text: &str) -> bool {
    made::whole_token(text, made::Near::default()) == Some(TokenKind::Secret)
}

/// Ties the entity tags of two responses that are the same but for what the service made: later
/// requests say them again (RFC 9110, section 13.1).
fn tie_tags(expected: &Value, observed: &Value, values: &mut ValueMap) {
    let tag = |response: &Value| {
        let all = by_name(response.get("headers")?)?;
        let tag = all.into_iter().find(|(name, _)| name == "etag")?.1.as_str();
        tag.map(str::to_owned)
    };
    if let (Some(recorded), Some(candidate)) = (tag(expected), tag(observed))
        && recorded != candidate
    {
        values.bind(TokenKind::Secret, &recorded, &candidate);
    }
}

impl Differ<'_> {
    /// Compares headers by name; what is no list of headers is compared as any value.
    pub(super) fn headers(&mut self, expected: Option<&Value>, observed: Option<&Value>) {
        let none = Value::List(Vec::new());
        let (a, b) = (expected.unwrap_or(&none), observed.unwrap_or(&none));
        match (by_name(a), by_name(b)) {
            (Some(a), Some(b)) => {
                let group = |all| grouped(pairs(all));
                self.groups(&group(&a), &group(&b));
            }
            _ => self.either(expected, observed, Differ::node),
        }
    }

    /// Compares two values of which either may be absent.
    pub(super) fn either(
        &mut self,
        expected: Option<&Value>,
        observed: Option<&Value>,
        compare: impl FnOnce(&mut Self, &Value, &Value),
    ) {
        match (expected, observed) {
            (None, None) => {}
            (Some(a), Some(b)) => compare(self, a, b),
            (Some(a), None) => self.emit(DiffKind::Removed, Some(a), None, None),
            (None, Some(b)) => self.emit(DiffKind::Added, None, Some(b), None),
        }
    }
}

/// Every name once: those of the expected map in its order, then those that are new.
fn names<'v>(expected: &'v [(String, Value)], observed: &'v [(String, Value)]) -> Vec<&'v str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in expected.iter().chain(observed) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// Headers with their names in lower case.
pub(super) fn by_name(headers: &Value) -> Option<Vec<(String, &Value)>> {
    let mut all = Vec::new();
    for header in headers.as_list()? {
        for (name, value) in header.as_map()? {
            all.push((name.to_ascii_lowercase(), value));
        }
    }
    Some(all)
}

fn pairs<'v>(all: &'v [(String, &'v Value)]) -> impl Iterator<Item = (&'v str, &'v Value)> {
    all.iter().map(|(name, value)| (name.as_str(), *value))
}
