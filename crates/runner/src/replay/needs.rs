//! Which tests have to wait for which, where several run at a time.

use std::collections::HashMap;

use retake_compare::made::{Near, each_leaf_token};
use retake_model::{TestCase, TestSet, Value};
use tokio::sync::watch;

/// What each test needs of those before it. A test whose request says an id, or a token, waits until
/// the one has ended whose response gave it out; one that has in its response, in its calls or in
/// their answers what the service made in an earlier test waits for that one, even where nobody but
/// a dependency was told: from then on the candidate's value stands in place of the recorded one.
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
    // A set whose service makes nothing is not searched.
    let makes = set.tests.iter().any(|test| made(test).next().is_some());
    let mut given: HashMap<String, usize> = HashMap::new();
    let mut made_by: HashMap<&str, usize> = HashMap::new();
    let mut needs = Vec::with_capacity(set.tests.len());
    for (number, test) in set.tests.iter().enumerate() {
        let mut needed = Vec::new();
        let mut need = |by: Option<&usize>| {
            if let Some(by) = by.filter(|by| !needed.contains(*by)) {
                needed.push(*by);
            }
        };
        each_id(&test.request, &mut |text| {
            need(given.get(text).or_else(|| made_by.get(text)));
        });
        if makes {
            let calls = test.calls.iter();
            let trees = calls.flat_map(|call| [&call.request, &call.response]);
            for tree in trees.chain([&test.response]) {
                each_id(tree, &mut |text| need(made_by.get(text)));
            }
        }
        needs.push(needed);
        for value in made(test) {
            made_by.entry(value).or_insert(number);
        }
        each_id(&test.response, &mut |text| {
            if !given.contains_key(text) {
                given.insert(text.to_owned(), number);
            }
        });
    }
    needs
}

/// The values that the service made in a test and that are tied for the whole run.
fn made(test: &TestCase) -> impl Iterator<Item = &str> {
    let tied = test.made.iter().filter(|made| !made.kind.is_moment());
    tied.map(|made| made.value.as_str())
}

/// Calls `each` for every id and token in a tree, moments left out.
fn each_id(tree: &Value, each: &mut impl FnMut(&str)) {
    match tree {
        Value::String(text) => each_leaf_token(text, Near::default(), |token| {
            if !token.kind.is_moment() {
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
    use retake_model::{Attribution, Made, Mock, ProtocolId, Scope, SetInfo, Timestamp, TokenKind};

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

    const ID: &str = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";

    fn set() -> TestSet {
        let path = format!("/orders/{ID}");
        set_of(vec![
            test("/health", "ok"),
            test("/orders", ID),
            test(&path, ID),
        ])
    }

    fn set_of(tests: Vec<TestCase>) -> TestSet {
        TestSet {
            name: "s".into(),
            info: SetInfo::default(),
            tests,
            shared: Vec::new(),
        }
    }

    #[test]
    fn a_test_needs_the_one_that_gave_out_its_id() {
        assert_eq!(needs(&set()), [vec![], vec![], vec![1]]);
    }

    /// A test that asks this of its database, and the value that the service made for it.
    fn with_call(mut test: TestCase, asked: &str, answered: &str, made: bool) -> TestCase {
        test.calls.push(Mock {
            to: "db".into(),
            protocol: ProtocolId("postgres"),
            scope: Scope::Test,
            by: Attribution::Alone,
            after: 0,
            took: 0,
            request: Value::map([("sql", Value::from(asked))]),
            response: Value::map([("row", Value::from(answered))]),
            merged: 0,
        });
        test.made.extend(made.then(|| Made {
            value: ID.to_owned(),
            kind: TokenKind::Uuid,
            places: Vec::new(),
        }));
        test
    }

    #[test]
    fn a_test_needs_the_one_that_told_only_a_dependency_what_it_made() {
        let insert = with_call(test("/orders", "ok"), ID, "1", true);
        let other = with_call(test("/health", "ok"), "select 1", "1", false);
        let reads = with_call(test("/first", "ok"), "select id", ID, false);
        let writes = with_call(test("/ship", "ok"), ID, "1", false);
        let shows = test("/last", ID);
        let set = set_of(vec![insert, other, reads, writes, shows]);
        assert_eq!(needs(&set), [vec![], vec![], vec![0], vec![0], vec![0]]);
    }

    #[test]
    fn what_dependencies_gave_out_is_the_same_in_every_run() {
        let one = with_call(test("/orders", "ok"), "select", ID, false);
        let two = with_call(test("/orders", "ok"), "select", ID, false);
        assert!(needs(&set_of(vec![one, two])).iter().all(Vec::is_empty));
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
