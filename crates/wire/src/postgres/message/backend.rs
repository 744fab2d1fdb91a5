//! What a server sends.

use super::{Fields, Format, Formats, MessageError, Oids, Texts, Values};

/// A message of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend<'a> {
    /// `R`: a step of authentication. Never to be recorded.
    Authentication {
        /// What is asked for; 0 when it is done.
        kind: u32,
        /// What the step needs.
        data: &'a [u8],
    },
    /// `K`: what a CancelRequest needs. Never to be recorded.
    BackendKeyData {
        /// The server process.
        pid: u32,
        /// Its secret key: 4 bytes in protocol 3.0, up to 256 in 3.2.
        key: &'a [u8],
    },
    /// `v`: the server speaks an older minor version, or does not know some options.
    NegotiateProtocolVersion {
        /// The newest minor version that it speaks.
        minor: u32,
        /// The options that it does not know.
        unknown: Texts<'a>,
    },
    /// `S`: the value that a setting has now.
    ParameterStatus {
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// `Z`.
    ReadyForQuery(Transaction),
    /// `T`.
    RowDescription(Columns<'a>),
    /// `t`: the types of a statement's parameters.
    ParameterDescription(Oids<'a>),
    /// `D`.
    DataRow(Values<'a>),
    /// `C`: the command tag.
    CommandComplete(&'a [u8]),
    /// `I`.
    EmptyQueryResponse,
    /// `n`.
    NoData,
    /// `1`.
    ParseComplete,
    /// `2`.
    BindComplete,
    /// `3`.
    CloseComplete,
    /// `s`.
    PortalSuspended,
    /// `E`.
    ErrorResponse(Report<'a>),
    /// `N`.
    NoticeResponse(Report<'a>),
    /// `A`.
    NotificationResponse {
        /// The process that sent it.
        pid: u32,
        /// The channel.
        channel: &'a [u8],
        /// What it sent.
        payload: &'a [u8],
    },
    /// `G`: the server waits for data.
    CopyInResponse(CopyFormat<'a>),
    /// `H`: data follow.
    CopyOutResponse(CopyFormat<'a>),
    /// `W`: data go both ways (replication).
    CopyBothResponse(CopyFormat<'a>),
    /// `d`.
    CopyData(&'a [u8]),
    /// `c`.
    CopyDone,
    /// `V`: the result of a function, none for NULL.
    FunctionCallResponse(Option<&'a [u8]>),
    /// A message of another type, as it came.
    Unknown {
        /// Its type.
        tag: u8,
        /// Its body.
        body: &'a [u8],
    },
}

/// What state a session is in when it is ready for the next command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// In no transaction.
    Idle,
    /// In a transaction.
    Open,
    /// In a transaction that failed, until it is rolled back.
    Failed,
}

/// How data of a COPY are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyFormat<'a> {
    /// Whether all of it is in binary.
    pub overall: Format,
    /// The format of each column.
    pub columns: Formats<'a>,
}

impl<'a> Backend<'a> {
    /// Reads the message of that tag.
    ///
    /// # Errors
    /// The body is not what the tag says.
    pub fn parse(tag: u8, body: &'a [u8]) -> Result<Self, MessageError> {
        let read = |name| Fields::new(name, body);
        match tag {
            b'D' => {
                let mut fields = read("DataRow");
                let values = fields.values()?;
                fields.end(Backend::DataRow(values))
            }
            b'C' => {
                let mut fields = read("CommandComplete");
                let tag = fields.text()?;
                fields.end(Backend::CommandComplete(tag))
            }
            b'Z' => Transaction::parse(read("ReadyForQuery")).map(Backend::ReadyForQuery),
            b'T' => Columns::parse(read("RowDescription")).map(Backend::RowDescription),
            b'1' => read("ParseComplete").end(Backend::ParseComplete),
            b'2' => read("BindComplete").end(Backend::BindComplete),
            b'3' => read("CloseComplete").end(Backend::CloseComplete),
            b't' => {
                let mut fields = read("ParameterDescription");
                let types = fields.oids()?;
                fields.end(Backend::ParameterDescription(types))
            }
            b'n' => read("NoData").end(Backend::NoData),
            b's' => read("PortalSuspended").end(Backend::PortalSuspended),
            b'I' => read("EmptyQueryResponse").end(Backend::EmptyQueryResponse),
            b'E' => Report::parse(read("ErrorResponse")).map(Backend::ErrorResponse),
            b'N' => Report::parse(read("NoticeResponse")).map(Backend::NoticeResponse),
            b'd' => Ok(Backend::CopyData(body)),
            b'c' => read("CopyDone").end(Backend::CopyDone),
            b'G' => CopyFormat::parse(read("CopyInResponse")).map(Backend::CopyInResponse),
            b'H' => CopyFormat::parse(read("CopyOutResponse")).map(Backend::CopyOutResponse),
            b'W' => CopyFormat::parse(read("CopyBothResponse")).map(Backend::CopyBothResponse),
            b'V' => {
                let mut fields = read("FunctionCallResponse");
                let value = fields.value()?;
                fields.end(Backend::FunctionCallResponse(value))
            }
            tag => Self::parse_session(tag, body),
        }
    }

    /// What a session says of itself.
    fn parse_session(tag: u8, body: &'a [u8]) -> Result<Self, MessageError> {
        let read = |name| Fields::new(name, body);
        match tag {
            b'S' => {
                let mut fields = read("ParameterStatus");
                let name = fields.text()?;
                let value = fields.text()?;
                fields.end(Backend::ParameterStatus { name, value })
            }
            b'A' => {
                let mut fields = read("NotificationResponse");
                let pid = fields.u32()?;
                let channel = fields.text()?;
                let payload = fields.text()?;
                fields.end(Backend::NotificationResponse {
                    pid,
                    channel,
                    payload,
                })
            }
            b'R' => {
                let mut fields = read("Authentication");
                let kind = fields.u32()?;
                let data = fields.rest();
                Ok(Backend::Authentication { kind, data })
            }
            b'K' => {
                let mut fields = read("BackendKeyData");
                let pid = fields.u32()?;
                let key = fields.rest();
                Ok(Backend::BackendKeyData { pid, key })
            }
            b'v' => {
                let mut fields = read("NegotiateProtocolVersion");
                let minor = fields.u32()?;
                let count = fields.u32()?;
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let unknown = fields.texts(count)?;
                fields.end(Backend::NegotiateProtocolVersion { minor, unknown })
            }
            tag => Ok(Backend::Unknown { tag, body }),
        }
    }
}

impl Transaction {
    fn parse(mut fields: Fields<'_>) -> Result<Self, MessageError> {
        match fields.byte()? {
            b'I' => fields.end(Transaction::Idle),
            b'T' => fields.end(Transaction::Open),
            b'E' => fields.end(Transaction::Failed),
            _ => Err(fields.error("expected I, T or E")),
        }
    }
}

impl<'a> CopyFormat<'a> {
    fn parse(mut fields: Fields<'a>) -> Result<Self, MessageError> {
        let overall = Format::from_code(fields.byte()?.into());
        let columns = fields.formats()?;
        fields.end(CopyFormat { overall, columns })
    }
}

/// One column of a RowDescription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// The OID of the table that it is of; 0 where it is of none.
    pub table: u32,
    /// Its number in the table; 0 where it is of none.
    pub number: i16,
    /// The OID of its type.
    pub oid: u32,
    /// The size of the type in bytes; negative where it varies.
    pub size: i16,
    /// What the type leaves open (a length, a precision); -1 for nothing.
    pub modifier: i32,
    /// The format of its values.
    pub format: Format,
}

impl<'a> Column<'a> {
    fn parse(fields: &mut Fields<'a>) -> Result<Self, MessageError> {
        Ok(Column {
            name: fields.text()?,
            table: fields.u32()?,
            number: fields.i16()?,
            oid: fields.u32()?,
            size: fields.i16()?,
            modifier: fields.i32()?,
            format: Format::from_code(fields.i16()?),
        })
    }
}

/// The columns of a RowDescription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns<'a>(&'a [u8]);

impl<'a> Columns<'a> {
    fn parse(mut fields: Fields<'a>) -> Result<Self, MessageError> {
        let count = fields.i16()?;
        let columns = fields.rest();
        let mut ahead = Fields::new("RowDescription", columns);
        // A negative count is one above 32,767, which PostgreSQL never sends.
        for _ in 0..count {
            Column::parse(&mut ahead)?;
        }
        ahead.end(Columns(columns))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Column<'a>> + use<'a> {
        let mut fields = Fields::new("RowDescription", self.0);
        std::iter::from_fn(move || {
            if fields.is_empty() {
                None
            } else {
                Column::parse(&mut fields).ok()
            }
        })
    }
}

/// An error or a notice: fields with codes of one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report<'a>(&'a [u8]);

impl<'a> Report<'a> {
    fn parse(mut fields: Fields<'a>) -> Result<Self, MessageError> {
        let start = fields;
        while fields.byte()? != 0 {
            fields.text()?;
        }
        let mut start = start;
        fields.end(Report(start.rest()))
    }

    /// Each field: its code and its text.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut fields = Fields::new("ErrorResponse", self.0);
        std::iter::from_fn(move || match fields.byte() {
            Ok(0) | Err(_) => None,
            Ok(code) => Some((code, fields.text().ok()?)),
        })
    }

    /// The text of the field with that code.
    pub fn get(&self, code: u8) -> Option<&'a [u8]> {
        self.iter()
            .find(|(found, _)| *found == code)
            .map(|(_, text)| text)
    }
}
