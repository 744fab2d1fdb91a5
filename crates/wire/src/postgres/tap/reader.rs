//! From chunks to messages: the phases of a connection.

use retake_model::{Blame, Chunk, ConnInfo, Side, Timestamp};

use super::session::{OutOfStep, Session};
use crate::postgres::ID;
use crate::postgres::frame::{FrameReader, Framing, MAX_BODY, Piece};
use crate::postgres::message::Startup;
use crate::{Flow, Tap, Tapped, WireError};

/// Reads a PostgreSQL connection that is recorded.
#[derive(Debug)]
pub(in crate::postgres) struct PostgresTap {
    client: FrameReader,
    server: FrameReader,
    phase: Phase,
    /// The byte with which the server would accept the encryption that the client asked for.
    /// While it is expected, the server's next byte is an answer and no frame.
    asked: Option<u8>,
    /// When the first byte of the client's frame that is not whole yet was read.
    client_began: Timestamp,
    session: Session,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The client sends packets without tags.
    Startup,
    /// Both sides send messages.
    Messages,
    /// Nothing more is to be read: a cancel request, or an end.
    Over,
}

/// Why a chunk cannot be read.
struct Broken {
    what: String,
    blame: Blame,
}

impl PostgresTap {
    pub(in crate::postgres) fn new(conn: &ConnInfo) -> Self {
        PostgresTap {
            client: FrameReader::new(Framing::Startup, MAX_BODY),
            server: FrameReader::new(Framing::Tagged, MAX_BODY),
            phase: Phase::Startup,
            asked: None,
            client_began: Timestamp(0),
            session: Session::new(conn.id),
        }
    }

    fn client(&mut self, mut bytes: &[u8], at: Timestamp) -> Result<Flow, Broken> {
        let starts = self.phase == Phase::Startup && self.client.taken() == 0;
        if starts && bytes.first().is_some_and(|byte| *byte != 0) {
            // A start-up packet's length is below 2^24: the session began before the recording.
            self.begin_messages();
            self.session.join();
        }
        let mut began = match self.client.is_between_frames() {
            true => at,
            false => self.client_began,
        };
        while let Some(piece) = self.client.next(&mut bytes).map_err(app)? {
            match (self.phase, piece) {
                (Phase::Startup, Piece::Frame { body, .. }) => {
                    match Startup::parse(body).map_err(app)? {
                        Startup::Ssl => self.asked = Some(b'S'),
                        Startup::Gss => self.asked = Some(b'G'),
                        Startup::Cancel { .. } => {
                            self.phase = Phase::Over;
                            return Ok(Flow::Pass);
                        }
                        start @ Startup::Start { .. } => {
                            self.session.started(&start, began);
                            self.begin_messages();
                        }
                    }
                }
                (_, Piece::Frame { tag, body }) => {
                    self.session.asked(tag, body, began, None).map_err(own)?;
                }
                (_, Piece::TooLong { tag, length }) => {
                    let length = Some(length as u64);
                    self.session.asked(tag, &[], began, length).map_err(own)?;
                }
            }
            began = at;
        }
        self.client_began = began;
        Ok(Flow::Pass)
    }

    fn begin_messages(&mut self) {
        self.phase = Phase::Messages;
        self.client.set_framing(Framing::Tagged);
    }

    fn server(&mut self, mut bytes: &[u8], at: Timestamp) -> Result<Flow, Broken> {
        if let (Some(accepted), Some((answer, rest))) = (self.asked, bytes.split_first()) {
            self.asked = None;
            match *answer {
                // A server that does not know the request answers with an error instead.
                b'E' => {}
                b'N' => bytes = rest,
                byte if byte == accepted && byte == b'S' && rest.is_empty() => {
                    return Ok(Flow::TlsAfter(0));
                }
                byte if byte == accepted && byte == b'G' => {
                    return Ok(Flow::Opaque("encryption by GSSAPI"));
                }
                byte => {
                    let what = format!(
                        "expected the answer to a request for encryption ({} or N) alone, found {byte:#04x}",
                        char::from(accepted)
                    );
                    return Err(dependency(what));
                }
            }
        }
        while let Some(piece) = self.server.next(&mut bytes).map_err(dependency)? {
            match piece {
                Piece::Frame { tag, body } => self.session.answered(tag, body, at),
                Piece::TooLong { tag, length } => self.session.answered_too_long(tag, length),
            }
            .map_err(dependency)?;
        }
        Ok(Flow::Pass)
    }
}

impl Tap for PostgresTap {
    fn feed(&mut self, chunk: &Chunk<'_>) -> Result<Flow, WireError> {
        if self.phase == Phase::Over {
            return Ok(Flow::Pass);
        }
        let (read, taken) = match (chunk.bytes, chunk.side) {
            ([], Side::Client) => return Ok(Flow::Pass),
            ([], Side::Server) => {
                self.session.cut(chunk.at);
                self.phase = Phase::Over;
                return Ok(Flow::Pass);
            }
            (bytes, Side::Client) => (self.client(bytes, chunk.at), self.client.taken()),
            (bytes, Side::Server) => (self.server(bytes, chunk.at), self.server.taken()),
        };
        if read.is_err() || matches!(read, Ok(Flow::Opaque(_))) {
            self.phase = Phase::Over;
            self.session.lost(chunk.at);
        }
        read.map_err(|Broken { what, blame }| WireError {
            protocol: ID,
            what,
            at: taken,
            side: chunk.side,
            blame,
        })
    }

    fn poll(&mut self) -> Option<Tapped> {
        self.session.poll()
    }
}

fn app(what: impl ToString) -> Broken {
    let (what, blame) = (what.to_string(), Blame::App);
    Broken { what, blame }
}

fn dependency(what: impl ToString) -> Broken {
    let (what, blame) = (what.to_string(), Blame::Dependency);
    Broken { what, blame }
}

fn own(what: OutOfStep) -> Broken {
    let (what, blame) = (what.to_string(), Blame::Tool);
    Broken { what, blame }
}
