//! The beginning of a session.

use retake_model::{Answer, Value};

use super::answer::{Malformed, bytes_of, write_report};
use super::server::{Server, Waiting};
use crate::postgres::message::{Startup, Version};
use crate::{Reading, WireError};

/// The newest minor version of protocol 3 that is spoken here. Version 3.2 differs in the length
/// of cancel keys alone.
const MINOR: u16 = 2;

/// What a server reports in its greeting where no greeting was recorded: PostgreSQL's defaults.
const DEFAULTS: &[(&str, &str)] = &[
    ("application_name", ""),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("default_transaction_read_only", "off"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("IntervalStyle", "postgres"),
    ("is_superuser", "off"),
    ("scram_iterations", "4096"),
    ("server_encoding", "UTF8"),
    ("server_version", "16.0"),
    ("session_authorization", ""),
    ("standard_conforming_strings", "on"),
    ("TimeZone", "UTC"),
];

impl Server {
    /// Answers a StartupMessage.
    pub(super) fn start(&mut self, version: Version, startup: &Startup<'_>) {
        let option = |name: &[u8]| name.starts_with(b"_pq_.");
        let unknown: Vec<&[u8]> = startup
            .parameters()
            .map(|(name, _)| name)
            .filter(|name| option(name))
            .collect();
        if version.minor > MINOR || !unknown.is_empty() {
            self.out.negotiate(version.minor.min(MINOR), &unknown);
        }
        let parameters: Vec<(String, Value)> = startup
            .parameters()
            .filter(|(name, _)| !option(name) && *name != b"password")
            .map(|(name, value)| {
                let name = String::from_utf8_lossy(name).into_owned();
                (name, Value::text_or_bytes(value))
            })
            .collect();
        let request = Value::map([("startup", Value::Map(parameters.clone()))]);
        self.ask(request, Reading::Probe, Waiting::Startup(parameters));
    }

    /// Greets the client as the recorded server did.
    pub(super) fn greet(
        &mut self,
        asked: &[(String, Value)],
        answer: &Answer,
    ) -> Result<(), WireError> {
        let recorded = match answer {
            Answer::Serve(tree) => Some(tree),
            Answer::Miss(_) => None,
        };
        if let Some(error) = recorded.and_then(|tree| tree.get("error")) {
            self.closing = true;
            return write_report(&mut self.out, b'E', error)
                .map_err(|why| self.unservable(false, why));
        }
        let parameters = match recorded.and_then(|tree| tree.get("parameters")) {
            Some(Value::Map(parameters)) => parameters.clone(),
            Some(_) => {
                self.closing = true;
                let why = Malformed("the parameters of a greeting are no map".to_owned());
                return Err(self.unservable(false, why));
            }
            None => default_parameters(),
        };
        self.out.authentication_ok();
        for (name, value) in &parameters {
            let value = own_value(name, asked).unwrap_or_else(|| value.clone());
            let value = bytes_of(&value).unwrap_or_default();
            self.out.parameter_status(name.as_bytes(), value);
        }
        // Nothing runs that a key could cancel, so it need not be a secret.
        self.out.backend_key(self.pid, &self.pid.to_be_bytes());
        self.ready();
        Ok(())
    }
}

fn default_parameters() -> Vec<(String, Value)> {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::from(*value));
    DEFAULTS.iter().map(pair).collect()
}

/// The value of a reported setting that the client itself decides.
fn own_value(name: &str, asked: &[(String, Value)]) -> Option<Value> {
    let asked = |wanted: &str| {
        asked
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.clone())
    };
    match name {
        "application_name" => Some(asked(name).unwrap_or_else(|| "".into())),
        "session_authorization" => asked("user"),
        "TimeZone" => asked(name),
        "client_encoding" => asked(name).map(|value| match value.as_str() {
            Some(text) => encoding_name(text).into(),
            None => value,
        }),
        _ => None,
    }
}

/// An encoding's name as a server reports it: `utf-8` is `UTF8`.
pub(super) fn encoding_name(text: &str) -> String {
    let bare: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if bare.eq_ignore_ascii_case("utf8") || bare.eq_ignore_ascii_case("unicode") {
        return "UTF8".to_owned();
    }
    text.to_ascii_uppercase()
}
