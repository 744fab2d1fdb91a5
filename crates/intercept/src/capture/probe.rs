//! What this machine allows.

use super::ability::is_refused;
use super::sys::install;
use super::{Ability, Outbound};

/// Finds what this machine allows. Takes a few milliseconds.
pub fn probe() -> Ability {
    let mut ability = Ability::default();
    let known = if is_refused("seccomp") {
        Err(std::io::ErrorKind::PermissionDenied.into())
    } else {
        install::kernel()
    };
    match known {
        Ok(killable) => {
            ability.killable = killable && !is_refused("wait_killable");
            ability.outbound = Outbound::Duplicate;
        }
        Err(error) => ability
            .reasons
            .push(format!("the system forbids seccomp: {error}")),
    }
    ability
}
