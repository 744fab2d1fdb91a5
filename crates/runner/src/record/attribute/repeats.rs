//! Which requests may be repeats of others: those whose calls are known to be theirs.

use retake_compare::matching::LATE;
use retake_model::Timestamp;

use super::Attributor;
use super::evidence::Request;

impl Attributor {
    /// Nothing told of which of these requests a call is. Where they ask the very same that matters,
    /// too: one may have the calls of another, which is gone where the other is merged.
    pub(super) fn leave_in_doubt(&mut self, among: impl IntoIterator<Item = Request>) {
        let places = among.into_iter();
        let places: Vec<usize> = places.filter_map(|r| self.ended.place_of(r)).collect();
        self.leave_places_in_doubt(&places);
    }

    /// The same of requests by their places among those that were answered.
    pub(super) fn leave_places_in_doubt(&mut self, places: &[usize]) {
        for at in places {
            if let Some(waiting) = self.ended.get_mut(*at) {
                waiting.in_doubt = true;
            }
        }
    }

    /// Whether a call is not decided yet that a request may have made which ended then.
    pub(super) fn is_in_doubt_until(&self, ended: Timestamp) -> bool {
        let until = Timestamp(ended.0.saturating_add(LATE));
        let first = self.doubtful.first_key_value();
        first.is_some_and(|((at, _), _)| *at <= until)
    }
}
