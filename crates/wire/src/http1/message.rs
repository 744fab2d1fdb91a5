//! Requests and responses as typed parts, and the trees that `docs/format.md` describes.
//!
//! Whoever reads or sends HTTP by other means (the replaying client) makes its trees here, so
//! that they have the form of a tap's.

use retake_model::Value;

use super::body::{self, BodyError};
pub use super::reason::usual_reason;

/// One header or trailer field: the name in its own case, the value without the white space
/// around it.
pub type HeaderField = (String, Vec<u8>);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestParts {
    /// The method, as it was sent.
    pub method: String,
    /// The request target, as it was sent: path and query in most requests.
    pub path: String,
    /// The version.
    pub version: Version,
    /// The headers in order, with their repeats.
    pub headers: Vec<HeaderField>,
    /// The body, without the framing of the transfer, content codings still applied.
    pub body: Vec<u8>,
    /// The trailers in order, with their repeats.
    pub trailers: Vec<HeaderField>,
    /// How the end of the body was told.
    pub framing: Framing,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseParts {
    /// The status code.
    pub status: u16,
    /// The reason phrase as it was sent; none stands for [`usual_reason`].
    pub reason: Option<Vec<u8>>,
    /// The version.
    pub version: Version,
    /// The headers in order, with their repeats.
    pub headers: Vec<HeaderField>,
    /// The body, without the framing of the transfer, content codings still applied.
    pub body: Vec<u8>,
    /// The trailers in order, with their repeats.
    pub trailers: Vec<HeaderField>,
    /// How the end of the body was told.
    pub framing: Framing,
    /// The interim responses (1xx) that came before.
    pub interim: Vec<Interim>,
}

/// An interim response (1xx).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interim {
    /// The status code.
    pub status: u16,
    /// The headers in order, with their repeats.
    pub headers: Vec<HeaderField>,
}

/// The version of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
}

/// How the end of a body was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Framing {
    /// By `content-length`, or there was no body.
    #[default]
    Usual,
    /// By `transfer-encoding: chunked`.
    Chunked,
    /// By the end of the connection.
    Close,
}

/// Why a tree is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A field is missing, or not of its form.
    #[error("not an HTTP message: expected `{field}` to be {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What would have been right.
        expected: &'static str,
    },
    /// The body cannot be written.
    #[error("not an HTTP message: its body cannot be written")]
    Body(#[from] BodyError),
}

impl RequestParts {
    /// The tree of the request.
    pub fn to_tree(&self) -> Value {
        let mut tree = Value::map([
            ("method", Value::from(self.method.as_str())),
            ("path", Value::from(self.path.as_str())),
        ]);
        push_common(
            &mut tree,
            self.version,
            &self.headers,
            &self.body,
            &self.trailers,
            self.framing,
        );
        tree
    }

    /// The request of a tree, its body in exact bytes.
    ///
    /// # Errors
    /// [`TreeError`] where the tree has not the form of a request.
    pub fn from_tree(tree: &Value) -> Result<Self, TreeError> {
        Ok(RequestParts {
            method: text(tree, "method")?,
            path: text(tree, "path")?,
            version: version(tree)?,
            headers: fields(tree, "headers")?,
            body: body_bytes(tree)?,
            trailers: fields(tree, "trailers")?,
            framing: framing(tree)?,
        })
    }
}

impl ResponseParts {
    /// The tree of the response.
    pub fn to_tree(&self) -> Value {
        let mut tree = Value::map([("status", Value::from(self.status))]);
        if let Some(reason) = &self.reason
            && reason != usual_reason(self.status).as_bytes()
        {
            tree.push("reason", Value::text_or_bytes(reason));
        }
        push_common(
            &mut tree,
            self.version,
            &self.headers,
            &self.body,
            &self.trailers,
            self.framing,
        );
        let told = self.interim.iter().filter(|i| i.status != 100);
        let interim: Vec<Value> = told.map(Interim::to_tree).collect();
        if !interim.is_empty() {
            tree.push("interim", Value::List(interim));
        }
        tree
    }

    /// The response of a tree, its body in exact bytes.
    ///
    /// # Errors
    /// [`TreeError`] where the tree has not the form of a response.
    pub fn from_tree(tree: &Value) -> Result<Self, TreeError> {
        let reason = tree.get("reason").map(|reason| {
            octets(reason)
                .filter(|r| is_one_line(r))
                .ok_or(TreeError::Field {
                    field: "reason",
                    expected: "one line of text",
                })
        });
        let interim = list(tree, "interim")?.iter().map(|interim| {
            Ok(Interim {
                status: status(interim)?,
                headers: fields(interim, "headers")?,
            })
        });
        Ok(ResponseParts {
            status: status(tree)?,
            reason: reason.transpose()?,
            version: version(tree)?,
            headers: fields(tree, "headers")?,
            body: body_bytes(tree)?,
            trailers: fields(tree, "trailers")?,
            framing: framing(tree)?,
            interim: interim.collect::<Result<_, TreeError>>()?,
        })
    }
}

impl Interim {
    fn to_tree(&self) -> Value {
        let mut tree = Value::map([("status", Value::from(self.status))]);
        push_fields(&mut tree, "headers", &self.headers);
        tree
    }
}

/// The value of the first field of that name, in any case.
pub fn header<'f>(fields: &'f [HeaderField], name: &str) -> Option<&'f [u8]> {
    headers(fields, name).next()
}

/// The values of all fields of that name, in any case.
pub fn headers<'f>(fields: &'f [HeaderField], name: &str) -> impl Iterator<Item = &'f [u8]> {
    let named = move |(n, _): &&HeaderField| n.eq_ignore_ascii_case(name);
    fields.iter().filter(named).map(|(_, value)| &value[..])
}

/// Whether a list of tokens in the fields of that name (`connection`, `transfer-encoding`) has
/// that token, in any case.
pub fn has_token(fields: &[HeaderField], name: &str, token: &str) -> bool {
    headers(fields, name)
        .flat_map(|value| value.split(|b| *b == b','))
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

fn push_common(
    tree: &mut Value,
    version: Version,
    headers: &[HeaderField],
    body: &[u8],
    trailers: &[HeaderField],
    framing: Framing,
) {
    if version == Version::Http10 {
        tree.push("version", "1.0".into());
    }
    push_fields(tree, "headers", headers);
    if !body.is_empty() {
        let codings: Vec<&[u8]> = self::headers(headers, "content-encoding").collect();
        let coding = (!codings.is_empty()).then(|| codings.join(&b","[..]));
        let kind = header(headers, "content-type");
        tree.push("body", body::to_tree(kind, coding.as_deref(), body));
    }
    push_fields(tree, "trailers", trailers);
    match framing {
        Framing::Usual => {}
        Framing::Chunked => tree.push("framing", "chunked".into()),
        Framing::Close => tree.push("framing", "close".into()),
    }
}

fn push_fields(tree: &mut Value, name: &str, fields: &[HeaderField]) {
    if fields.is_empty() {
        return;
    }
    let entry = |(name, value): &HeaderField| Value::map([(name, Value::text_or_bytes(value))]);
    tree.push(name, Value::List(fields.iter().map(entry).collect()));
}

fn text(tree: &Value, field: &'static str) -> Result<String, TreeError> {
    let text = tree.get(field).and_then(Value::as_str);
    // A line break or a space in the first line would begin another message.
    let whole = text.filter(|t| !t.is_empty() && t.bytes().all(|b| b > b' ' && b != 0x7f));
    whole.map(str::to_owned).ok_or(TreeError::Field {
        field,
        expected: "text without white space",
    })
}

fn status(tree: &Value) -> Result<u16, TreeError> {
    tree.get("status")
        .and_then(Value::as_i64)
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (100..1000).contains(status))
        .ok_or(TreeError::Field {
            field: "status",
            expected: "a number from 100 to 999",
        })
}

fn version(tree: &Value) -> Result<Version, TreeError> {
    match tree.get("version").map(octets) {
        None => Ok(Version::Http11),
        Some(Some(text)) if text == b"1.1" => Ok(Version::Http11),
        Some(Some(text)) if text == b"1.0" => Ok(Version::Http10),
        Some(_) => Err(TreeError::Field {
            field: "version",
            expected: "\"1.0\" or \"1.1\"",
        }),
    }
}

fn framing(tree: &Value) -> Result<Framing, TreeError> {
    match tree.get("framing").map(Value::as_str) {
        None => Ok(Framing::Usual),
        Some(Some("chunked")) => Ok(Framing::Chunked),
        Some(Some("close")) => Ok(Framing::Close),
        Some(_) => Err(TreeError::Field {
            field: "framing",
            expected: "`chunked` or `close`",
        }),
    }
}

fn body_bytes(tree: &Value) -> Result<Vec<u8>, TreeError> {
    Ok(tree
        .get("body")
        .map(body::to_bytes)
        .transpose()?
        .unwrap_or_default())
}

fn list<'v>(tree: &'v Value, field: &'static str) -> Result<&'v [Value], TreeError> {
    match tree.get(field) {
        None => Ok(&[]),
        Some(value) => value.as_list().ok_or(TreeError::Field {
            field,
            expected: "a list",
        }),
    }
}

fn fields(tree: &Value, field: &'static str) -> Result<Vec<HeaderField>, TreeError> {
    let wrong = || TreeError::Field {
        field,
        expected: "a list of maps of one entry, `- name: value`, without line breaks",
    };
    let entries = list(tree, field)?.iter().map(|entry| match entry.as_map() {
        Some([(name, value)]) if is_token(name) => octets(value)
            .filter(|value| is_one_line(value))
            .map(|value| (name.clone(), value))
            .ok_or_else(wrong),
        _ => Err(wrong()),
    });
    entries.collect()
}

/// The bytes of a value that was text when it was recorded: a hand may have written a number or
/// a truth value in its place.
fn octets(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Bytes(bytes) => Some(bytes.to_vec()),
        Value::Number(number) => Some(number.as_str().as_bytes().to_vec()),
        Value::Bool(truth) => Some(truth.to_string().into_bytes()),
        Value::Null => Some(Vec::new()),
        Value::List(_) | Value::Map(_) => None,
    }
}

fn is_one_line(text: &[u8]) -> bool {
    !text.iter().any(|b| matches!(b, b'\r' | b'\n' | 0))
}

/// Whether a name is a token (RFC 9110, section 5.6.2).
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(super::head::is_token_byte)
}
