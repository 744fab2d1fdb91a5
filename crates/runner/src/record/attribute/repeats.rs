//! Which requests may be repeats of others: those whose calls are known to be theirs.

use std::collections::HashSet;

use retake_compare::matching::LATE;
use retake_model::Timestamp;

use super::Attributor;
use super::evidence::Request;

/// Whether a call of a request may stand with another one, which was open at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// None may.
    #[default]
    None,
    /// With one that asked the very same.
    Alike,
    /// With another one.
    Others,
}

impl Attributor {
    /// Nothing told of which of these requests a call is.
    pub(super) fn leave_in_doubt(&mut self, among: impl IntoIterator<Item = Request>) {
        let mut among: HashSet<Request> = among.into_iter().collect();
        let waiting = self.ended.iter().filter(|w| among.contains(&w.request()));
        // The oldest wait in front, and those are decided: it ends with the last of them.
        let mut asked = waiting.take(among.len()).map(|w| &w.exchange.request);
        let first = asked.next();
        let alike = asked.filter(|other| Some(*other) == first).count() + 1;
        let doubt = match alike < among.len() {
            true => Doubt::Others,
            false => Doubt::Alike,
        };
        for waiting in &mut self.ended {
            if among.is_empty() {
                return;
            }
            if among.remove(&waiting.request()) {
                waiting.doubt = waiting.doubt.max(doubt);
            }
        }
    }

    /// The same of requests by their places among those that were answered.
    pub(super) fn leave_places_in_doubt(&mut self, places: &[usize]) {
        let among: Vec<Request> = places.iter().filter_map(|at| self.request(*at)).collect();
        self.leave_in_doubt(among);
    }

    /// Whether a call is not decided yet that a request may have made which ended then.
    pub(super) fn is_in_doubt_until(&self, ended: Timestamp) -> bool {
        let until = Timestamp(ended.0.saturating_add(LATE));
        let first = self.doubtful.first_key_value();
        first.is_some_and(|((at, _), _)| *at <= until)
    }
}
