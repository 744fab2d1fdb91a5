//! Bodies: exact bytes to a tree that can be read and compared, and back.
//!
//! The tree is a map with one of the keys `json`, `form`, `xml`, `text`, `bytes`, and what is
//! needed beside it to write the exact bytes again; `docs/format.md` describes it.

mod check;
pub mod coding;
mod form;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use retake_model::{Value, json};

pub(super) use check::check;

/// Why a tree is no body that can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has none of the keys that hold a body, or not in their form.
    #[error("not a body: expected {0}")]
    Form(&'static str),
    /// It says that it was encoded in a way that retake cannot encode.
    #[error("cannot encode a body as {0:?} (known: gzip, deflate, br, zstd)")]
    Encoding(String),
}

/// The tree of a body.
///
/// `content_type` and `content_encoding` are the values of those headers. Writing the tree with
/// [`to_bytes`] gives exactly `bytes`.
pub fn to_tree(
    content_type: Option<&[u8]>,
    content_encoding: Option<&[u8]>,
    bytes: &[u8],
) -> Value {
    let media = MediaType::of(content_type.unwrap_or_default());
    let encoding = content_encoding
        .and_then(|name| std::str::from_utf8(name).ok())
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !coding::is_identity(name));
    let Some(encoding) = encoding else {
        return plain(media, bytes);
    };
    let Some(decoded) = coding::decode(&encoding, bytes) else {
        return as_bytes(bytes);
    };
    let mut tree = plain(media, &decoded);
    tree.push("encoding", encoding.into());
    tree.push("encoded", Value::Bytes(Bytes::copy_from_slice(bytes)));
    tree
}

/// The exact bytes of a body's tree.
///
/// A body that was encoded is sent as it came as long as that still decodes to what the tree
/// shows; once a value in the tree was changed, it is encoded anew.
///
/// # Errors
/// [`BodyError`] where the tree has not the form of a body.
pub fn to_bytes(tree: &Value) -> Result<Vec<u8>, BodyError> {
    let decoded = decoded_bytes(tree)?;
    let Some(encoding) = tree.get("encoding") else {
        return Ok(decoded);
    };
    let encoding = encoding
        .as_str()
        .ok_or(BodyError::Form("`encoding` to be text"))?;
    if let Some(encoded) = tree.get("encoded") {
        let encoded = raw(encoded).ok_or(BodyError::Form("`encoded` to be bytes"))?;
        if coding::decode(encoding, encoded).is_some_and(|shown| shown == decoded) {
            return Ok(encoded.to_vec());
        }
    }
    coding::encode(encoding, &decoded).ok_or_else(|| BodyError::Encoding(encoding.to_owned()))
}

/// The bytes of a body's tree before they are encoded: what the tree shows.
///
/// # Errors
/// [`BodyError`] where the tree has not the form of a body.
pub fn decoded_bytes(tree: &Value) -> Result<Vec<u8>, BodyError> {
    let fields = tree
        .as_map()
        .ok_or(BodyError::Form("a map such as `{json: …}`"))?;
    let style = tree.get("style");
    for (kind, value) in fields {
        match kind.as_str() {
            "json" => {
                let style = style
                    .map_or(Some(json::Style::default()), json::Style::from_value)
                    .ok_or(BodyError::Form("a known `style` of `json`"))?;
                return json::write(value, &style).ok_or(BodyError::Form("`json` to be JSON"));
            }
            "form" => {
                let style = style
                    .map_or(Some(form::Style::default()), form::Style::from_value)
                    .ok_or(BodyError::Form("a known `style` of `form`"))?;
                return form::write(value, &style)
                    .ok_or(BodyError::Form("`form` to be a list of `[name, value]`"));
            }
            "xml" | "text" | "bytes" => {
                let bytes =
                    raw(value).ok_or(BodyError::Form("`xml`, `text` or `bytes` to be text"))?;
                return Ok(bytes.to_vec());
            }
            _ => {}
        }
    }
    Err(BodyError::Form(
        "one of the keys `json`, `form`, `xml`, `text`, `bytes`",
    ))
}

fn raw(value: &Value) -> Option<&[u8]> {
    match value {
        Value::String(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// What a media type says of how its bodies are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MediaType {
    Json,
    Form,
    Xml,
    /// Text, whatever characters it has.
    Text,
    /// A format whose bytes mean nothing as text, even where they could be read so.
    Binary,
    /// It does not say, or what it says is not trusted.
    Unknown,
}

impl MediaType {
    fn of(content_type: &[u8]) -> Self {
        let essence = content_type.split(|b| *b == b';').next();
        let essence = essence.unwrap_or_default().trim_ascii();
        let essence = String::from_utf8_lossy(essence).to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').unwrap_or((&essence, ""));
        match (kind, subtype) {
            ("application" | "text", "json" | "x-json") => MediaType::Json,
            ("application" | "text", "xml") => MediaType::Xml,
            ("application", "x-www-form-urlencoded") => MediaType::Form,
            (_, subtype) if subtype.ends_with("+json") => MediaType::Json,
            (_, subtype) if subtype.ends_with("+xml") => MediaType::Xml,
            // Lines of JSON: one line would be JSON, two are not, so they are always text.
            (_, subtype) if subtype.contains("json") => MediaType::Text,
            ("image" | "audio" | "video" | "font", _) => MediaType::Binary,
            (_, "protobuf" | "x-protobuf") => MediaType::Binary,
            (_, subtype) if subtype.starts_with("grpc") => MediaType::Binary,
            _ => MediaType::Unknown,
        }
    }
}

/// The tree of a body that is not encoded.
fn plain(media: MediaType, bytes: &[u8]) -> Value {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return as_bytes(bytes);
    };
    match media {
        MediaType::Json => json_or_text(bytes, text),
        MediaType::Xml => Value::map([("xml", text)].map(|(k, v)| (k, v.into()))),
        MediaType::Text => as_text(text),
        MediaType::Binary => as_bytes(bytes),
        // Many services send JSON under another name: PHP as HTML, curl's `-d` as a form.
        _ if matches!(bytes.first(), Some(b'{' | b'[')) && json::parse(bytes).is_ok() => {
            json_or_text(bytes, text)
        }
        MediaType::Form => form_or_text(text),
        MediaType::Unknown if looks_like_text(bytes) => as_text(text),
        MediaType::Unknown => as_bytes(bytes),
    }
}

fn json_or_text(bytes: &[u8], text: &str) -> Value {
    let Ok((value, style)) = json::parse(bytes) else {
        return as_text(text);
    };
    if json::write(&value, &style).as_deref() != Some(bytes) {
        return Value::map([("text", text.into()), ("as", Value::from("json"))]);
    }
    let mut tree = Value::map([("json", value)]);
    if let Some(style) = style.to_value() {
        tree.push("style", style);
    }
    tree
}

fn form_or_text(text: &str) -> Value {
    let Some((value, style)) = form::parse(text) else {
        return as_text(text);
    };
    if form::write(&value, &style).as_deref() != Some(text.as_bytes()) {
        return Value::map([("text", text.into()), ("as", Value::from("form"))]);
    }
    let mut tree = Value::map([("form", value)]);
    if let Some(style) = style.to_value() {
        tree.push("style", style);
    }
    tree
}

fn as_text(text: &str) -> Value {
    Value::map([("text", Value::from(text))])
}

fn as_bytes(bytes: &[u8]) -> Value {
    Value::map([("bytes", Value::Bytes(Bytes::copy_from_slice(bytes)))])
}

/// Whether there are no control characters other than tab, line feed and carriage return.
fn looks_like_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|b| *b >= 0x20 && *b != 0x7f || matches!(b, b'\t' | b'\n' | b'\r'))
}
