//! What was learned of names: which are to be left alone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Names that are remembered. More are learned anew each time.
const MAX_NAMES: usize = 10_000;

/// How often a client may end a handshake without a word before its name is left alone: once
/// may be a client that changed its mind.
const SILENT_ENDS: u32 = 2;

/// Names whose connections are relayed untouched, and why.
#[derive(Debug, Default)]
pub(crate) struct Known {
    names: Mutex<HashMap<String, Learned>>,
}

#[derive(Debug, Default)]
struct Learned {
    untouched: Option<&'static str>,
    silent_ends: u32,
    /// Notes that were told, each once for a name.
    told: Vec<&'static str>,
}

impl Known {
    /// Why connections to that name are left alone, where they are.
    pub(crate) fn untouched(&self, name: &str) -> Option<&'static str> {
        self.with(name, |learned| learned.untouched).flatten()
    }

    /// From now on connections to that name are left alone.
    pub(crate) fn leave_alone(&self, name: &str, why: &'static str) {
        self.with(name, |learned| {
            learned.untouched.get_or_insert(why);
        });
    }

    /// A client went away within the handshake and did not say why. Gives whether the name is to
    /// be left alone now.
    pub(crate) fn ended_silently(&self, name: &str, why: &'static str) -> bool {
        self.with(name, |learned| {
            learned.silent_ends += 1;
            if learned.silent_ends >= SILENT_ENDS {
                learned.untouched.get_or_insert(why);
            }
            learned.untouched.is_some()
        })
        .unwrap_or(false)
    }

    /// A handshake succeeded.
    pub(crate) fn shook_hands(&self, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(learned) = names.get_mut(name) {
            learned.silent_ends = 0;
        }
    }

    /// Whether this is the first time that this is told of that name.
    pub(crate) fn tell_once(&self, name: &str, what: &'static str) -> bool {
        self.with(name, |learned| {
            let first = !learned.told.contains(&what);
            if first {
                learned.told.push(what);
            }
            first
        })
        .unwrap_or(false)
    }

    fn with<T>(&self, name: &str, change: impl FnOnce(&mut Learned) -> T) -> Option<T> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MAX_NAMES && !names.contains_key(name) {
            return None;
        }
        Some(change(names.entry(name.to_owned()).or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_left_alone_once_it_was_learned() {
        let known = Known::default();
        assert_eq!(known.untouched("a"), None);
        known.leave_alone("a", "pinned");
        known.leave_alone("a", "another reason");
        assert_eq!(known.untouched("a"), Some("pinned"));
        assert_eq!(known.untouched("b"), None);
    }

    #[test]
    fn one_silent_end_is_forgiven() {
        let known = Known::default();
        assert!(!known.ended_silently("a", "pinned"));
        known.shook_hands("a");
        assert!(!known.ended_silently("a", "pinned"));
        assert!(known.ended_silently("a", "pinned"));
        assert_eq!(known.untouched("a"), Some("pinned"));
    }

    #[test]
    fn a_note_is_told_once() {
        let known = Known::default();
        assert!(known.tell_once("a", "x"));
        assert!(!known.tell_once("a", "x"));
        assert!(known.tell_once("b", "x"));
    }
}
