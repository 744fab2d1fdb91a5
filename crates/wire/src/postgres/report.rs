//! Errors and notices as the trees hold them.

use retake_model::Value;

use super::message::Report;

/// The fields by their codes, in the order in which PostgreSQL sends them (documentation, "Error
/// and Notice Message Fields").
pub const FIELDS: &[(u8, &str)] = &[
    (b'S', "severity"),
    (b'V', "severity_raw"),
    (b'C', "code"),
    (b'M', "message"),
    (b'D', "detail"),
    (b'H', "hint"),
    (b'P', "position"),
    (b'p', "internal_position"),
    (b'q', "internal_query"),
    (b'W', "where"),
    (b's', "schema"),
    (b't', "table"),
    (b'c', "column"),
    (b'd', "data_type"),
    (b'n', "constraint"),
    (b'F', "file"),
    (b'L', "line"),
    (b'R', "routine"),
];

/// The tree of an error or a notice.
pub fn tree(report: &Report<'_>) -> Value {
    let severity = report.get(b'S');
    let mut fields = Vec::new();
    for (code, text) in report.iter() {
        if code == b'V' && severity == Some(text) {
            continue;
        }
        fields.push((field_name(code), Value::text_or_bytes(text)));
    }
    Value::Map(fields)
}

/// The code of the field with that name in a tree.
pub fn code(name: &str) -> Option<u8> {
    match FIELDS.iter().find(|(_, known)| *known == name) {
        Some((code, _)) => Some(*code),
        None => match name.as_bytes() {
            [code] if code.is_ascii_graphic() => Some(*code),
            _ => None,
        },
    }
}

fn field_name(code: u8) -> String {
    match FIELDS.iter().find(|(known, _)| *known == code) {
        Some((_, name)) => (*name).to_owned(),
        None => char::from(code).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::message::Backend;

    #[test]
    fn fields_have_names_and_the_severity_is_said_once() {
        let body = b"SERROR\0VERROR\0C42P01\0Mno such table\0?what\0\0";
        let Ok(Backend::ErrorResponse(report)) = Backend::parse(b'E', body) else {
            panic!("not read")
        };
        assert_eq!(
            tree(&report),
            Value::map(
                [
                    ("severity", "ERROR"),
                    ("code", "42P01"),
                    ("message", "no such table"),
                    ("?", "what"),
                ]
                .map(|(name, text)| (name, Value::from(text)))
            )
        );
        let codes = ["severity", "code", "message", "?", "??"].map(code);
        assert_eq!(
            codes,
            [Some(b'S'), Some(b'C'), Some(b'M'), Some(b'?'), None]
        );
    }
}
