//! A server of HTTP/1.x, for connections that are replayed.

use std::collections::VecDeque;

use retake_model::{Answer, Blame, Chunk, RawMessage, Side, TraceId, Value};

use super::ID;
use super::answer::{Asker, fault_bytes, miss_bytes, refusal_bytes, response_bytes};
use super::describe::{request_parts, trace};
use super::framing::{Length, RequestFacts, request_facts};
use super::head::{HeadReader, skip_empty_lines};
use super::message::ResponseParts;
use super::reader::BodyReader;
use crate::{Reading, Responder, Step, WireError};

/// How many whole requests may wait for the answer to one before them.
const QUEUE_LIMIT: usize = 4096;

/// The server's side of one connection: reads requests, asks for each, and answers in order.
#[derive(Debug)]
pub(super) struct HttpResponder {
    stage: Stage,
    /// The head of the request whose body is coming.
    current: Option<(RawMessage, RequestFacts)>,
    /// Whole requests that were not asked for yet.
    queue: VecDeque<Request>,
    /// Who waits for the answer to the last [`Step::Ask`].
    asked: Option<Asker>,
    out: VecDeque<Step>,
    /// The client of the request that is coming waits for `100 Continue`.
    continue_due: bool,
    /// The client broke the protocol: what to tell it once everything before was answered.
    broken: Option<&'static str>,
    /// No more is answered on this connection.
    closed: bool,
    /// Bytes of bodies in `queue` and of the one that is coming.
    held: usize,
    /// Bytes that the client sent.
    seen: u64,
}

#[derive(Debug)]
enum Stage {
    Head(HeadReader),
    Body(BodyReader),
    /// The client has closed, or what it sends is not read any more.
    Ended,
}

#[derive(Debug)]
struct Request {
    tree: Value,
    trace: Option<TraceId>,
    asker: Asker,
    held: usize,
}

impl Responder for HttpResponder {
    fn feed(&mut self, chunk: &Chunk<'_>) -> Result<(), WireError> {
        if chunk.side != Side::Client {
            return Ok(());
        }
        if chunk.bytes.is_empty() {
            self.stage = Stage::Ended;
            self.continue_due = false;
            return Ok(());
        }
        let mut bytes = chunk.bytes;
        let read = self.read(&mut bytes);
        self.seen += length(chunk.bytes);
        read.map_err(|reason| {
            self.stage = Stage::Ended;
            self.continue_due = false;
            self.broken = Some(reason);
            WireError {
                protocol: ID,
                what: reason.to_owned(),
                at: self.seen - length(bytes),
                side: Side::Client,
                blame: Blame::App,
            }
        })
    }

    fn poll(&mut self) -> Option<Step> {
        if let Some(step) = self.out.pop_front() {
            return Some(step);
        }
        if self.closed || self.asked.is_some() {
            return None;
        }
        if let Some(request) = self.queue.pop_front() {
            self.held = self.held.saturating_sub(request.held);
            self.asked = Some(request.asker);
            return Some(Step::Ask {
                request: request.tree,
                trace: request.trace,
                reading: Reading::Call,
            });
        }
        if std::mem::take(&mut self.continue_due) {
            return Some(Step::Send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
        }
        if let Some(reason) = self.broken.take() {
            self.send(refusal_bytes(reason), true);
            return self.out.pop_front();
        }
        if matches!(self.stage, Stage::Ended) {
            self.closed = true;
            return Some(Step::Close);
        }
        None
    }

    fn answer(&mut self, answer: &Answer) -> Result<(), WireError> {
        let Some(asker) = self.asked.take() else {
            return Err(self.fault("an answer that was not asked for", Blame::Tool));
        };
        match answer {
            Answer::Serve(tree) => match ResponseParts::from_tree(tree) {
                Ok(parts) => {
                    let (bytes, close) = response_bytes(&parts, asker);
                    self.send(bytes, close);
                    Ok(())
                }
                Err(error) => {
                    let mut what = error.to_string();
                    if let Some(source) = std::error::Error::source(&error) {
                        what.push_str(&format!(": {source}"));
                    }
                    self.send(fault_bytes(&what, asker), !asker.keep_alive);
                    Err(self.fault(&what, Blame::Recording))
                }
            },
            Answer::Miss(miss) => {
                self.send(miss_bytes(miss, asker), !asker.keep_alive);
                Ok(())
            }
        }
    }
}

impl HttpResponder {
    pub(super) fn new() -> Self {
        HttpResponder {
            stage: Stage::Head(HeadReader::default()),
            current: None,
            queue: VecDeque::new(),
            asked: None,
            out: VecDeque::new(),
            continue_due: false,
            broken: None,
            closed: false,
            held: 0,
            seen: 0,
        }
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Result<(), &'static str> {
        while !bytes.is_empty() {
            match &mut self.stage {
                Stage::Head(reader) => {
                    if reader.is_idle() {
                        *bytes = skip_empty_lines(bytes);
                    }
                    if bytes.is_empty() {
                        break;
                    }
                    let Some(head) = reader.take(bytes)? else {
                        break;
                    };
                    let facts = request_facts(&head)?;
                    let length = facts.length;
                    self.continue_due =
                        facts.expects_continue && length != Length::None && bytes.is_empty();
                    let raw = RawMessage {
                        head,
                        ..RawMessage::default()
                    };
                    self.current = Some((raw, facts));
                    self.stage = Stage::Body(BodyReader::new(length));
                    if length == Length::None {
                        self.whole()?;
                    }
                }
                Stage::Body(body) => {
                    self.continue_due = false;
                    if body.take(bytes, &mut self.held)? {
                        self.whole()?;
                    }
                }
                Stage::Ended => break,
            }
        }
        Ok(())
    }

    /// The last byte of a request was read.
    fn whole(&mut self) -> Result<(), &'static str> {
        let stage = std::mem::replace(&mut self.stage, Stage::Head(HeadReader::default()));
        let (Stage::Body(body), Some((mut raw, facts))) = (stage, self.current.take()) else {
            return Ok(());
        };
        let body = body.finish();
        if body.too_large.is_some() || self.queue.len() >= QUEUE_LIMIT {
            return Err("a request body larger than 64 MiB, or too many requests at once");
        }
        let held = body.body.len();
        raw.body = body.body;
        raw.trailers = body.trailers;
        let parts = request_parts(&raw)?;
        self.queue.push_back(Request {
            tree: parts.to_tree(),
            trace: trace(&parts.headers),
            asker: Asker {
                method: facts.method,
                version: facts.version,
                keep_alive: facts.keep_alive,
            },
            held,
        });
        Ok(())
    }

    fn send(&mut self, bytes: Vec<u8>, close: bool) {
        self.out.push_back(Step::Send(bytes));
        if close {
            self.out.push_back(Step::Close);
            self.closed = true;
            self.stage = Stage::Ended;
            self.queue.clear();
        }
    }

    fn fault(&self, what: &str, blame: Blame) -> WireError {
        WireError {
            protocol: ID,
            what: what.to_owned(),
            at: self.seen,
            side: Side::Client,
            blame,
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
