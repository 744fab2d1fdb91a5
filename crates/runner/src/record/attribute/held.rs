//! How much may wait to be attributed.

use retake_model::{Attribution, Exchange, Scope};

use super::Attributor;

/// How many bytes of exchanges wait, roughly. Beyond it the oldest are decided early.
const MAX_HELD: usize = if cfg!(test) { 64 << 20 } else { 256 << 20 };

impl Attributor {
    /// An exchange came.
    pub(super) fn hold(&mut self, exchange: &Exchange) {
        self.held = self.held.saturating_add(weight(exchange));
    }

    /// An exchange is handed on.
    pub(super) fn let_go(&mut self, exchange: &Exchange) {
        self.held = self.held.saturating_sub(weight(exchange));
    }

    /// Hands on early what has waited longest, until no more is held than may be.
    pub(super) fn relieve(&mut self) {
        while self.held > MAX_HELD {
            if let Some(call) = self.calls.pop_front() {
                self.place(call);
            } else if !self.ended.is_empty() {
                self.hurried += 1;
                self.hand_on_oldest();
            } else if !self.doubtful.is_empty() {
                self.decide_oldest();
            } else if !self.part_from_open() {
                return;
            }
        }
    }

    /// Takes its calls from the oldest request that is open and has some: one that is never answered
    /// (a stream) has all that is asked while it is open.
    fn part_from_open(&mut self) -> bool {
        let with_calls = self.open.values_mut().filter(|open| !open.calls.is_empty());
        let Some(open) = with_calls.min_by_key(|open| open.at) else {
            return false;
        };
        for placed in std::mem::take(&mut open.calls) {
            self.hurried += 1;
            self.share(placed.call, Scope::Background, Attribution::Unattributed);
        }
        true
    }
}

/// How many bytes an exchange holds, roughly.
fn weight(exchange: &Exchange) -> usize {
    let messages = [&exchange.request, &exchange.response];
    let trees = messages.iter().filter_map(|message| message.tree());
    size_of::<Exchange>() + trees.map(|tree| tree.weight()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use retake_model::{Message, Value};

    use super::super::tests::{call, exchange};
    use super::*;

    const LARGE: usize = 1 << 20;
    const FIT: u64 = 60;

    fn large(mut exchange: Exchange) -> Exchange {
        exchange.response = Message::Tree(Value::text("x".repeat(LARGE)));
        exchange
    }

    #[test]
    fn large_answers_are_handed_on_before_they_fill_the_memory() {
        let mut a = Attributor::default();
        for n in 0..2 * FIT {
            a.inbound(Box::new(large(exchange(1, n, 10 * n, 10 * n + 5))));
            assert!(a.held <= MAX_HELD, "{n}");
        }
        assert!(a.hurried() >= FIT - 10, "{}", a.hurried());
        a.finish();
        assert_eq!((std::iter::from_fn(|| a.poll()).count(), a.held), (120, 0));
    }

    #[test]
    fn a_request_that_is_never_answered_does_not_hold_all_calls_beside_it() {
        let mut a = Attributor::default();
        a.began(retake_model::ConnId(1), 0, retake_model::Timestamp(0));
        for n in 0..2 * FIT {
            let mut call = call(9, 1, 10 * n + 1, 10 * n + 2);
            call.exchange = large(call.exchange);
            a.outbound(call);
            assert!(a.held <= MAX_HELD, "{n}");
        }
        assert!(a.hurried() > 0);
    }
}
