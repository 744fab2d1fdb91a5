use proptest::prelude::*;
use retake_model::RunEvent;

use super::{EventError, read_events};
use crate::REPORTERS;
use crate::sample::{failed, following, gave_up, green, in_parts, mixed, report};

fn read(file: &str) -> Result<Vec<RunEvent>, EventError> {
    read_events(file.as_bytes()).collect()
}

#[test]
fn what_was_written_is_read_back() {
    for events in [
        mixed(),
        green(),
        failed(),
        following(),
        in_parts(),
        gave_up(),
    ] {
        let file = report("events", &events);
        assert_eq!(file.lines().count(), events.len() + 1);
        assert_eq!(read(&file).expect("events"), events);
    }
}

#[test]
fn every_report_is_made_again_byte_for_byte_in_whatever_order_tests_ended() {
    let events = mixed();
    let again = read(&report("events", &events)).expect("events");
    let mut shuffled = events.clone();
    let last = shuffled.len() - 1;
    shuffled[2..last].reverse();
    for format in REPORTERS {
        let live = report(format.name, &events);
        assert_eq!(report(format.name, &again), live, "{}", format.name);
        if format.name != "events" {
            assert_eq!(report(format.name, &shuffled), live, "{}", format.name);
        }
    }
}

#[test]
fn a_line_that_a_killed_run_cut_off_is_left_out() {
    let file = report("events", &green());
    let cut = &file[..file.len() - 10];
    assert_eq!(read(cut).expect("events").len(), green().len() - 1);
}

#[test]
fn what_is_no_event_is_an_error_with_its_line() {
    let file = report("events", &green());
    let check = |from: &str, to: &str, expected: &str| {
        let error = read(&file.replacen(from, to, 1)).expect_err(to);
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            text.push_str(&format!(": {inner}"));
            source = inner.source();
        }
        assert!(text.starts_with(expected), "{text}");
    };
    check(
        "\"version\":1",
        "\"version\":9",
        "the file has the format `events`, version 9; this retake reads `events`, version 1",
    );
    check(
        "\"passed\",\"differences\"",
        "\"fine\",\"differences\"",
        "line 4: expected a verdict, found `fine`",
    );
    check(
        "{\"test-finished\"",
        "{\"test-fished\"",
        "line 4: not an event of a run: unknown variant",
    );
}

proptest! {
    #[test]
    fn garbage_is_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_events(&bytes[..]).count();
    }

    #[test]
    fn a_damaged_file_is_an_error_or_fewer_events(at in 0_usize..4_000, byte: u8) {
        let mut file = report("events", &mixed()).into_bytes();
        let at = at % file.len();
        file[at] = byte;
        let _ = read_events(&file[..]).count();
    }
}
