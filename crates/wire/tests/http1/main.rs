//! HTTP/1.x from outside: conversations in, exchanges and answers out.
#![allow(clippy::expect_used, clippy::panic)] // Helpers of tests fail as tests do.

mod bounds;
mod detect;
mod golden;
mod message;
mod responder;
mod show;
mod tap;
