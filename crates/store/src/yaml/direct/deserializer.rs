//! A node, as serde asks for it.

use std::borrow::Cow;

use serde::de::value::CowStrDeserializer;
use serde::de::{Deserializer, Visitor};

use super::collections::{BlockList, BlockMap, Collection, FlowList, FlowMap, Progress, Tagged};
use super::parser::{Head, Parser, Place, Position};
use super::scalars::{Kind, Scalar};
use super::{GiveUp, Known};

macro_rules! gives_up {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'t>>(self, _: V) -> Known<V::Value> {
            Err(GiveUp)
        }
    )*};
}

/// A node that is still to be read.
pub(super) struct Node<'p, 't> {
    parser: &'p mut Parser<'t>,
    place: Place,
}

impl<'p, 't> Node<'p, 't> {
    pub(super) fn new(parser: &'p mut Parser<'t>, place: Place) -> Self {
        Node { parser, place }
    }

    fn scalar(self) -> Known<Scalar<'t>> {
        match self.parser.head(self.place)? {
            Head::Scalar(scalar) => Ok(scalar),
            _ => Err(GiveUp),
        }
    }

    /// Text, in the narrow sense: `12` for text is left to the general parser.
    fn text(self) -> Known<Cow<'t, str>> {
        let tagged = self.place.tagged;
        let scalar = self.scalar()?;
        match scalar.kind {
            Kind::Text => Ok(scalar.text),
            Kind::BlobName if tagged => Ok(scalar.text),
            _ => Err(GiveUp),
        }
    }

    fn collection<V: Visitor<'t>>(self, head: Head<'t>, visitor: V) -> Known<V::Value> {
        let (parser, progress) = (&mut *self.parser, Progress::First);
        parser.enter()?;
        let in_block = !self.place.is_flow();
        let (value, ends_line) = match head {
            Head::BlockList(column) => {
                let mut list = BlockList {
                    parser,
                    column,
                    progress,
                };
                let value = visitor.visit_seq(&mut list)?;
                list.finish()?;
                (value, false)
            }
            Head::BlockMap(column, first) => {
                let mut map = BlockMap {
                    parser,
                    column,
                    first,
                    progress,
                };
                let value = visitor.visit_map(&mut map)?;
                map.finish()?;
                (value, false)
            }
            Head::FlowList => {
                let mut list = FlowList { parser, progress };
                let value = visitor.visit_seq(&mut list)?;
                list.finish()?;
                (value, in_block)
            }
            Head::FlowMap => {
                let mut map = FlowMap { parser, progress };
                let value = visitor.visit_map(&mut map)?;
                map.finish()?;
                (value, in_block)
            }
            Head::Tag(..) | Head::Scalar(_) => return Err(GiveUp),
        };
        if ends_line {
            self.parser.expect(b'\n')?;
        }
        self.parser.leave();
        Ok(value)
    }
}

impl<'t> Deserializer<'t> for Node<'_, 't> {
    type Error = GiveUp;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        match self.parser.head(self.place)? {
            Head::Scalar(scalar) => any_scalar(scalar, visitor),
            Head::Tag(tag, place) => {
                let content = Node::new(self.parser, place);
                visitor.visit_enum(Tagged { tag, content })
            }
            head => self.collection(head, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        match self.scalar()?.kind {
            Kind::True => visitor.visit_bool(true),
            Kind::False => visitor.visit_bool(false),
            _ => Err(GiveUp),
        }
    }

    fn deserialize_u64<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        let scalar = self.scalar()?;
        match scalar.kind {
            Kind::Number => visitor.visit_u64(scalar.text.parse().map_err(|_| GiveUp)?),
            _ => Err(GiveUp),
        }
    }

    fn deserialize_f64<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        let scalar = self.scalar()?;
        match scalar.kind {
            Kind::Number => visitor.visit_f64(scalar.text.parse().map_err(|_| GiveUp)?),
            _ => Err(GiveUp),
        }
    }

    fn deserialize_str<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        visit_text(self.text()?, visitor)
    }

    fn deserialize_string<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        visit_text(self.text()?, visitor)
    }

    fn deserialize_identifier<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        visit_text(self.text()?, visitor)
    }

    /// Something: nothing, `null` in its place, is never written.
    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        let rest = self.parser.text.get(self.parser.pos..).unwrap_or_default();
        let rest = match self.place.position {
            Position::Key => rest.strip_prefix(' ').unwrap_or(rest),
            _ => rest,
        };
        if rest.starts_with("null") {
            return Err(GiveUp);
        }
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        match self.parser.head(self.place)? {
            head @ (Head::BlockList(_) | Head::FlowList) => self.collection(head, visitor),
            _ => Err(GiveUp),
        }
    }

    fn deserialize_tuple<V: Visitor<'t>>(self, _: usize, visitor: V) -> Known<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Known<V::Value> {
        match self.parser.head(self.place)? {
            head @ (Head::BlockMap(..) | Head::FlowMap) => self.collection(head, visitor),
            _ => Err(GiveUp),
        }
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Known<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Known<V::Value> {
        visitor.visit_enum(CowStrDeserializer::new(self.text()?))
    }

    // The types of the format ask for none of these.
    gives_up! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u128
        deserialize_f32 deserialize_char deserialize_bytes deserialize_byte_buf
        deserialize_unit deserialize_ignored_any
    }

    fn deserialize_unit_struct<V: Visitor<'t>>(self, _: &'static str, _: V) -> Known<V::Value> {
        Err(GiveUp)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, _: &'static str, _: V) -> Known<V::Value> {
        Err(GiveUp)
    }

    fn deserialize_tuple_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Known<V::Value> {
        Err(GiveUp)
    }
}

fn any_scalar<'t, V: Visitor<'t>>(scalar: Scalar<'t>, visitor: V) -> Known<V::Value> {
    match scalar.kind {
        Kind::Text => visit_text(scalar.text, visitor),
        Kind::Null => visitor.visit_unit(),
        Kind::True => visitor.visit_bool(true),
        Kind::False => visitor.visit_bool(false),
        Kind::Number => {
            if let Ok(number) = scalar.text.parse() {
                visitor.visit_u64(number)
            } else if let Ok(number) = scalar.text.parse() {
                visitor.visit_i64(number)
            } else {
                visitor.visit_f64(scalar.text.parse().map_err(|_| GiveUp)?)
            }
        }
        Kind::BlobName => Err(GiveUp),
    }
}

fn visit_text<'t, V: Visitor<'t>>(text: Cow<'t, str>, visitor: V) -> Known<V::Value> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}
