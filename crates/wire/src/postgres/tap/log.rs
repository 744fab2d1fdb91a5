//! What a tap keeps of an exchange until it is described: the server's messages as they came, and
//! what else has to be known to read them, one after the other.
//!
//! It is never written to a disk and never sent, so it has no version.

use bytes::Bytes;

use super::exchange::Kind;
use crate::postgres::meaning::Meaning;
use crate::postgres::message::Format;

/// The columns of rows that come in the formats that Bind asked for; a RowDescription.
pub(super) const COLUMNS: u8 = 1;
/// The client is asked for data.
pub(super) const COPY_BEGINS: u8 = 2;
/// Data that the client sent.
pub(super) const COPY_DATA: u8 = 3;
/// Why the client gave up.
pub(super) const COPY_FAILED: u8 = 4;
/// A suspended portal is run again.
pub(super) const RESUMED: u8 = 5;
/// The text of the prepared statement that SQL runs by its name.
pub(super) const PREPARED: u8 = 6;
/// The most rows that the client asked for; counts where the portal was suspended.
pub(super) const LIMIT: u8 = 7;
/// An ErrorResponse to the end of the group of messages.
pub(super) const LATE_ERROR: u8 = 8;

/// Bytes of the header.
const HEADER: usize = 3;

/// The bytes of an exchange. It begins with its [`Header`]; the tags of entries are those above
/// and those of the server's messages.
#[derive(Debug)]
pub(super) struct Log(Vec<u8>);

/// What is known of an exchange as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// What its statement means; none where that was not looked at.
    pub(super) meaning: Option<Meaning>,
    /// Whether nothing but set-up was done on its connection.
    pub(super) set_up: bool,
}

impl Log {
    pub(super) fn new(kind: Kind) -> Self {
        // Enough for a row or two with their columns.
        let mut bytes = Vec::with_capacity(240);
        bytes.extend_from_slice(&[kind_code(kind), 0, 0]);
        Log(bytes)
    }

    pub(super) fn push(&mut self, tag: u8, payload: &[u8]) {
        // A payload is part of a frame, whose length has 32 bits.
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.0.push(tag);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(payload);
    }

    /// Lets go of rows and of the data of COPY.
    pub(super) fn forget(&mut self) {
        let mut kept = Log(self.0.get(..HEADER).unwrap_or_default().to_vec());
        for (tag, payload) in entries(&self.0) {
            if !matches!(tag, b'D' | b'd' | COPY_BEGINS | COPY_DATA) {
                kept.push(tag, payload);
            }
        }
        *self = kept;
    }

    /// The bytes, with what is known at the end.
    pub(super) fn end(mut self, meaning: Option<Meaning>, set_up: bool) -> Bytes {
        if let Some([_, known, first, ..]) = self.0.get_mut(..) {
            *known = match meaning {
                None => 0,
                Some(Meaning::Session) => 1,
                Some(Meaning::SetUp) => 2,
                Some(Meaning::Ordinary) => 3,
            };
            *first = set_up.into();
        }
        self.0.into()
    }
}

/// The header; none where the bytes are no log.
pub(super) fn header(log: &[u8]) -> Option<Header> {
    let [kind, meaning, set_up, ..] = log else {
        return None;
    };
    let kind = match kind {
        0 => Kind::Startup,
        1 => Kind::Simple,
        2 => Kind::Execute,
        3 => Kind::Function(Format::Text),
        4 => Kind::Function(Format::Binary),
        5 => Kind::Describe,
        6 => Kind::Heard,
        _ => return None,
    };
    let meaning = match meaning {
        1 => Some(Meaning::Session),
        2 => Some(Meaning::SetUp),
        3 => Some(Meaning::Ordinary),
        _ => None,
    };
    Some(Header {
        kind,
        meaning,
        set_up: *set_up != 0,
    })
}

/// The entries, in their order.
pub(super) fn entries(log: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = log.get(HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (tag, behind) = rest.split_first()?;
        let (length, behind) = behind.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (payload, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some((*tag, payload))
    })
}

fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Startup => 0,
        Kind::Simple => 1,
        Kind::Execute => 2,
        Kind::Function(Format::Text) => 3,
        Kind::Function(Format::Binary) => 4,
        Kind::Describe => 5,
        Kind::Heard => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gives_back_what_was_put_in() {
        let mut log = Log::new(Kind::Execute);
        log.push(b'T', b"columns");
        log.push(b'D', b"row");
        log.push(RESUMED, b"");
        let bytes = log.end(Some(Meaning::SetUp), true);
        let expected = Header {
            kind: Kind::Execute,
            meaning: Some(Meaning::SetUp),
            set_up: true,
        };
        assert_eq!(header(&bytes), Some(expected));
        let expected: [(u8, &[u8]); 3] = [(b'T', b"columns"), (b'D', b"row"), (RESUMED, b"")];
        assert_eq!(entries(&bytes).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_too_much_is_forgotten_and_the_rest_stays() {
        let mut log = Log::new(Kind::Simple);
        for (tag, payload) in [
            (b'T', "columns"),
            (b'D', "row"),
            (COPY_DATA, "x"),
            (b'C', "tag"),
        ] {
            log.push(tag, payload.as_bytes());
        }
        log.forget();
        let bytes = log.end(None, false);
        assert_eq!(header(&bytes).and_then(|header| header.meaning), None);
        let expected: [(u8, &[u8]); 2] = [(b'T', b"columns"), (b'C', b"tag")];
        assert_eq!(entries(&bytes).collect::<Vec<_>>(), expected);
    }
}
