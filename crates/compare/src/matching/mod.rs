//! Which mock answers a request, and what a test's calls came to.

mod outcome;

pub use outcome::{
    CallsOutcome, Effect, ExtraCall, MatchedCall, MissingCall, ObservedCall, UnknownCall,
};
