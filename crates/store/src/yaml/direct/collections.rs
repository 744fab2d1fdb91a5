//! Lists, maps and tagged nodes, as serde asks for what is in them.

use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::deserializer::Node;
use super::parser::{Parser, Place, Position};
use super::scalars::Scalar;
use super::{GiveUp, Known};

/// A list in block style; the parser is before its first `-`.
pub(super) struct BlockList<'p, 't> {
    pub(super) parser: &'p mut Parser<'t>,
    pub(super) column: usize,
    pub(super) progress: Progress,
}

/// A list in flow style; the parser is behind its `[`.
pub(super) struct FlowList<'p, 't> {
    pub(super) parser: &'p mut Parser<'t>,
    pub(super) progress: Progress,
}

/// A map in block style; the parser is before its first key, or behind it where it was read.
pub(super) struct BlockMap<'p, 't> {
    pub(super) parser: &'p mut Parser<'t>,
    pub(super) column: usize,
    pub(super) first: Option<Scalar<'t>>,
    pub(super) progress: Progress,
}

/// A map in flow style; the parser is behind its `{`.
pub(super) struct FlowMap<'p, 't> {
    pub(super) parser: &'p mut Parser<'t>,
    pub(super) progress: Progress,
}

/// How far a collection was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    First,
    Further,
    Over,
}

/// What all collections can say.
pub(super) trait Collection {
    /// Whether another element or key follows; it is then next.
    fn goes_on(&mut self) -> Known<bool>;

    fn progress(&mut self) -> &mut Progress;

    /// Goes on to the next element or key, where there is one.
    fn next(&mut self) -> Known<bool> {
        if *self.progress() == Progress::Over {
            return Ok(false);
        }
        let goes_on = self.goes_on()?;
        *self.progress() = if goes_on {
            Progress::Further
        } else {
            Progress::Over
        };
        Ok(goes_on)
    }

    /// Whether all of it was read. A visitor that leaves elements is the other reader's business.
    fn finish(&mut self) -> Known<()> {
        if self.next()? { Err(GiveUp) } else { Ok(()) }
    }
}

/// Whether a flow collection goes on: its `close`, or a comma before what is not the first.
fn flow_goes_on(parser: &mut Parser<'_>, progress: Progress, close: u8) -> Known<bool> {
    if parser.eats(close) {
        return Ok(false);
    }
    if progress != Progress::First {
        parser.expect(b',')?;
        parser.expect(b' ')?;
    }
    Ok(true)
}

impl Collection for BlockList<'_, '_> {
    fn goes_on(&mut self) -> Known<bool> {
        if self.progress != Progress::First && !self.parser.goes_on_at(self.column)? {
            return Ok(false);
        }
        self.parser.expect(b'-')?;
        self.parser.expect(b' ')?;
        Ok(true)
    }

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }
}

impl Collection for FlowList<'_, '_> {
    fn goes_on(&mut self) -> Known<bool> {
        flow_goes_on(self.parser, self.progress, b']')
    }

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }
}

impl Collection for BlockMap<'_, '_> {
    fn goes_on(&mut self) -> Known<bool> {
        if self.progress == Progress::First {
            return Ok(true);
        }
        self.parser.goes_on_at(self.column)
    }

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }
}

impl Collection for FlowMap<'_, '_> {
    fn goes_on(&mut self) -> Known<bool> {
        flow_goes_on(self.parser, self.progress, b'}')
    }

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }
}

impl<'t> SeqAccess<'t> for &mut BlockList<'_, 't> {
    type Error = GiveUp;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Known<Option<S::Value>> {
        if !self.next()? {
            return Ok(None);
        }
        let place = Place::new(Position::Item, self.column);
        seed.deserialize(Node::new(self.parser, place)).map(Some)
    }
}

impl<'t> SeqAccess<'t> for &mut FlowList<'_, 't> {
    type Error = GiveUp;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Known<Option<S::Value>> {
        if !self.next()? {
            return Ok(None);
        }
        let place = Place::new(Position::Flow, 0);
        seed.deserialize(Node::new(self.parser, place)).map(Some)
    }
}

impl<'t> MapAccess<'t> for &mut BlockMap<'_, 't> {
    type Error = GiveUp;

    fn next_key_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Known<Option<S::Value>> {
        if !self.next()? {
            return Ok(None);
        }
        let key = match self.first.take() {
            Some(key) => key,
            None => self.parser.block_key()?,
        };
        seed.deserialize(CowStrDeserializer::new(key.text))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Known<S::Value> {
        let place = Place::new(Position::Key, self.column);
        seed.deserialize(Node::new(self.parser, place))
    }
}

impl<'t> MapAccess<'t> for &mut FlowMap<'_, 't> {
    type Error = GiveUp;

    fn next_key_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Known<Option<S::Value>> {
        if !self.next()? {
            return Ok(None);
        }
        let key = self.parser.flow_key()?;
        seed.deserialize(CowStrDeserializer::new(key.text))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Known<S::Value> {
        let place = Place::new(Position::Flow, 0);
        seed.deserialize(Node::new(self.parser, place))
    }
}

/// A node behind a tag.
pub(super) struct Tagged<'p, 't> {
    pub(super) tag: &'t str,
    pub(super) content: Node<'p, 't>,
}

impl<'p, 't> EnumAccess<'t> for Tagged<'p, 't> {
    type Error = GiveUp;
    type Variant = Node<'p, 't>;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Known<(S::Value, Node<'p, 't>)> {
        let tag = seed.deserialize(BorrowedStrDeserializer::new(self.tag))?;
        Ok((tag, self.content))
    }
}

impl<'t> VariantAccess<'t> for Node<'_, 't> {
    type Error = GiveUp;

    fn unit_variant(self) -> Known<()> {
        Err(GiveUp)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Known<S::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, _: V) -> Known<V::Value> {
        Err(GiveUp)
    }

    fn struct_variant<V: Visitor<'t>>(self, _: &'static [&'static str], _: V) -> Known<V::Value> {
        Err(GiveUp)
    }
}
