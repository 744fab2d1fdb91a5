//! What `connect` means is the same, captured or not.

use super::support::{How, World, can_run, python};

const MEANING: &str = include_str!("meaning.py");

#[track_caller]
fn check(world: &World, how: How, checks: &[&str]) {
    std::fs::write(world.folder().join("meaning.py"), MEANING).expect("a file");
    let mut words = vec![python(), "meaning.py"];
    words.extend(checks);
    let (natively, _) = world.run(How::Natively, &words);
    let (captured, output) = world.run(how, &words);
    let said = String::from_utf8_lossy(&output.stderr);
    for (expected, got) in natively.lines().zip(captured.lines()) {
        assert_eq!(got, expected, "{how:?}: {said}");
    }
    assert_eq!(
        captured.lines().count(),
        natively.lines().count(),
        "{how:?}: {said}"
    );
    assert!(output.status.success(), "{how:?}: {said}");
}

#[test]
fn it_is_the_same_by_duplicates() {
    if can_run() {
        check(&World::new(), How::Captured(""), &[]);
    }
}

#[test]
fn it_is_the_same_by_sockets_of_ours() {
    if can_run() {
        check(&World::new(), How::Captured("pidfd_getfd"), &[]);
    }
}

#[test]
fn it_is_the_same_for_an_ordinary_user() {
    if can_run() {
        let world = World::new().of_nobody();
        check(&world, How::Captured(""), &[]);
        check(&world, How::Captured("pidfd_getfd"), &[]);
    }
}

/// Before 5.19 a signal can take a call back while it is answered, so the caller's memory is not
/// written, and a result may have to be given twice.
#[test]
fn signals_break_nothing_on_older_kernels() {
    if can_run() {
        let checks = [
            "signals_that_restart",
            "threads",
            "asyncio_many",
            "slow_with_a_limit",
        ];
        for _ in 0..3 {
            let world = World::new();
            let (text, output) = run(&world, How::Captured("wait_killable"), &checks);
            assert!(output.success(), "{text}");
            assert!(
                text.starts_with("threads []") || text.contains("\nthreads []"),
                "{text}"
            );
            assert!(text.contains("signals_that_restart {'ok': 1000}"), "{text}");
        }
    }
}

fn run(world: &World, how: How, checks: &[&str]) -> (String, std::process::ExitStatus) {
    // Names are the kernel's there, so what asks for them is left out.
    let script = MEANING.replace("or s.getpeername() != ECHO", "");
    std::fs::write(world.folder().join("meaning.py"), script).expect("a file");
    let mut words = vec![python(), "meaning.py"];
    words.extend(checks);
    let (text, output) = world.run(how, &words);
    (text, output.status)
}
