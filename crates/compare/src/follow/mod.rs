//! Tests that are red because an earlier one is.
//!
//! A login that fails takes with it every test that sends its token; a row that was not made, the
//! tests that ask for it. Such a test is a consequence where there is evidence, and only there:
//!
//! * it sends a value that the service gave out when it was recorded, and now did not
//!   (`given`);
//! * it asks for what a failed request should have made, or shows what a failed request should
//!   have changed (`state`);
//! * it lacks what an earlier, failed request went on to do after its response (`late`).
//!
//! A consequence stays red, with all of its differences; only what it is listed under changes.
//! What it shows that a test of its own shows, too, stays a cause of its own.

mod find;
mod given;
mod late;
mod seen;
mod state;

pub(crate) use find::{Link, links};

#[cfg(test)]
mod tests;
