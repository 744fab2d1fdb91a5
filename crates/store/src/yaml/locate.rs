//! Where in a text a place of the tree stands.

use std::fmt;

use retake_model::Segment;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IgnoredAny, MapAccess, SeqAccess,
};
use serde::de::{VariantAccess, Visitor};

/// The line and the column, from 1, at which the value at `path` begins; none where the text has
/// no such place.
///
/// The text is read once more, and reading is made to fail at the place: the reader then says
/// where it was. So nothing has to carry positions while all is well.
pub(crate) fn locate(text: &str, path: &[Segment]) -> Option<(usize, usize)> {
    seek(text, path, false)
}

/// Like [`locate`], for the key itself where `path` ends in one.
pub(crate) fn locate_key(text: &str, path: &[Segment]) -> Option<(usize, usize)> {
    seek(text, path, true)
}

fn seek(text: &str, path: &[Segment], key: bool) -> Option<(usize, usize)> {
    let error = Seek { path, key }
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    if !error.to_string().contains(FOUND) {
        return None;
    }
    let at = error.location()?;
    Some((at.line(), at.column()))
}

/// What only the error at the place says. It cannot stand in a YAML text.
const FOUND: &str = "\u{1}here";

#[derive(Clone, Copy)]
struct Seek<'p> {
    path: &'p [Segment],
    /// Whether the last key is looked for, and not its value.
    key: bool,
}

/// Reads a key; fails at the one that is looked for.
struct SeekKey<'p>(Option<&'p str>);

impl<'de> DeserializeSeed<'de> for SeekKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for SeekKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<String, E> {
        if self.0 == Some(key) {
            return Err(E::custom(FOUND));
        }
        Ok(key.to_owned())
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seek<'_> {
    fn leaf<E: de::Error>(&self) -> Result<(), E> {
        if self.path.is_empty() {
            Err(E::custom(FOUND))
        } else {
            Ok(())
        }
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.leaf()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.leaf()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.leaf()
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<(), E> {
        self.leaf()
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<(), E> {
        self.leaf()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.leaf()
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.leaf()
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.leaf()
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.leaf()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((step, below)) = self.path.split_first() else {
            return self.leaf();
        };
        let below = Seek {
            path: below,
            ..self
        };
        let mut index = 0;
        loop {
            let more = if *step == Segment::Index(index) {
                items.next_element_seed(below)?.is_some()
            } else {
                items.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Some((step, below)) = self.path.split_first() else {
            return self.leaf();
        };
        let wanted = match step {
            Segment::Key(wanted) => Some(wanted.as_str()),
            Segment::Index(_) => None,
        };
        let stop_at = wanted.filter(|_| self.key && below.is_empty());
        while let Some(key) = fields.next_key_seed(SeekKey(stop_at))? {
            if wanted == Some(&key) {
                fields.next_value_seed(Seek {
                    path: below,
                    ..self
                })?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<(), A::Error> {
        let (_, content): (String, _) = data.variant()?;
        content.newtype_variant_seed(self)
    }
}
