//! Splits the bytes of one side into frames.
//!
//! A frame is a tag, a length that counts itself, and a body; the packets before the start-up
//! message is accepted have no tag. Source: PostgreSQL documentation, "Frontend/Backend Protocol",
//! "Overview" and "Message Formats".

#[cfg(test)]
mod tests;

/// The longest start-up packet that a server accepts, in bytes with its length field
/// (`MAX_STARTUP_PACKET_LENGTH` in PostgreSQL's `pqcomm.h`).
pub const MAX_STARTUP: usize = 10_000;

/// The longest body that is held in memory, in bytes. Longer frames are passed over, and said.
pub const MAX_BODY: usize = 64 << 20;

/// The longest frame that PostgreSQL itself can send or accept, in bytes: its largest allocation
/// (`MaxAllocSize`). A longer one means that the bytes are not frames.
const MAX_FRAME: usize = 0x3fff_ffff;

/// Whether frames have tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Start-up packets of a client: a length and a body.
    Startup,
    /// Everything else: a tag, a length and a body.
    Tagged,
}

/// One piece of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole frame. The tag is 0 for a start-up packet.
    Frame {
        /// What it is.
        tag: u8,
        /// Its body, without the length field.
        body: &'a [u8],
    },
    /// The beginning of a frame whose body is too long to be held. The body is passed over.
    TooLong {
        /// What it is.
        tag: u8,
        /// The length of its body in bytes.
        length: usize,
    },
}

/// Why bytes are not frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length field does not even count itself.
    #[error("a frame of type {0:#04x} says that it is {1} bytes long, expected at least {2}")]
    TooShort(u8, i64, usize),
    /// The length field says more than the protocol allows.
    #[error("a frame of type {0:#04x} says that it is {1} bytes long, expected at most {2}")]
    TooLong(u8, i64, usize),
}

/// Splits the bytes of one side into frames, however they were cut into chunks.
///
/// A frame that lies whole in a chunk is borrowed from it. Of one that does not, each byte is
/// copied once and its header read once.
#[derive(Debug)]
pub struct FrameReader {
    framing: Framing,
    max_body: usize,
    /// The beginning of a frame that is not whole yet, header and all.
    held: Vec<u8>,
    /// Whether `held` is a frame that was given out, to be forgotten.
    given: bool,
    /// The length of the frame in `held`, header and all; 0 until its header was read.
    want: usize,
    /// How many bytes of a frame that is too long are still to come.
    skip: usize,
    /// How many bytes were taken.
    taken: u64,
}

impl FrameReader {
    /// A reader that holds frames up to `max_body` bytes.
    pub fn new(framing: Framing, max_body: usize) -> Self {
        FrameReader {
            framing,
            max_body,
            held: Vec::new(),
            given: false,
            want: 0,
            skip: 0,
            taken: 0,
        }
    }

    /// Reads the frames from here on in another way. To be called between two frames.
    pub fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// How many bytes were taken so far: the place of an error.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether the last bytes taken were the end of a frame.
    pub fn is_between_frames(&self) -> bool {
        self.skip == 0 && (self.given || self.held.is_empty())
    }

    /// Takes the next piece off the front of `chunk`; none when the chunk is used up.
    ///
    /// # Errors
    /// The bytes are not frames. The reader must not be used again.
    pub fn next<'s, 'c: 's>(
        &'s mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Piece<'s>>, FrameError> {
        if self.given {
            self.given = false;
            self.want = 0;
            self.held.clear();
            // One large frame must not cost its memory for the rest of the connection.
            self.held.shrink_to(64 << 10);
        }
        if self.skip > 0 {
            let passed = self.take(chunk, self.skip).len();
            self.skip -= passed;
            if self.skip > 0 {
                return Ok(None);
            }
        }
        if self.held.is_empty() {
            let header = self.header_length();
            match chunk.get(..header) {
                None => {
                    let part = self.take(chunk, header);
                    self.held.extend_from_slice(part);
                    return Ok(None);
                }
                Some(bytes) => {
                    let (tag, length) = self.read_header(bytes)?;
                    if length > self.max_body {
                        return Ok(Some(self.pass_over(chunk, header, tag, length)));
                    }
                    let want = header + length;
                    if chunk.len() >= want {
                        let frame = self.take(chunk, want);
                        let body = frame.get(header..).unwrap_or_default();
                        return Ok(Some(Piece::Frame { tag, body }));
                    }
                    self.want = want;
                    let part = self.take(chunk, want);
                    self.held.extend_from_slice(part);
                    return Ok(None);
                }
            }
        }
        self.go_on(chunk)
    }

    /// Completes the frame whose beginning is held.
    fn go_on<'s, 'c: 's>(
        &'s mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Piece<'s>>, FrameError> {
        let header = self.header_length();
        if self.want == 0 {
            let missing = header.saturating_sub(self.held.len());
            let part = self.take(chunk, missing);
            self.held.extend_from_slice(part);
            if self.held.len() < header {
                return Ok(None);
            }
            let (tag, length) = self.read_header(&self.held)?;
            if length > self.max_body {
                self.held.clear();
                return Ok(Some(self.pass_over(chunk, 0, tag, length)));
            }
            self.want = header + length;
        }
        let missing = self.want.saturating_sub(self.held.len());
        let part = self.take(chunk, missing);
        self.held.extend_from_slice(part);
        if self.held.len() < self.want {
            return Ok(None);
        }
        self.given = true;
        let tag = match self.framing {
            Framing::Startup => 0,
            Framing::Tagged => self.held.first().copied().unwrap_or_default(),
        };
        let body = self.held.get(header..).unwrap_or_default();
        Ok(Some(Piece::Frame { tag, body }))
    }

    fn pass_over(
        &mut self,
        chunk: &mut &[u8],
        header: usize,
        tag: u8,
        length: usize,
    ) -> Piece<'static> {
        self.take(chunk, header);
        self.skip = length;
        Piece::TooLong { tag, length }
    }

    /// Takes at most `count` bytes off the front.
    fn take<'a>(&mut self, chunk: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (front, rest) = chunk.split_at(count.min(chunk.len()));
        *chunk = rest;
        self.taken = self.taken.wrapping_add(front.len() as u64);
        front
    }

    fn header_length(&self) -> usize {
        match self.framing {
            Framing::Startup => 4,
            Framing::Tagged => 5,
        }
    }

    /// The tag and the length of the body.
    fn read_header(&self, header: &[u8]) -> Result<(u8, usize), FrameError> {
        let (tag, length, least, most) = match (self.framing, header) {
            (Framing::Startup, &[a, b, c, d, ..]) => (0, [a, b, c, d], 8, MAX_STARTUP),
            (Framing::Tagged, &[tag, a, b, c, d, ..]) => (tag, [a, b, c, d], 4, MAX_FRAME),
            _ => return Err(FrameError::TooShort(0, 0, 4)),
        };
        let said = i32::from_be_bytes(length);
        let length = usize::try_from(said).unwrap_or(0);
        if length < least {
            return Err(FrameError::TooShort(tag, said.into(), least));
        }
        if length > most {
            return Err(FrameError::TooLong(tag, said.into(), most));
        }
        Ok((tag, length - 4))
    }
}
