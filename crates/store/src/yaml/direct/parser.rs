//! Where the reader is in the text, and what begins there.

use super::scalars::Scalar;
use super::{GiveUp, Known};

/// How much deeper each level of block style stands, as in the emitter.
pub(super) const STEP: usize = 2;

/// How deep collections may stand in each other: less than the general way allows
/// (`Limits::RECORDING`), so that what is near that bound is judged there.
const DEEPEST: usize = 90;

/// The longest key, in bytes of the text: the parser gives up at 1024 characters.
const LONGEST_KEY: usize = 1000;

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) position: Position,
    /// The column of the block collection around it.
    pub(super) column: usize,
    /// Whether a tag stands before it.
    pub(super) tagged: bool,
}

/// What stands before a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Nothing: it is the whole text.
    Top,
    /// `key:` or a tag, in block style.
    Key,
    /// `- `, in block style.
    Item,
    /// Any of it, in flow style.
    Flow,
}

impl Place {
    pub(super) fn top() -> Self {
        Place::new(Position::Top, 0)
    }

    pub(super) fn new(position: Position, column: usize) -> Self {
        Place {
            position,
            column,
            tagged: false,
        }
    }

    pub(super) fn is_flow(self) -> bool {
        self.position == Position::Flow
    }
}

/// How a node begins. What is told here is behind the parser, a scalar in block style with its
/// line's end.
#[derive(Debug)]
pub(super) enum Head<'t> {
    Scalar(Scalar<'t>),
    /// A list in block style at that column; its first `-` comes next.
    BlockList(usize),
    /// A map in block style at that column, and its first key where that was read already.
    BlockMap(usize, Option<Scalar<'t>>),
    FlowList,
    FlowMap,
    /// A tag, without its `!`, and where what it is put on stands.
    Tag(&'t str, Place),
}

/// A position in the text. Every step goes forward, or gives up.
#[derive(Debug)]
pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) pos: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Parser {
            text,
            pos: 0,
            depth: 0,
        }
    }

    /// Whether all of the text was read.
    pub(super) fn is_done(&self) -> bool {
        self.pos == self.text.len()
    }

    /// What begins here.
    pub(super) fn head(&mut self, place: Place) -> Known<Head<'t>> {
        match place.position {
            Position::Top => return Ok(Head::BlockMap(0, None)),
            Position::Key if self.eats(b'\n') => return self.below(place),
            Position::Key => self.expect(b' ')?,
            Position::Item | Position::Flow => {}
        }
        match self.peek().ok_or(GiveUp)? {
            b'[' => {
                self.pos += 1;
                Ok(Head::FlowList)
            }
            b'{' => {
                self.pos += 1;
                Ok(Head::FlowMap)
            }
            b'!' if !place.tagged => self.tag(place),
            b'|' if !place.is_flow() && !place.tagged => {
                Ok(Head::Scalar(self.literal(place.column + STEP)?))
            }
            b'-' if place.position == Position::Item && self.peek_at(1) == Some(b' ') => {
                Ok(Head::BlockList(place.column + STEP))
            }
            _ => self.scalar_or_key(place),
        }
    }

    /// A collection that begins on the next line.
    fn below(&mut self, place: Place) -> Known<Head<'t>> {
        let column = place.column + STEP;
        if !self.goes_on_at(column)? {
            return Err(GiveUp);
        }
        match self.peek() {
            Some(b'-') => Ok(Head::BlockList(column)),
            _ if place.tagged => Err(GiveUp),
            _ => Ok(Head::BlockMap(column, None)),
        }
    }

    fn tag(&mut self, place: Place) -> Known<Head<'t>> {
        let start = self.pos + 1;
        let rest = self.text.get(start..).unwrap_or_default();
        let len = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let b64 = rest.strip_prefix("b64").map_or(0, |_| 3);
        let len = len.max(b64);
        let tag = rest.get(..len).filter(|tag| !tag.is_empty());
        self.pos = start + len;
        let position = if place.is_flow() {
            self.expect(b' ')?;
            Position::Flow
        } else {
            Position::Key
        };
        let content = Place {
            position,
            column: place.column,
            tagged: true,
        };
        Ok(Head::Tag(tag.ok_or(GiveUp)?, content))
    }

    fn scalar_or_key(&mut self, place: Place) -> Known<Head<'t>> {
        let start = self.pos;
        let scalar = self.scalar(place.is_flow())?;
        if place.is_flow() {
            return Ok(Head::Scalar(scalar));
        }
        if place.position == Position::Item && self.peek() == Some(b':') {
            self.ends_key(start, &scalar)?;
            return Ok(Head::BlockMap(place.column + STEP, Some(scalar)));
        }
        self.expect(b'\n')?;
        Ok(Head::Scalar(scalar))
    }

    /// A key in block style, with its `:`.
    pub(super) fn block_key(&mut self) -> Known<Scalar<'t>> {
        let start = self.pos;
        let key = self.scalar(false)?;
        self.ends_key(start, &key)?;
        Ok(key)
    }

    /// A key in flow style, with its `: `.
    pub(super) fn flow_key(&mut self) -> Known<Scalar<'t>> {
        let start = self.pos;
        let key = self.scalar(true)?;
        self.ends_key(start, &key)?;
        self.expect(b' ')?;
        Ok(key)
    }

    fn ends_key(&mut self, start: usize, key: &Scalar<'t>) -> Known<()> {
        let is_short = self.pos - start <= LONGEST_KEY;
        self.expect(b':')?;
        match self.peek() {
            Some(b' ' | b'\n') if is_short && key.is_text() => Ok(()),
            _ => Err(GiveUp),
        }
    }

    /// At a line's beginning: whether it stands at `column`, and then goes there. A line further
    /// to the left belongs to another collection; one further to the right is not understood.
    pub(super) fn goes_on_at(&mut self, column: usize) -> Known<bool> {
        let rest = self.text.as_bytes().get(self.pos..).unwrap_or_default();
        let spaces = rest.iter().take_while(|b| **b == b' ').count();
        if spaces > column {
            return Err(GiveUp);
        }
        let goes_on = spaces == column && rest.len() > spaces;
        if goes_on {
            self.pos += spaces;
        }
        Ok(goes_on)
    }

    /// A collection is entered.
    pub(super) fn enter(&mut self) -> Known<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(GiveUp);
        }
        Ok(())
    }

    /// … and left.
    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.pos + ahead).copied()
    }

    pub(super) fn eats(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.pos += usize::from(is_there);
        is_there
    }

    pub(super) fn expect(&mut self, byte: u8) -> Known<()> {
        if self.eats(byte) { Ok(()) } else { Err(GiveUp) }
    }
}
