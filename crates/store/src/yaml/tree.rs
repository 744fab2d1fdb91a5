//! A [`Value`] as it stands in YAML.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use retake_model::{Number, Value};
use serde::de::{self, Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess};

use super::problem::{custom, cut};
use super::{Node, flat, is_readable};

/// Text that is longer, in bytes, is kept as a blob.
pub(crate) const LONG: usize = 64 * 1024;

/// Bytes, and text that nobody can read, are kept as a blob where they are longer than this, in
/// bytes.
pub(crate) const LONG_UNREADABLE: usize = 4 * 1024;

/// A key that is longer, in bytes, is written as an element of `!map`: YAML's short form of a
/// key ends at 1024 characters, and one byte may need six of them.
const LONG_KEY: usize = 128;

/// Lists and maps that stand deeper than this in a value are written as `!deep`; YAML readers
/// have limits.
const DEEP: usize = 64;

/// A value as it was read; blobs are names still.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Tree {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Bytes(Bytes),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
    /// The name of a blob that holds bytes.
    Blob(String),
    /// The name of a blob that holds text.
    BlobText(String),
}

impl Tree {
    /// The value, its blobs read by `load`, which is told the name and whether it holds text.
    pub(crate) fn into_value<E>(
        self,
        load: &mut dyn FnMut(&str, bool) -> Result<Value, E>,
    ) -> Result<Value, E> {
        Ok(match self {
            Tree::Null => Value::Null,
            Tree::Bool(truth) => Value::Bool(truth),
            Tree::Number(number) => Value::Number(number),
            Tree::Text(text) => Value::String(text),
            Tree::Bytes(bytes) => Value::Bytes(bytes),
            Tree::Blob(name) => load(&name, false)?,
            Tree::BlobText(name) => load(&name, true)?,
            // What is kept has no room to grow: a set holds many short lists.
            Tree::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.push(item.into_value(load)?);
                }
                Value::List(list)
            }
            Tree::Map(fields) => {
                let mut map = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    map.push((key, value.into_value(load)?));
                }
                Value::Map(map)
            }
        })
    }
}

/// A value that nests deeper than can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooDeep;

/// What is kept beside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobOf<'v> {
    /// The BLAKE3 hash of its content, in hex.
    pub(crate) name: String,
    /// The content.
    pub(crate) bytes: &'v [u8],
}

/// What is to be written for `value`; what is to be kept beside it is put into `blobs`.
pub(crate) fn node<'v>(value: &'v Value, blobs: &mut Vec<BlobOf<'v>>) -> Result<Node<'v>, TooDeep> {
    node_at(value, 0, blobs)
}

fn node_at<'v>(
    value: &'v Value,
    depth: usize,
    blobs: &mut Vec<BlobOf<'v>>,
) -> Result<Node<'v>, TooDeep> {
    match value {
        Value::List(_) | Value::Map(_) if depth >= DEEP => flat::flatten(value, blobs),
        Value::List(items) => {
            let items = items.iter().map(|item| node_at(item, depth + 1, blobs));
            Ok(Node::List(items.collect::<Result<_, _>>()?))
        }
        Value::Map(fields) if needs_pairs(fields) => {
            let mut pairs = Vec::with_capacity(fields.len());
            for (key, value) in fields {
                let pair = vec![text_node(key, blobs), node_at(value, depth + 2, blobs)?];
                pairs.push(Node::List(pair));
            }
            Ok(Node::Tagged("map", Box::new(Node::List(pairs))))
        }
        Value::Map(fields) => {
            let mut map = Vec::with_capacity(fields.len());
            for (key, value) in fields {
                map.push((Cow::Borrowed(&**key), node_at(value, depth + 1, blobs)?));
            }
            Ok(Node::Map(map))
        }
        leaf => Ok(leaf_node(leaf, blobs)),
    }
}

/// What is to be written for a value that is no list and no map.
pub(super) fn leaf_node<'v>(value: &'v Value, blobs: &mut Vec<BlobOf<'v>>) -> Node<'v> {
    match value {
        Value::Null | Value::List(_) | Value::Map(_) => Node::bare("null"),
        Value::Bool(true) => Node::bare("true"),
        Value::Bool(false) => Node::bare("false"),
        Value::Number(number) if keeps_digits(number.as_str()) => Node::bare(number.as_str()),
        Value::Number(number) => Node::Tagged("num", Box::new(Node::text(number.as_str()))),
        Value::String(text) => text_node(text, blobs),
        Value::Bytes(bytes) if bytes.len() > LONG_UNREADABLE => blob("blob", bytes, blobs),
        Value::Bytes(bytes) => Node::Tagged("b64", Box::new(Node::text(BASE64.encode(bytes)))),
    }
}

pub(super) fn text_node<'v>(text: &'v str, blobs: &mut Vec<BlobOf<'v>>) -> Node<'v> {
    if text.len() > LONG || (text.len() > LONG_UNREADABLE && !is_readable(text)) {
        blob("blobtext", text.as_bytes(), blobs)
    } else {
        Node::text(text)
    }
}

fn blob<'v>(tag: &'static str, bytes: &'v [u8], blobs: &mut Vec<BlobOf<'v>>) -> Node<'v> {
    let name = blake3::hash(bytes).to_hex().to_string();
    let node = Node::Tagged(tag, Box::new(Node::bare(name.clone())));
    blobs.push(BlobOf { name, bytes });
    node
}

/// Whether a map cannot be written as one: a key repeats, or is too long for a key.
fn needs_pairs(fields: &[(String, Value)]) -> bool {
    if fields.iter().any(|(key, _)| key.len() > LONG_KEY) {
        return true;
    }
    repeated(fields.iter().map(|(key, _)| key.as_str())).is_some()
}

/// The first word that stands twice.
fn repeated<'k>(keys: impl ExactSizeIterator<Item = &'k str> + Clone) -> Option<&'k str> {
    if keys.len() < FEW {
        let mut rest = keys.clone();
        for key in keys {
            rest.next();
            if rest.clone().any(|other| other == key) {
                return Some(key);
            }
        }
        return None;
    }
    let mut seen = HashSet::with_capacity(keys.len());
    keys.into_iter().find(|key| !seen.insert(*key))
}

/// Whether a number, written without quotes, is read back with these digits by this reader, and
/// as a number by every other: a whole number of 64 bits, or digits with a point and no exponent
/// that are the shortest for their size.
pub(super) fn keeps_digits(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number.to_string() == text;
    }
    if let Ok(number) = text.parse::<u64>() {
        return number.to_string() == text;
    }
    text.contains('.')
        && !text.contains(['e', 'E'])
        && text
            .parse::<f64>()
            .is_ok_and(|number| number.is_finite() && float_text(number) == text)
}

/// The digits of a float as YAML's reader gave it.
fn float_text(number: f64) -> String {
    format!("{number:?}")
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

/// A map of fewer keys is looked at key by key.
const FEW: usize = 16;

/// Reads a key; fails at one that stands among those before it, where those are few.
struct NewKey<'m>(&'m [(String, Tree)]);

impl NewKey<'_> {
    fn check<E: de::Error>(&self, key: &str) -> Result<(), E> {
        if self.0.len() < FEW && self.0.iter().any(|(other, _)| other == key) {
            return Err(stands_twice(key));
        }
        Ok(())
    }
}

impl<'de> de::DeserializeSeed<'de> for NewKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_string(self)
    }
}

impl de::Visitor<'_> for NewKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<String, E> {
        self.check(key)?;
        Ok(key.to_owned())
    }

    fn visit_string<E: de::Error>(self, key: String) -> Result<String, E> {
        self.check(&key)?;
        Ok(key)
    }
}

fn stands_twice<E: de::Error>(key: &str) -> E {
    custom(
        format!("the key `{}` stands twice in this map", cut(key)),
        "each key once",
        Some("remove one, or write the map as `!map [[key, value], …]`".to_owned()),
    )
}

struct TreeVisitor;

impl<'de> de::Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Tree, E> {
        read_number(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Tree, E> {
        read_number(&number.to_string())
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Tree, E> {
        read_number(&number.to_string())
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Tree, E> {
        read_number(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Tree, E> {
        read_number(&float_text(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree, A::Error> {
        let mut map: Vec<(String, Tree)> = Vec::new();
        while let Some(key) = fields.next_key_seed(NewKey(&map))? {
            map.push((key, fields.next_value()?));
        }
        // A short map was looked at key by key.
        let keys = map.iter().map(|(key, _)| key.as_str());
        match (map.len() >= FEW).then(|| repeated(keys)).flatten() {
            Some(key) => Err(stands_twice(key)),
            None => Ok(Tree::Map(map)),
        }
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Tree, A::Error> {
        const TAGS: &str = "`!num`, `!b64`, `!blob`, `!blobtext`, `!map` or `!deep`";
        let (tag, content): (String, _) = data.variant()?;
        match tag.as_str() {
            "num" => read_number(&content.newtype_variant::<String>()?),
            "b64" => {
                let text = content.newtype_variant::<String>()?;
                let bytes = BASE64.decode(&text).map_err(|_| {
                    custom::<A::Error>(
                        format!("`{}` is not base 64", cut(&text)),
                        "bytes in base 64 with padding (RFC 4648, section 4)",
                        Some("encode them anew, as `base64` does; text needs no tag".to_owned()),
                    )
                })?;
                Ok(Tree::Bytes(bytes.into()))
            }
            "blob" => Ok(Tree::Blob(blob_name(content.newtype_variant()?)?)),
            "blobtext" => Ok(Tree::BlobText(blob_name(content.newtype_variant()?)?)),
            "map" => {
                let pairs = content.newtype_variant::<Vec<(String, Tree)>>()?;
                Ok(Tree::Map(pairs))
            }
            "deep" => flat::unflatten(content.newtype_variant()?),
            other => Err(custom(
                format!("unknown tag `!{}`", cut(other)),
                TAGS,
                Some("quote text that begins with `!`".to_owned()),
            )),
        }
    }
}

fn read_number<E: de::Error>(text: &str) -> Result<Tree, E> {
    Number::parse(text).map(Tree::Number).ok_or_else(|| {
        custom(
            format!("`{}` is not a number of JSON", cut(text)),
            "digits such as -12.50e3 (RFC 8259, section 6)",
            Some("put it in quotes where text is meant".to_owned()),
        )
    })
}

/// A blob's name, where it is one: 64 hex digits in lower case, so that it cannot name a file
/// outside its folder.
fn blob_name<E: de::Error>(name: String) -> Result<String, E> {
    if is_blob_name(&name) {
        return Ok(name);
    }
    Err(custom(
        format!("`{}` is not the name of a blob", cut(&name)),
        "64 hex digits in lower case: the BLAKE3 hash of its content",
        Some("name a file of `blobs/`, or write the value here".to_owned()),
    ))
}

/// Whether `name` can be the name of a blob.
pub(crate) fn is_blob_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
