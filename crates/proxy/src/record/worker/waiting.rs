//! Waiting for the sockets.

use std::io;
use std::time::Duration;

use super::{ACCEPT_PAUSE, STOP_PAUSE, Worker};

impl Worker {
    /// Waits until there is something to do; where that is due at once, it looks for it first.
    pub(super) fn wait(&mut self, ready: &mut mio::Events, stopping: bool) -> io::Result<()> {
        if let Some(timeout) = self.timeout(stopping) {
            return self.poll.poll(ready, Some(timeout));
        }
        let looks = self.look.rest(self.shared.clock.now().0) && self.shared.looking.begin();
        if looks {
            let looked = self.look_for(ready);
            self.shared.looking.end();
            looked?;
        }
        if !looks || ready.is_empty() {
            self.poll.poll(ready, None)?;
        }
        self.look.came(self.shared.clock.now().0);
        Ok(())
    }

    /// Looks for events without sleeping. There are none where that takes too long.
    fn look_for(&mut self, ready: &mut mio::Events) -> io::Result<()> {
        loop {
            self.poll.poll(ready, Some(Duration::ZERO))?;
            if !ready.is_empty() || !self.look.goes_on(self.shared.clock.now().0) {
                return Ok(());
            }
        }
    }

    /// How long to wait at most.
    fn timeout(&self, stopping: bool) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        if self.waiting.contains(&true) {
            let pause = if self.refused {
                ACCEPT_PAUSE
            } else {
                Duration::ZERO
            };
            return Some(pause);
        }
        stopping.then_some(STOP_PAUSE)
    }
}
