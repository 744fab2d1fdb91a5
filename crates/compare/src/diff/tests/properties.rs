//! What holds for any two trees.

use super::made::RECORDED;
use super::*;

fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z0-9 ]{0,8}".prop_map(Value::from),
        Just(Value::from(RECORDED)),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(|b| Value::Bytes(Bytes::from(b))),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::vec(("[a-c]|id|name", inner), 0..5).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(tree in trees(), is_made: bool) {
        let made = if is_made { vec![made(TokenKind::Uuid, RECORDED)] } else { Vec::new() };
        let whole = Value::map([("body", Value::map([("json", tree)]))]);
        let rules = RuleSet::new([]).expect("built-in rules");
        let found = compare_response(&whole, &whole, &made, &rules, &mut ValueMap::new());
        prop_assert_eq!(found.differences, vec![]);
    }

    #[test]
    fn trees_that_differ_in_meaning_are_never_called_equal(a in trees(), b in trees()) {
        let of = |tree: &Value| Value::map([("body", Value::map([("json", tree.clone())]))]);
        let same = canonical(&a) == canonical(&b);
        let found = compare(&of(&a), &of(&b));
        prop_assert_eq!(found.differences.is_empty(), same);
    }

    #[test]
    fn the_same_trees_give_the_same_differences(a in trees(), b in trees()) {
        let of = |tree: &Value| Value::map([("body", Value::map([("json", tree.clone())]))]);
        prop_assert_eq!(compare(&of(&a), &of(&b)), compare(&of(&a), &of(&b)));
    }
}

/// A text that is the same for trees that mean the same: members sorted by name, repeats in order.
fn canonical(tree: &Value) -> String {
    match tree {
        Value::Map(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", canonical(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        leaf => format!("{leaf:?}"),
    }
}
