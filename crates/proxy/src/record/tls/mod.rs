//! Connections that speak TLS: they leave the workers, and go on here.
//!
//! TLS takes buffers and processor time of its own, which the plain path is to know nothing of.
//! So a worker that sees TLS begin lets go of both sockets with everything that it knows; each
//! thread here runs them on a loop of tokio's, and feeds the same readers and the same queue.

mod desk;
mod establish;
mod floor;
mod handover;
mod refusal;
mod relay;
mod serve;

pub(super) use floor::Floor;
pub(super) use handover::{Handover, Start, Way};
