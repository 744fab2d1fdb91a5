//! `retake.yaml`, key by key.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::v1::RuleDoc;
use crate::yaml::{Span, custom};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SettingsDoc {
    #[serde(rename = "retake")]
    pub(super) _retake: Option<String>,
    pub(super) record: RecordDoc,
    pub(super) replay: ReplayDoc,
    pub(super) tls: TlsDoc,
    pub(super) rules: Vec<RuleDoc>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RecordDoc {
    pub(super) listen: Option<String>,
    pub(super) upstream: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) upstream_proxy: Option<String>,
    pub(super) dependencies: Vec<DependencyDoc>,
    pub(super) redact: RedactDoc,
    pub(super) exclude: Vec<ExcludeDoc>,
    pub(super) workers: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DependencyDoc {
    pub(super) name: String,
    pub(super) url: Option<String>,
    pub(super) listen: Option<String>,
    pub(super) env: Option<String>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsDoc {
    pub(super) roots: Vec<String>,
    pub(super) clients: Vec<ClientCertificateDoc>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClientCertificateDoc {
    pub(super) host: Option<String>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) anonymous: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RedactDoc {
    pub(super) headers: Vec<String>,
    pub(super) fields: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExcludeDoc {
    pub(super) dependency: Option<String>,
    pub(super) path: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReplayDoc {
    pub(super) ready: Option<ReadyDoc>,
    pub(super) timeout: Option<Span>,
    pub(super) jobs: Option<usize>,
    pub(super) headers: Pairs,
    pub(super) secrets: Pairs,
    pub(super) strict: Option<bool>,
    pub(super) env: Pairs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReadyDoc {
    pub(super) port: Option<u16>,
    pub(super) path: Option<String>,
    pub(super) log: Option<String>,
    pub(super) timeout: Option<Span>,
}

/// A map of text to text in the order in which it is written.
#[derive(Debug, Default)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names to text")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Pairs, E> {
                Ok(Pairs::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs: Vec<(String, String)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if pairs.iter().any(|(known, _)| *known == name) {
                        return Err(custom(
                            format!("`{name}` stands here twice"),
                            "",
                            Some("remove one of the two".to_owned()),
                        ));
                    }
                    pairs.push((name, map.next_value()?));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_any(V)
    }
}
