//! One file of calls that belong to no single test, as it grows.

use bytes::Bytes;
use retake_model::{Attribution, Mock, Scope};

use super::write::{call_head, call_messages};
use crate::yaml::{BlobOf, TooDeep, write_fields};

/// What the file begins with.
const HEADER: &str = "retake: v1\n";

/// What its calls stand below.
const CALLS: &str = "calls:\n";

/// The column of a call's fields.
const COLUMN: usize = 4;

/// Calls that belong to no single test, as the text of the file that will hold them: it takes less
/// than the calls themselves, and is made once for each however often it is written.
#[derive(Debug, Default)]
pub struct SharedPart {
    /// The calls, one behind the other, without the counts of their repeats.
    text: String,
    calls: Vec<Call>,
    /// What is to be kept beside the file, by name.
    blobs: Vec<(String, Bytes)>,
    /// What those hold, in bytes.
    blob_bytes: usize,
    /// Whether a call nests deeper than can be kept.
    too_deep: bool,
}

/// A call in the text.
#[derive(Debug)]
struct Call {
    /// Where the count of its repeats belongs.
    place: usize,
    repeats: u64,
}

impl SharedPart {
    /// Appends a call.
    pub fn push(&mut self, mock: &Mock) {
        let before = self.text.len();
        let mut blobs = Vec::new();
        let Ok(place) = write_call(&mut self.text, mock, &mut blobs) else {
            self.text.truncate(before);
            self.too_deep = true;
            return;
        };
        self.calls.push(Call {
            place,
            repeats: mock.merged,
        });
        for blob in blobs {
            self.blob_bytes += blob.bytes.len();
            let bytes = Bytes::copy_from_slice(blob.bytes);
            self.blobs.push((blob.name, bytes));
        }
    }

    /// Counts a repeat of the call of that number, from 0. False where there is no such call.
    pub fn repeat(&mut self, number: usize) -> bool {
        let call = self.calls.get_mut(number);
        call.map(|call| call.repeats += 1).is_some()
    }

    /// How often the call of that number was repeated.
    pub fn repeats(&self, number: usize) -> Option<u64> {
        self.calls.get(number).map(|call| call.repeats)
    }

    /// How many calls it has.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether it has no calls.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// How many bytes the file and what is kept beside it take.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.blob_bytes
    }

    /// Forgets all calls, and keeps the room that they took.
    pub fn clear(&mut self) {
        self.text.clear();
        self.calls.clear();
        self.blobs.clear();
        self.blob_bytes = 0;
        self.too_deep = false;
    }

    /// The file.
    pub(crate) fn file(&self) -> Result<String, TooDeep> {
        if self.too_deep {
            return Err(TooDeep);
        }
        let counted = || self.calls.iter().filter(|call| call.repeats > 0);
        let room = HEADER.len() + CALLS.len() + self.text.len() + 32 * counted().count();
        let mut file = String::with_capacity(room);
        file.push_str(HEADER);
        if !self.calls.is_empty() {
            file.push_str(CALLS);
        }
        let mut from = 0;
        for call in counted() {
            file.push_str(self.text.get(from..call.place).unwrap_or_default());
            file.push_str(&format!("{:COLUMN$}merged: {}\n", "", call.repeats));
            from = call.place;
        }
        file.push_str(self.text.get(from..).unwrap_or_default());
        Ok(file)
    }

    /// What is to be kept beside it.
    pub(crate) fn blobs(&self) -> Vec<BlobOf<'_>> {
        let blobs = self.blobs.iter();
        let blobs = blobs.map(|(name, bytes)| BlobOf {
            name: name.clone(),
            bytes,
        });
        blobs.collect()
    }
}

impl<'m> FromIterator<&'m Mock> for SharedPart {
    fn from_iter<I: IntoIterator<Item = &'m Mock>>(mocks: I) -> Self {
        let mut part = SharedPart::default();
        for mock in mocks {
            part.push(mock);
        }
        part
    }
}

/// Writes a call; gives the place of the count of its repeats.
fn write_call<'v>(
    text: &mut String,
    mock: &'v Mock,
    blobs: &mut Vec<BlobOf<'v>>,
) -> Result<usize, TooDeep> {
    let head = call_head(mock, Scope::Startup, Attribution::Unattributed);
    let messages = call_messages(mock, blobs)?;
    text.push_str("  - ");
    write_fields(text, &head, COLUMN);
    let place = text.len();
    text.push_str("    ");
    write_fields(text, &messages, COLUMN);
    Ok(place)
}

#[cfg(test)]
mod tests {
    use retake_model::{ProtocolId, Value};

    use super::*;

    fn mock(response: Value) -> Mock {
        Mock {
            to: "db".into(),
            protocol: ProtocolId("postgres"),
            scope: Scope::Startup,
            by: Attribution::Unattributed,
            after: 0,
            took: 1_000_000,
            request: Value::map([("sql", Value::text("select 1"))]),
            response,
            merged: 0,
        }
    }

    fn done() -> Value {
        Value::map([("tag", Value::text("DO"))])
    }

    #[test]
    fn repeats_are_counted_where_their_calls_stand() {
        let mut part = SharedPart::default();
        assert_eq!(part.file(), Ok("retake: v1\n".to_owned()));
        part.push(&mock(done()));
        part.push(&Mock {
            merged: 7,
            scope: Scope::Session,
            ..mock(done())
        });
        let call = "postgres: {sql: select 1}\n    gives: {tag: DO}\n";
        let once = format!(
            "retake: v1\ncalls:\n  - to: db\n    took: 1ms\n    {call}  - to: db\n    \
             scope: session\n    took: 1ms\n    merged: 7\n    {call}"
        );
        assert_eq!(part.file(), Ok(once.clone()));
        assert!(part.repeat(0) && part.repeat(1) && !part.repeat(2));
        let again = once.replace("merged: 7", "merged: 8").replacen(
            "took: 1ms\n",
            "took: 1ms\n    merged: 1\n",
            1,
        );
        assert_eq!(part.file(), Ok(again));
        part.clear();
        assert_eq!(part.file(), Ok("retake: v1\n".to_owned()));
    }

    #[test]
    fn a_call_beside_the_tests_says_when_it_was_made() {
        let mut part = SharedPart::default();
        part.push(&Mock {
            scope: Scope::Background,
            after: 1_772_356_830_000_000_000,
            ..mock(done())
        });
        let file = part.file().expect("a file");
        assert!(
            file.contains("at: 2026-03-01T09:20:30.000000000Z"),
            "{file}"
        );
        assert!(!file.contains("after:"), "{file}");
    }

    #[test]
    fn what_stands_beside_the_file_counts_as_a_part_of_it() {
        let mut part = SharedPart::default();
        part.push(&mock(Value::Bytes(vec![0; 1 << 20].into())));
        assert!(part.bytes() > 1 << 20);
        assert_eq!(part.blobs().len(), 1);
        part.clear();
        assert_eq!((part.bytes(), part.blobs().len()), (0, 0));
    }

    #[test]
    fn a_call_that_nests_too_deep_makes_no_half_of_a_file() {
        let deep = (0..1_000).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        let mut part = SharedPart::default();
        part.push(&mock(deep));
        assert_eq!(part.file(), Err(TooDeep));
    }
}
