//! Values that a driver sends beside a statement.

use retake_model::{FieldKind, Rules, Value};

use crate::sql::{Slotted, Statements};

/// The parameters of a statement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Params<'r> {
    /// The field of the statement.
    pub(super) of: Option<&'static str>,
    values: &'r [Value],
    types: &'r [Value],
}

impl<'r> Params<'r> {
    /// Those of a request, by the fields of its rules.
    pub(super) fn of(request: &'r Value, rules: &Rules) -> Self {
        let mut pairs = rules.identity.iter().zip(rules.identity.iter().skip(1));
        let Some((sql, sent)) = pairs.find(|(_, field)| field.kind == FieldKind::Params) else {
            return Params::default();
        };
        let list = |name| request.get(name).and_then(Value::as_list);
        Params {
            of: Some(sql.name),
            values: list(sent.name).unwrap_or_default(),
            types: list("types").unwrap_or_default(),
        }
    }

    /// The parameter `$number` and its type.
    pub(super) fn get(&self, number: usize) -> Option<(&'r Value, Option<&'r Value>)> {
        let at = number.checked_sub(1)?;
        Some((self.values.get(at)?, self.types.get(at)))
    }

    /// Whether each of them stands in the statement, so that it was read with it.
    pub(super) fn stand_in(&self, request: &Value, statements: &mut Statements) -> bool {
        let sql = self.of.and_then(|name| request.get(name)?.as_str());
        let statement = sql.map(|sql| statements.get(sql));
        let slots = statement.as_ref().and_then(|read| read.slots.as_ref());
        let Some(slots) = slots else { return false };
        let mut missing = vec![true; self.values.len()];
        for slot in &slots.slots {
            if let Slotted::Param(number) = slot.value
                && let Some(one) = number.checked_sub(1).and_then(|at| missing.get_mut(at))
            {
                *one = false;
            }
        }
        !missing.contains(&true)
    }
}
