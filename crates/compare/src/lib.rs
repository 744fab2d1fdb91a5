//! Pure comparison: what answers a request of the candidate, what changed, and why.
//!
//! Nothing here opens a socket, reads a clock, starts a thread or keeps global state: trees and
//! times come as arguments, and the same arguments give the same results.
//!
//! * [`made`]: values that the service makes (ids, times, tokens): finding them, tracing them to
//!   where they first appeared, and the two-way map from recorded to candidate values.
//! * [`clocks`]: how far moments lie from the time of their test.
//! * [`sql`]: what identifies a statement.
//! * [`rules`], [`diff`]: what is noise, and what changed.
//! * [`matching`]: the canonical key of a request, and the mocks that answer it.
//! * [`judge`](judge()), [`causes`](causes()): what is to be said of a test, and of a run.

mod causes;
pub mod clocks;
pub mod diff;
mod follow;
mod judge;
mod leaves;
pub mod made;
pub mod matching;
mod ordering;
pub mod rules;
pub mod sql;
#[cfg(test)]
mod test_cases;

pub use causes::{Totals, causes, summarise};
pub use judge::{Setting, gave_up, judge, not_run, outside, unanswered};
