//! What those say of files that were written by hand who use what is read from them.

use retake_compare::diff::{places, places_of_call};
use retake_compare::rules::{applies, check_rule};
use retake_store::{Checks, RuleFault, Store, Subject};
use retake_wire::{PROTOCOLS, protocol};

/// The store in that folder, which knows this build's protocols, and refuses what they cannot use.
pub fn store(folder: impl Into<std::path::PathBuf>) -> Store {
    let protocols: Vec<_> = PROTOCOLS.iter().map(|p| p.id()).collect();
    Store::new(folder)
        .with_protocols(&protocols)
        .with_checks(checks())
}

fn checks() -> Checks {
    Checks {
        exchange: |id, request, response| match protocol(id.0) {
            Some(protocol) => protocol.check(request, response),
            None => Vec::new(),
        },
        rule: |rule| {
            check_rule(rule).map_err(|(found, hint)| RuleFault {
                found,
                hint: hint.to_owned(),
            })
        },
        places: |subject, each| match subject {
            Subject::Test(test) => places(test, each),
            Subject::Call(call) => places_of_call(call, each),
        },
        applies,
    }
}
