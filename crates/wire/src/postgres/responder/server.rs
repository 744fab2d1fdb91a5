//! The server of one connection: what comes in, what goes out, and what it waits for.

use std::collections::VecDeque;

use retake_model::{Answer, Blame, Chunk, ConnInfo, Miss, Side, TraceId, Value};

use super::answer::{Malformed, was_cancelled};
use super::copy::CopyIn;
use super::describe::Purpose;
use super::meaning;
use super::session::{Refused, Session};
use super::{MISS, UNSERVABLE};
use crate::postgres::encode::Encoder;
use crate::postgres::frame::{FrameReader, Framing, MAX_BODY, Piece};
use crate::postgres::message::{Frontend, Startup};
use crate::postgres::{self, ID};
use crate::{Reading, Responder, Step, WireError};

/// Messages of a client that may wait while a question is answered, in bytes.
const MAX_WAITING: usize = 256 << 20;

/// A PostgreSQL server for one connection.
#[derive(Debug)]
pub struct Server {
    pub(super) pid: u32,
    reader: FrameReader,
    started: bool,
    inbox: VecDeque<Inbound>,
    inbox_bytes: usize,
    pub(super) out: Encoder,
    question: Option<(Value, Reading)>,
    pub(super) waiting: Option<Waiting>,
    pub(super) session: Session,
    /// The portal whose Describe waits for the message behind it.
    pub(super) undescribed: Option<Vec<u8>>,
    pub(super) copy: Option<CopyIn>,
    pub(super) closing: bool,
    /// Whether the client gave up waiting, when it was recorded, for what is sent next.
    waits: bool,
    /// The number of the connection on which the client gives up waiting.
    gives_up: Option<u32>,
    /// The client sends nothing more; what it asked is still answered.
    ended: bool,
}

/// A message that was not carried out yet.
#[derive(Debug)]
pub(super) enum Inbound {
    /// A message: its tag and its body.
    Message(u8, Vec<u8>),
    /// One that is too long to be held.
    TooLong(u8, usize),
}

/// What the last question was for.
#[derive(Debug)]
pub(super) enum Waiting {
    /// The greeting, for a client that sent these parameters.
    Startup(Vec<(String, Value)>),
    /// What a statement takes and gives.
    Describe(Purpose),
    /// The execution of a portal, with the most rows to send.
    Execute {
        portal: Vec<u8>,
        limit: usize,
        describe: bool,
    },
    /// A string of statements.
    Query(Vec<u8>),
    /// A function, whose result is wanted.
    Function,
    /// COPY statements, whose data are called for unless something was recorded without them.
    Copy(CopyIn),
    /// What comes on the channel with this number among those that are listened on.
    Notification(usize),
}

impl Server {
    /// A server for that connection.
    pub fn new(conn: &ConnInfo) -> Self {
        Server {
            // Not 0, and no sign bit: some drivers keep it signed.
            pid: u32::try_from(conn.id.0 & 0x3fff_ffff).unwrap_or(0) | 0x4000_0000,
            reader: FrameReader::new(Framing::Startup, MAX_BODY),
            started: false,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            out: Encoder::default(),
            question: None,
            waiting: None,
            session: Session::default(),
            undescribed: None,
            copy: None,
            closing: false,
            waits: false,
            gives_up: None,
            ended: false,
        }
    }

    /// Puts a question; its answer comes to `waiting`.
    pub(super) fn ask(&mut self, mut request: Value, reading: Reading, waiting: Waiting) {
        // The same statement in a transaction that failed is another question.
        let sql = request.get("sql").or_else(|| request.get("describe"));
        if let Some(kind) = sql.and_then(Value::as_str).map(meaning::kind) {
            self.session.forget_miss(kind);
            if self.session.refuses(kind) {
                request.push("aborted", true.into());
            }
        }
        if let Some(text) = self.session.executed(&request) {
            request.push("prepared", text);
        }
        self.question = Some((request, reading));
        self.waiting = Some(waiting);
    }

    /// Sends an error of the server's own. In the extended protocol the messages up to the next
    /// Sync are passed over; after a simple query the session is ready again.
    pub(super) fn fail(&mut self, simple: bool, (code, message): Refused) {
        self.fail_with(simple, &[(b'C', code), (b'M', &message)]);
    }

    pub(super) fn fail_with(&mut self, simple: bool, fields: &[(u8, &str)]) {
        let mut all: Vec<(u8, &[u8])> = vec![(b'S', b"ERROR"), (b'V', b"ERROR")];
        all.extend(fields.iter().map(|(code, text)| (*code, text.as_bytes())));
        self.out.report(b'E', &all);
        self.after_error(simple);
    }

    /// What follows an error that was sent.
    pub(super) fn after_error(&mut self, simple: bool) {
        self.session.failed();
        self.undescribed = None;
        if simple {
            self.ready();
        } else {
            self.session.skipping = true;
        }
    }

    /// Sends the error for a request that nothing answers.
    pub(super) fn miss(&mut self, simple: bool, miss: &Miss) {
        let detail = miss.nearest.as_ref().map(|nearest| {
            let places: Vec<String> = nearest
                .differs
                .iter()
                .map(|(at, ..)| at.to_string())
                .collect();
            let differs = if places.is_empty() {
                String::new()
            } else {
                format!(" It differs at {}.", places.join(", "))
            };
            format!(
                "The nearest recorded request is {}.{differs}",
                nearest.summary
            )
        });
        let message = miss.explain();
        let mut fields = vec![(b'C', MISS), (b'M', message.as_str())];
        if let Some(detail) = &detail {
            fields.push((b'D', detail));
        }
        let hint = "Record the test again if the service is meant to ask this now; \
                    the report of the run shows the request next to the recorded one.";
        fields.push((b'H', hint));
        let before = self.session.transaction;
        self.fail_with(simple, &fields);
        self.session.failed_by_miss(before);
    }

    /// Sends the error for a recorded answer that cannot be served, and says whose fault it is.
    pub(super) fn unservable(&mut self, simple: bool, why: Malformed) -> WireError {
        let message = format!("retake: the recorded answer cannot be served: {}", why.0);
        self.fail_with(
            simple,
            &[
                (b'C', UNSERVABLE),
                (b'M', &message),
                (
                    b'H',
                    "Record the test again, or correct it; `retake lint` shows what it holds.",
                ),
            ],
        );
        self.error(why.0, Blame::Recording)
    }

    /// Sends ReadyForQuery.
    pub(super) fn ready(&mut self) {
        self.session.close_portals_when_idle();
        self.session.busy = false;
        self.out.ready(self.session.transaction);
    }

    pub(super) fn error(&self, what: String, blame: Blame) -> WireError {
        WireError {
            protocol: ID,
            what,
            at: self.reader.taken(),
            side: Side::Client,
            blame,
        }
    }

    /// Ends the connection with an error, because the client broke the protocol.
    fn break_off(&mut self, what: String) -> WireError {
        let message = format!("retake: {what}");
        self.out.report(
            b'E',
            &[
                (b'S', b"FATAL"),
                (b'V', b"FATAL"),
                (b'C', b"08P01"),
                (b'M', message.as_bytes()),
            ],
        );
        self.closing = true;
        self.inbox.clear();
        self.waiting = None;
        self.question = None;
        self.error(what, Blame::App)
    }

    /// Takes the pieces of a chunk apart.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !self.closing {
            let started = self.started;
            let piece = self.reader.next(&mut bytes).map_err(|e| e.to_string())?;
            let inbound = match piece {
                None => return Ok(()),
                Some(Piece::Frame { tag, body }) => Inbound::Message(tag, body.to_vec()),
                Some(Piece::TooLong { tag, length }) => Inbound::TooLong(tag, length),
            };
            match inbound {
                Inbound::Message(_, body) if !started => self.take_startup(&body)?,
                message => self.hold(message)?,
            }
        }
        Ok(())
    }

    fn take_startup(&mut self, body: &[u8]) -> Result<(), String> {
        let startup = Startup::parse(body).map_err(|e| e.to_string())?;
        match startup {
            Startup::Ssl | Startup::Gss => self.out.decline_encryption(),
            Startup::Cancel { pid, .. } => {
                self.gives_up = Some(pid);
                self.closing = true;
            }
            Startup::Start { version, .. } => {
                self.started = true;
                self.reader.set_framing(Framing::Tagged);
                self.start(version, &startup);
            }
        }
        Ok(())
    }

    fn hold(&mut self, message: Inbound) -> Result<(), String> {
        if let Inbound::Message(_, body) = &message {
            self.inbox_bytes = self.inbox_bytes.saturating_add(body.len());
        }
        if self.inbox_bytes > MAX_WAITING {
            return Err(format!("more than {MAX_WAITING} bytes of messages wait"));
        }
        self.inbox.push_back(message);
        Ok(())
    }

    /// Carries messages out until a question must be answered first.
    fn advance(&mut self) -> Result<(), String> {
        while self.waiting.is_none() && !self.closing {
            let Some(inbound) = self.inbox.pop_front() else {
                break;
            };
            if !self.describe_first(&inbound) {
                // The description asks for something; the message comes again behind it.
                self.inbox.push_front(inbound);
                continue;
            }
            match inbound {
                Inbound::Message(tag, body) => {
                    self.inbox_bytes = self.inbox_bytes.saturating_sub(body.len());
                    let message = Frontend::parse(tag, &body).map_err(|e| e.to_string())?;
                    self.carry_out(message)?;
                }
                Inbound::TooLong(tag, length) => self.refuse_length(tag, length),
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, message: Frontend<'_>) -> Result<(), String> {
        if self.copy.is_some() && !matches!(message, Frontend::Terminate) {
            self.copy_message(message);
            return Ok(());
        }
        self.session.busy = true;
        match message {
            Frontend::Sync => {
                self.session.skipping = false;
                self.ready();
            }
            Frontend::Terminate => self.closing = true,
            _ if self.session.skipping => {}
            Frontend::Query(sql) => self.query(sql),
            Frontend::Parse(parse) => self.parse(&parse),
            Frontend::Bind(bind) => self.bind(&bind),
            Frontend::Describe(target) => self.describe(target),
            Frontend::Execute { portal, limit } => self.execute(portal, limit),
            Frontend::Close(target) => self.close(target),
            Frontend::FunctionCall(call) => self.function(&call),
            // Everything is sent as soon as nothing is asked any more. What belongs to a COPY
            // that ended early is passed over, as a server does.
            Frontend::Flush
            | Frontend::CopyData(_)
            | Frontend::CopyDone
            | Frontend::CopyFail(_) => {}
            Frontend::Password(_) => return Err("a password was sent unasked".to_owned()),
            Frontend::Unknown { tag, .. } => {
                return Err(format!("a client sends no message of type {tag:#04x}"));
            }
        }
        Ok(())
    }

    /// Carries on with what waited for an answer.
    pub(super) fn answered(&mut self, waiting: Waiting, answer: &Answer) -> Result<(), WireError> {
        match waiting {
            Waiting::Startup(parameters) => self.greet(&parameters, answer),
            Waiting::Describe(purpose) => self.described(purpose, answer),
            Waiting::Execute {
                portal,
                limit,
                describe,
            } => self.executed(&portal, limit, describe, answer),
            Waiting::Query(sql) => self.queried(&sql, answer),
            Waiting::Copy(copy) => self.go_on_copying(copy, answer),
            Waiting::Function => self.function_ran(answer),
            Waiting::Notification(number) => self.heard(number, answer),
        }
    }

    fn refuse_length(&mut self, tag: u8, length: usize) {
        if self.session.skipping {
            return;
        }
        self.copy = None;
        let what = format!("retake: a message of {length} bytes is longer than {MAX_BODY}");
        self.fail(matches!(tag, b'Q' | b'F'), ("54000", what));
    }
}

impl Responder for Server {
    fn feed(&mut self, chunk: &Chunk<'_>) -> Result<(), WireError> {
        if self.closing {
            return Ok(());
        }
        if chunk.bytes.is_empty() {
            self.ended = true;
            return Ok(());
        }
        let taken = self.take(chunk.bytes);
        let carried = taken.and_then(|()| self.advance());
        carried.map_err(|what| self.break_off(what))
    }

    fn poll(&mut self) -> Option<Step> {
        if let Some((request, reading)) = self.question.take() {
            return Some(Step::Ask {
                trace: trace_of(&request),
                request,
                reading,
            });
        }
        if self.waiting.is_some() {
            return None;
        }
        if let Some(pid) = self.gives_up.take() {
            return Some(Step::GiveUp(pid));
        }
        if std::mem::take(&mut self.waits) {
            return Some(Step::Wait(self.pid));
        }
        if !self.out.is_empty() {
            return Some(Step::Send(self.out.take()));
        }
        (self.closing || self.ended).then_some(Step::Close)
    }

    fn answer(&mut self, answer: &Answer) -> Result<(), WireError> {
        let Some(waiting) = self.waiting.take() else {
            return Ok(());
        };
        self.question = None;
        self.waits |= matches!(answer, Answer::Serve(tree) if was_cancelled(tree));
        let served = self.answered(waiting, answer);
        let carried = self.advance();
        served?;
        carried.map_err(|what| self.break_off(what))
    }

    fn listens(&self) -> bool {
        self.session.channel(0).is_some()
    }

    fn wake(&mut self) {
        self.ask_notification(0);
    }
}

/// The trace that the statement of a request says it belongs to.
fn trace_of(request: &Value) -> Option<TraceId> {
    let text = request.get("sql").or_else(|| request.get("describe"))?;
    postgres::meaning::trace(text.as_str()?)
}
