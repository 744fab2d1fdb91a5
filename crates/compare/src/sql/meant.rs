//! Which value may stand for which, where one driver wrote it otherwise than another.
//!
//! Two statements of one shape with the same texts of values ask the same where every value has
//! the same type, or takes it from the same place. What is not certain is not the same.

use retake_model::Value;

use super::slots::{Kind, Place, Slot, Slotted};

/// A value as a statement or its parameters give it, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meant {
    from: From,
    cast: Option<String>,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Literal(Kind),
    /// A parameter, with its type where somebody told it.
    Param(Option<String>),
}

/// The type of a value, as far as it is known.
#[derive(Debug, PartialEq, Eq)]
enum Type<'t> {
    Null,
    Integer,
    Decimal,
    Bool,
    /// It takes the type that its place asks for.
    Unknown,
    Known(&'t str),
    /// Nothing else is this.
    Only,
}

impl Meant {
    /// The value of a slot; `param` is the parameter's value and its type.
    pub(crate) fn of(slot: &Slot, param: Option<(&Value, Option<&Value>)>) -> Self {
        let from = match &slot.value {
            Slotted::Literal(kind, _) => From::Literal(*kind),
            Slotted::Param(_) => match param {
                Some((Value::Null, _)) => From::Literal(Kind::Null),
                Some((_, Some(Value::String(name)))) => From::Param(Some(name.clone())),
                Some((_, Some(Value::Number(oid)))) => From::Param(Some(oid.as_str().to_owned())),
                _ => From::Param(None),
            },
        };
        Meant {
            from,
            cast: slot.cast.clone(),
            place: slot.place,
        }
    }

    /// The type that a driver is told of a parameter in this place; null where it is not known.
    pub(crate) fn type_tree(&self) -> Value {
        match self.type_of() {
            Type::Known(name) => name.into(),
            Type::Integer => "int4".into(),
            Type::Decimal => "numeric".into(),
            Type::Bool => "bool".into(),
            Type::Unknown if matches!(self.from, From::Literal(_)) => "text".into(),
            Type::Unknown | Type::Null | Type::Only => Value::Null,
        }
    }

    fn type_of(&self) -> Type<'_> {
        match (&self.from, &self.cast) {
            (From::Literal(Kind::Other(_)), _) => Type::Only,
            (From::Literal(Kind::Null), None) => Type::Null,
            // A number is converted to the type, a text is read as one: the same for a number's
            // digits.
            (From::Literal(_), Some(cast)) => Type::Known(cast),
            (From::Literal(Kind::Integer), None) => Type::Integer,
            (From::Literal(Kind::Decimal), None) => Type::Decimal,
            (From::Literal(Kind::Bool), None) => Type::Bool,
            (From::Literal(Kind::Text), None) => Type::Unknown,
            (From::Param(None), Some(cast)) => Type::Known(cast),
            (From::Param(None), None) => Type::Unknown,
            (From::Param(Some(told)), None) => Type::Known(told),
            (From::Param(Some(told)), Some(cast)) if told == cast || told == "text" => {
                Type::Known(cast)
            }
            // Converted once more.
            (From::Param(Some(_)), Some(_)) => Type::Only,
        }
    }
}

/// Whether values that are asked ask for what the recorded ones did, given that their texts and
/// the shapes around them are the same.
pub(crate) fn same(recorded: &[Meant], asked: &[Meant]) -> bool {
    recorded.len() == asked.len() && recorded.iter().zip(asked).all(|(r, a)| may_be(r, a))
}

fn may_be(recorded: &Meant, asked: &Meant) -> bool {
    let written_alike = match (&recorded.from, &asked.from) {
        // The types of parameters do not identify a request.
        (From::Param(_), From::Param(_)) => true,
        (From::Literal(a), From::Literal(b)) => a == b,
        _ => false,
    };
    if written_alike && recorded.cast == asked.cast {
        return true;
    }
    let typed = recorded.place == Place::Typed;
    if recorded.place == Place::Position {
        return false;
    }
    match (recorded.type_of(), asked.type_of()) {
        (Type::Only, _) | (_, Type::Only) => false,
        (Type::Null, Type::Null) => true,
        (Type::Null, _) | (_, Type::Null) => false,
        (Type::Unknown, Type::Unknown) => true,
        // A place that took the number or the type takes a text without one, too. The other way
        // round a text column is not comparable with a number.
        (Type::Integer | Type::Bool, Type::Unknown) => typed,
        (Type::Known(known), Type::Unknown) => {
            is_text(known) || typed && !is_zoned(known) && !known.ends_with("[]")
        }
        (Type::Unknown, Type::Known(known)) => is_text(known),
        (Type::Unknown | Type::Decimal, Type::Integer | Type::Decimal | Type::Bool)
        | (Type::Decimal, Type::Unknown)
        | (Type::Integer | Type::Bool, Type::Decimal)
        | (Type::Bool, Type::Integer)
        | (Type::Integer, Type::Bool) => false,
        (Type::Integer, Type::Integer) | (Type::Bool, Type::Bool) => true,
        (Type::Integer, Type::Known(known)) | (Type::Known(known), Type::Integer) => {
            is_integer(known) || typed && is_number(known)
        }
        (Type::Decimal, Type::Known(known)) | (Type::Known(known), Type::Decimal) => {
            known == "numeric" || typed && is_number(known) && !is_integer(known)
        }
        (Type::Bool, Type::Known(known)) | (Type::Known(known), Type::Bool) => known == "bool",
        (Type::Known(a), Type::Known(b)) => {
            a == b || is_integer(a) && is_integer(b) || is_text(a) && is_text(b)
        }
    }
}

fn is_integer(name: &str) -> bool {
    matches!(name, "int2" | "int4" | "int8")
}

fn is_number(name: &str) -> bool {
    is_integer(name) || matches!(name, "numeric" | "float4" | "float8")
}

fn is_text(name: &str) -> bool {
    matches!(name, "text" | "varchar" | "bpchar" | "unknown")
}

/// Types of which a text says something else in another time zone.
fn is_zoned(name: &str) -> bool {
    matches!(name, "timestamptz" | "timetz")
}

#[cfg(test)]
mod tests;
