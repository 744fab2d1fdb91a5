//! Commands whose system calls are told to us.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Resource, Rlimit, getrlimit, set_child_subreaper, setrlimit};

use super::datagram::Datagrams;
use super::supervisor::Supervisor;
use super::sys::notify::Listener;
use super::sys::tell::{Tell, When};
use super::sys::{filter, install};
use super::{Ability, Clock, Director, Files, Outbound, Resolver};

/// The flag of `seccomp` that asks for a listener: there can be one only.
pub(super) const NEW_LISTENER: u32 = 1 << 3;

/// What is to be captured.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What the machine allows, as [`probe`](super::probe) found it.
    pub ability: Ability,
    /// Whether inbound connections are to be handed over, too.
    pub inbound: bool,
    /// The name server that answers in place of the real ones.
    pub names: Option<Arc<Resolver>>,
    /// The files that the service gets instead of its own.
    pub files: Option<Arc<Files>>,
    /// The time that the service sees, where it is not the real one.
    pub clock: Option<Arc<Clock>>,
}

impl Plan {
    /// The system calls that are told to us, and whether `socket` for TCP is among them.
    pub(super) fn calls(&self) -> (Vec<i64>, bool) {
        let mut calls = vec![libc::SYS_connect, libc::SYS_listen];
        // The answer is written into the caller's memory.
        if self.ability.killable {
            calls.push(libc::SYS_getpeername);
        }
        if self.inbound && self.ability.inbound() {
            calls.extend([libc::SYS_accept4, libc::SYS_getsockname]);
            // Newer architectures have no other.
            #[cfg(target_arch = "x86_64")]
            calls.push(libc::SYS_accept);
        }
        let inject = self.ability.outbound == Outbound::Inject;
        if inject {
            calls.push(libc::SYS_bind);
        }
        (calls, inject)
    }

    /// Whether a datagram socket that asks a name server can be led to ours, whatever the client
    /// compares: we have the socket, and may write who answered into the client's memory.
    pub(super) fn leads_datagrams(&self) -> bool {
        self.names.is_some() && self.ability.outbound != Outbound::Proxies && self.ability.killable
    }

    /// The system calls that are told to us with certain arguments.
    fn tells(&self) -> Vec<Tell> {
        let clock = self.clock.as_ref();
        let files = self.files.is_some() || self.names.is_some();
        let mut tells = vec![Tell::new(libc::SYS_seccomp, &[When::Has(1, NEW_LISTENER)])];
        tells.extend(clock.map_or_else(Vec::new, |_| Clock::tells(self.ability.killable)));
        if let Some(names) = &self.names {
            tells.extend(Datagrams::tells(
                self.leads_datagrams(),
                names.is_recorded(),
            ));
        }
        tells.extend(files.then(Files::tells).into_iter().flatten());
        tells
    }
}

/// A command that installs its filter when it is started.
#[derive(Debug)]
pub struct Armed {
    plan: Plan,
    ours: OwnedFd,
    theirs: OwnedFd,
}

/// Why a service is not captured.
#[derive(Debug, thiserror::Error)]
#[error("failed to prepare the capture of connections")]
pub struct ArmError(#[from] io::Error);

impl ArmError {
    /// The next step for the user.
    pub fn hint(&self) -> &'static str {
        match self.0.kind() {
            io::ErrorKind::ResourceBusy => {
                "another program captures its system calls already: run retake outside of it, or use --no-capture"
            }
            _ => "use --no-capture, and name the dependencies with --dep or --dep-env",
        }
    }
}

/// Makes the command install a filter when it is started. After it was spawned, [`Armed::start`]
/// must be called soon: its system calls wait.
///
/// # Errors
/// The system gives no sockets.
pub fn arm(command: &mut Command, plan: &Plan) -> Result<Armed, ArmError> {
    let (calls, sockets) = plan.calls();
    let program = filter::program(&calls, sockets, &plan.tells());
    let killable = plan.ability.killable;
    let (ours, theirs) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(io::Error::from)?;
    // Orphans come to us, and stay descendants, which Yama asks of those whom we look into.
    let _ = set_child_subreaper(rustix::process::Pid::from_raw(1));
    let to = theirs.as_raw_fd();
    // SAFETY: `install` is made for the place between fork and exec: it allocates nothing, takes
    // no lock, and reads only what was prepared here.
    unsafe {
        command.pre_exec(move || install::install(&program, killable, to));
    }
    Ok(Armed {
        plan: plan.clone(),
        ours,
        theirs,
    })
}

impl Armed {
    /// Begins to answer, once the command was spawned as this process.
    ///
    /// # Errors
    /// The child did not send its listener, or the system gives no thread or socket. The child's
    /// calls then fail.
    pub fn start(self, service: u32, director: Arc<dyn Director>) -> Result<Supervisor, ArmError> {
        drop(self.theirs);
        let listener = install::receive(self.ours.as_fd())?;
        raise_open_files();
        let supervisor = Supervisor::start(Listener::new(listener), self.plan, service, director)?;
        Ok(supervisor)
    }
}

/// Every captured connection takes two descriptors. It is done after the service was started,
/// which inherits the limit as its user set it.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays");
    }
}
