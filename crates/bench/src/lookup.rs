//! What a look-up costs in a small set of mocks and in a large one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use retake_compare::matching::MockSet;
use retake_compare::rules::RuleSet;
use retake_model::{
    Answer, Attribution, Call, ConnId, Mock, ProtocolId, Rules, Scope, SetInfo, TestCase, TestId,
    TestSet, Timestamp, Value,
};
use retake_wire::protocol;

/// How many look-ups are timed for each size.
const QUESTIONS: usize = 10_000;

/// The moment of everything: 2026-03-01T09:20:30Z, in nanoseconds.
const AT: Timestamp = Timestamp(1_772_356_830_000_000_000);

/// Looks mocks up in sets of ten and of `large`, each the calls of one test.
pub fn compare(large: usize) -> Result<()> {
    for mocks in [10, large] {
        let run = measure(mocks)?;
        println!(
            "{mocks} mocks: indexed in {:.3} s, {:.2} µs a look-up, {:.2} mocks looked at for each",
            run.indexed.as_secs_f64(),
            run.each.as_secs_f64() * 1e6,
            run.looked_at,
        );
    }
    Ok(())
}

struct Measured {
    indexed: Duration,
    each: Duration,
    looked_at: f64,
}

fn measure(mocks: usize) -> Result<Measured> {
    let postgres = protocol("postgres").context("postgres is a protocol")?;
    let set = Arc::new(set(mocks, postgres.id()));
    let id = TestId {
        set: set.name.clone(),
        name: "t".into(),
    };
    let rules = move |_: ProtocolId| -> &'static Rules { postgres.rules() };
    let mut all = MockSet::new(&[set], rules, &RuleSet::default())?;
    let began = Instant::now();
    all.begin(&id, None).context("the test is in its set")?;
    let indexed = began.elapsed();
    let before = all.looked_at();
    let mut asked = Duration::ZERO;
    for question in 0..QUESTIONS {
        // A small set is asked again and again, each time as a new test.
        if question > 0 && question % mocks == 0 {
            all.end(&id);
            all.finish();
            all.begin(&id, None);
        }
        // Spread over the whole set, each mock once.
        let number = (question * 7_919) % mocks;
        let call = Call {
            to: "db".into(),
            protocol: postgres.id(),
            conn: ConnId(0),
            at: AT,
            trace: None,
            request: request(number),
        };
        let began = Instant::now();
        let answer = all.ask(call, false);
        asked += began.elapsed();
        ensure!(
            matches!(&answer, Answer::Serve(served) if **served == response(number)),
            "look-up {question} got {answer:?}"
        );
    }
    let looked_at = all.looked_at() - before;
    Ok(Measured {
        indexed,
        each: asked / u32::try_from(QUESTIONS)?,
        looked_at: f64::from(u32::try_from(looked_at)?) / f64::from(u32::try_from(QUESTIONS)?),
    })
}

fn request(number: usize) -> Value {
    Value::map([
        (
            "sql",
            Value::from("SELECT name, price FROM item WHERE id = $1 AND size = $2"),
        ),
        (
            "params",
            Value::List(vec![number.to_string().as_str().into(), "1".into()]),
        ),
    ])
}

fn response(number: usize) -> Value {
    let row = Value::List(vec![
        format!("item {number}").as_str().into(),
        "1.50".into(),
    ]);
    Value::map([
        (
            "columns",
            Value::List(vec!["name text".into(), "price numeric".into()]),
        ),
        ("rows", Value::List(vec![row])),
    ])
}

fn set(mocks: usize, postgres: ProtocolId) -> TestSet {
    let call = |number| Mock {
        to: "db".into(),
        protocol: postgres,
        scope: Scope::Test,
        by: Attribution::Alone,
        after: 0,
        took: 1_000,
        request: request(number),
        response: response(number),
        merged: 0,
    };
    let test = TestCase {
        name: "t".to_owned(),
        protocol: ProtocolId("http"),
        at: AT,
        took: 1_000_000,
        trace: None,
        merged: 0,
        port: None,
        request: Value::Null,
        response: Value::Null,
        calls: (0..mocks).map(call).collect(),
        made: Vec::new(),
        rules: Vec::new(),
    };
    TestSet {
        name: "set".into(),
        info: SetInfo::default(),
        tests: vec![test],
        shared: Vec::new(),
    }
}
