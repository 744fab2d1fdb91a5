//! Trees of values, and what is needed to make them: types and formats.

use bytes::Bytes;
use retake_model::Value;

use crate::postgres::column::Column;
use crate::postgres::message::{Columns, Format, Formats, Values};
use crate::postgres::types;

/// The tree of a statement's parameters.
pub(super) fn params(values: Values<'_>, formats: Formats<'_>, types: &[u32]) -> Value {
    let values = values.iter().enumerate();
    let values = values.map(|(n, bytes)| {
        let oid = types.get(n).copied().unwrap_or(0);
        value(bytes, oid, formats.of(n))
    });
    Value::List(values.collect())
}

/// The tree of one value.
pub(super) fn value(bytes: Option<&[u8]>, oid: u32, format: Format) -> Value {
    let Some(bytes) = bytes else {
        return Value::Null;
    };
    if format == Format::Text {
        return Value::text_or_bytes(bytes);
    }
    match types::to_text(oid, bytes) {
        Some(text) => Value::String(text),
        None => Value::Bytes(Bytes::copy_from_slice(bytes)),
    }
}

/// The columns of a result.
#[derive(Debug)]
pub(super) struct Shape(Vec<(u32, Format)>);

impl Shape {
    /// The columns of a RowDescription, and the list of their trees.
    pub(super) fn new(columns: &Columns<'_>) -> (Self, Value) {
        let each = columns
            .iter()
            .map(|c| (Column::tree(&c), (c.oid, c.format)));
        let (trees, shape) = each.unzip();
        (Shape(shape), Value::List(trees))
    }

    /// The tree of a row of so many values; none where it has another number of columns. The
    /// formats are those of the columns unless others are given.
    pub(super) fn row(&self, values: Values<'_>, formats: Option<&RowFormats>) -> Option<Value> {
        if self.0.len() != values.len() {
            return None;
        }
        let mut row = Vec::with_capacity(values.len());
        for (n, (bytes, (oid, format))) in values.iter().zip(&self.0).enumerate() {
            let format = formats.map_or(*format, |formats| formats.of(n));
            row.push(value(bytes, *oid, format));
        }
        Some(Value::List(row))
    }
}

/// The formats that a portal gives its rows in.
#[derive(Debug, Clone)]
pub(super) enum RowFormats {
    All(Format),
    Each(Vec<Format>),
}

impl RowFormats {
    pub(super) fn new(formats: Formats<'_>) -> Self {
        match formats.len() {
            0 => RowFormats::All(Format::Text),
            1 => RowFormats::All(formats.of(0)),
            _ => RowFormats::Each(formats.iter().collect()),
        }
    }

    fn of(&self, index: usize) -> Format {
        match self {
            RowFormats::All(format) => *format,
            RowFormats::Each(formats) => formats.get(index).copied().unwrap_or(Format::Text),
        }
    }
}
