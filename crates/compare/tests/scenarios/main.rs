//! The scenarios that a replay must survive, at the level of trees: no sockets, no clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod attribution;
mod build;
mod calls;
mod crowds;
mod described;
mod jobs;
mod jobs_alone;
mod large;
mod meaning;
mod moments;
mod noise;
mod order;
mod read_ahead;
mod regressions;
mod sorted;
mod transactions;
mod values;
mod wrong_answers;
