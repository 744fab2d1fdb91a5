//! Labels of enumerations, whose text and binary forms are the same bytes (`enum_send` in
//! PostgreSQL's `src/backend/utils/adt/enum.c`); so are those of text-like types of extensions
//! (`citext`).
//!
//! A connection does not say which user-defined types are such. A value that reads like a label is
//! taken for one: the binary forms of other types begin with counts, versions or numbers, which are
//! no letters, and their text forms with brackets, quotes or digits.

/// The first OID of what is not built in (`FirstNormalObjectId`, `src/include/access/transam.h`).
const FIRST_USER_DEFINED: u32 = 16_384;

/// The most bytes that a label has (`NAMEDATALEN`), some extensions' texts included.
const MAX_LABEL: usize = 63;

/// Whether the type is not built in.
pub(crate) fn is_user_defined(oid: u32) -> bool {
    oid >= FIRST_USER_DEFINED
}

pub(super) fn to_text(binary: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(binary).ok()?;
    reads_like_one(text).then(|| text.to_owned())
}

pub(super) fn to_binary(text: &str) -> Option<Vec<u8>> {
    reads_like_one(text).then(|| text.as_bytes().to_vec())
}

fn reads_like_one(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    starts && text.len() <= MAX_LABEL && text.chars().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_text_in_both_forms() {
        for label in ["happy", "žlutý", "in-transit", "Two words", "_x1"] {
            assert_eq!(to_text(label.as_bytes()).as_deref(), Some(label));
            assert_eq!(to_binary(label).as_deref(), Some(label.as_bytes()));
        }
    }

    #[test]
    fn what_does_not_read_like_a_label_is_not_converted() {
        for other in [
            "",
            "(1,a)",
            "{a,b}",
            "[1,2]",
            "0101",
            "\"a\"=>\"b\"",
            "a.b",
            "a\tb",
            "a\0",
        ] {
            assert_eq!(to_text(other.as_bytes()), None, "{other:?}");
            assert_eq!(to_binary(other), None, "{other:?}");
        }
        assert_eq!(to_text(b"\0\0\0\x01a"), None);
        assert_eq!(to_text(b"a\xff"), None);
        assert_eq!(to_binary(&"a".repeat(64)), None);
    }
}
