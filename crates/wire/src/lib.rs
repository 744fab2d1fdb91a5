//! Pure protocols: bytes to exchanges, and requests to bytes.
//!
//! Nothing here opens a socket, reads a clock or waits: bytes and times come as arguments. A
//! protocol is a folder here and one line in [`PROTOCOLS`].

pub mod http1;
pub mod postgres;

mod check;
mod guess;
mod protocol;

pub use guess::guess;
pub use protocol::{
    Detect, Flow, PROTOCOLS, Preface, Protocol, Reading, Responder, Step, Tap, Tapped, Unbind,
    Untied, Untying, WireError, protocol,
};
