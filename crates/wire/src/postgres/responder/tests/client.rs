//! A client of the responder: writes messages, answers questions, says what came back.

use super::*;

/// What answers questions; none is a miss.
type Oracle = dyn FnMut(&Value) -> Option<Value>;

/// A conversation with a server whose questions are answered by a function.
pub(super) struct Talk {
    server: Server,
    answer: Box<Oracle>,
    /// What was asked so far, and how it counts.
    pub(super) asked: Vec<(Value, Reading)>,
    /// Answers that could not be served.
    pub(super) blamed: Vec<WireError>,
    /// Everything that was sent.
    pub(super) sent: Vec<u8>,
    pub(super) closed: bool,
    /// What is to be waited for, and how many bytes were sent before.
    pub(super) waits: Vec<(Step, usize)>,
}

impl Talk {
    /// A conversation that has not begun.
    pub(super) fn silent(answer: impl FnMut(&Value) -> Option<Value> + 'static) -> Self {
        Talk {
            server: Server::new(&ConnInfo {
                id: ConnId(7),
                direction: Direction::Outbound,
                dependency: Some("db".into()),
                protocol: None,
                peer: None,
                target: None,
                process: None,
                opened: Timestamp(0),
            }),
            answer: Box::new(answer),
            asked: Vec::new(),
            blamed: Vec::new(),
            sent: Vec::new(),
            closed: false,
            waits: Vec::new(),
        }
    }

    /// A conversation after its greeting, which no recording has.
    pub(super) fn new(mut answer: impl FnMut(&Value) -> Option<Value> + 'static) -> Self {
        let mut talk = Talk::silent(move |request| match request.get("startup") {
            Some(_) => None,
            None => answer(request),
        });
        talk.feed(&startup(&["user", "ann", "database", "shop"]))
            .unwrap();
        talk.asked.clear();
        talk.sent.clear();
        talk
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let chunk = Chunk {
            at: Timestamp(0),
            side: Side::Client,
            bytes,
        };
        let fed = self.server.feed(&chunk);
        self.steps();
        fed
    }

    /// What comes while nothing is asked.
    pub(super) fn wake(&mut self) -> Vec<String> {
        self.sent.clear();
        if self.server.listens() {
            self.server.wake();
        }
        self.steps();
        lines(&self.sent)
    }

    fn steps(&mut self) {
        while let Some(step) = self.server.poll() {
            match step {
                Step::Send(bytes) => self.sent.extend(bytes),
                Step::Ask {
                    request, reading, ..
                } => {
                    assert!(
                        self.server.poll().is_none(),
                        "polled before it was answered"
                    );
                    let answer = match (self.answer)(&request) {
                        Some(tree) => Answer::Serve(Arc::new(tree)),
                        None => Answer::Miss(Box::new(Miss {
                            test: None,
                            to: "db".into(),
                            summary: "it".to_owned(),
                            nearest: None,
                        })),
                    };
                    self.asked.push((request, reading));
                    if let Err(error) = self.server.answer(&answer) {
                        self.blamed.push(error);
                    }
                }
                Step::StartTls => panic!("no TLS here"),
                step @ (Step::Wait(_) | Step::GiveUp(_)) => {
                    self.waits.push((step, self.sent.len()))
                }
                Step::Close => {
                    self.closed = true;
                    break;
                }
            }
        }
    }

    /// What came back for these messages, one line each.
    pub(super) fn say(&mut self, messages: &[Vec<u8>]) -> Vec<String> {
        self.sent.clear();
        self.feed(&messages.concat()).unwrap();
        lines(&self.sent)
    }
}

/// The messages of a server, one line each.
pub(super) fn lines(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        let (length, _) = rest.split_first_chunk::<4>().unwrap();
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap();
        let body = &rest[4..length];
        lines.push(line(Backend::parse(*tag, body).unwrap()));
        bytes = &rest[length..];
    }
    lines
}

fn line(message: Backend<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match message {
        Backend::ReadyForQuery(Transaction::Idle) => "ready I".to_owned(),
        Backend::ReadyForQuery(Transaction::Open) => "ready T".to_owned(),
        Backend::ReadyForQuery(Transaction::Failed) => "ready E".to_owned(),
        Backend::RowDescription(columns) => {
            let columns = columns.iter().map(|c| {
                let format = if c.format == Format::Binary { "b" } else { "t" };
                format!("{}:{}:{format}", text(c.name), c.oid)
            });
            format!("columns {}", columns.collect::<Vec<_>>().join(" "))
        }
        Backend::DataRow(values) => {
            let cells = values
                .iter()
                .map(|v| v.map_or("NULL".to_owned(), |v| format!("{:?}", text(v))));
            format!("row {}", cells.collect::<Vec<_>>().join(" "))
        }
        Backend::CommandComplete(tag) => text(tag),
        Backend::ParameterDescription(types) => {
            format!("takes {:?}", types.iter().collect::<Vec<_>>())
        }
        Backend::ErrorResponse(report) => format!(
            "{} {}",
            text(report.get(b'S').unwrap()),
            text(report.get(b'C').unwrap())
        ),
        Backend::NoticeResponse(report) => format!("notice {}", text(report.get(b'M').unwrap())),
        Backend::ParameterStatus { name, value } => format!("{}={}", text(name), text(value)),
        Backend::NotificationResponse {
            channel, payload, ..
        } => format!("notify {} {}", text(channel), text(payload)),
        Backend::CopyData(data) => format!("data {:?}", text(data)),
        Backend::CopyInResponse(copy) => format!("copy in {}", copy.columns.len()),
        Backend::CopyOutResponse(copy) => format!("copy out {}", copy.columns.len()),
        Backend::FunctionCallResponse(value) => format!("result {:?}", value.map(text)),
        Backend::Authentication { kind, .. } => format!("authentication {kind}"),
        Backend::BackendKeyData { key, .. } => format!("key of {}", key.len()),
        Backend::NegotiateProtocolVersion { minor, unknown } => {
            format!(
                "3.{minor} {:?}",
                unknown.iter().map(text).collect::<Vec<_>>()
            )
        }
        other => format!("{other:?}"),
    }
}

/// A StartupMessage of version 3.0.
pub(super) fn startup(parameters: &[&str]) -> Vec<u8> {
    startup_of(0, parameters)
}

pub(super) fn startup_of(minor: u8, parameters: &[&str]) -> Vec<u8> {
    let mut body = vec![0, 3, 0, minor];
    for text in parameters {
        body.extend(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap();
    [length.to_be_bytes().to_vec(), body].concat()
}

pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

pub(super) fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &[sql.as_bytes(), b"\0"].concat())
}

pub(super) fn parse(name: &str, sql: &str, types: &[u32]) -> Vec<u8> {
    let mut body = format!("{name}\0{sql}\0").into_bytes();
    body.extend(u16::try_from(types.len()).unwrap().to_be_bytes());
    body.extend(types.iter().flat_map(|oid| oid.to_be_bytes()));
    message(b'P', &body)
}

pub(super) fn bind(
    portal: &str,
    statement: &str,
    format: i16,
    params: &[Option<&[u8]>],
    results: &[i16],
) -> Vec<u8> {
    let mut body = format!("{portal}\0{statement}\0").into_bytes();
    body.extend(1_i16.to_be_bytes());
    body.extend(format.to_be_bytes());
    body.extend(u16::try_from(params.len()).unwrap().to_be_bytes());
    for param in params {
        match param {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(bytes) => {
                body.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
                body.extend(*bytes);
            }
        }
    }
    body.extend(u16::try_from(results.len()).unwrap().to_be_bytes());
    body.extend(results.iter().flat_map(|format| format.to_be_bytes()));
    message(b'B', &body)
}

pub(super) fn describe(kind: u8, name: &str) -> Vec<u8> {
    message(b'D', &[&[kind], name.as_bytes(), b"\0"].concat())
}

pub(super) fn execute(portal: &str, limit: i32) -> Vec<u8> {
    message(
        b'E',
        &[portal.as_bytes(), b"\0", &limit.to_be_bytes()].concat(),
    )
}

pub(super) fn sync() -> Vec<u8> {
    message(b'S', b"")
}

/// The answer with these columns and rows.
pub(super) fn rows(columns: &[&str], rows: &[&[&str]]) -> Value {
    let list = |texts: &[&str]| Value::List(texts.iter().map(|t| Value::from(*t)).collect());
    Value::map([
        ("columns", list(columns)),
        (
            "rows",
            Value::List(rows.iter().map(|row| list(row)).collect()),
        ),
    ])
}

pub(super) fn tag(tag: &str) -> Value {
    Value::map([("tag", Value::from(tag))])
}

pub(super) fn error(code: &str) -> Value {
    let fields = [("severity", "ERROR"), ("code", code), ("message", "m")];
    Value::map([(
        "error",
        Value::map(fields.map(|(n, t)| (n, Value::from(t)))),
    )])
}
