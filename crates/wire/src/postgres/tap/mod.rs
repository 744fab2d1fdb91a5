//! Reads a connection that is recorded.
//!
//! Frames of the client are queued as they come and read when the server answers them, in its
//! order: that is when it is certain which statement a name stands for, whether a portal is run
//! for the first time, and which messages an error made the server pass over. So an exchange is
//! announced when its first answer comes, with the time of its request.
//!
//! On the relay's thread messages are framed and checked, and kept as they came: an exchange is
//! handed over as a [`log`] of the server's messages beside the bytes of what was asked (of a
//! prepared statement they are shared, not copied). [`describe`](describe()) makes trees of them,
//! on the thread of whoever reads them.
//!
//! What is held has bounds: [`MAX_EXCHANGE`] for one exchange, [`MAX_QUEUED`] for requests without
//! an answer, [`MAX_NAMES`] and [`MAX_NAMED`] for prepared statements and for portals. Secrets
//! (passwords, steps of authentication, cancel keys) are never copied out of their frames.

mod answer;
mod asides;
mod copying;
mod describe;
mod exchange;
mod log;
mod names;
mod reader;
mod reading;
mod request;
mod rows;
mod running;
mod session;
mod steps;
mod unanswered;

pub(super) use describe::describe;
pub(super) use reader::PostgresTap;

/// The most that is held of one exchange, in bytes. A larger one is counted, not kept.
pub const MAX_EXCHANGE: usize = 64 << 20;

/// The most that is held of requests that wait for their answers, in bytes. A connection with
/// more is relayed without being read.
pub const MAX_QUEUED: usize = 128 << 20;

/// How many prepared statements, and how many portals, are remembered on one connection. Of more,
/// the oldest are forgotten; what is run of those cannot be read.
pub const MAX_NAMES: usize = 10_000;

/// The most that the texts of named statements hold on one connection, and the parameters of
/// named portals, in bytes. Beyond it the oldest are forgotten too.
pub const MAX_NAMED: usize = 64 << 20;
