//! COPY from and to the client.

use std::collections::VecDeque;

use retake_model::{Answer, Value};

use super::answer::{Malformed, Read, bytes_of};
use super::extended::reading;
use super::meaning::Kind;
use super::server::{Server, Waiting};
use crate::postgres::message::{Format, Frontend};
use crate::{Reading, WireError};

/// Data of the COPY statements of one string that are held, in bytes.
const MAX_COPY: usize = 256 << 20;
/// What data in binary begin with (documentation, COPY, "Binary Format").
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// COPY statements of one string whose data the client sends, one after the other.
#[derive(Debug)]
pub(super) struct CopyIn {
    request: Value,
    waiting: Box<Waiting>,
    /// The COPY that is under way, and those behind it.
    statements: VecDeque<String>,
    /// The data of those before it.
    copies: Vec<Value>,
    data: Vec<u8>,
    /// How much of data is held in all, in bytes.
    held: usize,
    /// More came than may be held.
    overflow: bool,
}

impl Server {
    /// Begins the COPY statements of a string. A server may refuse one before it takes data; then
    /// it was recorded without them, so that is asked first.
    pub(super) fn start_copy<'s>(
        &mut self,
        statements: impl IntoIterator<Item = &'s str>,
        request: Value,
        waiting: Waiting,
    ) {
        let copy = CopyIn {
            request,
            waiting: Box::new(waiting),
            statements: statements.into_iter().map(str::to_owned).collect(),
            copies: Vec::new(),
            data: Vec::new(),
            held: 0,
            overflow: false,
        };
        let request = copy.request();
        self.ask(request, Reading::Probe, Waiting::Copy(copy));
    }

    /// What was recorded for as much as was copied so far, or nothing: then data are called for.
    pub(super) fn go_on_copying(&mut self, copy: CopyIn, answer: &Answer) -> Result<(), WireError> {
        if let Answer::Serve(_) = answer {
            return self.answered(*copy.waiting, answer);
        }
        let sql = copy.statements.front().map_or("", String::as_str);
        let binary = sql.to_ascii_lowercase().contains("binary");
        let format = if binary { Format::Binary } else { Format::Text };
        self.out.copy_response(b'G', format, columns_of(sql));
        self.copy = Some(copy);
        Ok(())
    }

    /// A message while data come.
    pub(super) fn copy_message(&mut self, message: Frontend<'_>) {
        let Some(copy) = &mut self.copy else {
            return;
        };
        match message {
            Frontend::CopyData(data) => {
                copy.held = copy.held.saturating_add(data.len());
                let fits = copy.held <= MAX_COPY;
                copy.overflow |= !fits;
                if fits {
                    copy.data.extend(data);
                }
            }
            Frontend::CopyDone => self.end_copy(None),
            Frontend::CopyFail(why) => self.end_copy(Some(Value::text_or_bytes(why))),
            // A server passes over these while data come.
            Frontend::Sync | Frontend::Flush => {}
            _ => {
                let simple = copy.is_simple();
                self.copy = None;
                let what = "unexpected message while data of a COPY come";
                self.fail(simple, ("08P01", what.to_owned()));
            }
        }
    }

    fn end_copy(&mut self, failed: Option<Value>) {
        let Some(mut copy) = self.copy.take() else {
            return;
        };
        if copy.overflow {
            let simple = copy.is_simple();
            let what = format!("retake: more than {MAX_COPY} bytes of COPY data");
            return self.fail(simple, ("54000", what));
        }
        copy.copies.push(Value::text_or_bytes(&copy.data));
        copy.data.clear();
        copy.statements.pop_front();
        let mut request = copy.request();
        if let Some(why) = failed {
            request.push("copy_failed", why);
        } else if !copy.statements.is_empty() {
            return self.ask(request, Reading::Probe, Waiting::Copy(copy));
        }
        self.ask(request, reading(Kind::CopyIn), *copy.waiting);
    }

    /// Sends the data of a COPY to the client, where the answer has some.
    pub(super) fn copy_out(&mut self, tree: &Value) -> Read<()> {
        let Some(data) = tree.get("copy") else {
            return Ok(());
        };
        let data = bytes_of(data)
            .ok_or_else(|| Malformed("`copy` is neither text nor bytes".to_owned()))?;
        if data.starts_with(SIGNATURE) {
            let parts = binary_rows(data);
            self.out.copy_response(b'H', Format::Binary, parts.columns);
            parts.rows.iter().for_each(|row| self.out.copy_data(row));
        } else {
            let first = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let tabs = first.iter().filter(|byte| **byte == b'\t').count();
            self.out
                .copy_response(b'H', Format::Text, tabs.saturating_add(1));
            // A server sends each row on its own, and clients count on it.
            for row in data.split_inclusive(|byte| *byte == b'\n') {
                self.out.copy_data(row);
            }
        }
        self.out.bare(b'c');
        Ok(())
    }
}

impl CopyIn {
    /// The request with what was copied so far.
    fn request(&self) -> Value {
        let mut request = self.request.clone();
        match self.copies.as_slice() {
            [] => {}
            [only] => request.push("copy", only.clone()),
            several => request.push("copy", Value::List(several.to_vec())),
        }
        request
    }

    fn is_simple(&self) -> bool {
        matches!(*self.waiting, Waiting::Query(_))
    }
}

/// The number of columns that COPY names; 0 where it names none.
fn columns_of(sql: &str) -> usize {
    let before = match sql.to_ascii_lowercase().find("from") {
        Some(at) => sql.get(..at).unwrap_or_default(),
        None => "",
    };
    match before.split_once('(') {
        Some((_, names)) => names.matches(',').count().saturating_add(1),
        None => 0,
    }
}

/// Data of a COPY in binary, as a server sends them: the header with the first row, then row by
/// row.
struct BinaryRows<'a> {
    columns: usize,
    rows: Vec<&'a [u8]>,
}

fn binary_rows(data: &[u8]) -> BinaryRows<'_> {
    let mut found = BinaryRows {
        columns: 0,
        rows: Vec::new(),
    };
    let mut rest = data;
    let mut at = header_length(data);
    let whole = |rest: &[u8], at: usize| at.checked_add(row_length(rest.get(at..)?)?);
    while let Some(length) = at.and_then(|at| whole(rest, at)) {
        let Some((row, behind)) = rest.split_at_checked(length) else {
            break;
        };
        if found.rows.is_empty() {
            found.columns = at.map_or(0, |at| column_count(rest.get(at..).unwrap_or_default()));
        }
        found.rows.push(row);
        rest = behind;
        at = Some(0);
    }
    if !rest.is_empty() {
        found.rows.push(rest);
    }
    found
}

/// The signature, 4 bytes of flags, and an extension with its length before it.
fn header_length(data: &[u8]) -> Option<usize> {
    let start = SIGNATURE.len().checked_add(4)?;
    let length = data.get(start..)?.first_chunk::<4>()?;
    let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
    start.checked_add(4)?.checked_add(length)
}

/// The length of the row (or of the trailer) at the front.
fn row_length(data: &[u8]) -> Option<usize> {
    let count = i16::from_be_bytes(*data.first_chunk::<2>()?);
    let mut at = 2_usize;
    for _ in 0..count.max(0) {
        let length = i32::from_be_bytes(*data.get(at..)?.first_chunk::<4>()?);
        let length = usize::try_from(length).unwrap_or(0);
        at = at.checked_add(4)?.checked_add(length)?;
    }
    (at <= data.len()).then_some(at)
}

fn column_count(row: &[u8]) -> usize {
    let count = row.first_chunk::<2>().map_or(0, |c| i16::from_be_bytes(*c));
    usize::try_from(count).unwrap_or(0)
}
