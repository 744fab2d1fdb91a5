//! A run in which one change shows at several places.

use retake_model::{CausePart, DiffKind, Difference, RunEvent, RunSummary, TestResult, Verdict};

use super::{cause, difference, id, passed, response, started, summary};

/// A run of two tests in which a field came at two places.
pub(crate) fn in_parts() -> Vec<RunEvent> {
    let added = |path: &str, cause| Difference {
        candidate: Some("EUR".into()),
        ..difference(response(path), DiffKind::Added, cause)
    };
    let red = |name: &str, title: &str, difference: Difference| TestResult {
        verdict: Verdict::Changed,
        title: title.into(),
        differences: vec![difference],
        ..passed(name)
    };
    let results = vec![
        red("get-a-200", "GET /a", added("body.json.currency", 1)),
        red(
            "get-b-200",
            "GET /b",
            added("body.json.items[0].currency", 2),
        ),
    ];
    let title = "response: `currency` added at 2 places (\"EUR\")";
    let mut whole = cause(1, title, &["get-a-200", "get-b-200"], &results);
    let part = |result: &TestResult| CausePart {
        id: result.differences[0].cause,
        title: format!("{}: added (\"EUR\")", result.differences[0].place),
        tests: vec![id(&result.test.name)],
        example: result.differences[0].clone(),
    };
    whole.parts = results.iter().map(part).collect();
    whole.id = 3;
    let mut events = started(results.len());
    for result in results {
        events.push(RunEvent::TestFinished(Box::new(result)));
    }
    events.push(RunEvent::Finished(Box::new(RunSummary {
        changed: 2,
        causes: vec![whole],
        exit_code: 1,
        ..summary()
    })));
    events
}
