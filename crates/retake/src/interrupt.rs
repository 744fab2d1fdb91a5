//! Ctrl-C and SIGTERM.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Resolves once somebody asked to end.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens for both signals. The second one ends the process at once.
    ///
    /// # Errors
    /// The system lets no signal be listened for.
    pub fn listen() -> io::Result<Self> {
        let (tell, told) = watch::channel(false);
        let mut int = signal(SignalKind::interrupt())?;
        let mut term = signal(SignalKind::terminate())?;
        tokio::spawn(async move {
            for times in 0.. {
                tokio::select! {
                    _ = int.recv() => {}
                    _ = term.recv() => {}
                }
                if times > 0 {
                    // 128 + SIGINT: what a shell expects of an interrupted program.
                    std::process::exit(130);
                }
                let _ = tell.send(true);
            }
        });
        Ok(Interrupt(told))
    }

    /// Waits for the first signal.
    pub async fn asked(mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What tells others.
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }
}
