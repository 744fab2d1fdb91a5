//! Limits of the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number of files that may be open to what the system allows. True when it was
/// raised. It is done when it is needed and not at the start: a service that retake starts
/// inherits the limit as its user set it.
pub(crate) fn raise_open_files() -> bool {
    let limit = getrlimit(Resource::Nofile);
    let more = match (limit.current, limit.maximum) {
        (Some(current), Some(maximum)) => current < maximum,
        (Some(_), None) => true,
        (None, _) => false,
    };
    more && setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )
    .is_ok()
}
