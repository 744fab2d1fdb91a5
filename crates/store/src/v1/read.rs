//! Files of version 1 become the model's types.

use std::sync::Arc;

use retake_model::{
    DependencyInfo, Ledger, Made, Mock, Path, ProtocolId, Scope, Segment, SetInfo, Tally, TestCase,
    TokenKind, TraceId, Value,
};
use serde::de::DeserializeOwned;

use super::read_rules;
use super::types::{
    ByDoc, CALL_KEYS, CallDoc, LedgerDoc, MadeDoc, ScopeDoc, SetDoc, SharedDoc, TallyDoc, TestDoc,
};
use crate::yaml::{
    Limits, Problem, Tree, check, cut, did_you_mean, locate, locate_key, nearest, read_direct,
    unknown_key,
};

/// What reading a file needs beside its text.
pub(crate) struct Reader<'r> {
    /// The file's name in errors and rules.
    pub(crate) file: &'r str,
    /// The file's text, which need not be checked yet.
    pub(crate) text: &'r str,
    /// The protocol of that name.
    pub(crate) protocol: &'r dyn Fn(&str) -> Option<ProtocolId>,
    /// The names of the known protocols, for errors.
    pub(crate) protocols: &'r [&'r str],
    /// The content of a blob: its name, and whether it holds text.
    pub(crate) blob: &'r dyn Fn(&str, bool) -> Result<Value, Problem>,
}

/// A test file.
pub(crate) fn read_test(reader: &Reader<'_>) -> Result<TestCase, Problem> {
    let doc: TestDoc = reader.parse()?;
    let protocol = match &doc.protocol {
        Some(name) => reader.protocol_at(name, &[key("protocol")])?,
        None => ProtocolId("http"),
    };
    let protocol = (reader.protocol)(protocol.0).unwrap_or(protocol);
    if doc.port == Some(0) {
        let problem = Problem::new("`0` stands here")
            .expected("a port from 1 to 65535")
            .hint("leave it out where it is that of `upstream`");
        return Err(reader.at_key(problem, "port"));
    }
    Ok(TestCase {
        name: doc.test,
        protocol,
        at: doc.at.0,
        took: doc.took.0,
        trace: doc.trace.map(TraceId),
        merged: doc.merged,
        port: doc.port,
        request: reader.value(doc.request)?,
        response: reader.value(doc.response)?,
        calls: reader.calls(doc.calls, Scope::Test, ByDoc::Alone)?,
        made: reader.made(doc.made)?,
        rules: read_rules(doc.rules, &[key("rules")], reader.file, reader.text)?,
    })
}

/// A `startup.yaml`.
pub(crate) fn read_shared(reader: &Reader<'_>) -> Result<Vec<Mock>, Problem> {
    let doc: SharedDoc = reader.parse()?;
    reader.calls(doc.calls, Scope::Startup, ByDoc::None)
}

/// A `set.yaml`.
pub(crate) fn read_set(reader: &Reader<'_>) -> Result<SetInfo, Problem> {
    let doc: SetDoc = reader.parse()?;
    let mut dependencies: Vec<DependencyInfo> = Vec::with_capacity(doc.dependencies.len());
    for (index, dependency) in doc.dependencies.into_iter().enumerate() {
        let place = |name| [key("dependencies"), Segment::Index(index), key(name)];
        if dependencies.iter().any(|d| *d.name == *dependency.name) {
            let problem =
                Problem::new(format!("the dependency `{}` stands twice", dependency.name));
            return Err(reader.place(
                problem.hint("give one of the two another name"),
                &place("name"),
            ));
        }
        let protocol = match &dependency.protocol {
            Some(name) => Some(reader.protocol_at(name, &place("protocol"))?),
            None => None,
        };
        dependencies.push(DependencyInfo {
            name: dependency.name.into(),
            protocol,
            address: dependency.address,
            url: dependency.url,
            listen: dependency.listen,
            env: dependency.env,
            hosts: dependency.hosts,
            addresses: dependency.addresses,
            tls: dependency.tls,
            fails: dependency.fails,
        });
    }
    Ok(SetInfo {
        recorded: doc.recorded.0,
        recorder: doc.recorder,
        command: doc.command,
        build: doc.build,
        upstream: doc.upstream,
        names: doc.names,
        listens: doc.listens,
        proxy: doc.proxy,
        captured: doc.captured,
        dependencies,
        ledger: doc.ledger.map(ledger),
        rules: read_rules(doc.rules, &[key("rules")], reader.file, reader.text)?,
    })
}

impl Reader<'_> {
    /// The file, key by key. What retake wrote, and nobody changed much, is read directly.
    fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if let Some(doc) = read_direct(self.text) {
            return Ok(doc);
        }
        check(self.text, Limits::RECORDING)?;
        serde_yaml::from_str(self.text).map_err(Problem::from)
    }

    /// The problem, at the line and column of a place in the file.
    fn place(&self, problem: Problem, path: &[Segment]) -> Problem {
        match locate(self.text, path) {
            Some((line, column)) => problem.at(line, column),
            None => problem,
        }
    }

    /// The problem, at the value of a key at the top of the file.
    pub(crate) fn at_key(&self, problem: Problem, name: &str) -> Problem {
        self.place(problem, &[key(name)])
    }

    fn value(&self, tree: Tree) -> Result<Value, Problem> {
        tree.into_value(&mut |name, is_text| {
            (self.blob)(name, is_text).map_err(|problem| self.at_word(problem, name))
        })
    }

    /// The problem, where `word` first stands in the file.
    fn at_word(&self, problem: Problem, word: &str) -> Problem {
        let line = self.text.lines().enumerate().find_map(|(index, line)| {
            let before = line.get(..line.find(word)?)?;
            Some((index + 1, before.chars().count() + 1))
        });
        match line {
            Some((line, column)) => problem.at(line, column),
            None => problem,
        }
    }

    fn protocol_at(&self, name: &str, path: &[Segment]) -> Result<ProtocolId, Problem> {
        (self.protocol)(name).ok_or_else(|| {
            let known = self.protocols.join("`, `");
            let problem = Problem::new(format!("unknown protocol `{}`", cut(name)))
                .expected(format!("one of `{known}`"))
                .hint(did_you_mean(name, self.protocols));
            self.place(problem, path)
        })
    }

    fn calls(&self, docs: Vec<CallDoc>, scope: Scope, by: ByDoc) -> Result<Vec<Mock>, Problem> {
        let mut calls: Vec<Mock> = Vec::with_capacity(docs.len());
        for (index, doc) in docs.into_iter().enumerate() {
            let (protocol, request) = self.asked(doc.others, index)?;
            // A key that is there, misspelt, says more than one that is missing.
            let missing = |name| {
                let problem = Problem::new(format!("`{name}` is missing here"))
                    .hint(format!("add the key `{name}`"));
                self.place(problem, &[key("calls"), Segment::Index(index)])
            };
            let to = doc.to.ok_or_else(|| missing("to"))?;
            let gives = doc.gives.ok_or_else(|| missing("gives"))?;
            // Calls to the same dependency share its name.
            let to = match calls.last() {
                Some(before) if *before.to == *to => before.to.clone(),
                _ => Arc::from(to),
            };
            calls.push(Mock {
                to,
                protocol,
                scope: doc.scope.map_or(scope, ScopeDoc::into),
                by: doc.by.unwrap_or(by).into(),
                after: doc.at.map_or(doc.after.0, |at| at.0.0),
                took: doc.took.0,
                request: self.value(request)?,
                response: self.value(gives)?,
                merged: doc.merged,
            });
        }
        Ok(calls)
    }

    /// The protocol and the request of a call, among its keys that are none of the known ones.
    fn asked(
        &self,
        mut others: Vec<(String, Tree)>,
        index: usize,
    ) -> Result<(ProtocolId, Tree), Problem> {
        let place = [key("calls"), Segment::Index(index)];
        if others.len() > 1 {
            // Where any name may be a protocol's, the one that is like a known key is not.
            let is_protocol = |name: &str| {
                (self.protocol)(name).is_some()
                    && (!self.protocols.is_empty() || nearest(name, CALL_KEYS).is_none())
            };
            let wrong = others.iter().find(|(name, _)| !is_protocol(name));
            let wrong = wrong.or(others.get(1)).map(|(name, _)| name.clone());
            let wrong = wrong.unwrap_or_default();
            return Err(self.key_place(unknown_key(&wrong, CALL_KEYS), &place, &wrong));
        }
        let known = self.protocols.join("`, `");
        let Some((name, request)) = others.pop() else {
            let problem = Problem::new("this call does not say what was asked")
                .expected("the protocol's name with the request, such as `http: {…}`")
                .hint("add what was asked");
            return Err(self.place(problem, &place));
        };
        if let Some(protocol) = (self.protocol)(&name) {
            return Ok((protocol, request));
        }
        // It may be another key, misspelt.
        let problem = Problem::new(format!(
            "`{}` is no protocol and no key of a call",
            cut(&name)
        ))
        .expected(format!("a protocol (one of `{known}`)"));
        let words: Vec<&str> = self.protocols.iter().chain(CALL_KEYS).copied().collect();
        let problem = problem.hint(did_you_mean(&name, &words));
        Err(self.key_place(problem, &place, &name))
    }

    /// The problem, at the key of that name in the map at `path`.
    fn key_place(&self, problem: Problem, path: &[Segment], name: &str) -> Problem {
        let mut path = path.to_vec();
        path.push(key(name));
        match locate_key(self.text, &path) {
            Some((line, column)) => problem.at(line, column),
            None => problem,
        }
    }

    fn made(&self, docs: Vec<MadeDoc>) -> Result<Vec<Made>, Problem> {
        let mut made = Vec::with_capacity(docs.len());
        for (index, doc) in docs.into_iter().enumerate() {
            let place = |name| vec![key("made"), Segment::Index(index), key(name)];
            let value = match self.value(doc.value)? {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                other => {
                    let found = format!("a {} stands here", other.type_name());
                    let problem = Problem::new(found).expected("text").hint("write one text");
                    return Err(self.place(problem, &place("value")));
                }
            };
            let kinds = TokenKind::ALL.iter();
            let kind = kinds.clone().find(|(_, name)| *name == doc.kind);
            let Some((kind, _)) = kind else {
                let names: Vec<&str> = kinds.map(|(_, name)| *name).collect();
                let problem = Problem::new(format!("unknown kind `{}`", cut(&doc.kind)))
                    .expected(format!("one of `{}`", names.join("`, `")))
                    .hint(did_you_mean(&doc.kind, &names));
                return Err(self.place(problem, &place("kind")));
            };
            let mut places = Vec::with_capacity(doc.places.len());
            for (number, text) in doc.places.iter().enumerate() {
                places.push(Path::parse(text).map_err(|error| {
                    let mut place = place("places");
                    place.push(Segment::Index(number));
                    let problem = Problem::new(format!("`{text}` is no path"))
                        .expected(format!("{} at its byte {}", error.expected, error.at))
                        .hint("write it like `response.body.json.id` or `calls[0].params[1]`");
                    self.place(problem, &place)
                })?);
            }
            made.push(Made {
                value,
                kind: *kind,
                places,
            });
        }
        Ok(made)
    }
}

fn key(name: &str) -> Segment {
    Segment::Key(name.to_owned())
}

fn ledger(doc: LedgerDoc) -> Ledger {
    let outbound = doc.outbound.into_iter();
    Ledger {
        inbound: tally(doc.inbound),
        outbound: outbound
            .map(|(name, counts)| (name, tally(counts)))
            .collect(),
        took: doc.took.0,
        notes: doc.notes,
    }
}

fn tally(doc: TallyDoc) -> Tally {
    Tally {
        connections: doc.connections,
        opaque: doc.opaque,
        bytes: doc.bytes,
        seen: doc.seen,
        kept: doc.kept,
        merged: doc.merged,
        sampled_out: doc.sampled_out,
        dropped: doc.dropped,
        undecodable: doc.undecodable,
    }
}
