//! The leaves of a tree with their places.

use retake_model::{Path, Segment, Value};

/// Calls `each` for every value below a place that is no list and no map. Names of fields are no
/// leaves. `at` is the place of the tree, and is as before when this returns.
pub(crate) fn leaves(tree: &Value, at: &mut Path, each: &mut dyn FnMut(&Path, &Value)) {
    match tree {
        Value::List(items) => {
            for (number, item) in items.iter().enumerate() {
                at.0.push(Segment::Index(number));
                leaves(item, at, each);
                at.0.pop();
            }
        }
        Value::Map(fields) => {
            for (name, value) in fields {
                at.0.push(Segment::Key(name.clone()));
                leaves(value, at, each);
                at.0.pop();
            }
        }
        leaf => each(at, leaf),
    }
}
