//! Reads the tree of an answer as the messages need it.

use retake_model::Value;

use crate::postgres::column::{Column, read_type};
use crate::postgres::encode::{ColumnOut, Encoder};
use crate::postgres::message::Format;
use crate::postgres::{report, types};

/// What a recorded answer lacks, or has and should not: a lowercase fragment.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) String);

pub(super) type Read<T> = Result<T, Malformed>;

/// The columns of an answer; none where it has no rows by its nature.
pub(super) fn columns(answer: &Value) -> Read<Option<Vec<Column>>> {
    let Some(list) = answer.get("columns") else {
        return Ok(None);
    };
    let list = as_list(list, "columns")?;
    let read = |column: &Value| {
        Column::read(column).ok_or_else(|| {
            let text = column.as_str().unwrap_or(column.type_name());
            Malformed(format!("`{text}` is no column (expected `name type`)"))
        })
    };
    list.iter().map(read).collect::<Read<_>>().map(Some)
}

/// The rows of an answer.
pub(super) fn rows(answer: &Value) -> Read<&[Value]> {
    match answer.get("rows") {
        None => Ok(&[]),
        Some(rows) => as_list(rows, "rows"),
    }
}

/// The parameter types that the answer to `describe` has.
pub(super) fn parameter_types(answer: &Value) -> Read<Option<Vec<u32>>> {
    let Some(list) = answer.get("parameters") else {
        return Ok(None);
    };
    let read = |of: &Value| {
        let text = of.as_str().unwrap_or(of.type_name());
        read_type(of).ok_or_else(|| Malformed(format!("`{text}` is no type")))
    };
    let list = as_list(list, "parameters")?;
    list.iter().map(read).collect::<Read<_>>().map(Some)
}

/// Writes the columns of a result in the formats that were asked for.
pub(super) fn write_columns(out: &mut Encoder, columns: &[Column], formats: &[Format]) {
    let described: Vec<ColumnOut<'_>> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| ColumnOut {
            name: bytes_of(&column.name).unwrap_or_default(),
            oid: column.oid,
            size: column.size,
            modifier: column.modifier,
            format: format_of(formats, index),
        })
        .collect();
    out.row_description(&described);
}

/// Writes a row in the formats that were asked for.
pub(super) fn write_row(
    out: &mut Encoder,
    columns: &[Column],
    formats: &[Format],
    row: &Value,
) -> Read<()> {
    let cells = as_list(row, "a row")?;
    if cells.len() != columns.len() {
        let (has, wants) = (cells.len(), columns.len());
        return Err(Malformed(format!(
            "a row has {has} values, expected {wants}, one for each column"
        )));
    }
    let pairs = columns.iter().zip(cells).enumerate();
    let cells: Vec<Option<Vec<u8>>> = pairs
        .map(|(index, (column, cell))| encode_cell(column, format_of(formats, index), cell))
        .collect::<Read<_>>()?;
    out.data_row(&cells);
    Ok(())
}

/// Writes an error or a notice.
pub(super) fn write_report(out: &mut Encoder, kind: u8, tree: &Value) -> Read<()> {
    let fields = tree
        .as_map()
        .ok_or_else(|| Malformed("an error or notice is no map".to_owned()))?;
    let mut coded: Vec<(u8, &[u8])> = Vec::with_capacity(fields.len().saturating_add(1));
    for (name, value) in fields {
        let code = report::code(name)
            .ok_or_else(|| Malformed(format!("`{name}` is no field of an error")))?;
        let text = bytes_of(value)
            .ok_or_else(|| Malformed(format!("the field `{name}` of an error is no text")))?;
        coded.push((code, text));
        // Left out where it is the same as the severity.
        if code == b'S' && tree.get("severity_raw").is_none() {
            coded.push((b'V', text));
        }
    }
    // A server always sends these, and clients count on them.
    let always: [(u8, &[u8]); 4] = if kind == b'E' {
        [
            (b'S', b"ERROR"),
            (b'V', b"ERROR"),
            (b'C', b"XX000"),
            (b'M', b""),
        ]
    } else {
        [
            (b'S', b"NOTICE"),
            (b'V', b"NOTICE"),
            (b'C', b"00000"),
            (b'M', b""),
        ]
    };
    for (code, text) in always {
        if coded.iter().all(|(there, _)| *there != code) {
            coded.push((code, text));
        }
    }
    out.report(kind, &coded);
    Ok(())
}

/// Text or bytes as bytes.
pub(super) fn bytes_of(value: &Value) -> Option<&[u8]> {
    match value {
        Value::String(text) => Some(text.as_bytes()),
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// The format of the column with that number, by the rule of Bind: none given means text, one
/// given counts for all.
fn format_of(formats: &[Format], index: usize) -> Format {
    match formats {
        [all] => *all,
        _ => formats.get(index).copied().unwrap_or(Format::Text),
    }
}

fn encode_cell(column: &Column, format: Format, cell: &Value) -> Read<Option<Vec<u8>>> {
    let text = match cell {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        // YAML written by hand may have plain numbers and truth values.
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => String::from(if *truth { "t" } else { "f" }),
        Value::Bytes(bytes) => return encode_bytes(column, format, bytes).map(Some),
        Value::List(_) | Value::Map(_) => {
            return Err(wrong(column, "is no text, but a tree".to_owned()));
        }
    };
    if format == Format::Text {
        return Ok(Some(text.into_bytes()));
    }
    match types::to_binary(column.oid, &text) {
        Some(binary) => Ok(Some(binary)),
        None if types::converts(column.oid) => {
            let shown: String = text.chars().take(80).collect();
            Err(wrong(
                column,
                format!("has the value {shown:?}, which is not of its type"),
            ))
        }
        None => Err(wrong(
            column,
            "was recorded as text, and its binary form, which the client asks for, is not known \
             to retake"
                .to_owned(),
        )),
    }
}

/// Bytes are text that is no UTF-8, or the binary form of a type that is not known.
fn encode_bytes(column: &Column, format: Format, bytes: &[u8]) -> Read<Vec<u8>> {
    // In types that hold text both forms are the same bytes.
    let is_text = !types::is_user_defined(column.oid)
        && types::to_text(column.oid, b"a").as_deref() == Some("a");
    if format == Format::Binary || is_text {
        return Ok(bytes.to_vec());
    }
    types::to_text(column.oid, bytes)
        .map(String::into_bytes)
        .ok_or_else(|| {
            wrong(
                column,
                "was recorded in binary, and its text form, which the client asks for, is not \
                 known to retake"
                    .to_owned(),
            )
        })
}

fn wrong(column: &Column, what: String) -> Malformed {
    let name = String::from_utf8_lossy(bytes_of(&column.name).unwrap_or_default());
    let of = types::name(column.oid).map_or_else(|| column.oid.to_string(), str::to_owned);
    Malformed(format!("the column `{name}` of type {of} {what}"))
}

fn as_list<'a>(value: &'a Value, what: &str) -> Read<&'a [Value]> {
    value.as_list().ok_or_else(|| {
        let found = value.type_name();
        Malformed(format!("`{what}` is a {found}, expected a list"))
    })
}

/// Whether a statement ended because the client asked for that (PostgreSQL documentation, appendix
/// A: `query_canceled`). A time limit of the server's own says another message.
pub(super) fn was_cancelled(tree: &Value) -> bool {
    let error = |name| tree.get("error")?.get(name)?.as_str();
    error("code") == Some("57014") && error("message").is_some_and(|m| m.contains("user request"))
}
