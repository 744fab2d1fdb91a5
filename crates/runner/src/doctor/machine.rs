//! The system, and what it is inside of.

use std::fs;
use std::path::Path;

use super::{Finding, State, Topic};

/// What is known of the system.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// The kernel's release, `6.1.0-18-amd64`.
    pub release: String,
    /// `/proc/self/status`.
    pub status: String,
    /// What Yama allows; none where there is no Yama.
    pub ptrace_scope: Option<u32>,
    /// What this is inside of.
    pub container: Option<Container>,
    /// Whether we are root.
    pub root: bool,
}

/// What a system may be inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Docker,
    Podman,
    Kubernetes,
    Gvisor,
    Other,
}

impl Container {
    fn says(self) -> &'static str {
        match self {
            Container::Docker => "a Docker container",
            Container::Podman => "a Podman container",
            Container::Kubernetes => "a Kubernetes pod",
            Container::Gvisor => "gVisor, which answers system calls itself",
            Container::Other => "a container",
        }
    }
}

impl Surroundings {
    /// As they are.
    pub fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let version = read("/proc/version").trim().to_owned();
        let cgroup = read("/proc/1/cgroup");
        let marks = Marks {
            version: &version,
            cgroup: &cgroup,
            docker: Path::new("/.dockerenv").exists(),
            podman: Path::new("/run/.containerenv").exists(),
            kubernetes: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
        };
        Surroundings {
            release: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            container: container(&marks),
            status: read("/proc/self/status"),
            ptrace_scope: read("/proc/sys/kernel/yama/ptrace_scope")
                .trim()
                .parse()
                .ok(),
            root: rustix::process::geteuid().is_root(),
        }
    }

    /// Whether one of the capabilities of this process is in force (capabilities(7), by number).
    fn has_capability(&self, number: u32) -> bool {
        let effective = self.field("CapEff:");
        effective
            .and_then(|mask| u64::from_str_radix(mask, 16).ok())
            .is_some_and(|mask| mask >> number & 1 == 1)
    }

    fn field(&self, name: &str) -> Option<&str> {
        let line = self.status.lines().find_map(|l| l.strip_prefix(name));
        line.map(str::trim)
    }

    /// What would let `pidfd_getfd` and `process_vm_readv` pass.
    pub fn ptrace_hint(&self) -> String {
        if let Some(scope @ 2..) = self.ptrace_scope {
            return format!(
                "kernel.yama.ptrace_scope is {scope}: `sysctl kernel.yama.ptrace_scope=1` lets a \
                 program look into those that it started"
            );
        }
        match self.container {
            Some(Container::Kubernetes) => {
                "add the capability: securityContext.capabilities.add: [SYS_PTRACE]".to_owned()
            }
            Some(Container::Gvisor) => "run it outside of gVisor".to_owned(),
            Some(_) => "start the container with --cap-add SYS_PTRACE".to_owned(),
            None => "a security module or a seccomp profile forbids it: in a container, add the \
                     capability SYS_PTRACE"
                .to_owned(),
        }
    }
}

/// SYS_PTRACE's number (linux/capability.h).
const SYS_PTRACE: u32 = 19;

/// What containers leave about.
struct Marks<'a> {
    version: &'a str,
    cgroup: &'a str,
    docker: bool,
    podman: bool,
    kubernetes: bool,
}

fn container(marks: &Marks<'_>) -> Option<Container> {
    // gVisor says that it is Linux 4.4.0, built on a certain day.
    if marks.version.contains("gVisor")
        || marks
            .version
            .starts_with("Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016")
    {
        return Some(Container::Gvisor);
    }
    let in_cgroup = |words: &[&str]| words.iter().any(|word| marks.cgroup.contains(word));
    if marks.kubernetes || in_cgroup(&["kubepods"]) {
        Some(Container::Kubernetes)
    } else if marks.podman || in_cgroup(&["libpod"]) {
        Some(Container::Podman)
    } else if marks.docker || in_cgroup(&["/docker/", "/docker-"]) {
        Some(Container::Docker)
    } else if in_cgroup(&["/lxc/", "containerd"]) {
        Some(Container::Other)
    } else {
        None
    }
}

/// What the system is.
pub(super) fn findings(at: &Surroundings) -> Vec<Finding> {
    let fact = |name, says: String| Finding::new(Topic::Machine, name, State::Fact, says);
    let system = match (std::env::consts::OS, at.release.as_str()) {
        ("linux", "") => "Linux".to_owned(),
        ("linux", release) => format!("Linux {release}"),
        (other, _) => other.to_owned(),
    };
    let architecture = std::env::consts::ARCH;
    let mut all = vec![fact("system", format!("{system} on {architecture}"))];
    if at.release.to_ascii_lowercase().contains("microsoft") {
        all.push(fact("inside", "the Windows Subsystem for Linux".to_owned()));
    }
    if let Some(container) = at.container {
        all.push(fact("inside", container.says().to_owned()));
    }
    if std::env::consts::OS != "linux" {
        return all;
    }
    all.push(user(at));
    if at.field("Seccomp:") == Some("2") {
        all.push(fact(
            "seccomp profile",
            "one is in force already, as in most containers".to_owned(),
        ));
    }
    all.push(match at.ptrace_scope {
        None => fact(
            "ptrace_scope",
            "no Yama: a user's programs may look into each other".to_owned(),
        ),
        Some(scope @ (0 | 1)) => fact(
            "ptrace_scope",
            format!("{scope}: a program may look into those that it started"),
        ),
        Some(scope) => Finding::new(
            Topic::Machine,
            "ptrace_scope",
            State::Less,
            format!("{scope}: no program may look into another without rights"),
        )
        .hint("`sysctl kernel.yama.ptrace_scope=1`"),
    });
    all
}

fn user(at: &Surroundings) -> Finding {
    let ptrace = if at.has_capability(SYS_PTRACE) {
        ", may look into every process"
    } else {
        ""
    };
    let fact = |says: String| Finding::new(Topic::Machine, "user", State::Fact, says);
    if at.root {
        return fact(format!("root{ptrace}; a captured command may gain rights"));
    }
    let already = at.field("NoNewPrivs:") == Some("1");
    let why = if already {
        "no_new_privs is set already"
    } else {
        "the filter asks for no_new_privs"
    };
    fact(format!(
        "an ordinary one{ptrace}; a captured command cannot gain rights: {why}"
    ))
    .hint("where the command needs sudo, run retake itself with it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(version: &'static str, cgroup: &'static str) -> Marks<'static> {
        Marks {
            version,
            cgroup,
            docker: false,
            podman: false,
            kubernetes: false,
        }
    }

    #[test]
    fn containers_are_known_by_what_they_leave_about() {
        let linux = "Linux version 6.1.0";
        assert_eq!(container(&marks(linux, "0::/init.scope")), None);
        assert_eq!(
            container(&Marks {
                docker: true,
                ..marks(linux, "0::/")
            }),
            Some(Container::Docker)
        );
        assert_eq!(
            container(&Marks {
                podman: true,
                ..marks(linux, "0::/")
            }),
            Some(Container::Podman)
        );
        assert_eq!(
            container(&marks(linux, "11:pids:/docker/0123")),
            Some(Container::Docker)
        );
        assert_eq!(
            container(&marks(linux, "0::/kubepods/burstable")),
            Some(Container::Kubernetes)
        );
        let gvisor = "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016";
        assert_eq!(container(&marks(gvisor, "")), Some(Container::Gvisor));
    }

    #[test]
    fn a_strict_yama_is_said_with_what_to_do() {
        let strict = Surroundings {
            ptrace_scope: Some(2),
            ..Surroundings::default()
        };
        assert!(strict.ptrace_hint().contains("ptrace_scope=1"));
        let found = findings(&strict);
        assert!(
            found
                .iter()
                .any(|f| f.name == "ptrace_scope" && f.state == State::Less && f.hint.is_some())
        );
        let docker = Surroundings {
            container: Some(Container::Docker),
            ..Surroundings::default()
        };
        assert!(docker.ptrace_hint().contains("--cap-add SYS_PTRACE"));
    }

    #[test]
    fn capabilities_are_read_by_their_number() {
        let with = |mask: &str| Surroundings {
            status: format!("Name:\tx\nCapEff:\t{mask}\n"),
            ..Surroundings::default()
        };
        assert!(with("0000000000080000").has_capability(SYS_PTRACE));
        assert!(!with("0000000000040000").has_capability(SYS_PTRACE));
        assert!(!with("nonsense").has_capability(SYS_PTRACE));
    }
}
