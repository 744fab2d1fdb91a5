//! No request is ever given the answer of another one.

use proptest::prelude::*;
use retake_model::Value;

use crate::build::{Run, call, http, ok, row, set, sql, test};

const TEXTS: [&str; 5] = [
    "select a from t where b = $1",
    "select a from t where b = $1 and c = 'x'",
    "select a from t where b = $1 and c = 'y'",
    "update t set a = $1",
    "insert into t values ($1)",
];
const VALUES: [&str; 5] = [
    "1",
    "2",
    "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a",
    "1c8be3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b",
    "2026-03-01T09:20:30Z",
];

fn calls() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0..TEXTS.len(), 0..VALUES.len()), 0..12)
}

proptest! {
    /// Every value was given with the request, so none of them may stand for another.
    #[test]
    fn an_answer_is_that_of_an_equal_request(recorded in calls(), asked in calls()) {
        let mocks = (0u64..).zip(&recorded).map(|(n, (text, value))| {
            let answer = row(&format!("{text} {value} {n}"));
            call(n, sql(TEXTS[*text], &[VALUES[*value]]), answer)
        });
        let request = http("GET", &VALUES.join("/"), None);
        let case = test("t", request, ok(Value::Null), mocks.collect());
        let mut run = Run::of(set(vec![case], vec![]));
        run.begin("t");
        let mut served = vec![0usize; recorded.len()];
        for (text, value) in &asked {
            let known: Vec<usize> = (0..recorded.len())
                .filter(|n| recorded[*n] == (*text, *value))
                .collect();
            let answer = run.ask(sql(TEXTS[*text], &[VALUES[*value]]));
            // The first of them that was not served, else the last one again.
            let expected = known.iter().find(|n| served[**n] == 0).or(known.last());
            match expected {
                Some(n) => {
                    served[*n] += 1;
                    prop_assert_eq!(answer, Ok(row(&format!("{text} {value} {n}"))));
                }
                None => prop_assert!(answer.is_err()),
            }
        }
        run.end("t");
        let outcome = run.finish_one();
        let missing: Vec<usize> = outcome.missing.iter().map(|m| m.index).collect();
        let expected: Vec<usize> = (0..recorded.len()).filter(|n| served[*n] == 0).collect();
        prop_assert_eq!(missing, expected);
        let all = outcome.matched.len() + outcome.extra.len() + outcome.unknown.len();
        prop_assert_eq!(all, asked.len());
    }

    /// The same calls with other values that the service made find the same answers.
    #[test]
    fn made_values_are_renamed_throughout(recorded in calls()) {
        let renamed = |value: usize| match value {
            2 => "aaaad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a",
            3 => "bbbbe3ff-3a4d-4e1f-8c2b-6a7f8e9d0c1b",
            4 => "2026-11-21T01:20:30Z",
            other => VALUES[other],
        };
        let mocks = (0u64..).zip(&recorded).map(|(n, (text, value))| {
            let answer = row(&format!("{n} {}", VALUES[*value]));
            call(n, sql(TEXTS[*text], &[VALUES[*value]]), answer)
        });
        let case = test("t", http("GET", "/", None), ok(Value::Null), mocks.collect());
        let mut run = Run::of(set(vec![case], vec![]));
        run.begin("t");
        for (n, (text, value)) in recorded.iter().enumerate() {
            let answer = run.ask(sql(TEXTS[*text], &[renamed(*value)]));
            prop_assert_eq!(answer, Ok(row(&format!("{n} {}", renamed(*value)))));
        }
    }
}
