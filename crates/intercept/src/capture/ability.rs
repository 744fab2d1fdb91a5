//! What a machine allows.

use std::fmt;

/// How outbound connections are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outbound {
    /// The service's own socket, duplicated, is connected to us.
    Duplicate,
    /// Sockets are made by us and given to the service, for then we have them already.
    Inject,
    /// Not at all: addresses are told to the service by its variables, or by options.
    #[default]
    Proxies,
}

/// What this machine allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ability {
    /// How outbound connections are captured.
    pub outbound: Outbound,
    /// Whether a call that waits for us can be ended only by a fatal signal (5.19). Without it the
    /// service's memory is never written, so `getpeername` is not answered by us.
    pub killable: bool,
    /// Whether another program watches our system calls, so that we can watch nobody's.
    pub watched: bool,
    /// Why a command cannot be given another time, where that was tried.
    pub real_time: Option<String>,
    /// Why nothing better is to be had: what was tried and what the system said.
    pub reasons: Vec<String>,
}

/// What each attempt of a probe came to; none where it was not tried, an error as the system said
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examined {
    /// What follows.
    pub ability: Ability,
    /// The system calls of a child could be watched (seccomp user notification).
    pub seccomp: Option<Result<(), String>>,
    /// Its memory could be read (`process_vm_readv`, or `/proc/PID/mem`).
    pub memory: Option<Result<(), String>>,
    /// Its socket could be duplicated (`pidfd_getfd`).
    pub duplicate: Option<Result<(), String>>,
    /// A socket could be given to it (`SECCOMP_IOCTL_NOTIF_ADDFD`).
    pub inject: Option<Result<(), String>>,
}

impl Ability {
    /// Whether system calls can be captured at all.
    pub fn captures(&self) -> bool {
        self.outbound != Outbound::Proxies
    }

    /// Whether we can stand before the clients of the service without moving its port: its
    /// listening sockets must be had, and its memory be written to (the names of its clients).
    pub fn inbound(&self) -> bool {
        self.captures() && self.killable
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.outbound {
            Outbound::Duplicate => "capturing connections by their own sockets",
            Outbound::Inject => "capturing connections by sockets that retake makes",
            Outbound::Proxies => "not capturing connections",
        })?;
        if !self.reasons.is_empty() {
            write!(f, " ({})", self.reasons.join("; "))?;
        }
        Ok(())
    }
}

/// A refusal of the system that a test simulates by `RETAKE_TEST_REFUSE=what,what`.
pub(super) fn is_refused(what: &str) -> bool {
    std::env::var("RETAKE_TEST_REFUSE")
        .is_ok_and(|list| list.split(',').any(|refused| refused.trim() == what))
}
