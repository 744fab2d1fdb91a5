//! Collects a body from the pieces in which it comes (RFC 9112, sections 6 and 7).

use bytes::Bytes;

use super::framing::Length;

/// How many bytes of one body are kept. A larger one is read to its end and not kept.
pub(super) const BODY_LIMIT: usize = 64 << 20;

/// How many bytes of bodies one connection may hold at a time.
pub(super) const HELD_LIMIT: usize = 128 << 20;

/// How many bytes a trailer section may have.
const TRAILERS_LIMIT: usize = 64 << 10;

/// How many bytes the line before a chunk may have.
const CHUNK_LINE_LIMIT: usize = 16 << 10;

/// Collects one body.
#[derive(Debug)]
pub(super) struct BodyReader {
    state: State,
    body: Vec<u8>,
    trailers: Vec<u8>,
    /// All bytes of the body, also those that were not kept.
    seen: u64,
    too_large: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// That many bytes are still to come.
    Exactly(u64),
    UntilClose,
    /// In the line before a chunk.
    Line(ChunkLine),
    /// In a chunk, of which that many bytes are still to come.
    Chunk(u64),
    /// Behind a chunk's bytes, before the CR or LF.
    AfterChunk,
    /// Behind the CR that follows a chunk's bytes.
    AfterChunkCr,
    /// In the trailer section; where its current line began.
    Trailers(usize),
    Done,
}

/// `chunk-size [ chunk-ext ] CRLF` (section 7.1), as far as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct ChunkLine {
    size: u64,
    /// Whether there was a digit.
    any: bool,
    /// How many bytes the line has so far.
    bytes: usize,
    part: LinePart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum LinePart {
    #[default]
    Size,
    /// White space behind the size.
    Space,
    Extension,
    /// Behind the CR.
    Cr,
}

/// A body that was read.
#[derive(Debug, Default)]
pub(super) struct ReadBody {
    pub(super) body: Bytes,
    /// The lines of the trailer section, without the empty line.
    pub(super) trailers: Bytes,
    /// It was too large to be kept: how many bytes it had.
    pub(super) too_large: Option<u64>,
}

impl BodyReader {
    pub(super) fn new(length: Length) -> Self {
        BodyReader {
            state: match length {
                Length::None | Length::Exactly(0) => State::Done,
                Length::Exactly(n) => State::Exactly(n),
                Length::Chunked => State::Line(ChunkLine::default()),
                Length::UntilClose => State::UntilClose,
            },
            body: Vec::new(),
            trailers: Vec::new(),
            seen: 0,
            too_large: false,
        }
    }

    /// Of a body that is not kept.
    pub(super) fn passing(length: Length) -> Self {
        BodyReader {
            too_large: true,
            ..BodyReader::new(length)
        }
    }

    /// Takes what belongs to the body from the front of `bytes`, and tells whether it is whole.
    /// `held` counts the bytes of bodies that the connection holds.
    ///
    /// # Errors
    /// The reason why the chunks cannot be read.
    pub(super) fn take(
        &mut self,
        bytes: &mut &[u8],
        held: &mut usize,
    ) -> Result<bool, &'static str> {
        while self.state != State::Done && !bytes.is_empty() {
            match &mut self.state {
                State::Exactly(left) => {
                    let part = split_front(bytes, *left);
                    *left -= length_of(part);
                    if *left == 0 {
                        self.state = State::Done;
                    }
                    self.keep(part, held);
                }
                State::UntilClose => {
                    let part = std::mem::take(bytes);
                    self.keep(part, held);
                }
                State::Chunk(left) => {
                    let part = split_front(bytes, *left);
                    *left -= length_of(part);
                    if *left == 0 {
                        self.state = State::AfterChunk;
                    }
                    self.keep(part, held);
                }
                State::Trailers(_) => self.trailer_bytes(bytes)?,
                State::Line(_) | State::AfterChunk | State::AfterChunkCr | State::Done => {
                    if let [first, rest @ ..] = bytes {
                        *bytes = rest;
                        self.frame_byte(*first)?;
                    }
                }
            }
        }
        Ok(self.state == State::Done)
    }

    /// The sender closed the connection: whether the body is whole.
    pub(super) fn end(&self) -> bool {
        matches!(self.state, State::UntilClose | State::Done)
    }

    /// What was read.
    pub(super) fn finish(self) -> ReadBody {
        ReadBody {
            body: Bytes::from(self.body),
            trailers: Bytes::from(self.trailers),
            too_large: self.too_large.then_some(self.seen),
        }
    }

    fn keep(&mut self, part: &[u8], held: &mut usize) {
        self.seen = self.seen.saturating_add(length_of(part));
        if self.too_large {
            return;
        }
        if self.body.len() + part.len() > BODY_LIMIT || *held + part.len() > HELD_LIMIT {
            self.too_large = true;
            *held = held.saturating_sub(self.body.len());
            self.body = Vec::new();
        } else {
            *held += part.len();
            self.body.extend_from_slice(part);
        }
    }

    /// Reads one byte around the chunks.
    fn frame_byte(&mut self, b: u8) -> Result<(), &'static str> {
        self.state = match (self.state, b) {
            (State::Line(line), b) => line.next(b)?,
            (State::AfterChunk, b'\r') => State::AfterChunkCr,
            (State::AfterChunk | State::AfterChunkCr, b'\n') => State::Line(ChunkLine::default()),
            (State::AfterChunk | State::AfterChunkCr, _) => {
                return Err("a chunk that does not end where it should");
            }
            (state, _) => state,
        };
        Ok(())
    }

    fn trailer_bytes(&mut self, bytes: &mut &[u8]) -> Result<(), &'static str> {
        let State::Trailers(start) = self.state else {
            return Ok(());
        };
        let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |n| n + 1);
        let (part, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        *bytes = rest;
        if self.trailers.len() + part.len() > TRAILERS_LIMIT {
            return Err("trailers larger than 64 KiB");
        }
        self.trailers.extend_from_slice(part);
        if part.ends_with(b"\n") {
            let line = self.trailers.get(start..).unwrap_or_default();
            if matches!(line, b"\r\n" | b"\n") {
                self.trailers.truncate(start);
                self.state = State::Done;
            } else {
                self.state = State::Trailers(self.trailers.len());
            }
        }
        Ok(())
    }
}

impl ChunkLine {
    /// What follows the next byte of the line.
    fn next(mut self, b: u8) -> Result<State, &'static str> {
        self.bytes += 1;
        if self.bytes > CHUNK_LINE_LIMIT {
            return Err("a chunk extension larger than 16 KiB");
        }
        match (self.part, b) {
            (LinePart::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(b).to_digit(16).unwrap_or_default();
                self.any = true;
                self.size = self
                    .size
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(digit.into()))
                    .ok_or("a chunk of 2^64 bytes or more")?;
            }
            (LinePart::Size | LinePart::Space, _) if !self.any => {
                return Err("a chunk without a size");
            }
            (LinePart::Size | LinePart::Space, b' ' | b'\t') => self.part = LinePart::Space,
            (LinePart::Size | LinePart::Space, b';') => self.part = LinePart::Extension,
            (LinePart::Size | LinePart::Space | LinePart::Extension, b'\r') => {
                self.part = LinePart::Cr;
            }
            (LinePart::Size | LinePart::Space | LinePart::Cr, b'\n') => {
                return Ok(match self.size {
                    0 => State::Trailers(0),
                    size => State::Chunk(size),
                });
            }
            // Some end the line here, others go on to the CR.
            (LinePart::Extension, b'\n') => return Err("a bare LF in a chunk extension"),
            (LinePart::Extension, _) => {}
            (LinePart::Cr, _) => return Err("a bare CR in the line before a chunk"),
            (LinePart::Size | LinePart::Space, _) => return Err("a chunk size that is no number"),
        }
        Ok(State::Line(self))
    }
}

/// Takes at most that many bytes from the front.
fn split_front<'b>(bytes: &mut &'b [u8], most: u64) -> &'b [u8] {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let (part, rest) = bytes.split_at_checked(most).unwrap_or((bytes, &[]));
    *bytes = rest;
    part
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
