//! Whether a replay can give the recorded time.

use retake_intercept::capture::{Ability, Clock};

use super::{Finding, State, Topic};

/// Whether the command can be given the recorded time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frozen {
    /// It can.
    Yes,
    /// It cannot, and why.
    No(String),
}

impl Frozen {
    /// Tries it on this kernel.
    pub fn look(ability: &Ability) -> Frozen {
        if !ability.captures() {
            return Frozen::No("connections cannot be captured".to_owned());
        }
        if !ability.killable {
            return Frozen::No(
                "waits until a moment of the clock cannot be moved, see wait_killable".to_owned(),
            );
        }
        match (Clock::new(0, None), &ability.real_time) {
            (Err(error), _) => Frozen::No(error.to_string()),
            (Ok(_), Some(why)) => Frozen::No(why.clone()),
            (Ok(_), None) => Frozen::Yes,
        }
    }

    /// What a replay does.
    pub fn chosen(&self) -> Finding {
        let new = |state, says: &str| Finding::new(Topic::Chosen, "time", state, says);
        match self {
            Frozen::No(_) => new(State::Less, "a replay runs at the real time"),
            _ => new(
                State::Good,
                "a replay runs at the recorded time; --no-freeze leaves it real",
            ),
        }
    }
}

/// What was found.
pub(super) fn findings(frozen: &Frozen) -> Vec<Finding> {
    let new = |state, says: String| Finding::new(Topic::Time, "frozen time", state, says);
    let finding = match frozen {
        Frozen::Yes => new(
            State::Good,
            "this kernel's vDSO can be led to the recorded time".to_owned(),
        ),
        Frozen::No(why) => new(State::Less, format!("not to be had: {why}")).hint(
            "values that come from the clock are recognised and compared by kind all the same",
        ),
    };
    vec![finding]
}
