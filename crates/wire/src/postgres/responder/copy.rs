//! COPY from and to the client.

use retake_model::Value;

use super::answer::{Malformed, Read, bytes_of};
use super::extended::reading;
use super::meaning::Kind;
use super::server::{Server, Waiting};
use crate::postgres::message::{Format, Frontend};

/// Data of one COPY that are held, in bytes.
const MAX_COPY: usize = 256 << 20;
/// What data in binary begin with (documentation, COPY, "Binary Format").
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// A COPY whose data the client is sending.
#[derive(Debug)]
pub(super) struct CopyIn {
    request: Value,
    waiting: Waiting,
    data: Vec<u8>,
    /// More came than may be held.
    overflow: bool,
}

impl Server {
    /// Calls for the data of a COPY; the question is put when they are there.
    pub(super) fn start_copy(&mut self, sql: &str, request: Value, waiting: Waiting) {
        let binary = sql.to_ascii_lowercase().contains("binary");
        let format = if binary { Format::Binary } else { Format::Text };
        self.out.copy_response(b'G', format, columns_of(sql));
        self.copy = Some(CopyIn {
            request,
            waiting,
            data: Vec::new(),
            overflow: false,
        });
    }

    /// A message while data come.
    pub(super) fn copy_message(&mut self, message: Frontend<'_>) {
        let Some(copy) = &mut self.copy else {
            return;
        };
        match message {
            Frontend::CopyData(data) => {
                let fits = copy.data.len().saturating_add(data.len()) <= MAX_COPY;
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
                let simple = matches!(copy.waiting, Waiting::Query(_));
                self.copy = None;
                let what = "unexpected message while data of a COPY come";
                self.fail(simple, ("08P01", what.to_owned()));
            }
        }
    }

    fn end_copy(&mut self, failed: Option<Value>) {
        let Some(copy) = self.copy.take() else {
            return;
        };
        if copy.overflow {
            let simple = matches!(copy.waiting, Waiting::Query(_));
            let what = format!("retake: more than {MAX_COPY} bytes of COPY data");
            return self.fail(simple, ("54000", what));
        }
        let mut request = copy.request;
        request.push("copy", Value::text_or_bytes(&copy.data));
        if let Some(why) = failed {
            request.push("copy_failed", why);
        }
        self.ask(request, reading(Kind::CopyIn), copy.waiting);
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
