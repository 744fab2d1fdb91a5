//! COPY: data between a statement and its answer.

use super::log::COPY_FAILED;
use super::session::Session;

impl Session {
    pub(super) fn copy_data(&mut self, data: &[u8], too_long: Option<u64>) {
        if let Some(open) = &mut self.current {
            match too_long {
                None => open.copy_in(data),
                Some(length) => open.too_large(usize::try_from(length).unwrap_or(usize::MAX)),
            }
        }
    }

    /// Gives what is queued behind a COPY to it. While it takes data, the server passes over
    /// Flush and Sync (documentation, "COPY Operations").
    pub(super) fn drain_copy(&mut self) {
        while self.copying {
            match self.queue.get(1).map(|queued| queued.tag) {
                Some(b'd') => {
                    if let Some(queued) = self.drop_at(1) {
                        self.copy_data(&queued.body, queued.too_long);
                    }
                }
                Some(b'c') => {
                    self.drop_at(1);
                    self.copying = false;
                }
                Some(b'f') => {
                    let queued = self.drop_at(1);
                    let body = queued.map(|q| q.body).unwrap_or_default();
                    let why = body.strip_suffix(&[0]).unwrap_or(&body);
                    if let Some(open) = &mut self.current {
                        open.note(COPY_FAILED, why);
                    }
                    self.copying = false;
                }
                Some(b'S') => {
                    self.drop_at(1);
                }
                _ => return,
            }
        }
    }
}
