//! Serves PostgreSQL clients through the responder, and answers what it asks from a real server.
//!
//! `cargo run -p retake-testkit --example postgres_bridge -- LISTEN SERVER [--no-describe]`
//!
//! What a client sees through it must be what it sees directly: every difference is an error of
//! the responder or of the conversions. A statement that holds the word `retake_miss` is answered
//! as one that was never recorded. With `--no-describe` every `describe` is a miss, as with a
//! recording of a driver that never asked for one. The server must trust its clients.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use retake_model::{Answer, Chunk, ConnId, ConnInfo, Direction, Miss, Side, Timestamp, Value};
use retake_wire::postgres::column::{Column, read_type, type_tree};
use retake_wire::postgres::frame::{FrameReader, Framing, MAX_BODY, Piece};
use retake_wire::postgres::message::Backend;
use retake_wire::postgres::report;
use retake_wire::{Protocol, Step, postgres};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, server, rest @ ..] = arguments.as_slice() else {
        return Err("usage: postgres_bridge LISTEN SERVER [--no-describe]".into());
    };
    let describes = !rest.iter().any(|flag| flag == "--no-describe");
    let verbose = rest.iter().any(|flag| flag == "--verbose");
    let listener = TcpListener::bind(listen)?;
    for (id, client) in listener.incoming().enumerate() {
        let (client, server) = (client?, server.clone());
        std::thread::spawn(move || {
            let mut bridge = Bridge {
                server,
                upstream: None,
                describes,
                verbose,
            };
            if let Err(why) = bridge.run(id as u64, client) {
                eprintln!("connection {id}: {why}");
            }
        });
    }
    Ok(())
}

struct Bridge {
    server: String,
    upstream: Option<Upstream>,
    describes: bool,
    verbose: bool,
}

impl Bridge {
    fn run(&mut self, id: u64, mut client: TcpStream) -> Result<(), Failure> {
        client.set_nodelay(true)?;
        let conn = ConnInfo {
            id: ConnId(id),
            direction: Direction::Outbound,
            dependency: Some("db".into()),
            protocol: Some(postgres::ID),
            peer: None,
            target: None,
            process: None,
            opened: Timestamp(0),
        };
        let mut responder = postgres::Postgres.responder(&conn);
        let mut buffer = vec![0; 64 << 10];
        loop {
            while let Some(step) = responder.poll() {
                match step {
                    Step::Send(bytes) => client.write_all(&bytes)?,
                    Step::Ask { request, .. } => {
                        let answer = self.answer(&request);
                        if self.verbose {
                            eprintln!("{id} {request:?}\n  -> {answer:?}");
                        }
                        if let Err(why) = responder.answer(&answer) {
                            eprintln!("connection {id}: {why}");
                        }
                    }
                    Step::StartTls | Step::Close => return Ok(()),
                    Step::Wait(_) | Step::GiveUp(_) => {}
                }
            }
            let count = client.read(&mut buffer)?;
            let chunk = Chunk {
                at: Timestamp(0),
                side: Side::Client,
                bytes: buffer.get(..count).unwrap_or_default(),
            };
            if let Err(why) = responder.feed(&chunk) {
                eprintln!("connection {id}: {why}");
            }
        }
    }

    fn answer(&mut self, request: &Value) -> Answer {
        let text = ["sql", "describe"].map(|name| request.get(name).and_then(Value::as_str));
        let statement = text.into_iter().flatten().next().unwrap_or_default();
        let missing = statement.contains("retake_miss")
            || (request.get("describe").is_some() && !self.describes);
        if missing {
            return Answer::Miss(Box::new(Miss {
                test: None,
                to: "db".into(),
                summary: statement.to_owned(),
                nearest: None,
            }));
        }
        match self.ask(request) {
            Ok(tree) => Answer::Serve(Arc::new(tree)),
            Err(why) => {
                let error = [("severity", "FATAL"), ("code", "08006")];
                let mut error = Value::map(error.map(|(name, text)| (name, Value::from(text))));
                error.push("message", why.to_string().into());
                Answer::Serve(Arc::new(Value::map([("error", error)])))
            }
        }
    }

    fn ask(&mut self, request: &Value) -> Result<Value, Failure> {
        if let Some(parameters) = request.get("startup") {
            let mut upstream = Upstream::connect(&self.server)?;
            upstream.start(parameters)?;
            let answer = upstream.collect(None)?;
            self.upstream = Some(upstream);
            return Ok(answer);
        }
        let upstream = self.upstream.as_mut().ok_or("no session yet")?;
        let types: Vec<u32> = match request.get("types").and_then(Value::as_list) {
            Some(types) => types.iter().filter_map(read_type).collect(),
            None => Vec::new(),
        };
        let copy = request.get("copy").map(|data| {
            let failed = request.get("copy_failed").map(bytes);
            (bytes(data), failed)
        });
        if let Some(sql) = request.get("describe") {
            // A cursor has the columns of its query.
            let text = sql.as_str().unwrap_or_default();
            let query = match text.split_once(" FOR ") {
                Some((declare, query)) if declare.starts_with("DECLARE") => {
                    query.as_bytes().to_vec()
                }
                _ => bytes(sql),
            };
            upstream.parse(&query, &types)?;
            upstream.message(b'D', b"S\0")?;
            upstream.message(b'S', b"")?;
        } else if let Some(function) = request.get("function") {
            let oid = u32::try_from(function.as_i64().unwrap_or_default())?;
            let mut body = oid.to_be_bytes().to_vec();
            body.extend(values(request.get("params")));
            body.extend(1_i16.to_be_bytes());
            upstream.message(b'F', &body)?;
        } else {
            let sql = bytes(request.get("sql").ok_or("nothing is asked")?);
            if request.get("simple").is_some() {
                upstream.message(b'Q', &[&sql[..], b"\0"].concat())?;
            } else {
                upstream.parse(&sql, &types)?;
                let mut bind = b"\0\0".to_vec();
                bind.extend(values(request.get("params")));
                bind.extend(0_i16.to_be_bytes());
                upstream.message(b'B', &bind)?;
                upstream.message(b'D', b"P\0")?;
                upstream.message(b'E', b"\0\0\0\0\0")?;
                upstream.message(b'S', b"")?;
            }
        }
        let single = request.get("simple").is_none();
        upstream.collect(Some((single, copy)))
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Bytes(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

/// Formats, then values: text as text, bytes as binary.
fn values(params: Option<&Value>) -> Vec<u8> {
    let params = params.and_then(Value::as_list).unwrap_or_default();
    let count = i16::try_from(params.len())
        .unwrap_or(i16::MAX)
        .to_be_bytes();
    let mut out = count.to_vec();
    for param in params {
        out.extend(i16::from(matches!(param, Value::Bytes(_))).to_be_bytes());
    }
    out.extend(count);
    for param in params {
        if matches!(param, Value::Null) {
            out.extend((-1_i32).to_be_bytes());
        } else {
            let bytes = bytes(param);
            let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
            out.extend(length.to_be_bytes());
            out.extend(bytes);
        }
    }
    out
}

/// A session with the real server.
struct Upstream {
    stream: TcpStream,
    reader: FrameReader,
}

/// Data that a COPY takes, and why the client gave up where it did.
type CopyData = (Vec<u8>, Option<Vec<u8>>);

impl Upstream {
    fn connect(server: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        let reader = FrameReader::new(Framing::Tagged, MAX_BODY);
        Ok(Upstream { stream, reader })
    }

    fn start(&mut self, parameters: &Value) -> Result<(), Failure> {
        let mut body = vec![0, 3, 0, 0];
        for (name, value) in parameters.as_map().unwrap_or_default() {
            body.extend(name.as_bytes());
            body.push(0);
            body.extend(bytes(value));
            body.push(0);
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4)?.to_be_bytes();
        self.stream.write_all(&[&length[..], &body].concat())?;
        Ok(())
    }

    fn message(&mut self, tag: u8, body: &[u8]) -> Result<(), Failure> {
        let length = u32::try_from(body.len() + 4)?.to_be_bytes();
        self.stream
            .write_all(&[&[tag], &length[..], body].concat())?;
        Ok(())
    }

    fn parse(&mut self, sql: &[u8], types: &[u32]) -> Result<(), Failure> {
        let mut body = [b"\0", sql, b"\0"].concat();
        body.extend(u16::try_from(types.len())?.to_be_bytes());
        body.extend(types.iter().flat_map(|oid| oid.to_be_bytes()));
        self.message(b'P', &body)
    }

    /// Reads an answer up to ReadyForQuery.
    fn collect(&mut self, copy: Option<(bool, Option<CopyData>)>) -> Result<Value, Failure> {
        let mut results = vec![Value::Map(Vec::new())];
        let (single, mut copy) = copy.unwrap_or((true, None));
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Ok(finish(results, single));
            }
            let mut chunk = buffer.get(..count).unwrap_or_default();
            let mut replies = Vec::new();
            let mut ready = false;
            while let Some(piece) = self.reader.next(&mut chunk)? {
                let Piece::Frame { tag, body } = piece else {
                    return Err("a frame is too long".into());
                };
                match Backend::parse(tag, body)? {
                    Backend::ReadyForQuery(_) => ready = true,
                    Backend::CopyInResponse(_) => replies.push(copy.take().unwrap_or_default()),
                    message => note(&mut results, message),
                }
            }
            for (data, failed) in replies {
                self.message(b'd', &data)?;
                match failed {
                    None => self.message(b'c', b"")?,
                    Some(why) => self.message(b'f', &[&why[..], b"\0"].concat())?,
                }
                if single {
                    self.message(b'S', b"")?;
                }
            }
            if ready {
                return Ok(finish(results, single));
            }
        }
    }
}

/// Puts one message into the tree of the answer.
fn note(results: &mut Vec<Value>, message: Backend<'_>) {
    let Some(result) = results.last_mut() else {
        return;
    };
    let add = |result: &mut Value, field: &str, item: Value| match result.get_mut(field) {
        Some(Value::List(list)) => list.push(item),
        _ => result.push(field, Value::List(vec![item])),
    };
    match message {
        Backend::ParameterStatus { name, value } => {
            let field = "status";
            if result.get(field).is_none() {
                result.push(field, Value::Map(Vec::new()));
            }
            if let Some(map) = result.get_mut(field) {
                map.push(String::from_utf8_lossy(name), Value::text_or_bytes(value));
            }
        }
        Backend::RowDescription(columns) => {
            let columns = columns.iter().map(|column| Column::tree(&column));
            result.push("columns", Value::List(columns.collect()));
        }
        Backend::ParameterDescription(types) => {
            let types = types.iter().map(type_tree).collect();
            result.push("parameters", Value::List(types));
        }
        Backend::DataRow(values) => {
            let cell = |cell: Option<&[u8]>| cell.map_or(Value::Null, Value::text_or_bytes);
            let row = values.iter().map(cell).collect();
            add(result, "rows", Value::List(row));
        }
        Backend::CommandComplete(tag) => {
            result.push("tag", Value::text_or_bytes(tag));
            results.push(Value::Map(Vec::new()));
        }
        Backend::EmptyQueryResponse => {
            result.push("empty", true.into());
            results.push(Value::Map(Vec::new()));
        }
        Backend::ErrorResponse(error) => result.push("error", report::tree(&error)),
        Backend::NoticeResponse(notice) => add(result, "notices", report::tree(&notice)),
        Backend::NotificationResponse {
            pid,
            channel,
            payload,
        } => {
            let fields = [
                ("channel", Value::text_or_bytes(channel)),
                ("payload", Value::text_or_bytes(payload)),
                ("pid", pid.into()),
            ];
            add(result, "notify", Value::map(fields));
        }
        Backend::CopyOutResponse(_) => result.push("copy", Value::Bytes(Vec::new().into())),
        Backend::CopyData(data) => {
            if let Some(Value::Bytes(all)) = result.get_mut("copy") {
                *all = [&all[..], data].concat().into();
            }
        }
        Backend::FunctionCallResponse(value) => {
            result.push("result", value.map_or(Value::Null, Value::text_or_bytes));
        }
        _ => {}
    }
}

/// One result stands by itself; what came behind the last one belongs to it.
fn finish(mut results: Vec<Value>, single: bool) -> Value {
    if results.len() > 1
        && let Some(last @ Value::Map(_)) = results.pop()
        && last != Value::Map(Vec::new())
    {
        if last.get("error").is_some() || last.get("columns").is_some() {
            results.push(last);
        } else if let (Some(before), Value::Map(fields)) = (results.last_mut(), last) {
            for (name, value) in fields {
                before.push(name, value);
            }
        }
    }
    // The greeting's settings are its parameters.
    if let [Value::Map(fields)] = results.as_mut_slice()
        && let [(name, _)] = fields.as_mut_slice()
        && name == "status"
    {
        *name = "parameters".to_owned();
    }
    if results.len() == 1 || single {
        return results.into_iter().next().unwrap_or_default();
    }
    Value::map([("results", Value::List(results))])
}
