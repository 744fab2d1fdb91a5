//! The service under test: started, watched and ended.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use retake_intercept::capture::{ArmError, Supervisor, Uncaptured, arm};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::capture::Capture;
use crate::{machine, program};

/// How long a service may take to end after SIGTERM before it gets SIGKILL.
pub const GRACE: Duration = Duration::from_secs(5);

/// What [`Service::ended`] says of a service that ended by itself without an error.
pub const ENDED_WELL: &str = "ended with exit code 0";

/// How often it is looked whether processes are left that are not our children.
const LOOK: Duration = Duration::from_millis(50);

/// How much of the service's last output is kept, in bytes.
const TAIL: usize = 64 * 1024;

/// The service's last output, shared with whoever reads it.
#[derive(Debug, Clone, Default)]
pub struct Output(Arc<Mutex<VecDeque<u8>>>);

impl Output {
    /// The last output, as text.
    pub fn text(&self) -> String {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = tail.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether the text stands in the last output.
    pub fn contains(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    fn push(&self, bytes: &[u8]) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(bytes);
        let over = tail.len().saturating_sub(TAIL);
        tail.drain(..over);
    }
}

/// Where the service's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputTo {
    /// To our own terminal, as if it had been started there.
    Terminal,
    /// Kept, to be shown where something fails.
    Kept,
}

/// Why a command could not be started.
#[derive(Debug, thiserror::Error)]
#[error("failed to start `{command}`")]
pub struct StartError {
    /// The command's first word.
    pub command: String,
    /// What the system said.
    pub source: std::io::Error,
}

impl StartError {
    /// What to do next.
    pub fn hint(&self) -> String {
        let inner = self.source.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<ArmError>()) {
            return error.hint().to_owned();
        }
        let hint = match self.source.kind() {
            ErrorKind::Unsupported => "build it for this machine, or run retake where it runs",
            ErrorKind::ResourceBusy => {
                "another program watches its system calls already: run retake outside of it, or use --no-capture"
            }
            _ => {
                return program::hint(&self.command)
                    .unwrap_or_else(|| "try the command by itself first".to_owned());
            }
        };
        hint.to_owned()
    }
}

/// A running service, in a process group of its own so that its children end with it.
#[derive(Debug)]
pub struct Service {
    child: Child,
    group: Option<Pid>,
    output: Output,
    /// What answers its calls, where it is captured. Without it they would fail, so it ends last.
    supervisor: Option<Supervisor>,
}

impl Service {
    /// Starts the command with these variables added to our own environment, captured where it is
    /// said how.
    ///
    /// # Errors
    /// [`StartError`] where the system could not start it.
    pub fn start(
        command: &[String],
        env: &[(String, String)],
        output_to: OutputTo,
        capture: Option<Capture>,
    ) -> Result<Self, StartError> {
        let fail = |source| StartError {
            command: command.first().cloned().unwrap_or_default(),
            source,
        };
        let fail_to_arm = |error: ArmError| StartError {
            command: command.first().cloned().unwrap_or_default(),
            source: std::io::Error::other(error),
        };
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| fail(std::io::Error::other("the command is empty")))?;
        if let Some(machine) = machine::foreign(program) {
            // The first has a kernel of ours, the others an emulator or none.
            if !(machine.starts_with("x86") || machine::has_emulators()) {
                let why = format!(
                    "it was built for {machine}, and this is {}",
                    std::env::consts::ARCH
                );
                return Err(fail(std::io::Error::new(ErrorKind::Unsupported, why)));
            }
            if let Some(capture) = &capture {
                let what = Uncaptured::Foreign(program.clone(), machine.to_owned());
                capture.director.passed(what);
            }
        }
        let mut start = Command::new(program);
        start
            .args(arguments)
            .envs(env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        if output_to == OutputTo::Kept {
            start.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let armed = match &capture {
            Some(capture) => Some(arm(start.as_std_mut(), &capture.plan).map_err(&fail_to_arm)?),
            None => None,
        };
        let mut child = start.spawn().map_err(fail)?;
        let supervisor = match (armed, capture) {
            (Some(armed), Some(capture)) => {
                // Its calls wait until they are answered.
                let id = child.id().unwrap_or_default();
                Some(armed.start(id, capture.director).map_err(&fail_to_arm)?)
            }
            _ => None,
        };
        let output = Output::default();
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(collect(stdout, output.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(collect(stderr, output.clone()));
        }
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Ok(Service {
            child,
            group,
            output,
            supervisor,
        })
    }

    /// Its last output. Empty where that goes to the terminal.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => {
                while self.goes_on(status) {
                    tokio::time::sleep(LOOK).await;
                }
                describe(status)
            }
            Err(error) => format!("could not be watched: {error}"),
        }
    }

    /// How it ended, where it has.
    pub fn has_ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        (!self.goes_on(status)).then(|| describe(status))
    }

    /// Whether the first process ended well and left others, as one does that becomes a daemon.
    /// That is known only where it is captured.
    fn goes_on(&self, status: ExitStatus) -> bool {
        let others = self.supervisor.as_ref();
        status.success() && others.is_some_and(Supervisor::has_processes)
    }

    /// Ends it and its children: SIGTERM, then SIGKILL after [`GRACE`].
    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
        // What is left of the group, also when the first process has gone: children that ignore
        // SIGTERM must not outlive the run.
        self.signal(Signal::KILL);
        let _ = self.child.wait().await;
        // Those that left the group, too: they could connect to nobody any more.
        if let Some(others) = &self.supervisor
            && others.end(false) > 0
        {
            let gone = async {
                while others.has_processes() {
                    tokio::time::sleep(LOOK).await;
                }
            };
            let _ = tokio::time::timeout(GRACE, gone).await;
            others.end(true);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It fails only when no process of the group is left, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

async fn collect(mut from: impl AsyncRead + Unpin, to: Output) {
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        to.push(buffer.get(..n).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn a_service_gets_its_variables_and_its_last_output_is_kept() {
        let env = [("GREETING".to_owned(), "hello".to_owned())];
        let mut service =
            Service::start(&shell("echo $GREETING; exit 3"), &env, OutputTo::Kept, None)
                .expect("sh");
        assert_eq!(service.ended().await, "ended with exit code 3");
        // The reader may be a moment behind the exit.
        while !service.output().contains("hello") {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn children_end_with_the_service() {
        let service = Service::start(
            &shell("sleep 100 & echo $!; wait"),
            &[],
            OutputTo::Kept,
            None,
        )
        .expect("sh");
        while !service.output().contains("\n") {
            tokio::task::yield_now().await;
        }
        let child = service
            .output()
            .text()
            .trim()
            .parse()
            .ok()
            .and_then(Pid::from_raw)
            .expect("a pid");
        service.stop().await;
        // The kernel ends a killed orphan when it next runs, and init reaps it later.
        let stat = format!("/proc/{}/stat", child.as_raw_nonzero());
        let gone = || std::fs::read_to_string(&stat).map_or(true, |state| state.contains(") Z "));
        tokio::time::timeout(Duration::from_secs(10), async {
            while !gone() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the child has ended");
    }

    #[tokio::test]
    async fn a_missing_program_is_named_with_a_hint() {
        let error = Service::start(&["./no-such-program".to_owned()], &[], OutputTo::Kept, None)
            .expect_err("missing");
        assert!(
            error
                .to_string()
                .starts_with("failed to start `./no-such-program`"),
            "{error}"
        );
        assert!(error.hint().contains("spelling"));
    }

    #[test]
    fn only_the_last_output_is_kept() {
        let output = Output::default();
        output.push(&vec![b'a'; TAIL]);
        output.push(b"end");
        assert_eq!(output.text().len(), TAIL);
        assert!(output.text().ends_with("aend"));
    }
}
