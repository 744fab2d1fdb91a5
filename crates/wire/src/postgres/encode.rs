//! The messages of a server, written.
//!
//! Source: PostgreSQL documentation, "Frontend/Backend Protocol", "Message Formats".

use super::message::{Format, Transaction};

#[cfg(test)]
mod tests;

/// A column of a RowDescription, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnOut<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// The OID of its type.
    pub oid: u32,
    /// The size of the type in bytes; negative where it varies.
    pub size: i16,
    /// What the type leaves open; -1 for nothing.
    pub modifier: i32,
    /// The format of its values.
    pub format: Format,
}

/// Writes the messages of a server, one after the other.
#[derive(Debug, Default)]
pub struct Encoder {
    out: Vec<u8>,
}

impl Encoder {
    /// Everything that was written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Whether nothing was written since the last [`Encoder::take`].
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// `N`, without a frame: no TLS, no GSSAPI encryption.
    pub fn decline_encryption(&mut self) {
        self.out.push(b'N');
    }

    /// AuthenticationOk.
    pub fn authentication_ok(&mut self) {
        self.message(b'R', |out| out.extend([0; 4]));
    }

    /// NegotiateProtocolVersion: the newest minor version that is spoken here, and the options
    /// that are not known here.
    pub fn negotiate(&mut self, minor: u16, unknown: &[&[u8]]) {
        self.message(b'v', |out| {
            out.extend(u32::from(minor).to_be_bytes());
            put_i32(out, unknown.len());
            unknown.iter().for_each(|name| put_text(out, name));
        });
    }

    /// ParameterStatus.
    pub fn parameter_status(&mut self, name: &[u8], value: &[u8]) {
        self.message(b'S', |out| {
            put_text(out, name);
            put_text(out, value);
        });
    }

    /// BackendKeyData.
    pub fn backend_key(&mut self, pid: u32, key: &[u8]) {
        self.message(b'K', |out| {
            out.extend(pid.to_be_bytes());
            out.extend(key);
        });
    }

    /// ReadyForQuery.
    pub fn ready(&mut self, state: Transaction) {
        let state = match state {
            Transaction::Idle => b'I',
            Transaction::Open => b'T',
            Transaction::Failed => b'E',
        };
        self.message(b'Z', |out| out.push(state));
    }

    /// RowDescription. There are 65,535 columns at most; PostgreSQL allows 1,664.
    pub fn row_description(&mut self, columns: &[ColumnOut<'_>]) {
        self.message(b'T', |out| {
            put_u16(out, columns.len());
            for column in columns {
                put_text(out, column.name);
                // No table and no number in it: as for an expression.
                out.extend([0; 6]);
                out.extend(column.oid.to_be_bytes());
                out.extend(column.size.to_be_bytes());
                out.extend(column.modifier.to_be_bytes());
                put_format(out, column.format);
            }
        });
    }

    /// ParameterDescription.
    pub fn parameter_description(&mut self, types: &[u32]) {
        self.message(b't', |out| {
            put_u16(out, types.len());
            types.iter().for_each(|oid| out.extend(oid.to_be_bytes()));
        });
    }

    /// DataRow: bytes, or none for NULL.
    pub fn data_row<B: AsRef<[u8]>>(&mut self, cells: &[Option<B>]) {
        self.message(b'D', |out| {
            put_u16(out, cells.len());
            cells.iter().for_each(|cell| put_cell(out, cell.as_ref()));
        });
    }

    /// CommandComplete.
    pub fn command_complete(&mut self, tag: &str) {
        self.message(b'C', |out| put_text(out, tag.as_bytes()));
    }

    /// ErrorResponse (`E`) or NoticeResponse (`N`) with its fields by their codes.
    pub fn report(&mut self, kind: u8, fields: &[(u8, &[u8])]) {
        self.message(kind, |out| {
            for (code, text) in fields {
                out.push(*code);
                put_text(out, text);
            }
            out.push(0);
        });
    }

    /// NotificationResponse.
    pub fn notification(&mut self, pid: u32, channel: &[u8], payload: &[u8]) {
        self.message(b'A', |out| {
            out.extend(pid.to_be_bytes());
            put_text(out, channel);
            put_text(out, payload);
        });
    }

    /// CopyInResponse (`G`) or CopyOutResponse (`H`) for so many columns.
    pub fn copy_response(&mut self, kind: u8, format: Format, columns: usize) {
        self.message(kind, |out| {
            out.push(u8::from(format == Format::Binary));
            put_u16(out, columns);
            (0..columns).for_each(|_| put_format(out, format));
        });
    }

    /// CopyData.
    pub fn copy_data(&mut self, data: &[u8]) {
        self.message(b'd', |out| out.extend(data));
    }

    /// FunctionCallResponse.
    pub fn function_result(&mut self, value: Option<&[u8]>) {
        self.message(b'V', |out| put_cell(out, value.as_ref()));
    }

    /// A message that has no body: ParseComplete (`1`), BindComplete (`2`), CloseComplete (`3`),
    /// NoData (`n`), PortalSuspended (`s`), EmptyQueryResponse (`I`), CopyDone (`c`).
    pub fn bare(&mut self, tag: u8) {
        self.message(tag, |_| {});
    }

    fn message(&mut self, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(tag);
        let start = self.out.len();
        self.out.extend([0; 4]);
        body(&mut self.out);
        // What is sent comes from a recording in memory: far below 2 GiB.
        let length = self.out.len().saturating_sub(start);
        let length = i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes();
        if let Some(field) = self.out.get_mut(start..).and_then(|o| o.first_chunk_mut()) {
            *field = length;
        }
    }
}

/// A text up to its first zero byte, which would end it for the reader too.
fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(text.iter().take_while(|byte| **byte != 0));
    out.push(0);
}

fn put_cell<B: AsRef<[u8]>>(out: &mut Vec<u8>, cell: Option<&B>) {
    match cell {
        None => out.extend((-1_i32).to_be_bytes()),
        Some(bytes) => {
            put_i32(out, bytes.as_ref().len());
            out.extend(bytes.as_ref());
        }
    }
}

fn put_format(out: &mut Vec<u8>, format: Format) {
    out.extend(i16::from(format == Format::Binary).to_be_bytes());
}

fn put_u16(out: &mut Vec<u8>, count: usize) {
    out.extend(u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
}

fn put_i32(out: &mut Vec<u8>, count: usize) {
    out.extend(i32::try_from(count).unwrap_or(i32::MAX).to_be_bytes());
}
