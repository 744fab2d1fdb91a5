//! Capture: the connections of a service and of all that it starts, without root, without a change
//! to the service, by seccomp user notification (Linux, `seccomp_unotify(2)`).
//!
//! [`probe`] finds what this machine allows. [`arm`] makes a command install a filter before it
//! execs; [`Armed::start`] begins to answer what the filter tells. Each system call has one file
//! with its handler; what is to become of a connection is decided by a [`Director`].
//!
//! A handler either answers a call or lets the kernel run it as it is; whatever it cannot read or
//! does not know goes the second way. Should we die, the kernel answers `ENOSYS` for us, so nothing
//! hangs.

mod ability;
mod director;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod dns;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod looked_up;
mod resolve;
#[cfg_attr(
    not(all(target_os = "linux", target_arch = "x86_64")),
    allow(dead_code)
)]
mod timeline;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod trust;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod clock;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "clock_elsewhere.rs"]
mod clock;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod page;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod vdso;

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod accept;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod arm;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod call;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod client;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod connect;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod datagram;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod family;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod files;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod held;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod inject;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod listen;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod loopback;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod message;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod names;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod pair;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod pending;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod probe;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod sockets;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod supervisor;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod sys;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod tcp_table;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod unix;

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod elsewhere;

pub use ability::{Ability, Examined, Outbound};
pub use clock::{Clock, ClockError, Unfrozen};
pub use director::{Arrived, Director, Pid, Route, Uncaptured};
pub use looked_up::Names;
pub use resolve::{OnMiss, Resolver, Source};
pub use timeline::{Moment, UnixNanos};
pub use trust::Trust;

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub use {
    arm::{ArmError, Armed, Plan, arm},
    files::Files,
    probe::{examine, probe},
    supervisor::Supervisor,
};

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub use elsewhere::{ArmError, Armed, Files, Plan, Supervisor, arm, examine, probe};
