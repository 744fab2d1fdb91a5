//! The columns of an answer, in the order in which they are asked for.
//!
//! A statement whose list of columns stands in another order is the same statement
//! ([`crate::sql`]); its recorded answer has the columns in the recorded order.

use retake_model::{FieldKind, Rules, Value};

use crate::sql::{Statement, Statements};

/// Puts the columns of a recorded answer into the order in which `asked` lists them.
pub(super) fn put(
    answer: &mut Value,
    recorded: &Value,
    asked: &Value,
    rules: &Rules,
    statements: &mut Statements,
) {
    let fields = rules.identity.iter();
    for field in fields.filter(|field| field.kind == FieldKind::Sql) {
        let text = |request: &Value| request.get(field.name)?.as_str().map(str::to_owned);
        let (Some(recorded), Some(asked)) = (text(recorded), text(asked)) else {
            continue;
        };
        if recorded == asked {
            continue;
        }
        let (recorded, asked) = (statements.get(&recorded), statements.get(&asked));
        if recorded.columns == asked.columns {
            continue;
        }
        let Value::Map(parts) = answer else { return };
        for (name, part) in parts {
            match (name.as_str(), part) {
                ("columns", list) => move_all(list, &recorded, &asked),
                ("rows", Value::List(rows)) => {
                    rows.iter_mut()
                        .for_each(|row| move_all(row, &recorded, &asked));
                }
                _ => {}
            }
        }
    }
}

fn move_all(list: &mut Value, recorded: &Statement, asked: &Statement) {
    into_order(list, recorded);
    as_asked(list, asked);
}

/// Puts what is in the order of a statement's list into the one order of all like it.
pub(super) fn into_order(list: &mut Value, statement: &Statement) {
    if let (Value::List(items), Some(order)) = (list, &statement.columns)
        && items.len() == order.len()
    {
        *items = order
            .iter()
            .filter_map(|at| items.get(*at).cloned())
            .collect();
    }
}

/// The reverse of [`into_order`].
pub(super) fn as_asked(list: &mut Value, statement: &Statement) {
    if let (Value::List(items), Some(order)) = (list, &statement.columns)
        && items.len() == order.len()
    {
        let mut moved: Vec<(usize, Value)> = order.iter().copied().zip(items.drain(..)).collect();
        moved.sort_by_key(|(at, _)| *at);
        items.extend(moved.into_iter().map(|(_, item)| item));
    }
}
