//! What a client sends after its start-up message.

use super::{Fields, Format, Formats, MessageError, Oids, Values};

/// A message of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frontend<'a> {
    /// `Q`: a string of statements.
    Query(&'a [u8]),
    /// `P`.
    Parse(Parse<'a>),
    /// `B`.
    Bind(Bind<'a>),
    /// `D`: what a statement or portal takes and gives.
    Describe(Target<'a>),
    /// `E`.
    Execute {
        /// The portal's name; empty for the unnamed one.
        portal: &'a [u8],
        /// The most rows to give; 0 or less for all.
        limit: i32,
    },
    /// `C`.
    Close(Target<'a>),
    /// `S`.
    Sync,
    /// `H`.
    Flush,
    /// `d`.
    CopyData(&'a [u8]),
    /// `c`.
    CopyDone,
    /// `f`: why the client gives up.
    CopyFail(&'a [u8]),
    /// `F`.
    FunctionCall(FunctionCall<'a>),
    /// `p`: a password, or a step of SASL or GSSAPI. Never to be recorded.
    Password(&'a [u8]),
    /// `X`.
    Terminate,
    /// A message of another type, as it came.
    Unknown {
        /// Its type.
        tag: u8,
        /// Its body.
        body: &'a [u8],
    },
}

/// Parse: a statement to prepare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parse<'a> {
    /// The statement's name; empty for the unnamed one.
    pub name: &'a [u8],
    /// Its text.
    pub sql: &'a [u8],
    /// The types of its first parameters; 0 where the server is to find out.
    pub types: Oids<'a>,
}

/// Bind: a portal to make of a statement and its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    /// The portal's name; empty for the unnamed one.
    pub portal: &'a [u8],
    /// The statement's name; empty for the unnamed one.
    pub statement: &'a [u8],
    /// The formats of the parameters.
    pub formats: Formats<'a>,
    /// The parameters.
    pub params: Values<'a>,
    /// The formats that the rows are asked for in.
    pub results: Formats<'a>,
    /// Its bytes behind the names: what stays the same whatever they are.
    pub behind_names: &'a [u8],
}

/// What Describe and Close speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// The statement of that name.
    Statement(&'a [u8]),
    /// The portal of that name.
    Portal(&'a [u8]),
}

/// FunctionCall: a function to run by its OID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionCall<'a> {
    /// The function.
    pub oid: u32,
    /// The formats of the arguments.
    pub formats: Formats<'a>,
    /// The arguments.
    pub args: Values<'a>,
    /// The format that the result is asked for in.
    pub result: Format,
}

impl<'a> Frontend<'a> {
    /// Reads the message of that tag.
    ///
    /// # Errors
    /// The body is not what the tag says.
    pub fn parse(tag: u8, body: &'a [u8]) -> Result<Self, MessageError> {
        let read = |name| Fields::new(name, body);
        match tag {
            b'Q' => {
                let mut fields = read("Query");
                let sql = fields.text()?;
                fields.end(Frontend::Query(sql))
            }
            b'P' => Parse::read(body).map(Frontend::Parse),
            b'B' => Bind::read(body).map(Frontend::Bind),
            b'D' => Target::parse(read("Describe")).map(Frontend::Describe),
            b'C' => Target::parse(read("Close")).map(Frontend::Close),
            b'E' => {
                let mut fields = read("Execute");
                let portal = fields.text()?;
                let limit = fields.i32()?;
                fields.end(Frontend::Execute { portal, limit })
            }
            b'S' => read("Sync").end(Frontend::Sync),
            b'H' => read("Flush").end(Frontend::Flush),
            b'X' => read("Terminate").end(Frontend::Terminate),
            b'd' => Ok(Frontend::CopyData(body)),
            b'c' => read("CopyDone").end(Frontend::CopyDone),
            b'f' => {
                let mut fields = read("CopyFail");
                let why = fields.text()?;
                fields.end(Frontend::CopyFail(why))
            }
            b'F' => FunctionCall::read(body).map(Frontend::FunctionCall),
            b'p' => Ok(Frontend::Password(body)),
            tag => Ok(Frontend::Unknown { tag, body }),
        }
    }
}

impl<'a> Parse<'a> {
    /// Reads the body of a Parse message.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &'a [u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::new("Parse", body);
        let message = Parse {
            name: fields.text()?,
            sql: fields.text()?,
            types: fields.oids()?,
        };
        fields.end(message)
    }
}

impl<'a> Bind<'a> {
    /// Reads the body of a Bind message.
    ///
    /// # Errors
    /// It is none, or the number of formats does not suit the number of parameters.
    pub fn read(body: &'a [u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::new("Bind", body);
        let (portal, statement) = (fields.text()?, fields.text()?);
        let behind_names = fields.clone().rest();
        let message = Bind {
            portal,
            statement,
            behind_names,
            formats: fields.formats()?,
            params: fields.values()?,
            results: fields.formats()?,
        };
        if message.formats.len() > 1 && message.formats.len() != message.params.len() {
            return Err(fields.error("has another number of formats than of parameters"));
        }
        fields.end(message)
    }
}

impl<'a> Target<'a> {
    fn parse(mut fields: Fields<'a>) -> Result<Self, MessageError> {
        let kind = fields.byte()?;
        let name = fields.text()?;
        match kind {
            b'S' => fields.end(Target::Statement(name)),
            b'P' => fields.end(Target::Portal(name)),
            _ => Err(fields.error("expected a statement (S) or a portal (P)")),
        }
    }
}

impl<'a> FunctionCall<'a> {
    /// Reads the body of a FunctionCall message.
    ///
    /// # Errors
    /// It is none, or the number of formats does not suit the number of arguments.
    pub fn read(body: &'a [u8]) -> Result<Self, MessageError> {
        let mut fields = Fields::new("FunctionCall", body);
        let message = FunctionCall {
            oid: fields.u32()?,
            formats: fields.formats()?,
            args: fields.values()?,
            result: Format::from_code(fields.i16()?),
        };
        if message.formats.len() > 1 && message.formats.len() != message.args.len() {
            return Err(fields.error("has another number of formats than of arguments"));
        }
        fields.end(message)
    }
}
