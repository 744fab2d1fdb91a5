//! The parts that messages are made of.

/// Why the body of a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {what}")]
pub struct MessageError {
    /// The message's name in the documentation.
    pub message: &'static str,
    /// What is wrong, as a lowercase fragment.
    pub what: &'static str,
}

/// Reads the body of one message from front to back.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    message: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The body of the message of that name.
    pub fn new(message: &'static str, body: &'a [u8]) -> Self {
        let rest = body;
        Fields { message, rest }
    }

    /// An error of this message.
    pub fn error(&self, what: &'static str) -> MessageError {
        let message = self.message;
        MessageError { message, what }
    }

    /// What was not read yet.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Ends the reading of a message.
    ///
    /// # Errors
    /// Something is left.
    pub fn end<T>(self, message: T) -> Result<T, MessageError> {
        if self.rest.is_empty() {
            Ok(message)
        } else {
            Err(self.error("expected its end, found more bytes"))
        }
    }

    /// So many bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], MessageError> {
        match self.rest.split_at_checked(count) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.error("ends too early")),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(*bytes)
            }
            None => Err(self.error("ends too early")),
        }
    }

    /// A byte.
    ///
    /// # Errors
    /// There is none.
    pub fn byte(&mut self) -> Result<u8, MessageError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// A 16-bit number with a sign.
    ///
    /// # Errors
    /// There is none.
    pub fn i16(&mut self) -> Result<i16, MessageError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// A 32-bit number with a sign.
    ///
    /// # Errors
    /// There is none.
    pub fn i32(&mut self) -> Result<i32, MessageError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A 32-bit number without a sign: an OID, a process number.
    ///
    /// # Errors
    /// There is none.
    pub fn u32(&mut self) -> Result<u32, MessageError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A text that a zero byte ends.
    ///
    /// # Errors
    /// There is no zero byte.
    pub fn text(&mut self) -> Result<&'a [u8], MessageError> {
        let end = self.rest.iter().position(|byte| *byte == 0);
        match end.and_then(|end| self.rest.split_at_checked(end)) {
            Some((text, rest)) => {
                self.rest = rest.get(1..).unwrap_or_default();
                Ok(text)
            }
            None => Err(self.error("expected a zero byte at the end of a text")),
        }
    }

    /// A count of things that are `size` bytes each at least. PostgreSQL reads it as unsigned.
    fn count(&mut self, size: usize) -> Result<usize, MessageError> {
        let count = usize::from(u16::from_be_bytes(self.array()?));
        self.check(count, size)
    }

    fn check(&self, count: usize, size: usize) -> Result<usize, MessageError> {
        match count.checked_mul(size) {
            Some(least) if least <= self.rest.len() => Ok(count),
            _ => Err(self.error("counts more than its bytes can hold")),
        }
    }

    /// A 16-bit count and so many formats.
    ///
    /// # Errors
    /// There are fewer.
    pub fn formats(&mut self) -> Result<Formats<'a>, MessageError> {
        let count = self.count(2)?;
        Ok(Formats(self.bytes(count * 2)?))
    }

    /// A 16-bit count and so many OIDs.
    ///
    /// # Errors
    /// There are fewer.
    pub fn oids(&mut self) -> Result<Oids<'a>, MessageError> {
        let count = self.count(4)?;
        Ok(Oids(self.bytes(count * 4)?))
    }

    /// A 16-bit count and so many values.
    ///
    /// # Errors
    /// There are fewer, or a length is wrong.
    pub fn values(&mut self) -> Result<Values<'a>, MessageError> {
        let count = self.count(4)?;
        let start = self.rest;
        for _ in 0..count {
            self.value()?;
        }
        let length = start.len() - self.rest.len();
        let bytes = start.get(..length).unwrap_or_default();
        Ok(Values { count, bytes })
    }

    /// A length and so many bytes; none for a length of -1.
    ///
    /// # Errors
    /// There are fewer, or the length is wrong.
    pub fn value(&mut self) -> Result<Option<&'a [u8]>, MessageError> {
        match self.i32()? {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) => Ok(Some(self.bytes(length)?)),
                Err(_) => Err(self.error("has a value of negative length")),
            },
        }
    }

    /// So many texts.
    ///
    /// # Errors
    /// There are fewer.
    pub fn texts(&mut self, count: usize) -> Result<Texts<'a>, MessageError> {
        let count = self.check(count, 1)?;
        let start = self.rest;
        for _ in 0..count {
            self.text()?;
        }
        let length = start.len() - self.rest.len();
        Ok(Texts(start.get(..length).unwrap_or_default()))
    }
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// As text.
    Text,
    /// In the type's binary form.
    Binary,
}

impl Format {
    /// The format with that number. PostgreSQL knows 0 and 1; anything else is its error to
    /// make, so it counts as text here.
    pub fn from_code(code: i16) -> Format {
        if code == 1 {
            Format::Binary
        } else {
            Format::Text
        }
    }
}

/// The formats of a list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Formats<'a>(&'a [u8]);

impl<'a> Formats<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len() / 2
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Format> + use<'a> {
        let (codes, _) = self.0.as_chunks();
        codes
            .iter()
            .map(|code| Format::from_code(i16::from_be_bytes(*code)))
    }

    /// The format of the value with that number, by the rule of Bind: none given means text, one
    /// given counts for all.
    pub fn of(&self, index: usize) -> Format {
        let index = if self.len() == 1 { 0 } else { index };
        self.iter().nth(index).unwrap_or(Format::Text)
    }
}

/// A list of OIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oids<'a>(&'a [u8]);

impl<'a> Oids<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len() / 4
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them; 0 where the type was not given.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        let (oids, _) = self.0.as_chunks();
        oids.iter().map(|oid| u32::from_be_bytes(*oid))
    }
}

/// A list of values: bytes, or none for NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Values<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Values<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut fields = Fields::new("", self.bytes);
        // The lengths were checked when the message was read, so this ends after `count` values.
        std::iter::from_fn(move || {
            if fields.is_empty() {
                None
            } else {
                fields.value().ok()
            }
        })
    }
}

/// A list of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let text = self.0.strip_suffix(&[0]);
        text.into_iter()
            .flat_map(|text| text.split(|byte| *byte == 0))
    }
}
