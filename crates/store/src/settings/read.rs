//! Reading and checking `retake.yaml`.

use std::path::Path;
use std::time::Duration;

use retake_model::{Path as Place, Segment};

use super::file::{DependencyDoc, ReadyDoc, RecordDoc, ReplayDoc, SettingsDoc, TlsDoc};
use super::{
    ClientCertificate, DependencySettings, Exclude, Ready, RecordSettings, RedactSettings,
    ReplaySettings, Settings, TlsSettings,
};
use crate::address::{HostPort, host_port};
use crate::check::{self, is_variable, no_variable};
use crate::disk::{self, Unread};
use crate::other::explain;
use crate::v1::read_rules;
use crate::version::FormatVersion;
use crate::yaml::{Limits, Problem, Span, cut, guard, locate};
use crate::{Checks, Diagnostic};

impl Settings {
    /// Reads a `retake.yaml`; none where there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, a key is unknown, or a value is not what the key needs.
    pub fn load(path: &Path, checks: &Checks) -> Result<Option<Settings>, Box<Diagnostic>> {
        let whole_file = |problem| Box::new(Diagnostic::new(path, problem, b""));
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let most = u64::try_from(Limits::SETTINGS.bytes).unwrap_or(u64::MAX);
        let bytes = match disk::read_below(folder, path, most) {
            Ok(bytes) => bytes,
            Err(Unread::Missing) => return Ok(None),
            Err(Unread::Refused(why)) => {
                let problem = Problem::new(format!("this file is refused: {why}"));
                return Err(whole_file(problem));
            }
            Err(Unread::Io(error)) => {
                let problem = Problem::new(format!("the file cannot be read: {error}"));
                return Err(whole_file(problem));
            }
        };
        let settings = Settings::parse(&path.to_string_lossy(), &bytes).map_err(|problem| {
            let text = String::from_utf8_lossy(&bytes);
            let problem = explain(problem, &text, "settings");
            Box::new(Diagnostic::new(path, problem, &bytes))
        })?;
        let rules = check::rules(&settings.rules, &Place::root().key("rules"), checks);
        match rules.into_iter().next() {
            Some(first) => Err(Box::new(first.diagnostic(path, &bytes))),
            None => Ok(Some(settings)),
        }
    }

    /// Reads the content of a `retake.yaml`. `file` is its name in errors.
    pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Settings, Problem> {
        let text = guard(bytes, Limits::SETTINGS)?;
        // The version may be left out: nobody writes it into settings by hand.
        if text.lines().any(|line| line.starts_with("retake:")) {
            FormatVersion::of(text)?;
        }
        let only_comments = text
            .lines()
            .map(str::trim)
            .all(|line| line.is_empty() || line.starts_with('#') || line == "---");
        if only_comments {
            return Ok(Settings::default());
        }
        let doc: SettingsDoc = serde_yaml::from_str(text).map_err(Problem::from)?;
        let check = Check { text };
        Ok(Settings {
            record: check.record(doc.record)?,
            replay: check.replay(doc.replay)?,
            tls: check.tls(doc.tls)?,
            rules: read_rules(doc.rules, &[Segment::Key("rules".into())], file, text)?,
        })
    }
}

/// Said of a number that cannot be used.
const USUAL: &str = "leave it out for the usual one";

/// Checks values, and says where they stand.
struct Check<'t> {
    text: &'t str,
}

impl Check<'_> {
    fn record(&self, doc: RecordDoc) -> Result<RecordSettings, Problem> {
        let place = Place::root().key("record");
        self.address(doc.listen.as_deref(), &place.key("listen"))?;
        self.address(doc.upstream.as_deref(), &place.key("upstream"))?;
        self.address(doc.proxy.as_deref(), &place.key("proxy"))?;
        self.at_least_one(doc.workers, &place.key("workers"))?;
        if let Some((scheme, _)) = doc
            .upstream_proxy
            .as_deref()
            .and_then(|u| u.split_once("://"))
            && !scheme.eq_ignore_ascii_case("http")
        {
            let problem = Problem::new(format!("a proxy that speaks {} stands here", cut(scheme)))
                .expected("a URL such as http://proxy.example:3128, or `none`")
                .hint("name one that speaks http");
            return Err(self.problem(problem, &place.key("upstream_proxy")));
        }
        let mut dependencies: Vec<DependencySettings> = Vec::new();
        for (index, dependency) in doc.dependencies.into_iter().enumerate() {
            let place = place.key("dependencies").index(index);
            if dependencies.iter().any(|d| d.name == dependency.name) {
                let problem = Problem::new(format!("`{}` stands here twice", dependency.name))
                    .hint("give one of the two another name");
                return Err(self.problem(problem, &place.key("name")));
            }
            dependencies.push(self.dependency(dependency, &place)?);
        }
        let mut headers = Vec::new();
        for (index, name) in doc.redact.headers.iter().enumerate() {
            self.header(name, &place.key("redact").key("headers").index(index))?;
            headers.push(name.to_ascii_lowercase());
        }
        for (index, name) in doc.redact.fields.iter().enumerate() {
            let is_path = ["body.", "request.", "response."];
            let is_path = is_path.iter().any(|part| name.starts_with(part));
            if is_path || !name.contains(|c: char| c.is_alphanumeric()) {
                let problem = Problem::new(format!("the text `{}` stands here", cut(name)))
                    .expected("the name of a field, such as password")
                    .hint("name the field alone, not the path to it");
                return Err(self.problem(problem, &place.key("redact").key("fields").index(index)));
            }
        }
        let mut exclude = Vec::new();
        for (index, doc) in doc.exclude.into_iter().enumerate() {
            if doc.dependency.is_none() && doc.path.is_none() {
                let problem = Problem::new("this would exclude nothing")
                    .expected("`dependency`, `path` or both")
                    .hint("add one of them, or remove this");
                return Err(self.problem(problem, &place.key("exclude").index(index)));
            }
            let path = doc.path.as_deref().unwrap_or("/");
            if !path.starts_with(['/', '*']) {
                let problem = Problem::new(format!("the text `{}` stands here", cut(path)))
                    .expected("a path such as /health*")
                    .hint("begin it with `/`; `*` stands for any text");
                let place = place.key("exclude").index(index).key("path");
                return Err(self.problem(problem, &place));
            }
            exclude.push(Exclude {
                dependency: doc.dependency,
                path: doc.path,
            });
        }
        Ok(RecordSettings {
            listen: doc.listen,
            upstream: doc.upstream,
            proxy: doc.proxy,
            upstream_proxy: doc.upstream_proxy,
            dependencies,
            redact: RedactSettings {
                headers,
                fields: doc.redact.fields,
            },
            exclude,
            workers: doc.workers,
        })
    }

    fn dependency(&self, doc: DependencyDoc, place: &Place) -> Result<DependencySettings, Problem> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if doc.name.is_empty() || !doc.name.chars().all(good) {
            let problem = Problem::new(format!("`{}` is no name of a dependency", doc.name))
                .expected("letters, digits, `-`, `_` and `.`")
                .hint("choose a name such as `db` or `payments`");
            return Err(self.problem(problem, &place.key("name")));
        }
        if let Some(url) = &doc.url
            && !url.contains("://")
        {
            let problem = Problem::new("this address does not say its protocol")
                .expected("a URL such as postgres://127.0.0.1:5432")
                .hint("write the protocol and `://` before it; `tcp://` where its bytes tell");
            return Err(self.problem(problem, &place.key("url")));
        }
        self.address(doc.listen.as_deref(), &place.key("listen"))?;
        if doc.url.is_none() && doc.env.is_none() && doc.hosts.is_empty() {
            let name = &doc.name;
            let problem = Problem::new(format!("it is not said where `{name}` really is"))
                .expected("`url`, or `env` with the variable that holds it")
                .hint("add one of them, or `hosts` where it is captured");
            return Err(self.problem(problem, place));
        }
        Ok(DependencySettings {
            name: doc.name,
            url: doc.url,
            listen: doc.listen,
            env: doc.env,
            hosts: doc.hosts,
        })
    }

    fn tls(&self, doc: TlsDoc) -> Result<TlsSettings, Problem> {
        let place = Place::root().key("tls").key("clients");
        let mut clients = Vec::with_capacity(doc.clients.len());
        for (index, client) in doc.clients.into_iter().enumerate() {
            let files = match (client.cert, client.key, client.anonymous) {
                (Some(cert), Some(key), false) => Some((cert.into(), key.into())),
                (None, None, true) => None,
                _ => {
                    let problem = Problem::new("it is not said what the server is shown")
                        .expected("`cert` and `key`, or `anonymous: true`")
                        .hint("add what is missing, and remove what is too much");
                    return Err(self.problem(problem, &place.index(index)));
                }
            };
            let host = client.host;
            clients.push(ClientCertificate { host, files });
        }
        Ok(TlsSettings {
            roots: doc.roots.into_iter().map(Into::into).collect(),
            clients,
        })
    }

    fn replay(&self, doc: ReplayDoc) -> Result<ReplaySettings, Problem> {
        let place = Place::root().key("replay");
        self.at_least_one(doc.jobs, &place.key("jobs"))?;
        for (name, value) in &doc.headers.0 {
            let place = place.key("headers").key(name);
            self.header(name, &place)?;
            self.one_line(value, &place)?;
        }
        self.some_time(doc.timeout, &place.key("timeout"))?;
        for (token, _) in &doc.secrets.0 {
            let digits = token.strip_prefix("redacted-").unwrap_or_default();
            if digits.len() != 24 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                let problem = Problem::new(format!("`{token}` stands for no redacted credential"))
                    .expected("`redacted-` and 24 hex digits, as the test has it")
                    .hint("copy it from the test");
                return Err(self.problem(problem, &place.key("secrets").key(token)));
            }
        }
        for (name, _) in &doc.env.0 {
            if !is_variable(name) {
                return Err(self.problem(no_variable(name), &place.key("env").key(name)));
            }
        }
        let ready_timeout = doc.ready.as_ref().and_then(|ready| ready.timeout);
        let ready = match doc.ready {
            Some(ready) => self.ready(ready, &place.key("ready"))?,
            None => None,
        };
        let duration = |span: Span| Duration::from_nanos(span.0);
        Ok(ReplaySettings {
            ready,
            ready_timeout: ready_timeout.map(duration),
            timeout: doc.timeout.map(duration),
            jobs: doc.jobs,
            headers: doc.headers.0,
            secrets: doc.secrets.0,
            strict: doc.strict,
            env: doc.env.0,
        })
    }

    fn ready(&self, doc: ReadyDoc, place: &Place) -> Result<Option<Ready>, Problem> {
        self.some_time(doc.timeout, &place.key("timeout"))?;
        if doc.port == Some(0) {
            let problem = Problem::new("`0` stands here")
                .expected("a port from 1 to 65535")
                .hint("leave it out: the port of the service is then waited for");
            return Err(self.problem(problem, &place.key("port")));
        }
        if let Some(path) = doc.path.as_deref().filter(|path| !path.starts_with('/')) {
            let problem = Problem::new(format!("the text `{}` stands here", cut(path)))
                .expected("a path such as /health")
                .hint("begin it with `/`");
            return Err(self.problem(problem, &place.key("path")));
        }
        if doc.log.as_deref() == Some("") {
            let problem = Problem::new("nothing stands here")
                .expected("a text that the service prints once it is ready")
                .hint("write a part of that line");
            return Err(self.problem(problem, &place.key("log")));
        }
        let ways = [
            doc.port.map(Ready::Port),
            doc.path.map(Ready::Path),
            doc.log.map(Ready::Log),
        ];
        let mut ways = ways.into_iter().flatten();
        match (ways.next(), ways.next()) {
            (Some(_), Some(_)) => {
                let problem = Problem::new("several ways to tell that the service is ready")
                    .expected("one of `port`, `path` and `log`")
                    .hint("keep the one that says it best");
                Err(self.problem(problem, place))
            }
            (way, _) => Ok(way),
        }
    }

    fn address(&self, address: Option<&str>, place: &Place) -> Result<(), Problem> {
        let Some(address) = address else {
            return Ok(());
        };
        match host_port(address) {
            HostPort::Is => Ok(()),
            HostPort::Not(problem) => Err(self.problem(problem, place)),
        }
    }

    /// RFC 9110, section 5.6.2: the name of a header is a token.
    fn header(&self, name: &str, place: &Place) -> Result<(), Problem> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if !name.is_empty() && name.bytes().all(good) {
            return Ok(());
        }
        let problem = Problem::new(format!("`{}` is no name of a header", cut(name)))
            .expected("letters, digits and `-` (RFC 9110, section 5.6.2)")
            .hint("correct the name");
        Err(self.problem(problem, place))
    }

    fn one_line(&self, value: &str, place: &Place) -> Result<(), Problem> {
        if !value.contains(['\r', '\n', '\0']) {
            return Ok(());
        }
        let problem = Problem::new("a text of several lines stands here")
            .expected("text on one line")
            .hint("in YAML `|` ends with a line break, `|-` does not");
        Err(self.problem(problem, place))
    }

    fn some_time(&self, span: Option<Span>, place: &Place) -> Result<(), Problem> {
        if span != Some(Span(0)) {
            return Ok(());
        }
        let problem = Problem::new("no time at all stands here")
            .expected("a duration such as 30s or 250ms")
            .hint(USUAL);
        Err(self.problem(problem, place))
    }

    fn at_least_one(&self, count: Option<usize>, place: &Place) -> Result<(), Problem> {
        if count != Some(0) {
            return Ok(());
        }
        Err(self.problem(
            Problem::new("`0` stands here")
                .expected("1 or more")
                .hint(USUAL),
            place,
        ))
    }

    fn problem(&self, problem: Problem, place: &Place) -> Problem {
        match locate(self.text, &place.0) {
            Some((line, column)) => problem.at(line, column),
            None => problem,
        }
    }
}
