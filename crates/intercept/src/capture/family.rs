//! The processes that come from a service, also those that left their parent: they become our
//! children (we are their subreaper), and stay captured.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::sync::Mutex;

use rustix::process::{Pid as Raw, Signal, WaitOptions, kill_process, waitpid};

use super::Pid;
use super::sockets::lock;

/// The services that were started by this process: who started them waits for them.
static SERVICES: Mutex<BTreeSet<Pid>> = Mutex::new(BTreeSet::new());

/// The family of one service.
#[derive(Debug)]
pub(super) struct Family {
    service: Pid,
}

impl Family {
    pub(super) fn new(service: Pid) -> Self {
        lock(&SERVICES).insert(service);
        Family { service }
    }

    /// Sends a signal to every captured process that is left, but to other services. Gives how
    /// many there were.
    pub(super) fn signal(&self, signal: Signal) -> usize {
        let is_other = |pid| pid != self.service && lock(&SERVICES).contains(&pid);
        let reached = captured_but(is_other).into_iter().filter(|pid| {
            Raw::from_raw(pid.cast_signed()).is_some_and(|raw| kill_process(raw, signal).is_ok())
        });
        reached.count()
    }
}

/// Every captured process that is left.
pub(super) fn captured() -> Vec<Pid> {
    captured_but(|_| false)
}

/// The same without those of which this is true, and without all that come from them alone.
fn captured_but(is_other: impl Fn(Pid) -> bool) -> Vec<Pid> {
    let mut next: Vec<Pid> = children("self");
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    while let Some(pid) = next.pop() {
        if is_other(pid) || !seen.insert(pid) {
            continue;
        }
        next.extend(children(&pid.to_string()));
        if is_captured(pid) && state(pid).is_some_and(|state| state != 'Z') {
            all.push(pid);
        }
    }
    all
}

impl Drop for Family {
    fn drop(&mut self) {
        lock(&SERVICES).remove(&self.service);
    }
}

/// Ends of orphans that nobody else waits for.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    /// Those that had ended when they were looked for before. Whoever is about to wait for a child
    /// of its own has done so by the second look.
    ended: HashSet<Pid>,
}

impl Reaper {
    /// Takes note of orphans that have ended.
    pub(super) fn look(&mut self) {
        let mut ended = HashSet::new();
        for pid in children("self") {
            if lock(&SERVICES).contains(&pid) || state(pid) != Some('Z') || !is_captured(pid) {
                continue;
            }
            if self.ended.contains(&pid) {
                // Its result says only that it is gone already.
                let _ = waitpid(Raw::from_raw(pid.cast_signed()), WaitOptions::NOHANG);
            } else {
                ended.insert(pid);
            }
        }
        self.ended = ended;
    }
}

/// The children of all threads of a process.
fn children(of: &str) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{of}/task")) else {
        return Vec::new();
    };
    let lists = threads.flatten().filter_map(|thread| {
        // Only where the kernel was built with CONFIG_PROC_CHILDREN, as distributions do.
        fs::read_to_string(thread.path().join("children")).ok()
    });
    let all: Vec<String> = lists.collect();
    let words = all.iter().flat_map(|list| list.split_ascii_whitespace());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// Whether a process has a filter more than we have.
fn is_captured(pid: Pid) -> bool {
    filters(&pid.to_string()) > filters("self")
}

fn filters(of: &str) -> u32 {
    let status = fs::read_to_string(format!("/proc/{of}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Seccomp_filters:"));
    line.and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

/// `R`, `S`, `Z` and so on (`proc_pid_stat(5)`).
fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.chars().next()
}
