//! Which mock answers a request, and what a test's calls came to.

mod canon;
mod key;
mod outcome;

pub use key::{Key, request_key, shape_key, summary};
pub use outcome::{
    CallsOutcome, Effect, ExtraCall, MatchedCall, MissingCall, ObservedCall, UnknownCall,
};
