//! What is noise in every HTTP response, whatever the service. Documented in `docs/noise.md`.

use super::Action;

/// Places, what is done there, and why. Users see the reason in the list of what was hidden.
pub(super) const BUILT_IN: &[(&str, Action, &str)] = &[
    (
        "response.headers.date",
        Action::Ignore,
        "the time of the answer (RFC 9110, 6.6.1)",
    ),
    ("response.headers.connection", Action::Ignore, HOP),
    ("response.headers.keep-alive", Action::Ignore, HOP),
    ("response.headers.proxy-connection", Action::Ignore, HOP),
    ("response.headers.te", Action::Ignore, HOP),
    ("response.headers.transfer-encoding", Action::Ignore, HOP),
    ("response.version", Action::Ignore, HOP),
    ("response.framing", Action::Ignore, HOP),
    ("response.headers.server-timing", Action::Type, MEASURED),
    ("response.headers.x-runtime", Action::Type, MEASURED),
    ("response.headers.x-response-time", Action::Type, MEASURED),
    ("response.headers.x-process-time", Action::Type, MEASURED),
    ("response.headers.ratelimit-reset", Action::Type, LEFT),
    ("response.headers.x-ratelimit-reset", Action::Type, LEFT),
    (
        "response.headers.content-length",
        Action::FramesBody,
        DERIVED,
    ),
    ("response.headers.vary", Action::SetOfNames, SET),
    ("response.headers.allow", Action::SetOfNames, SET),
    (
        "response.headers.access-control-expose-headers",
        Action::SetOfNames,
        SET,
    ),
    (
        "response.headers.access-control-allow-headers",
        Action::SetOfNames,
        SET,
    ),
    (
        "response.headers.access-control-allow-methods",
        Action::SetOfNames,
        SET,
    ),
    ("response.headers.etag", Action::FollowsAnswers, OF_STATE),
    (
        "response.body.json.expires_in",
        Action::Tolerance(1.0),
        REMAINING,
    ),
    (
        "response.body.json.refresh_expires_in",
        Action::Tolerance(1.0),
        REMAINING,
    ),
    ("response.headers.content-md5", Action::FollowsBody, DERIVED),
    ("response.headers.digest", Action::FollowsBody, DERIVED),
    (
        "response.headers.content-digest",
        Action::FollowsBody,
        DERIVED,
    ),
    ("response.headers.repr-digest", Action::FollowsBody, DERIVED),
];

const HOP: &str = "of one connection only (RFC 9110, 7.6.1)";
const SET: &str =
    "a set of names, whose order says nothing (RFC 9110, 10.2.1 and 12.5.5; Fetch, 3.3.1)";
const MEASURED: &str = "how long the answer took";
const LEFT: &str = "how long the limiter's window still lasts, which began with an earlier request";
const DERIVED: &str = "follows from the body, which is compared itself";
const REMAINING: &str = "whole seconds of what is left of a lifetime: one less where a second ends meanwhile (RFC 6749, 5.1)";
const OF_STATE: &str = "follows from the body, or from values in answers that the service made";

/// Those of the places that hold a moment.
pub(super) const MOMENTS: &[&str] = &["response.headers.date"];
