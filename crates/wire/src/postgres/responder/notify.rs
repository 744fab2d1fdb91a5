//! Notifications that come while nothing is asked.
//!
//! A server sends them between two commands, outside of transactions (documentation, "Asynchronous
//! Operations"). The recording knows when one is due; here it is asked whether one is.

use retake_model::{Answer, Blame, Value};

use super::serve::write_notifications;
use super::server::{Server, Waiting};
use crate::postgres::message::Transaction;
use crate::{Reading, WireError};

impl Server {
    /// Asks for notifications on the channels from that number on, where one may be sent now.
    pub(super) fn ask_notification(&mut self, number: usize) {
        let between_commands = self.waiting.is_none()
            && !self.session.busy
            && !self.closing
            && self.session.transaction == Transaction::Idle;
        let Some(channel) = self.session.channel(number).filter(|_| between_commands) else {
            return;
        };
        let request = Value::map([("listening", Value::from(channel))]);
        self.ask(request, Reading::Probe, Waiting::Notification(number));
    }

    pub(super) fn heard(&mut self, number: usize, answer: &Answer) -> Result<(), WireError> {
        let (next, written) = match answer {
            Answer::Serve(tree) => (number, write_notifications(&mut self.out, tree)),
            Answer::Miss(_) => (number.saturating_add(1), Ok(())),
        };
        self.ask_notification(next);
        written.map_err(|why| self.error(why.0, Blame::Recording))
    }
}
