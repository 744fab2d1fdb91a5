//! What the results of all tests come to.

use super::*;

#[test]
fn many_differences_of_one_cause_are_one_line() {
    let info = complete();
    let results: Vec<_> = (2..400)
        .map(|n| {
            let found = compared(&format!("{n}.5"));
            judge(
                &test_case(),
                &id(&format!("t{n:03}")),
                found,
                &as_recorded(),
                &setting(&info),
            )
        })
        .collect();
    let causes = causes(&[], &results);
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0].tests.len(), 398);
    assert_eq!(
        causes[0].title,
        "response.body.json.total: numbers differ (1 -> 2.5, …)"
    );
}

#[test]
fn the_exit_code_says_the_worst() {
    let info = complete();
    let of = |verdict| {
        let mut result = judge(
            &test_case(),
            &id("a"),
            compared("1"),
            &as_recorded(),
            &setting(&info),
        );
        result.verdict = verdict;
        result
    };
    let check = |verdicts: &[Verdict], strict: bool, failed: bool, expected: u8| {
        let results: Vec<_> = verdicts.iter().map(|v| of(*v)).collect();
        let totals = Totals {
            strict,
            failed,
            ..Totals::default()
        };
        assert_eq!(
            summarise(&[], &results, totals).exit_code,
            expected,
            "{verdicts:?}"
        );
    };
    use Verdict::*;
    check(&[Passed], false, false, 0);
    check(&[Passed, Shifted], false, false, 0);
    check(&[Passed, Shifted], true, false, 1);
    check(&[Gap, Passed], false, false, 3);
    check(&[Gap, Changed], false, false, 1);
    check(&[Changed, Broken], false, false, 4);
    check(&[Passed, NotRun], false, false, 4);
    check(&[], false, true, 4);
}

#[test]
fn the_same_inputs_give_the_same_result() {
    let info = complete();
    let of = || {
        let mut outcome = as_recorded();
        outcome.unknown = vec![unknown("a", &[("params[0]", "A1", "a1")])];
        let found = judge(
            &test_case(),
            &id("a"),
            compared("3"),
            &outcome,
            &setting(&info),
        );
        summarise(&[], &[found], Totals::default())
    };
    assert_eq!(of(), of());
}
