use retake_model::{RunEvent, Verdict};

use crate::Again;
use crate::sample::{
    failed, following, gave_up, green, id, in_parts, mixed, passed, report, report_again,
};

fn plain(events: &[RunEvent]) -> String {
    anstream::adapter::strip_str(&report("terminal", events)).to_string()
}

#[test]
fn a_run_with_differences_shows_causes_then_tests_then_totals() {
    insta::assert_snapshot!(plain(&mixed()));
}

#[test]
fn the_full_report_shows_what_follows_from_a_cause() {
    let text = anstream::adapter::strip_str(&report("full", &mixed())).to_string();
    let from = text.find("changed shop/post-orders-201").expect("the test");
    let own: String = text[from..]
        .lines()
        .take(9)
        .map(|l| format!("{l}\n"))
        .collect();
    insta::assert_snapshot!(own);
}

#[test]
fn tests_that_follow_from_another_stand_below_it_in_a_line_each() {
    insta::assert_snapshot!(plain(&following()));
}

#[test]
fn the_full_report_says_of_each_test_what_it_follows_from() {
    let text = anstream::adapter::strip_str(&report("full", &following())).to_string();
    insta::assert_snapshot!(text);
}

#[test]
fn the_next_command_is_called_as_this_one_was() {
    let again = Again {
        retake: "target/release/retake --dir demo".to_owned(),
        run: Some("out/run".to_owned()),
    };
    let next = |events: &[RunEvent]| {
        let text = anstream::adapter::strip_str(&report_again("terminal", events, again.clone()))
            .to_string();
        let line = text.lines().find(|line| line.starts_with("next: "));
        line.unwrap_or_default().to_owned()
    };
    let report = "next: target/release/retake --dir demo report out/run --format full";
    assert!(next(&mixed()).starts_with(report));
    let record = "next: target/release/retake --dir demo record --set shop …";
    assert!(next(&gave_up()).starts_with(record));
}

#[test]
fn a_green_run_is_quiet() {
    insta::assert_snapshot!(plain(&green()));
}

#[test]
fn a_service_that_did_not_start_shows_its_last_output() {
    insta::assert_snapshot!(plain(&failed()));
}

#[test]
fn what_a_service_asked_in_vain_at_its_start_comes_before_its_output() {
    insta::assert_snapshot!(plain(&gave_up()));
}

#[test]
fn a_run_that_did_not_end_says_so() {
    let events: Vec<_> = green().into_iter().take(3).collect();
    insta::assert_snapshot!(plain(&events));
}

#[test]
fn a_run_that_never_began_has_no_report() {
    assert_eq!(plain(&[]), "");
}

#[test]
fn only_own_styles_reach_the_terminal() {
    let text = report("terminal", &mixed());
    for escape in text.split('\u{1b}').skip(1) {
        let style = escape
            .strip_prefix('[')
            .and_then(|rest| rest.split_once('m'));
        let codes = style.map(|(codes, _)| codes).expect("a style");
        assert!(
            codes.bytes().all(|b| b.is_ascii_digit() || b == b';'),
            "{codes:?}"
        );
    }
    let control = |c: char| c.is_control() && c != '\n' && c != '\u{1b}' || c == '\u{202e}';
    assert!(!text.contains(control));
}

#[test]
fn hundreds_of_tests_with_one_cause_take_a_bounded_number_of_lines() {
    let mut events = mixed();
    let RunEvent::Finished(end) = events.pop().expect("an end") else {
        panic!("the last event is the end");
    };
    let changed = events.iter().find_map(|event| match event {
        RunEvent::TestFinished(result) if result.test == id("get-orders-200-2") => {
            Some(result.clone())
        }
        _ => None,
    });
    let changed = changed.expect("a changed test");
    for n in 0..400 {
        let mut result = changed.clone();
        result.test = id(&format!("page-{n:03}"));
        events.push(RunEvent::TestFinished(result));
    }
    events.push(RunEvent::Finished(end));
    let text = plain(&events);
    assert!(text.lines().count() < 350, "{}", text.lines().count());
    assert!(text.contains("more tests with these causes"));
    // A passed test more changes nothing but the counts.
    let mut result = passed("zzz");
    result.verdict = Verdict::Passed;
    let before = text.lines().count();
    events.insert(3, RunEvent::TestFinished(Box::new(result)));
    assert_eq!(plain(&events).lines().count(), before);
}

#[test]
fn a_cause_lists_what_it_holds_and_each_part_is_shown_by_a_test() {
    insta::assert_snapshot!(plain(&in_parts()));
}
