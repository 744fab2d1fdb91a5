//! The forward proxy: clients name the host that they want, and are led there.
//!
//! It reads the head of a request (`CONNECT host:port`, or a target in absolute-form), and finds
//! whom it leads to ([`Beyond`]). A tunnel is handed on as it is: to the relay while recording, to
//! a mock server on replay. Requests in absolute-form go through a pair of sockets of which the
//! other end is handed on in the same way, so that both see what a server would see; a client may
//! change the host from request to request.
//!
//! The relay's threads and the mock servers know nothing of proxies.

mod beyond;
mod chain;
mod dial;
mod front;
mod mocks;
mod pass;
mod recorded;

pub use beyond::{Beyond, Refusal};
pub use chain::{Chain, ChainError, Chained};
pub use front::ForwardProxy;
pub use mocks::Mocks;
pub use recorded::{Reached, Recorded};
