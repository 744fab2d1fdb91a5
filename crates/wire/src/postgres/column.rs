//! Columns and types as the trees hold them: `price numeric(10,2)`.

use std::borrow::Cow;

use retake_model::Value;

use super::message;
use super::types;

/// A column as a tree holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name; bytes where it is no UTF-8.
    pub name: Value,
    /// The OID of its type.
    pub oid: u32,
    /// The size of the type in bytes; negative where it varies.
    pub size: i16,
    /// What the type leaves open (a length, a precision); -1 for nothing.
    pub modifier: i32,
}

impl Column {
    /// The tree of a column of a RowDescription.
    pub fn tree(column: &message::Column<'_>) -> Value {
        let short = match std::str::from_utf8(column.name) {
            Ok(name) if column.size == types::size(column.oid) => {
                type_text(column.oid, column.modifier).map(|of| [name, " ", &of].concat())
            }
            _ => None,
        };
        if let Some(short) = short {
            return Value::String(short);
        }
        let mut map = Value::map([
            ("name", Value::text_or_bytes(column.name)),
            ("type", type_tree(column.oid)),
        ]);
        if column.modifier != -1 {
            map.push("modifier", column.modifier.into());
        }
        if column.size != types::size(column.oid) {
            map.push("size", column.size.into());
        }
        map
    }

    /// The column that a tree says. None where it says none.
    pub fn read(tree: &Value) -> Option<Column> {
        match tree {
            Value::String(text) => {
                let (name, of) = text.rsplit_once(' ')?;
                let (oid, modifier) = read_type_text(of)?;
                Some(Column {
                    name: name.into(),
                    oid,
                    size: types::size(oid),
                    modifier,
                })
            }
            Value::Map(_) => {
                let (oid, modifier) = match tree.get("type")? {
                    Value::String(of) => read_type_text(of)?,
                    other => (read_type(other)?, -1),
                };
                Some(Column {
                    name: tree.get("name")?.clone(),
                    oid,
                    size: number(tree, "size", types::size(oid))?,
                    modifier: number(tree, "modifier", modifier)?,
                })
            }
            _ => None,
        }
    }

    /// What is wrong with the text of a column.
    pub(super) fn explain(text: &str) -> ReadColumn<'_> {
        let Some((_, of)) = text.rsplit_once(' ').filter(|(_, of)| !of.is_empty()) else {
            return ReadColumn::NoType;
        };
        if read_type_text(of).is_some() {
            return ReadColumn::Good;
        }
        let name = of.split('(').next().unwrap_or(of);
        match types::oid(name) {
            Some(_) => ReadColumn::WrongModifier(of),
            None => ReadColumn::UnknownType(name),
        }
    }
}

/// What is wrong with the text of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadColumn<'t> {
    /// Nothing.
    Good,
    /// It does not say a type.
    NoType,
    /// There is no such type.
    UnknownType(&'t str),
    /// What stands in brackets does not go with the type.
    WrongModifier(&'t str),
}

/// The tree of a type: its name, its OID where it is not built in, `null` where it is not known.
pub fn type_tree(oid: u32) -> Value {
    match types::name(oid) {
        Some(name) => name.into(),
        None if oid == 0 => Value::Null,
        None => oid.into(),
    }
}

/// The OID that the tree of a type says; 0 for `null`.
pub fn read_type(tree: &Value) -> Option<u32> {
    match tree {
        Value::Null => Some(0),
        Value::String(name) => types::oid(name),
        other => u32::try_from(other.as_i64()?).ok(),
    }
}

/// The field's number, `default` where there is no such field, none where it is no such number.
fn number<T: TryFrom<i64>>(tree: &Value, field: &str, default: T) -> Option<T> {
    match tree.get(field) {
        None => Some(default),
        Some(number) => T::try_from(number.as_i64()?).ok(),
    }
}

/// How the modifier of a type is written. The numbers are those of the types' `typmodout`
/// functions in PostgreSQL's `src/backend/utils/adt`.
#[derive(Debug, Clone, Copy)]
enum Modifier {
    /// The length and four bytes: the length counted its own field once.
    Length,
    /// Precision and scale: 16 bits each, and four.
    Numeric,
    /// A count of digits or bits.
    Count,
}

fn modifier_of(name: &str) -> Option<Modifier> {
    match name.strip_suffix("[]").unwrap_or(name) {
        "varchar" | "bpchar" => Some(Modifier::Length),
        "numeric" => Some(Modifier::Numeric),
        "time" | "timetz" | "timestamp" | "timestamptz" | "bit" | "varbit" => Some(Modifier::Count),
        _ => None,
    }
}

/// `numeric(10,2)`. None where this form cannot say it.
fn type_text(oid: u32, modifier: i32) -> Option<Cow<'static, str>> {
    let Some(name) = types::name(oid) else {
        return (modifier == -1).then(|| oid.to_string().into());
    };
    if modifier == -1 {
        return Some(name.into());
    }
    let text = match modifier_of(name)? {
        Modifier::Length => format!("{name}({})", modifier.checked_sub(4)?),
        Modifier::Count => format!("{name}({modifier})"),
        Modifier::Numeric => {
            let packed = modifier.checked_sub(4)?;
            // Since PostgreSQL 15 the scale is 11 bits with a sign (`numeric_typmod_scale`).
            let scale = ((packed & 0x7ff) ^ 1024) - 1024;
            format!("{name}({},{scale})", packed >> 16)
        }
    };
    // What does not come back as it was is written as a map.
    (read_type_text(&text) == Some((oid, modifier))).then(|| text.into())
}

/// The OID and the modifier that a type's text says.
fn read_type_text(text: &str) -> Option<(u32, i32)> {
    let Some((name, inside)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) else {
        let oid = types::oid(text).or_else(|| text.parse().ok())?;
        return Some((oid, -1));
    };
    let modifier = match modifier_of(name)? {
        Modifier::Length => inside.parse::<i32>().ok()?.checked_add(4)?,
        Modifier::Count => inside.parse().ok()?,
        Modifier::Numeric => {
            let (precision, scale) = inside.split_once(',')?;
            let precision: i32 = precision.parse::<i16>().ok()?.into();
            let scale: i32 = scale.parse::<i16>().ok()?.into();
            ((precision << 16) | (scale & 0x7ff)).checked_add(4)?
        }
    };
    Some((types::oid(name)?, modifier))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::message::Format;

    #[track_caller]
    fn check(name: &[u8], oid: u32, size: i16, modifier: i32, expect: Value) {
        let tree = Column::tree(&message::Column {
            name,
            table: 16_385,
            number: 1,
            oid,
            size,
            modifier,
            format: Format::Binary,
        });
        assert_eq!(tree, expect);
        let name = Value::text_or_bytes(name);
        assert_eq!(
            Column::read(&tree),
            Some(Column {
                name,
                oid,
                size,
                modifier
            })
        );
    }

    #[test]
    fn columns_are_short_where_that_says_everything() {
        check(b"id", 23, 4, -1, "id int4".into());
        check(b"?column?", 25, -1, -1, "?column? text".into());
        check(b"two words", 1007, -1, -1, "two words int4[]".into());
        check(b"", 16, 1, -1, " bool".into());
        check(b"name", 1043, -1, 24, "name varchar(20)".into());
        check(
            b"price",
            1700,
            -1,
            (10 << 16 | 2) + 4,
            "price numeric(10,2)".into(),
        );
        check(
            b"big",
            1700,
            -1,
            (5 << 16 | (2048 - 3)) + 4,
            "big numeric(5,-3)".into(),
        );
        check(b"at", 1184, 8, 3, "at timestamptz(3)".into());
        check(b"mood", 16_390, -1, -1, "mood 16390".into());
    }

    #[test]
    fn columns_are_maps_where_there_is_more_to_say() {
        check(
            b"mood",
            16_390,
            4,
            -1,
            Value::map([
                ("name", "mood".into()),
                ("type", 16_390.into()),
                ("size", 4.into()),
            ]),
        );
        check(
            b"span",
            1186,
            16,
            0x7fff_0003,
            Value::map([
                ("name", Value::from("span")),
                ("type", "interval".into()),
                ("modifier", 0x7fff_0003.into()),
            ]),
        );
        check(
            b"caf\xe9",
            25,
            -1,
            -1,
            Value::map([
                ("name", Value::Bytes((&b"caf\xe9"[..]).into())),
                ("type", "text".into()),
            ]),
        );
    }

    #[test]
    fn trees_that_say_no_column_are_refused() {
        for bad in [
            "",
            "id",
            "id nothing",
            "id int4(",
            "id int4(3)",
            "p numeric(1)",
        ] {
            assert_eq!(Column::read(&bad.into()), None, "{bad}");
        }
        assert_eq!(Column::read(&Value::Null), None);
        assert_eq!(Column::read(&Value::map([("name", Value::Null)])), None);
    }
}
