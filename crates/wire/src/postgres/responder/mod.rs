//! A PostgreSQL server by meaning: it speaks the protocol itself, and asks for what depends on
//! the recording.
//!
//! - Encryption is declined. Any user is let in without a password. A client that demands more
//!   (`sslmode=require`, `channel_binding=require`, `require_auth=scram-sha-256`) goes away:
//!   SCRAM proves to the client that the server knows the password, which is never recorded.
//! - Statement and portal names, pipelining, row limits and formats are the session's own. What
//!   is asked is a statement with its parameters, as the recording side says it.
//! - Describe is answered from the recording. Describe of a portal waits for the message behind
//!   it, since that is nearly always its Execute, whose answer has the columns.
//! - Transactions are followed. In one that failed, a statement that was not recorded as failing
//!   there is answered as a server does (25P02).
//! - A request that nothing answers gives an error with SQLSTATE [`MISS`]; a recorded answer that
//!   cannot be served gives [`UNSERVABLE`]. The session goes on after both. What starts and ends
//!   transactions, and plain settings, is answered also where it was not recorded: what a server
//!   says to those is known.
//!
//! Deliberately absent: TLS, replication, the extended protocol's COPY BOTH.
//!
//! Source: PostgreSQL documentation, "Frontend/Backend Protocol", "Message Flow".

mod answer;
mod copy;
mod describe;
mod extended;
pub(super) mod meaning;
mod notify;
mod serve;
mod server;
mod session;
mod simple;
mod startup;

#[cfg(test)]
mod tests;

pub use server::Server;

/// The SQLSTATE of a request that no recording answers. Classes from `I` to `Z` are for
/// implementations (SQL standard, part 2, clause 24.1), so no driver takes it for a lost
/// connection or for something to try again.
pub const MISS: &str = "RT404";

/// The SQLSTATE of a recorded answer that cannot be served, such as a value that is not of its
/// column's type.
pub const UNSERVABLE: &str = "RT500";
