//! What capture is made of, and what is chosen.

use retake_intercept::capture::{Examined, Outbound};

use super::machine::Surroundings;
use super::time::Frozen;
use super::{Finding, State, Topic};

/// What to do where nothing can be captured.
const BY_HAND: &str = "name the service with --listen and --upstream, and its dependencies with --dep, --dep-env or --proxy";

/// What was tried.
pub(super) fn findings(examined: &Examined, at: &Surroundings) -> Vec<Finding> {
    let new = |name, state, says: String| Finding::new(Topic::Capture, name, state, says);
    let Some(seccomp) = &examined.seccomp else {
        let why = examined.ability.reasons.join("; ");
        return vec![new("seccomp notification", State::No, why).hint(BY_HAND)];
    };
    if let Err(error) = seccomp {
        return vec![new("seccomp notification", State::No, format!("system calls cannot be watched: {error}"))
            .hint("a container's seccomp profile, a sandbox (gVisor, an emulated system) or another program that watches forbids it: run retake outside of it")];
    }
    let mut all = vec![new(
        "seccomp notification",
        State::Good,
        "system calls of a command can be watched".to_owned(),
    )];
    all.push(if examined.ability.killable {
        new("wait_killable", State::Good, "a call that waits for retake is never withdrawn".to_owned())
    } else {
        new("wait_killable", State::Less, "not there: retake does not write into the command's memory, so it does not stand at the command's own port".to_owned())
            .hint("Linux 5.19 or newer has it")
    });
    let attempt =
        |name, tried: &Option<Result<(), String>>, good: &str, state, bad: &str| match tried {
            None => new(name, State::Fact, "not tried".to_owned()),
            Some(Ok(())) => new(name, State::Good, good.to_owned()),
            Some(Err(error)) => new(name, state, format!("{bad}: {error}")).hint(at.ptrace_hint()),
        };
    all.push(attempt(
        "process_vm_readv",
        &examined.memory,
        "addresses are read from a command's memory",
        State::No,
        "a command's memory cannot be read",
    ));
    let mut duplicate = attempt(
        "pidfd_getfd",
        &examined.duplicate,
        "a command's sockets can be duplicated",
        State::Less,
        "a command's sockets cannot be duplicated",
    );
    if duplicate.state == State::Less && matches!(examined.inject, Some(Ok(()))) {
        // Nothing is lost by it.
        let says = format!("{}; retake makes them itself", duplicate.says);
        duplicate = new("pidfd_getfd", State::Fact, says);
    }
    all.push(duplicate);
    let mut inject = attempt(
        "addfd",
        &examined.inject,
        "sockets can be given to a command",
        State::Less,
        "sockets cannot be given to a command",
    );
    if inject.state == State::Less {
        inject.hint = Some("Linux 5.14 or newer has it".to_owned());
    }
    all.push(inject);
    all
}

/// What is chosen.
pub(super) fn chosen(examined: &Examined, clock: &Frozen) -> Vec<Finding> {
    let ability = &examined.ability;
    let new = |name, state, says: &str| Finding::new(Topic::Chosen, name, state, says);
    let captures = ability.captures();
    let outbound = match ability.outbound {
        Outbound::Duplicate => new(
            "outbound",
            State::Good,
            "what the command connects to is captured, by its own sockets",
        ),
        Outbound::Inject => new(
            "outbound",
            State::Good,
            "what the command connects to is captured, by sockets that retake makes for it",
        ),
        Outbound::Proxies => new(
            "outbound",
            State::No,
            "not captured: the command is led by its variables, HTTP_PROXY and those with a URL",
        )
        .hint("--dep NAME=URL@ADDR, --dep-env VARIABLE, or --proxy ADDR"),
    };
    let inbound = if ability.inbound() {
        new(
            "inbound",
            State::Good,
            "its clients are recorded at its own port, which does not move",
        )
    } else {
        new(
            "inbound",
            if captures { State::Less } else { State::No },
            "its clients are recorded where you say",
        )
        .hint("--listen 127.0.0.1:8080 --upstream 127.0.0.1:3000, and send requests to the first")
    };
    let replay = if captures {
        new(
            "replay",
            State::Good,
            "nothing leaves the machine, but with --allow-egress or --live",
        )
    } else {
        new(
            "replay",
            State::Less,
            "what was named on recording is answered; anything else is not held back",
        )
    };
    let files = captures && !matches!(examined.inject, Some(Err(_)));
    let trust = if files {
        "the command trusts retake's authority, by the files that it opens and by variables"
    } else {
        "the command trusts retake's authority, by variables"
    };
    let trust = new("trust", State::Good, trust);
    vec![
        outbound,
        inbound,
        replay,
        clock.chosen(),
        trust,
        names(captures),
    ]
}

fn names(captures: bool) -> Finding {
    let (state, says) = match captures {
        true => (
            State::Good,
            "dependencies are called by the host names that the command looks up",
        ),
        false => (State::Less, "dependencies are called as you name them"),
    };
    Finding::new(Topic::Chosen, "names", state, says)
}

#[cfg(test)]
mod tests {
    use retake_intercept::capture::Ability;

    use super::*;

    fn states(examined: &Examined) -> Vec<(&'static str, State)> {
        let all = findings(examined, &Surroundings::default());
        all.iter().map(|f| (f.name, f.state)).collect()
    }

    #[test]
    fn each_attempt_is_said_as_it_came_out() {
        let refused = || Some(Err("Operation not permitted".to_owned()));
        let docker = Examined {
            ability: Ability {
                outbound: Outbound::Inject,
                killable: true,
                ..Ability::default()
            },
            seccomp: Some(Ok(())),
            memory: Some(Ok(())),
            duplicate: refused(),
            inject: Some(Ok(())),
        };
        assert_eq!(
            states(&docker),
            [
                ("seccomp notification", State::Good),
                ("wait_killable", State::Good),
                ("process_vm_readv", State::Good),
                ("pidfd_getfd", State::Fact),
                ("addfd", State::Good),
            ]
        );
        let nothing = Examined {
            seccomp: refused(),
            ..Examined::default()
        };
        assert_eq!(states(&nothing), [("seccomp notification", State::No)]);
        let elsewhere = Examined::default();
        assert_eq!(states(&elsewhere), [("seccomp notification", State::No)]);
    }
}
