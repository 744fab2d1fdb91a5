//! Which mock answers a request, and what a test's calls came to.
//!
//! A request becomes a canonical form (`canon`), in which generated values are set apart, and
//! from it a [`Key`]. A pool (`pool`) finds the mocks of one scope by it. [`MockSet`] knows whose
//! a call is (`search`), in which pools to look, and what each test's calls came to (`running`).

mod awaited;
mod canon;
mod catalogue;
mod clock;
mod columns;
mod crowd;
mod crowded;
mod describe;
mod echo;
mod effect;
mod elsewhere;
mod explain;
mod fit;
mod foreign;
mod heard;
mod idle;
mod interleaved;
mod key;
mod late;
mod membership;
mod mock_set;
mod nearest;
mod order;
mod outcome;
mod params;
mod placed;
mod polls;
mod pool;
mod rearranged;
mod rows;
mod running;
mod search;
mod shared;
mod sorted;
mod telling;
mod transaction;
mod whole;

/// How long after its response a request may still own calls, in nanoseconds: while it is recorded,
/// and on replay.
pub const LATE: u64 = 500_000_000;

#[cfg(test)]
pub(crate) use canon::canon_for_tests;
pub use effect::{effect, is_write};
pub(crate) use foreign::{kind, shape, values_of_call};
pub use idle::{Idle, Recurring, settle_background};
#[cfg(test)]
pub(crate) use key::request_key;
pub use key::{Key, summary};
pub use late::doubt_late;
pub use mock_set::MockSet;
pub use outcome::{
    CallsOutcome, Effect, ExtraCall, MatchedCall, MissingCall, ObservedCall, Pair, UnknownCall,
};
pub use telling::{Told, kind_of, told_in_answer, told_in_headers, told_in_request, values_of};
pub use transaction::Step;
