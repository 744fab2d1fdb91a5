//! Reading and checking `retake.yaml`.

use std::path::Path;
use std::time::Duration;

use retake_model::{Path as Place, Segment};

use super::file::{DependencyDoc, ReadyDoc, RecordDoc, ReplayDoc, SettingsDoc, TlsDoc};
use super::{
    ClientCertificate, DependencySettings, Exclude, Ready, RecordSettings, RedactSettings,
    ReplaySettings, Settings, TlsSettings,
};
use crate::Diagnostic;
use crate::disk::{self, Unread};
use crate::v1::read_rules;
use crate::version::FormatVersion;
use crate::yaml::{Limits, Problem, Span, cut, guard, locate};

impl Settings {
    /// Reads a `retake.yaml`; none where there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, a key is unknown, or a value is not what the key needs.
    pub fn load(path: &Path) -> Result<Option<Settings>, Box<Diagnostic>> {
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
        Settings::parse(&path.to_string_lossy(), &bytes)
            .map(Some)
            .map_err(|problem| Box::new(Diagnostic::new(path, problem, &bytes)))
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
        let mut exclude = Vec::new();
        for (index, doc) in doc.exclude.into_iter().enumerate() {
            if doc.dependency.is_none() && doc.path.is_none() {
                let problem = Problem::new("this would exclude nothing")
                    .expected("`dependency`, `path` or both");
                return Err(self.problem(problem, &place.key("exclude").index(index)));
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
            redact: RedactSettings { headers },
            exclude,
            workers: doc.workers,
        })
    }

    fn dependency(&self, doc: DependencyDoc, place: &Place) -> Result<DependencySettings, Problem> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if doc.name.is_empty() || !doc.name.chars().all(good) {
            let problem = Problem::new(format!("`{}` is no name of a dependency", doc.name))
                .expected("letters, digits, `-`, `_` and `.`");
            return Err(self.problem(problem, &place.key("name")));
        }
        if let Some(url) = &doc.url
            && !url.contains("://")
        {
            let problem = Problem::new("this address does not say its protocol")
                .expected("a URL such as postgres://127.0.0.1:5432");
            return Err(self.problem(problem, &place.key("url")));
        }
        self.address(doc.listen.as_deref(), &place.key("listen"))?;
        if doc.url.is_none() && doc.env.is_none() && doc.hosts.is_empty() {
            let name = &doc.name;
            let problem = Problem::new(format!("it is not said where `{name}` really is"))
                .expected("`url`, or `env` with the variable that holds it");
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
                        .expected("`cert` and `key`, or `anonymous: true`");
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
        for (name, _) in &doc.headers.0 {
            self.header(name, &place.key("headers").key(name))?;
        }
        for (token, _) in &doc.secrets.0 {
            let digits = token.strip_prefix("redacted-").unwrap_or_default();
            if digits.len() != 24 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                let problem = Problem::new(format!("`{token}` stands for no redacted credential"))
                    .expected("`redacted-` and 24 hex digits, as the test has it");
                return Err(self.problem(problem, &place.key("secrets").key(token)));
            }
        }
        for (name, _) in &doc.env.0 {
            if name.is_empty() || name.contains(['=', '\0']) {
                let problem = Problem::new(format!("`{name}` is no name of a variable"));
                return Err(self.problem(problem, &place.key("env").key(name)));
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
        let ways = [
            doc.port.map(Ready::Port),
            doc.path.map(Ready::Path),
            doc.log.map(Ready::Log),
        ];
        let mut ways = ways.into_iter().flatten();
        match (ways.next(), ways.next()) {
            (Some(_), Some(_)) => {
                let problem = Problem::new("several ways to tell that the service is ready")
                    .expected("one of `port`, `path` and `log`");
                Err(self.problem(problem, place))
            }
            (way, _) => Ok(way),
        }
    }

    fn address(&self, address: Option<&str>, place: &Place) -> Result<(), Problem> {
        let Some(address) = address else {
            return Ok(());
        };
        let good = address
            .strip_prefix("https://")
            .unwrap_or(address)
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.contains("//") && port.parse::<u16>().is_ok());
        if good {
            return Ok(());
        }
        let problem = Problem::new(format!("`{}` is no address", cut(address)))
            .expected("host and port, such as 127.0.0.1:8080");
        Err(self.problem(problem, place))
    }

    /// RFC 9110, section 5.6.2: the name of a header is a token.
    fn header(&self, name: &str, place: &Place) -> Result<(), Problem> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if !name.is_empty() && name.bytes().all(good) {
            return Ok(());
        }
        let problem = Problem::new(format!("`{}` is no name of a header", cut(name)));
        Err(self.problem(problem, place))
    }

    fn at_least_one(&self, count: Option<usize>, place: &Place) -> Result<(), Problem> {
        if count != Some(0) {
            return Ok(());
        }
        Err(self.problem(Problem::new("`0` stands here").expected("1 or more"), place))
    }

    fn problem(&self, problem: Problem, place: &Place) -> Problem {
        match locate(self.text, &place.0) {
            Some((line, column)) => problem.at(line, column),
            None => problem,
        }
    }
}
