//! Which tests have to wait for which, where several run at a time.

use std::collections::HashMap;

use retake_compare::made::{Near, each_leaf_token};
use retake_model::{TestSet, TokenKind, Value};
use tokio::sync::watch;

/// What each test needs of those before it: a test that says an id, or a token, waits until the
/// one has ended whose response gave it out.
pub(super) struct Needs {
    of: Vec<Vec<usize>>,
    ended: watch::Sender<Vec<bool>>,
}

impl Needs {
    /// Those of a set, for so many tests at a time.
    pub(super) fn of(set: &TestSet, jobs: usize) -> Self {
        let of = match jobs {
            0 | 1 => Vec::new(),
            _ => needs(set),
        };
        Needs {
            ended: watch::Sender::new(vec![false; of.len()]),
            of,
        }
    }

    /// Waits until the tests have ended that this one needs. All of them were begun before it.
    pub(super) async fn wait(&self, number: usize) {
        let Some(needed) = self.of.get(number).filter(|needed| !needed.is_empty()) else {
            return;
        };
        let all = |ended: &Vec<bool>| {
            let has_ended = |n: &usize| ended.get(*n).copied().unwrap_or(true);
            needed.iter().all(has_ended)
        };
        // The sender lives as long as this.
        let _ = self.ended.subscribe().wait_for(all).await;
    }

    /// A test has ended, and what its response gave out is known.
    pub(super) fn ended(&self, number: usize) {
        self.ended.send_if_modified(|ended| {
            let one = ended.get_mut(number);
            one.map(|one| *one = true).is_some()
        });
    }
}

fn needs(set: &TestSet) -> Vec<Vec<usize>> {
    let mut given_by: HashMap<String, usize> = HashMap::new();
    let mut needs = Vec::with_capacity(set.tests.len());
    for (number, test) in set.tests.iter().enumerate() {
        let mut needed = Vec::new();
        each_id(&test.request, &mut |text| {
            if let Some(by) = given_by.get(text).filter(|by| !needed.contains(*by)) {
                needed.push(*by);
            }
        });
        needs.push(needed);
        each_id(&test.response, &mut |text| {
            if !given_by.contains_key(text) {
                given_by.insert(text.to_owned(), number);
            }
        });
    }
    needs
}

/// Calls `each` for every id and token in a tree, moments left out.
fn each_id(tree: &Value, each: &mut impl FnMut(&str)) {
    match tree {
        Value::String(text) => each_leaf_token(text, Near::default(), |token| {
            if !matches!(token.kind, TokenKind::Timestamp) {
                each(token.text);
            }
        }),
        Value::List(items) => items.iter().for_each(|item| each_id(item, each)),
        Value::Map(fields) => fields.iter().for_each(|(_, value)| each_id(value, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Bytes(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use retake_model::{ProtocolId, SetInfo, TestCase, Timestamp};

    use super::*;

    fn test(request: &str, response: &str) -> TestCase {
        TestCase {
            name: request.to_owned(),
            protocol: ProtocolId("http"),
            at: Timestamp(0),
            took: 0,
            port: None,
            trace: None,
            merged: 0,
            request: Value::map([("path", Value::from(request))]),
            response: Value::map([("id", Value::from(response))]),
            calls: Vec::new(),
            made: Vec::new(),
            rules: Vec::new(),
        }
    }

    fn set() -> TestSet {
        let id = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
        let path = format!("/orders/{id}");
        TestSet {
            name: "s".into(),
            info: SetInfo::default(),
            tests: vec![test("/health", "ok"), test("/orders", id), test(&path, id)],
            shared: Vec::new(),
        }
    }

    #[test]
    fn a_test_needs_the_one_that_gave_out_its_id() {
        assert_eq!(needs(&set()), [vec![], vec![], vec![1]]);
    }

    #[tokio::test]
    async fn a_test_waits_for_those_that_it_needs_and_for_no_other() {
        let needs = Needs::of(&set(), 4);
        needs.wait(1).await;
        needs.ended(0);
        let waits = tokio::select! {
            biased;
            () = needs.wait(2) => false,
            () = std::future::ready(()) => true,
        };
        assert!(waits);
        needs.ended(1);
        needs.wait(2).await;
        Needs::of(&set(), 1).wait(2).await;
    }
}
