//! What can be set in `retake.yaml`. Every key is optional; what is none was not set, so that
//! built-in defaults below and environment and flags above can be told apart.

use std::path::PathBuf;
use std::time::Duration;

use retake_model::NoiseRule;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// `record:`
    pub record: RecordSettings,
    /// `replay:`
    pub replay: ReplaySettings,
    /// `tls:`
    pub tls: TlsSettings,
    /// `rules:`, for every set.
    pub rules: Vec<NoiseRule>,
}

/// `tls:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsSettings {
    /// Files of further roots by which real servers are verified.
    pub roots: Vec<PathBuf>,
    /// What is shown to servers that ask for a certificate.
    pub clients: Vec<ClientCertificate>,
}

/// One of `tls.clients`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The server's name; every server where there is none.
    pub host: Option<String>,
    /// The files of the certificate and of its key; none where the server is to be told that
    /// there is no certificate (`anonymous: true`).
    pub files: Option<(PathBuf, PathBuf)>,
}

/// `record:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordSettings {
    /// Where retake listens for inbound requests, `host:port`.
    pub listen: Option<String>,
    /// Where the service listens, `host:port`.
    pub upstream: Option<String>,
    /// Where retake listens as a forward proxy, `host:port`.
    pub proxy: Option<String>,
    /// The proxy behind it: a URL, or `none`.
    pub upstream_proxy: Option<String>,
    /// The dependencies.
    pub dependencies: Vec<DependencySettings>,
    /// `redact:`
    pub redact: RedactSettings,
    /// What is not recorded.
    pub exclude: Vec<Exclude>,
    /// How many threads relay traffic; at least 1.
    pub workers: Option<usize>,
}

/// One of `record.dependencies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencySettings {
    /// Its name.
    pub name: String,
    /// Its protocol and real address: `postgres://127.0.0.1:5432`.
    pub url: Option<String>,
    /// Where retake listens for it, `host:port`.
    pub listen: Option<String>,
    /// The environment variable that tells the service its address.
    pub env: Option<String>,
    /// Hosts or addresses, with or without a port, that have this name where the service is
    /// captured.
    pub hosts: Vec<String>,
}

/// `record.redact:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedactSettings {
    /// Names of headers whose values are secrets, beside the built-in ones; in lower case.
    pub headers: Vec<String>,
    /// Names of fields of JSON bodies and forms, and of query keys, whose texts are secrets, as the
    /// file has them.
    pub fields: Vec<String>,
}

/// One of `record.exclude`: exchanges that match everything it names are not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exclude {
    /// Calls to that dependency; none for every exchange, inbound ones too.
    pub dependency: Option<String>,
    /// HTTP requests whose path, without its query, matches; `*` stands for any text.
    pub path: Option<String>,
}

/// `replay:`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplaySettings {
    /// How it is told that the service is ready.
    pub ready: Option<Ready>,
    /// How long the service may take to become ready: `ready.timeout`.
    pub ready_timeout: Option<Duration>,
    /// How long one test may take.
    pub timeout: Option<Duration>,
    /// How many tests run at the same time; at least 1.
    pub jobs: Option<usize>,
    /// Headers that replace those of every recorded request, in order. `${NAME}` is an
    /// environment variable; it is not filled in here.
    pub headers: Vec<(String, String)>,
    /// What is sent in place of redacted credentials: the recorded token (`redacted-…`), and the
    /// value. `${NAME}` is an environment variable; it is not filled in here.
    pub secrets: Vec<(String, String)>,
    /// Whether left-out and repeated reads are red.
    pub strict: Option<bool>,
    /// Environment variables for the service, in order, beside those of the recording.
    pub env: Vec<(String, String)>,
}

/// How it is told that a service is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// It accepts connections on this port of the loopback.
    Port(u16),
    /// It answers `GET` of this path with a status below 400.
    Path(String),
    /// It prints a line that holds this text.
    Log(String),
}

impl Exclude {
    /// Whether an exchange is left out: the dependency of an outbound call (none for an inbound
    /// exchange), and the path of an HTTP request, with or without its query.
    pub fn matches(&self, dependency: Option<&str>, path: Option<&str>) -> bool {
        let by_dependency = match &self.dependency {
            Some(name) => dependency == Some(name),
            None => true,
        };
        let by_path = match (&self.path, path) {
            (Some(pattern), Some(path)) => {
                let path = path.split('?').next().unwrap_or_default();
                glob(pattern, path)
            }
            (Some(_), None) => false,
            (None, _) => true,
        };
        by_dependency && by_path && (self.dependency.is_some() || self.path.is_some())
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any text. Each star goes back once
/// at most, so the cost is bounded by the product of the lengths.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("/health", "/health", true),
            ("/health", "/healthz", false),
            ("/health*", "/healthz", true),
            ("/health*", "/health", true),
            ("*/metrics", "/a/b/metrics", true),
            ("/a/*/c", "/a/b/c", true),
            ("/a/*/c", "/a/c", false),
            ("/a*b*c", "/axbxbxc", true),
            ("/a*a", "/a", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_excluded_matches_all_that_is_named() {
        let exclude = |dependency: Option<&str>, path: Option<&str>| Exclude {
            dependency: dependency.map(str::to_owned),
            path: path.map(str::to_owned),
        };
        let otel = exclude(Some("otel"), None);
        assert!(otel.matches(Some("otel"), None) && otel.matches(Some("otel"), Some("/v1")));
        assert!(!otel.matches(None, Some("/v1")) && !otel.matches(Some("db"), None));
        let health = exclude(None, Some("/health"));
        assert!(health.matches(None, Some("/health?full=1")));
        assert!(!health.matches(Some("db"), None));
        let both = exclude(Some("api"), Some("/ping"));
        assert!(both.matches(Some("api"), Some("/ping")) && !both.matches(None, Some("/ping")));
        assert!(!Exclude::default().matches(None, Some("/")));
    }
}
