//! Systems without seccomp user notification: nothing is captured, and it is said so.

use std::io;
use std::process::Command;
use std::sync::Arc;

use super::{Ability, Clock, Director, Examined, Resolver, Trust};

/// What is to be captured.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What the machine allows.
    pub ability: Ability,
    /// The name server that answers in place of the real ones.
    pub names: Option<Arc<Resolver>>,
    /// The files that the service gets instead of its own.
    pub files: Option<Arc<Files>>,
    /// The time that the service sees, where it is not the real one.
    pub clock: Option<Arc<Clock>>,
}

/// The files that a service gets instead of its own: none here.
#[derive(Debug)]
pub struct Files(());

impl Files {
    /// Substitutes that nobody gets.
    pub fn new(_: Trust) -> Self {
        Files(())
    }
}

/// A command whose connections would be captured.
#[derive(Debug)]
pub struct Armed(());

/// What answers the calls of a service.
#[derive(Debug)]
pub struct Supervisor(());

/// Why a service is not captured.
#[derive(Debug, thiserror::Error)]
#[error("connections cannot be captured on this system")]
pub struct ArmError(#[source] io::Error);

impl ArmError {
    /// The next step for the user.
    pub fn hint(&self) -> &'static str {
        "name the dependencies with --dep or --dep-env"
    }
}

/// What this machine allows: nothing.
pub fn probe() -> Ability {
    Ability {
        reasons: vec!["it needs Linux on x86_64 or arm64".to_owned()],
        ..Ability::default()
    }
}

/// The same: nothing was tried.
pub fn examine() -> Examined {
    Examined {
        ability: probe(),
        ..Examined::default()
    }
}

/// Always fails.
///
/// # Errors
/// Always.
pub fn arm(_: &mut Command, _: &Plan) -> Result<Armed, ArmError> {
    Err(ArmError(io::ErrorKind::Unsupported.into()))
}

impl Supervisor {
    /// Whether a process of the service may still run.
    pub fn has_processes(&self) -> bool {
        false
    }

    /// Ends every process of the service that is left.
    pub fn end(&self, _at_once: bool) -> usize {
        0
    }
}

impl Armed {
    /// Always fails.
    ///
    /// # Errors
    /// Always.
    pub fn start(self, _: u32, _: Arc<dyn Director>) -> Result<Supervisor, ArmError> {
        Err(ArmError(io::ErrorKind::Unsupported.into()))
    }
}
